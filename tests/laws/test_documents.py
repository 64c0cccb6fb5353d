"""Laws of documents as bytes: digits survive, and what is not edited is copied."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tracker_core.records import documents

NUMBERS = st.from_regex(r"\A-?(0|[1-9][0-9]{0,20})(\.[0-9]{1,20})?([eE][+-]?[0-9]{1,2})?\Z")
TEXTS = st.text(max_size=20)
SCALARS = st.one_of(NUMBERS, TEXTS.map(json.dumps), TEXTS.map(lambda t: json.dumps(t, ensure_ascii=False)))
KEYS = st.from_regex(r"\A_?[a-z][A-Za-z]{0,8}\Z").filter(lambda k: k not in ("id", "meta", "resourceType"))
NOW = datetime(2026, 3, 4, 5, 6, 7, 89_000, UTC)


def listed(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """JSON lists and objects of `inner`, with white space inside."""
    lists = st.lists(inner, max_size=3).map(lambda items: "[ " + " ,".join(items) + "]")
    objects = st.dictionaries(KEYS, inner, max_size=3).map(
        lambda d: "{" + ", ".join(f'"{k}" : {v}' for k, v in d.items()) + "}"
    )
    return st.one_of(lists, objects)


VALUES = st.recursive(SCALARS, listed, max_leaves=8)
DOCUMENTS = st.dictionaries(KEYS, VALUES, max_size=5)


def written(members: dict[str, str]) -> bytes:
    """The members as a document."""
    inner = "".join(f',"{key}":{raw}' for key, raw in members.items())
    return f'{{"resourceType":"Basic"{inner}}}'.encode("utf-8", "surrogatepass")


def encodable(members: dict[str, str]) -> bool:
    """Lone surrogates are no UTF-8."""
    try:
        written(members).decode()
    except UnicodeDecodeError:
        return False
    return True


@given(DOCUMENTS.filter(encodable))
def test_stamping_copies_every_other_byte(members: dict[str, str]) -> None:
    """A stamped document ends with the members as they were; stamping again in the same way changes nothing."""
    raw = written(members)
    stamped = documents.stamp(raw, "Basic", "x", 3, NOW)
    head = b'{"resourceType":"Basic","id":"x","meta":{"versionId":"3","lastUpdated":"2026-03-04T05:06:07.089Z"}'
    assert stamped == head + raw.removeprefix(b'{"resourceType":"Basic"')
    assert documents.stamp(stamped, "Basic", "x", 3, NOW) == stamped


@given(DOCUMENTS.filter(encodable), DOCUMENTS.filter(encodable))
def test_merging_keeps_what_is_not_named(current: dict[str, str], incoming: dict[str, str]) -> None:
    """A merge holds every incoming member, and of the current ones exactly those that are not named."""
    merged = documents.merge(written(current), written(incoming))
    assert merged == written({**current, **incoming})


@given(NUMBERS)
def test_decimals_survive_parsing(number: str) -> None:
    """Digits are the same after a document was parsed for a mapping and written again."""
    document = documents.decode(f'{{"value":{number}}}'.encode())
    again: Any = json.loads(documents.encode(document), parse_float=Decimal)["value"]
    assert Decimal(again) == Decimal(number)
    if "." in number and "e" not in number.lower() and len(number) < 12:
        assert number.encode() in documents.encode(document)


@given(TEXTS, TEXTS)
def test_rewriting_changes_references_alone(target: str, other: str) -> None:
    """A reference is replaced by what it stands for, however it is escaped; equal text elsewhere stays."""
    for ascii_only in (True, False):
        text = json.dumps({"a": {"reference": target}, "reference text": target, "b": other}, ensure_ascii=ascii_only)
        try:
            raw = text.encode()
        except UnicodeEncodeError:
            continue
        spans = documents.references(raw)
        assert [text for _, _, text in spans] == [target]
        rewritten = json.loads(documents.rewrite(raw, spans, {target: "Patient/1"}))
        assert rewritten == {"a": {"reference": "Patient/1"}, "reference text": target, "b": other}
        assert documents.rewrite(raw, spans, {}) == raw


def test_quoted_keys_are_no_references() -> None:
    """A text that quotes a reference is left alone."""
    quoting = {"div": 'say "reference":"#a" twice', "x": {"reference": "#a"}, "y": {"url": "urn:a"}, "url": "http://b"}
    raw = json.dumps(quoting).encode()
    spans = documents.references(raw)
    assert json.loads(documents.rewrite(raw, spans, {"#a": "Patient/1", "urn:a": "Binary/1", "http://b": "c"})) == {
        **quoting,
        "x": {"reference": "Patient/1"},
        "y": {"url": "Binary/1"},
    }
