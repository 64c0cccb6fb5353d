"""The field filter language."""

from typing import Any

import pytest

from adapters.dhis2.fields import parse_fields, select, wants
from tracker_core.errors import Conflict

DOC: dict[str, Any] = {
    "id": "P",
    "name": "Program",
    "code": None,
    "level": 2,
    "style": {"color": "red", "icon": "x"},
    "stages": [{"id": "a", "name": "A", "elements": [1, 2]}, {"id": "b", "name": "B", "elements": []}],
}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("id,name", {"id": "P", "name": "Program"}),
        (" id , unknown ,code", {"id": "P"}),
        ("style[color]", {"style": {"color": "red"}}),
        ("stages[id,elements~size]", {"stages": [{"id": "a", "elements": 2}, {"id": "b", "elements": 0}]}),
        ("stages::size", {"stages": 2}),
        ("stages|isEmpty,name~isNotEmpty", {"stages": False, "name": True}),
        ("name~rename(label)", {"label": "Program"}),
        ("stages~pluck", {"stages": ["a", "b"]}),
        ("stages~pluck(name)", {"stages": ["A", "B"]}),
        ("stages~pluck[name]~rename(names)", {"names": ["A", "B"]}),
        ("stages[id]~keyBy(id)", {"stages": {"a": {"id": "a"}, "b": {"id": "b"}}}),
        ("stages~paging(2;1)~pluck", {"stages": ["b"]}),
        ("stages~paging(x)~size", {"stages": 2}),
        ("id~pluck,level~size,id~keyBy~rename(i)", {"i": "P", "level": 0}),
        (":all,!stages,!style", {"id": "P", "name": "Program", "level": 2}),
        ("*,stages[id],!style", {"id": "P", "name": "Program", "level": 2, "stages": [{"id": "a"}, {"id": "b"}]}),
        (":simple", {"id": "P", "name": "Program", "level": 2}),
        (":identifiable", {"id": "P", "name": "Program"}),
        (":nameable,level", {"id": "P", "name": "Program", "level": 2}),
        (":owner,!:simple", {"style": DOC["style"], "stages": DOC["stages"]}),
        ("style", {"style": DOC["style"]}),
    ],
)
def test_selection(text: str, expected: dict[str, Any]) -> None:
    """Each form chooses what DHIS2 documents for it."""
    assert select(parse_fields(text), DOC) == expected


@pytest.mark.parametrize(
    "text", ["a[b", "a]", "a b", "a~rename", "a~unknown", "a~pluck(x", "a,[b]", "~size", "a~size(1)"]
)
def test_texts_that_do_not_fit_are_refused(text: str) -> None:
    """A syntax error is a conflict with DHIS2's code."""
    with pytest.raises(Conflict, match="E7651"):
        parse_fields(text)


@pytest.mark.parametrize(
    ("text", "path", "wanted"),
    [
        ("*", ("events",), True),
        ("*,!events", ("events",), False),
        ("id", ("events",), False),
        ("enrollments[*]", ("enrollments", "events"), True),
        ("enrollments[*,!events]", ("enrollments", "events"), False),
        ("enrollments", ("enrollments", "events"), True),
        ("enrollments[id]", ("enrollments", "events"), False),
    ],
)
def test_what_is_wanted_is_known_beforehand(text: str, path: tuple[str, ...], wanted: bool) -> None:
    """Parts that are not asked for need not be read from the database."""
    assert wants(parse_fields(text), *path) is wanted
