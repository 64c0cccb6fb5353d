"""Codec laws: what a codec writes it reads as the same value, for every value that it can say."""

from base64 import b64encode
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from mappings import Mappings, Profile, Scope, load
from mappings.codecs import BY_DEPTH, ER7, Codec
from mappings.codecs.results import varies
from mappings.er7 import Encoding, escape, unescape
from mappings.library import BASE, er7_codecs, merged_sections, read_concepts
from mappings.places import MISSING

TABLES: Mappings = load()
FIND = er7_codecs(merged_sections([BASE], "hl7v2/types"), read_concepts([BASE]))
SCOPE = Scope(Profile(domain="d", naming={"LAB": "http://lab.example", "1.2.9": "http://lab.example"}))
ODD = Scope(SCOPE.profile, Encoding("$", "*", "!", "/", "%"))

words = st.text(st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="\x85"), min_size=1, max_size=12).map(
    str.strip
)
words = words.filter(lambda text: text not in ("", '""'))
decimals = st.decimals(-(10**9), 10**9, allow_nan=False, places=2).map(lambda number: Decimal(format(number, "f")))
scopes = st.sampled_from([SCOPE, ODD])


def there_and_back(codec: Codec, value: Any, scope: Scope) -> Any:
    """Return what a value reads as after it was written."""
    text = codec.encode(value, scope, "")
    assert text is not None
    if codec.form != "raw":
        text = unescape(escape(text, scope.encoding), scope.encoding)
    return codec.decode(text, scope, None)


def without_empty(value: dict[str, Any]) -> dict[str, Any]:
    """Return an element without its absent parts."""
    return {key: part for key, part in value.items() if part not in (None, [], {})}


moments = st.datetimes(datetime(1900, 1, 1), datetime(2100, 1, 1)).map(lambda m: m.replace(microsecond=0))  # noqa: DTZ001 - the offset is added
offsets = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
instants = st.builds(lambda moment, zone: moment.replace(tzinfo=zone).isoformat(), moments, offsets)
dates = st.builds(lambda moment, length: moment.isoformat()[:length], moments, st.sampled_from([4, 7, 10]))


@given(instants | dates, scopes)
def test_dates_and_times(value: str, scope: Scope) -> None:
    """Every precision and offset survives."""
    assert there_and_back(ER7["dateTime"], value, scope) == value


@given(dates)
def test_days_keep_the_time_they_had(value: str) -> None:
    """A day read over a moment of that day leaves the moment."""
    assert there_and_back(ER7["date"], value, SCOPE) == value
    if len(value) == 10:
        moment = f"{value}T10:00:00Z"
        assert ER7["date"].decode(value, SCOPE, moment) == moment
        assert ER7["date"].decode("2101-01-01", SCOPE, moment) == "2101-01-01"


@given(words, decimals, st.integers(-(2**31) + 1, 2**31 - 1), st.booleans())
def test_plain_values(text: str, number: Decimal, whole: int, truth: bool) -> None:
    """Texts, numbers digit for digit, and truth."""
    assert there_and_back(ER7["text"], text, SCOPE) == text
    read = there_and_back(ER7["decimal"], number, SCOPE)
    assert (read, str(read)) == (number, format(number, "f"))
    assert there_and_back(ER7["integer"], whole, SCOPE) == whole
    assert there_and_back(ER7["yes"], truth, SCOPE) is truth


systems = st.sampled_from(["http://lab.example", "urn:oid:2.16.1", "urn:uuid:7", "urn:id:d:X&Y", "https://x.example/^"])


@given(systems, words, scopes, st.sampled_from([1, 2]))
def test_authorities_and_entities(system: str, value: str, scope: Scope, depth: int) -> None:
    """Systems go through the naming table, or keep apart what it does not name."""
    assert there_and_back(BY_DEPTH["authority"](depth), system, scope) == system
    identifier = {"system": system, "value": value}
    assert there_and_back(BY_DEPTH["EI"](depth), identifier, scope) == identifier


@given(
    st.sampled_from(["http://loinc.org", "http://terminology.hl7.org/CodeSystem/v2-0078", "urn:oid:1.2", "urn:id:d:L"])
)
def test_code_systems(system: str) -> None:
    """Names of table 0396, of v2 tables, OIDs and local names."""
    assert there_and_back(ER7["system"], system, SCOPE) == system


contacts = st.builds(
    lambda system, value, use, rank, start: without_empty(
        {"system": system, "value": value, "use": use, "rank": rank, "period": without_empty({"start": start})}
    ),
    st.sampled_from(["phone", "fax", "pager", "email", "other"]),
    words,
    st.sampled_from([None, "home", "work", "mobile"]),
    st.none() | st.integers(1, 9),
    st.none() | dates,
)


@given(contacts, scopes)
def test_contacts(value: dict[str, Any], scope: Scope) -> None:
    """XTN says system, number, use, rank and period."""
    assert there_and_back(BY_DEPTH["XTN"](1), value, scope) == value


paths = st.lists(st.text("AB^&|\\7", min_size=1, max_size=4) | st.just(""), min_size=4, max_size=4)


@given(paths, words, scopes)
def test_places(path: list[str], description: str, scope: Scope) -> None:
    """PL keeps the whole path of the innermost place."""
    text = scope.encoding.component.join(escape(part, scope.encoding) for part in path)
    codec = BY_DEPTH["PL"](1)
    value = codec.decode(text, scope, None)
    assume(value is not MISSING)
    assert there_and_back(codec, {**value, "description": description}, scope) == {**value, "description": description}


names = st.builds(
    lambda family, given_, prefix, use: without_empty(
        {"family": family, "given": given_, "prefix": prefix, "use": use}
    ),
    words,
    st.lists(words, max_size=2),
    st.lists(words, max_size=1),
    st.sampled_from([None, "official", "usual", "maiden", "nickname", "anonymous", "old", "temp"]),
)
codings = st.builds(
    lambda system, code, display: without_empty({"system": system, "code": code, "display": display}),
    st.sampled_from([None, "http://loinc.org", "urn:id:d:L"]),
    words,
    st.none() | words,
)
concepts = st.builds(
    lambda coding, text: without_empty({"coding": coding, "text": text}),
    st.lists(codings, min_size=1, max_size=3),
    st.none() | words,
)
addresses = st.builds(
    lambda line, city, use, country: without_empty({"line": line, "city": city, "use": use, "country": country}),
    st.lists(words, max_size=3, unique=True),
    words,
    st.sampled_from([None, "home", "work", "temp", "old", "billing"]),
    st.none() | words,
)
identifiers = st.builds(
    lambda value, system, code: without_empty(
        {
            "value": value,
            "system": system,
            "type": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0203", "code": code}]}
            if code
            else None,
        }
    ),
    words,
    systems,
    st.none() | st.sampled_from(["MR", "NI"]),
)
periods = st.builds(lambda start, end: {"start": start, "end": end}, dates, instants)


@pytest.mark.parametrize(
    ("name", "values"),
    [("XPN", names), ("CWE", concepts), ("XAD", addresses), ("CX", identifiers), ("DR", periods)],
)
def test_type_tables(name: str, values: st.SearchStrategy[dict[str, Any]]) -> None:
    """A type table is a codec like any other."""

    @given(values, scopes)
    def law(value: dict[str, Any], scope: Scope) -> None:
        assert there_and_back(FIND(name, 1), value, scope) == value

    law()


def value_of(number: Decimal) -> dict[str, Decimal]:
    """Return a bare Quantity."""
    return {"value": number}


quantities = st.builds(
    lambda value, unit, comparator: without_empty({"value": value, "unit": unit, "comparator": comparator}),
    decimals,
    st.none() | words,
    st.sampled_from([None, "<", "<=", ">", ">="]),
)
results = (
    st.builds(lambda q: {"valueQuantity": q}, quantities)
    | st.builds(lambda v: {"valueString": v}, words)
    | st.builds(lambda v: {"valueCodeableConcept": v}, concepts)
    | st.builds(lambda v: {"valueDateTime": v}, instants | dates)
    | st.builds(lambda v: {"valuePeriod": v}, periods)
    | st.builds(lambda a, b: {"valueRange": {"low": {"value": a}, "high": {"value": b}}}, decimals, decimals)
    | st.builds(lambda a, b: {"valueRange": {"high": {"value": b}}}, decimals, decimals)
    | st.builds(
        lambda a, b: {"valueRatio": {"numerator": {"value": a}, "denominator": {"value": b}}}, decimals, decimals
    )
    | st.builds(lambda v: {"valueTime": f"{v:%H:%M:%S}"}, moments)
)


@given(results, scopes)
def test_results(value: dict[str, Any], scope: Scope) -> None:
    """OBX-2, 5 and 6 say every variant of value[x] that they write."""
    codec = varies(FIND("CWE", 1), FIND("UNIT", 1))
    texts = codec.encode(value, scope, ["", "", "", ""])
    assert texts is not None
    assert codec.decode(texts, scope, None) == value


def over_fields(name: str, value: Any, count: int, scope: Scope) -> Any:
    """Return what a value reads as after a codec over several fields wrote it."""
    codec = FIND(name, 1)
    texts = codec.encode(value, scope, [""] * count)
    assert texts is not None
    return codec.decode(texts, scope, None)


minutes = st.integers(1, 10**6)
starts = st.builds(lambda moment, zone: moment.replace(tzinfo=zone), moments, offsets)


@given(starts, minutes, scopes)
def test_spans_of_time(start: datetime, length: int, scope: Scope) -> None:
    """A start with an end survives as start and duration; so do minutes, bounds and what was performed."""
    end = start + timedelta(minutes=length)
    period = {"start": start.isoformat(), "end": end.isoformat()}
    assert over_fields("span", period, 3, scope) == period
    assert over_fields("span", {"start": period["start"]}, 3, scope) == {"start": period["start"]}
    assert over_fields("minutes", length, 2, scope) == length
    assert over_fields("bounds", {"boundsPeriod": period}, 3, scope) == {"boundsPeriod": period}
    assert over_fields("performed", {"performedPeriod": period}, 2, scope) == {"performedPeriod": period}


@given(decimals.map(abs), words, scopes)
def test_amounts_and_doses(number: Decimal, unit: str, scope: Scope) -> None:
    """An amount keeps its digits and its unit, alone, as a dose and as the ends of a range."""
    amount = {"value": number, "unit": unit}
    assert over_fields("amount", amount, 2, scope) == amount
    assert over_fields("dose", {"doseQuantity": amount}, 3, scope) == {"doseQuantity": amount}
    doses = {"doseRange": {"low": amount, "high": amount}}
    assert over_fields("dose", doses, 3, scope) == doses


@given(st.text(st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="\x85"), min_size=1), scopes)
def test_documents(text: str, scope: Scope) -> None:
    """The text of a document survives, whatever marks it holds."""
    assume(text == text.rstrip() and text != '""')
    data = b64encode(text.encode()).decode()
    value = {"contentType": "text/plain", "data": data}
    assert over_fields("document", value, 3, scope) == value


@given(st.text(max_size=40), st.text(max_size=40), scopes)
def test_nothing_breaks_a_reading(kind: str, text: str, scope: Scope) -> None:
    """Any text is a value, an issue or nothing; no codec raises anything else than `Unfit`."""
    for heading, table in TABLES.tables.items():
        segment = [heading[:3], *([text, kind] * 30)]
        table.read(segment, {}, Scope(scope.profile, scope.encoding, refer=lambda _t, _r: {"reference": "x"}))
