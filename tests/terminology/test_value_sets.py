"""Case definitions and roll-up groups as value sets."""

from typing import Any

import pytest

from terminology import icd10, value_sets
from terminology.errors import Refused
from tracker_core.database import Session

MALARIA: dict[str, Any] = {
    "resourceType": "ValueSet",
    "url": "urn:vs:malaria",
    "version": "1",
    "name": "Malaria",
    "compose": {
        "include": [
            {"system": icd10.SYSTEM, "filter": [{"property": "code", "op": "in", "value": "B50-B54 P37.3"}]},
            {"system": "http://loinc.org", "concept": [{"code": "648-6"}]},
        ],
        "exclude": [{"system": icd10.SYSTEM, "filter": [{"property": "concept", "op": "is-a", "value": "B53"}]}],
    },
}


def test_holds_codes_by_system_and_range() -> None:
    """A code belongs by its own system only; excludes win."""
    malaria = value_sets.compile_value_set(MALARIA)
    assert malaria.holds(icd10.SYSTEM, "B50.9")
    assert malaria.holds(icd10.SYSTEM, "b54")
    assert malaria.holds("http://loinc.org", "648-6")
    assert not malaria.holds(icd10.SYSTEM, "B53.1")
    assert not malaria.holds(icd10.SYSTEM, "648-6")
    assert not malaria.holds("http://loinc.org", "B50")
    assert malaria.holds_any([{"code": "x"}, {"system": icd10.SYSTEM, "code": "P37.3"}])
    assert not malaria.holds_any([])


def test_ranges_make_a_value_set() -> None:
    """The short form for ICD-10 only."""
    assert value_sets.of_ranges("urn:tb", "TB", "A15-A19").holds(icd10.SYSTEM, "A15.3")


def test_saved_value_set_is_served(session: Session) -> None:
    """The latest save under a url is the one served; its older version stays."""
    assert value_sets.current(session, "urn:vs:malaria") is None
    value_sets.save(session, MALARIA)
    later = {
        **MALARIA,
        "version": "2",
        "compose": {"include": [{"system": icd10.SYSTEM, "concept": [{"code": "B54"}]}]},
    }
    value_sets.save(session, later)
    served = value_sets.current(session, "urn:vs:malaria")
    assert served is not None
    assert (served.version, served.holds(icd10.SYSTEM, "B50")) == ("2", False)
    value_sets.save(session, MALARIA)
    served = value_sets.current(session, "urn:vs:malaria")
    assert served is not None
    assert served.holds(icd10.SYSTEM, "B50")


@pytest.mark.parametrize(
    ("system", "entry", "message"),
    [
        (icd10.SYSTEM, {"property": "code", "op": "regex", "value": "B.*"}, "regex is not offered"),
        ("http://loinc.org", {"property": "code", "op": "in", "value": "1"}, "not offered for http://loinc.org"),
        (icd10.SYSTEM, {"property": "code", "op": "in", "value": "malaria"}, "no ICD-10 code"),
    ],
)
def test_unknown_filters_are_refused(system: str, entry: dict[str, str], message: str) -> None:
    """A filter that is not understood is an error, never an empty or a whole set."""
    with pytest.raises(Refused, match=message):
        value_sets.compile_value_set({"url": "u", "compose": {"include": [{"system": system, "filter": [entry]}]}})


def test_value_set_needs_a_url(session: Session) -> None:
    """Without a url nobody could name it."""
    with pytest.raises(Refused, match="needs a url"):
        value_sets.save(session, {"name": "x"})
