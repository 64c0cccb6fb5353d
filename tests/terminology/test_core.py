"""The built-in code systems and value sets of HL7."""

from terminology import core
from terminology.composing import compose
from terminology.library import Library, Versions
from terminology.problems import Problem

LIBRARY = Library(stored_systems=core.systems, stored_value_sets=core.value_sets)


def test_every_system_compiles_whole() -> None:
    """No code is lost on the way: hierarchies are free of circles, codes are there once."""
    systems, _ = core.urls()
    assert len(systems) > 1000
    for url in systems:
        (system,) = core.systems(url).values()
        assert len(system.positions) == len(system) == len(system.hierarchy.parents.starts) - 1


def test_every_value_set_composes_or_says_what_it_lacks() -> None:
    """Value sets refer to systems and sets that are built in, or to named ones that an operator loads."""
    _, sets = core.urls()
    lacking = {}
    for url in sets:
        (doc,) = core.value_sets(url).values()
        try:
            next(iter(compose(LIBRARY, Versions(), doc).walk()), None)
        except Problem as problem:
            lacking[url] = problem.status
    assert set(lacking.values()) == {404}
    assert len(lacking) < len(sets) * 0.2


def test_known_codes_are_there() -> None:
    """FHIR's gender, an HL7 v2 table, an HL7 v3 hierarchy."""
    (gender,) = core.systems("http://hl7.org/fhir/administrative-gender").values()
    assert gender.display("female") == "Female"
    (table,) = core.systems("http://terminology.hl7.org/CodeSystem/v2-0203").values()
    assert "MR" in table
    (acts,) = core.systems("http://terminology.hl7.org/CodeSystem/v3-ActCode").values()
    assert acts.subsumes("_ActEncounterCode", "AMB")
    composed = compose(
        LIBRARY, Versions(), core.value_sets("http://hl7.org/fhir/ValueSet/administrative-gender").popitem()[1]
    )
    assert composed.get("http://hl7.org/fhir/administrative-gender", "male")
    assert core.systems("urn:nothing") == {} == core.value_sets("urn:nothing")


def test_no_closed_content_is_shipped() -> None:
    """Codes of systems that may not be handed on are in no built-in value set."""
    systems, sets = core.urls()
    assert not [url for url in systems if "snomed" in url or "loinc" in url or "/sid/" in url]
    listed = [
        part["system"]
        for url in sets
        for doc in core.value_sets(url).values()
        for side in ("include", "exclude")
        for part in doc["compose"].get(side, [])
        if part.get("concept")
    ]
    assert not {url for url in listed if "snomed" in url or "loinc" in url}
