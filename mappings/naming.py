"""Short forms of the systems and urls that tables name: one table for all of them."""

PREFIXES = {
    "sd:": "http://hl7.org/fhir/StructureDefinition/",
    "sd5:": "http://hl7.org/fhir/5.0/StructureDefinition/",
    "v2-": "http://terminology.hl7.org/CodeSystem/v2-",
    "v3-": "http://terminology.hl7.org/CodeSystem/v3-",
    "thc:": "http://terminology.hl7.org/CodeSystem/",
    "fhir:": "http://hl7.org/fhir/",
    "hub:": "urn:tracker-hub:",
}
SYSTEMS = {
    "loinc": "http://loinc.org",
    "sct": "http://snomed.info/sct",
    "ucum": "http://unitsofmeasure.org",
    "icd-10": "http://hl7.org/fhir/sid/icd-10",
    "icd-10-cm": "http://hl7.org/fhir/sid/icd-10-cm",
    "icd-11": "http://id.who.int/icd/release/11/mms",
    "atc": "http://www.whocc.no/atc",
    "cvx": "http://hl7.org/fhir/sid/cvx",
    "rxnorm": "http://www.nlm.nih.gov/research/umls/rxnorm",
    "us-ssn": "http://hl7.org/fhir/sid/us-ssn",
}


def expand(text: str) -> str:
    """Return the full system or url that `text` abbreviates; anything else comes back as it is."""
    if text in SYSTEMS:
        return SYSTEMS[text]
    for prefix, url in PREFIXES.items():
        if text.startswith(prefix):
            return url + text[len(prefix) :]
    return text


def expand_token(text: str) -> tuple[str, str]:
    """Split a token `system|code` into its full system and its code; without `|` the system is empty."""
    system, bar, code = text.partition("|")
    return (expand(system), code) if bar else ("", system)
