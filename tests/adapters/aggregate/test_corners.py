"""Corners of the formats: texts, attribute option combos, combos without dimensions, and what documents leave out."""

import json
from typing import Any

import pytest

from adapters.aggregate import adx, inbound, measure, value_sets
from adapters.aggregate.schemes import schemes
from adapters.contract import Envelope
from tracker_core.changes import AggregateChange, AggregateTerms
from tracker_core.errors import Unsupported

CODES = schemes({}, "CODE")
MADE = "2024-04-01T00:00:00+00:00"


def named(key: str) -> dict[str, str]:
    """An object of a view."""
    return {"uid": key, "code": key, "name": key}


def cell(value: str = "5", **fields: Any) -> dict[str, Any]:
    """One cell, not disaggregated."""
    plain: dict[str, Any] = {"categoryOptionCombo": None, "categories": [], "attributeOptionCombo": None}
    plain |= {"attributes": [], "dataSet": None, "comment": None, "followUp": False}
    return {"dataElement": named("E"), "period": "202403", "orgUnit": named("U"), "value": value, **plain, **fields}


def read(body: bytes, content_type: str) -> list[AggregateChange]:
    """Read bytes."""
    document = inbound.parse(body, Envelope(content_type))
    return list(inbound.READERS[document.kind](document.body, AggregateTerms()))


def test_adx_carries_texts_and_both_kinds_of_combos() -> None:
    """A text is an annotation beside 0; an attribute combo is outer dimensions or the override."""
    pairs = [[named("mechanism"), named("X")]]
    cells = [
        cell("some text"),
        cell("1", attributeOptionCombo=named("A1"), attributes=pairs),
        cell("2", attributeOptionCombo=named("A2"), categoryOptionCombo=named("C2"), dataSet=named("OWN")),
    ]
    found = read(adx.write(cells, named("SET"), CODES, MADE), adx.CONTENT_TYPE)
    assert [change.value for change in found] == ["some text", "1", "2"]
    assert found[1].attributes == {"mechanism": "X"}
    assert (found[2].attribute_option_combo, found[2].category_option_combo) == ("A2", "C2")
    assert [change.data_set for change in found] == ["SET", "SET", "OWN"]


@pytest.mark.parametrize("category", ["age group", "5years", "value", "dataElement"])
def test_adx_refuses_categories_that_are_no_attribute_names(category: str) -> None:
    """A blank, a leading digit or a reserved word cannot name a dimension."""
    wrong = cell(categoryOptionCombo=named("C"), categories=[[named(category), named("X")]])
    with pytest.raises(Unsupported, match="XML attribute"):
        adx.write([wrong], None, CODES, MADE)


def test_adx_refuses_a_november_quarter() -> None:
    """It would read back as another quarter, or as none."""
    with pytest.raises(Unsupported, match="2024NovQ1"):
        adx.write([cell(period="2024NovQ1")], None, CODES, MADE)


def test_adx_is_read_as_it_is_found() -> None:
    """Foreign attributes are passed over; a period that is none and a missing unit go on to be reported."""
    body = (
        b'<adx xmlns="urn:ihe:qrph:adx:2015" xmlns:x="urn:other" x:schemaLocation="a b">'
        b'<group period="2024-01-15/P1M" x:nil="1" completeDate="2024-02-01"><dataValue dataElement="E" x:nil="1"/>'
        b"</group></adx>"
    )
    (change,) = read(body, "")
    assert (change.period, change.org_unit, change.value, change.attributes) == ("2024-01-15/P1M", "", "", {})
    assert (change.categories, change.where) == ({}, "group[1]/dataValue[1]")


def test_measure_reports_carry_combos_without_dimensions() -> None:
    """Option combos that cannot be laid open are components of their own name; decimals keep their digits."""
    cells = [
        cell("1.50", categoryOptionCombo=named("C1"), attributeOptionCombo=named("A1")),
        cell("2", categoryOptionCombo=named("C2")),
    ]
    found = read(measure.write(cells, named("SET"), CODES, MADE, "http://hie.example/Measure/"), measure.CONTENT_TYPE)
    assert [(c.value, c.category_option_combo, c.attribute_option_combo) for c in found] == [
        ("1.50", "C1", "A1"),
        ("2", "C2", ""),
    ]
    assert {change.data_set for change in found} == {"SET"}


def test_measure_reports_hold_numbers_of_a_data_set_only() -> None:
    """A text, or values of no data set, are refused."""
    with pytest.raises(Unsupported, match="numbers"):
        measure.write([cell("text")], named("SET"), CODES, MADE, "")
    with pytest.raises(Unsupported, match="data set"):
        measure.write([cell()], None, CODES, MADE, "")


def test_a_measure_report_with_holes_is_reported_hole_by_hole() -> None:
    """What is missing is left empty for the import to name; the reporter stands in for the subject."""
    report: dict[str, Any] = {"resourceType": "MeasureReport", "type": "summary", "group": [{}, "broken"]}
    (change,) = read(json.dumps(report).encode(), "application/fhir+json")
    assert (change.data_element, change.period, change.org_unit, change.value) == ("", "/", "", "")
    report |= {"reporter": {"reference": "Location/L1"}, "period": {"start": "2024-01-05", "end": "2024-02-05"}}
    (change,) = read(json.dumps(report).encode(), "")
    assert (change.period, change.org_unit) == ("2024-01-05/2024-02-05", "L1")


def test_data_value_sets_share_their_envelope() -> None:
    """Period (also as an interval), org unit and combos of the envelope hold for every value; combos may be objects."""
    document = {
        "dataSet": "SET",
        "period": "2024-03-01/P1M",
        "orgUnit": "U",
        "attributeOptionCombo": {"mechanism": "X"},
        "dataValues": [
            {"dataElement": "E", "value": 5, "categoryOptionCombo": {"age": "old"}, "comment": "c", "followUp": True},
            {"dataElement": "F", "value": True, "period": "202404", "deleted": "TRUE"},
            {"dataElement": "G", "value": 1.50},
        ],
    }
    first, second, third = read(json.dumps(document).encode().replace(b"1.5}", b"1.50}"), "application/json")
    assert (first.period, first.value, first.categories, first.attributes) == (
        "202403",
        "5",
        {"age": "old"},
        {"mechanism": "X"},
    )
    assert (first.comment, first.follow_up, first.data_set) == ("c", True, "SET")
    assert (second.period, second.value) == ("202404", None)
    assert third.value == "1.50"


def test_data_value_sets_are_written_with_their_schemes_and_marks() -> None:
    """The body names its id schemes; comments, follow-up and attribute combos are kept."""
    marked = cell("1", comment="c", followUp=True, attributeOptionCombo=named("A"))
    body = json.loads(value_sets.write([marked], None, CODES))
    assert body["orgUnitIdScheme"] == "CODE"
    assert body["dataValues"] == [
        {"dataElement": "E", "period": "202403", "orgUnit": "U", "attributeOptionCombo": "A"}
        | {"value": "1", "comment": "c", "followup": True}
    ]


def test_csv_columns_go_by_either_spelling() -> None:
    """Short and long column names, any order, unknown columns passed over."""
    header = "value,orgunit,period,dataelement,catoptcombo,attroptcombo,flwup,storedby"
    body = f"\ufeff{header}\n5,U,202403,E,C,A,true,me\n".encode()
    (change,) = read(body, "application/csv")
    assert (change.value, change.org_unit, change.period, change.data_element) == ("5", "U", "202403", "E")
    assert (change.category_option_combo, change.attribute_option_combo, change.follow_up) == ("C", "A", True)


def test_identify_names_the_format_and_never_raises() -> None:
    """By content type, else by the first bytes; unknown bytes have no type."""
    assert inbound.identify(b"<adx xmlns='urn:ihe:qrph:adx:2015'/>", Envelope("text/xml")).type == "adx"
    assert inbound.identify(b" {}", Envelope()).type == "json"
    assert inbound.identify(b'{"resourceType": "MeasureReport"}', Envelope("application/json")).type == "measure"
    assert inbound.identify(b"?", Envelope()).type == ""
