"""Values of other systems: named in many ways, checked one by one, never over a number that is computed here."""

from typing import Any

import pytest

from tracker_core import aggregates, metadata
from tracker_core.changes import AggregateChange, AggregateTerms
from tracker_core.issues import Issue, Outcome

CODES = AggregateTerms(*["CODE"] * 7)
NAMES = AggregateTerms(*["NAME"] * 7)
ANY = AggregateTerms(*[""] * 7)


def change(value: str | None = "5", terms: AggregateTerms = CODES, **fields: Any) -> AggregateChange:
    """A value of malaria at the health post in March 2024."""
    given = {"data_element": "MALARIA", "period": "202403", "org_unit": "F1", "where": "here"} | fields
    return AggregateChange(value=value, terms=terms, **given)


def take(district: Any, *changes: AggregateChange) -> tuple[list[Outcome], list[Issue]]:
    """Import changes."""
    return aggregates.apply_values(district.session, district.context(), list(changes))


def codes(district: Any, *changes: AggregateChange) -> list[str]:
    """Import changes; return the codes of what was wrong."""
    return [issue.code for issue in take(district, *changes)[1]]


@pytest.mark.parametrize(
    ("fields", "terms"),
    [
        ({}, CODES),
        ({"org_unit": "Health post"}, NAMES),
        ({"org_unit": "HealthPostA"}, ANY),
        ({"data_element": "E-1"}, AggregateTerms("ATTRIBUTE:AttributeAA", org_unit="CODE")),
    ],
)
def test_metadata_is_named_under_any_scheme(district: Any, fields: dict[str, str], terms: AggregateTerms) -> None:
    """Code, name, whatever answers, or the value of a metadata attribute."""
    district.install(district.malaria())
    (doc,) = district.session.execute("select doc from metadata_object where code = 'MALARIA'").fetchone()
    tagged = {**doc, "attributeValues": [{"attribute": {"id": "AttributeAA"}, "value": "E-1"}]}
    payload = {
        "attributes": [{"id": "AttributeAA", "name": "Tag", "dataElementAttribute": True}],
        "dataElements": [tagged],
    }
    assert not metadata.import_objects(district.session, district.context(), payload).errors
    assert codes(district, change(terms=terms, **fields)) == []
    assert district.table() == {("F1", "MALARIA", "default"): "5"}


def test_each_thing_that_cannot_be_found_has_its_code(district: Any) -> None:
    """One issue per value, the others are written."""
    district.install(district.malaria())
    outcomes, issues = take(
        district,
        change(data_element="CHOLERA"),
        change(period="202413"),
        change(org_unit="F9"),
        change(category_option_combo="none"),
        change(attribute_option_combo="none"),
        change(categories={"ageGroup": "P0Y--P5Y"}),
        change(attributes={"mechanism": "X"}),
        change(data_set="OTHER"),
        change(""),
        change("-1"),
        change("2.50"),
        change("7.0"),
    )
    assert [issue.code for issue in issues] == (
        "E7610 E7611 E7612 E7613 E7615 E7613 E7615 E7600 E7618 E7619 E7619".split()
    )
    assert [outcome.action for outcome in outcomes] == ["ignored"] * 11 + ["created"]
    assert district.table() == {("F1", "MALARIA", "default"): "7"}


def test_a_repeated_key_counts_once(district: Any) -> None:
    """The last value of a document wins and the earlier ones are pointed out."""
    district.install(district.malaria())
    outcomes, issues = take(district, change("1"), change("2"))
    assert [(issue.code, issue.severity) for issue in issues] == [("E8128", "warning")]
    assert [outcome.action for outcome in outcomes] == ["ignored", "created"]
    assert district.table() == {("F1", "MALARIA", "default"): "2"}


@pytest.mark.parametrize(
    ("strategy", "first", "second"),
    [
        ("CREATE", "created", "ignored"),
        ("UPDATE", "ignored", "ignored"),
        ("CREATE_AND_UPDATE", "created", "updated"),
        ("DELETE", "unchanged", "unchanged"),
    ],
)
def test_the_strategy_decides_what_is_written(district: Any, strategy: Any, first: str, second: str) -> None:
    """Create only, update only, both, or delete."""
    district.install(district.malaria())
    terms = AggregateTerms(*["CODE"] * 7, strategy=strategy)
    done = [take(district, change(value, terms=terms))[0][0].action for value in ("1", "2")]
    assert done == [first, second]


def test_a_value_is_deleted_and_comes_back(district: Any) -> None:
    """Deletion is a flag; the value can be created again, and the log tells all of it."""
    district.install(district.malaria())
    steps = [change("1", comment="first"), change(None), change(None), change("3", follow_up=True)]
    done = [take(district, step)[0][0].action for step in steps]
    assert done == ["created", "deleted", "unchanged", "created"]
    deltas = district.session.execute(
        "select action, delta from change where kind = 'aggregate_value' order by id"
    ).fetchall()
    assert deltas == [
        ("create", {"value": [None, "1"]}),
        ("delete", {"value": ["1", None]}),
        ("update", {"value": [None, "3"]}),
    ]
    row = district.session.execute("select comment, follow_up from aggregate_value").fetchone()
    assert row == ("first", True)


def test_a_computed_number_is_not_overwritten(district: Any) -> None:
    """Another number for it is refused, the same number is nothing new, and a run takes a foreign cell over."""
    district.install(district.malaria())
    combo = {"ageGroup": "P15Y--P9999Y", "sex": "F"}
    take(district, change("9", categories=combo))
    district.case(district.person())
    aggregates.run(district.session, district.context(), "IDSR", "202403")
    assert district.table() == {("F1", "MALARIA", "P15Y--P9999Y, F"): "1"}
    assert codes(district, change("9", categories=combo)) == ["computed-value"]
    assert take(district, change("1", categories=combo, comment="same"))[0][0].action == "unchanged"
    assert district.table() == {("F1", "MALARIA", "P15Y--P9999Y, F"): "1"}


@pytest.mark.parametrize(
    ("value_type", "text", "stored"),
    [
        ("BOOLEAN", "T", "true"),
        ("BOOLEAN", "n", "false"),
        ("BOOLEAN", "perhaps", None),
        ("INTEGER", " 5.000 ", "5"),
        ("INTEGER", "5.", None),
        ("NUMBER", "72.50", "72.50"),
        ("TEXT", "text", "text"),
    ],
)
def test_values_are_stored_in_normal_form(district: Any, value_type: str, text: str, stored: str | None) -> None:
    """Booleans become words, whole numbers lose empty fractions, measured numbers keep their digits."""
    element = {"id": "ElementAAAA", "code": "E", "name": "E", "shortName": "E", "valueType": value_type}
    payload = {"dataElements": [{**element, "domainType": "AGGREGATE", "aggregationType": "SUM"}]}
    assert not metadata.import_objects(district.session, district.context(), payload).errors
    expected = [] if stored is not None else ["E7619"]
    assert codes(district, change(text, data_element="E")) == expected
    found = district.session.execute("select value from aggregate_value").fetchall()
    assert found == ([(stored,)] if stored is not None else [])


def test_options_are_checked(district: Any) -> None:
    """A data element with an option set takes its codes only."""
    payload = {
        "optionSets": [{"id": "OptionSetAA", "name": "S", "valueType": "TEXT", "options": [{"id": "OptionAAAAA"}]}],
        "options": [{"id": "OptionAAAAA", "code": "A", "name": "A", "optionSet": {"id": "OptionSetAA"}}],
        "dataElements": [
            {"id": "ElementAAAA", "code": "E", "name": "E", "shortName": "E", "valueType": "TEXT"}
            | {"domainType": "AGGREGATE", "aggregationType": "NONE", "optionSet": {"id": "OptionSetAA"}}
        ],
    }
    assert not metadata.import_objects(district.session, district.context(), payload).errors
    assert codes(district, change("A", data_element="E"), change("B", data_element="E", period="202404")) == ["E7621"]


def test_strict_imports_insist(district: Any) -> None:
    """Each strict parameter has its code."""
    district.install(district.malaria())
    combo = {"ageGroup": "P15Y--P9999Y", "sex": "F"}
    strict = {
        "strictPeriods": ("E7632", {"period": "2024Q1"}),
        "strictDataElements": ("E7633", {"data_set": "IDSR_M", "data_element": "OTHER"}),
        "strictCategoryOptionCombos": ("E7634", {}),
        "strictAttributeOptionCombos": ("E7635", {"data_element": "OTHER"}),
        "strictOrganisationUnits": ("E7636", {"categories": combo}),
        "requireCategoryOptionCombo": ("E7630", {}),
        "requireAttributeOptionCombo": ("E7631", {"categories": combo}),
    }
    other = {"id": "ElementAAAA", "code": "OTHER", "name": "O", "shortName": "O", "valueType": "NUMBER"}
    payload = {"dataElements": [{**other, "domainType": "AGGREGATE", "aggregationType": "SUM"}]}
    assert not metadata.import_objects(district.session, district.context(), payload).errors
    for name, (code, fields) in strict.items():
        terms = AggregateTerms(*["CODE"] * 7, strict=frozenset({name}))
        assert codes(district, change(terms=terms, **fields)) == [code], name
