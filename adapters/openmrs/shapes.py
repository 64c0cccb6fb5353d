"""What is asked of OpenMRS: custom representations that name each property, so that no answer is larger than needed."""

_CONCEPT = "(uuid,display,mappings:(conceptReferenceTerm:(code,conceptSource:(name))))"
PATIENT = (
    "uuid,voided,identifiers:(identifier,preferred,voided,identifierType:(uuid,display)),"
    "person:(uuid,gender,birthdate,birthdateEstimated,dead,deathDate,preferredName:(uuid,givenName,middleName,familyName),"
    "names:(uuid,givenName,middleName,familyName,preferred,voided),"
    "addresses:(preferred,voided,address1,address2,cityVillage,countyDistrict,stateProvince,country,postalCode),"
    "attributes:(voided,value,attributeType:(uuid,display)))"
)
_OBS = f"uuid,obsDatetime,voided,status,comment,concept:{_CONCEPT},value"
_DIAGNOSIS = f"uuid,voided,certainty,rank,diagnosis:(nonCoded,coded:{_CONCEPT})"
ENCOUNTER = (
    f"uuid,voided,encounterDatetime,patient:({PATIENT}),encounterType:(uuid,display),location:(uuid,display),"
    "visit:(uuid,visitType:(uuid,display),startDatetime,stopDatetime),"
    f"obs:({_OBS},groupMembers:({_OBS})),diagnoses:({_DIAGNOSIS})"
)
SHAPES = {"patient": f"custom:({PATIENT})", "encounter": f"custom:({ENCOUNTER})"}
"""REST resource -> the value of its parameter `v`."""
