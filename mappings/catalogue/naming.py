"""The identifier and code systems by which resources name metadata of this hub; a value is a code or a uid."""

ORG_UNIT = "urn:tracker-hub:org-unit"
ORG_UNIT_GROUP = "urn:tracker-hub:org-unit-group"
CASE_REPORT = "urn:tracker-hub:case-report:"
DATA_ELEMENT = "urn:dhis2:dataElements:CODE"
CATEGORY = "urn:dhis2:categories:CODE"
CATEGORY_OPTION = "urn:dhis2:categoryOptions:CODE"
USER = "urn:tracker-hub:user"
USER_ROLE = "urn:tracker-hub:user-role"
PHYSICAL_TYPE = "http://terminology.hl7.org/CodeSystem/location-physical-type"
# IHE mCSD 3.8: what makes an Organization and its Location a facility, or an area that has facilities below it.
MCSD = "urn:ietf:rfc:3986"
FACILITY = {"system": MCSD, "code": "urn:ihe:iti:mcsd:2019:facility", "display": "Facility"}
JURISDICTION = {"system": MCSD, "code": "urn:ihe:iti:mcsd:2019:jurisdiction", "display": "Jurisdiction"}
PROGRAM = "urn:tracker-hub:program:"
DATA_ELEMENT = "urn:tracker-hub:data-element"
VALUE_SET = "urn:tracker-hub:value-set:"
ATTRIBUTE = "urn:tracker-hub:attribute"
