"""The map between the two ICD-10s, and value sets of ICD-10 ranges."""

import pytest

from terminology import loading, published, store
from terminology.composing import compose
from terminology.concepts import Concept, Edition
from terminology.errors import Refused
from terminology.icd10 import SYSTEM, SYSTEM_CM
from terminology.library import Library, Versions, with_resources
from terminology.problems import Problem
from terminology.translating import compile_map
from terminology.value_sets import compile_value_set
from tracker_core.database import Session

WHO = [
    Concept("I", "Chapter", kind="chapter"),
    Concept("A00", "Fire", ("I",), "category"),
    Concept("A00.1", "Fire of the wing", ("A00",), "category"),
]
CM = [
    Concept("1", "Chapter", kind="chapter"),
    Concept("A00", "Fire", ("1",), "category"),
    Concept("A00.1", "Fire of a wing, as said here", ("A00",), "category"),
    Concept("A00.11", "Fire of the left wing", ("A00.1",), "category"),
    Concept("B99", "Only here", ("1",), "category"),
]


def test_each_code_says_what_its_target_rests_on(session: Session) -> None:
    """Same code and title, same code only, truncation, nothing: four different relations."""
    store.load(session, Edition(SYSTEM, "2019", "ICD-10"), WHO)
    with pytest.raises(Refused, match="both are needed"):
        loading.derive_icd10_map(session)
    store.load(session, Edition(SYSTEM_CM, "2026", "ICD-10-CM"), CM)
    assert loading.derive_icd10_map(session) == 4
    ((_, doc),) = published.served(session, "ConceptMap")
    mapped = compile_map(doc)
    found = {code: mapped.translate(SYSTEM_CM, code)[0] for code in ("A00", "A00.1", "A00.11", "B99")}
    assert {code: (one.code, one.equivalence) for code, one in found.items()} == {
        "A00": ("A00", "equivalent"),
        "A00.1": ("A00.1", "relatedto"),
        "A00.11": ("A00.1", "wider"),
        "B99": ("", "unmatched"),
    }
    assert found["A00.11"].comment == "by truncation to A00.1"
    assert doc["version"] == "2026-2019"


def test_ranges_mean_the_same_to_bindings_and_to_expansions() -> None:
    """A notifiable-disease list of ranges: the compiled set of a binding and the composed one agree."""
    codes = ["B49", "B50", "B50.0", "B54", "B55", "B56", "B56.9", "B57"]
    system = {"resourceType": "CodeSystem", "url": SYSTEM, "concept": [{"code": code} for code in codes]}
    include = {"system": SYSTEM, "filter": [{"property": "code", "op": "in", "value": "B50-B54 B56"}]}
    doc = {"resourceType": "ValueSet", "url": "urn:v", "compose": {"include": [include]}}
    composed = compose(with_resources(Library(), [system]), Versions(), doc)
    compiled = compile_value_set(doc)
    members = [member.concept.code for member in composed.walk()]
    assert (
        members == [code for code in codes if compiled.holds(SYSTEM, code)] == ["B50", "B50.0", "B54", "B56", "B56.9"]
    )
    include["filter"] = [{"property": "code", "op": "in", "value": "B5-"}]
    with pytest.raises(Problem):
        compose(with_resources(Library(), [system]), Versions(), doc)
