"""JSON Patch on one document: RFC 6902, DHIS2's `remove-by-id`, and every way in which a patch is wrong."""

from typing import Any

import pytest

from adapters.dhis2.objects.patching import apply_patch
from tracker_core.errors import Malformed

DOC: dict[str, Any] = {
    "id": "a",
    "name": "A",
    "tags": ["x", "y"],
    "members": [{"id": "1"}, {"id": "2"}],
    "a/b": {"c": 1},
}


@pytest.mark.parametrize(
    ("operation", "changed"),
    [
        ({"op": "add", "path": "/code", "value": "C"}, {"code": "C"}),
        ({"op": "add", "path": "/tags/-", "value": "z"}, {"tags": ["x", "y", "z"]}),
        ({"op": "add", "path": "/tags/1", "value": "z"}, {"tags": ["x", "z", "y"]}),
        ({"op": "add", "path": "/groups/-", "value": {"id": "g"}}, {"groups": [{"id": "g"}]}),
        ({"op": "add", "path": "/name", "value": "B"}, {"name": "B"}),
        ({"op": "replace", "path": "/name", "value": "B"}, {"name": "B"}),
        ({"op": "replace", "path": "/code", "value": "C"}, {"code": "C"}),
        ({"op": "replace", "path": "/tags/0", "value": "z"}, {"tags": ["z", "y"]}),
        ({"op": "replace", "path": "/members", "value": []}, {"members": []}),
        ({"op": "replace", "path": "/a~1b/c", "value": None}, {"a/b": {"c": None}}),
        ({"op": "remove", "path": "/tags/0"}, {"tags": ["y"]}),
        ({"op": "remove-by-id", "path": "/members", "id": "1"}, {"members": [{"id": "2"}]}),
        ({"op": "test", "path": "/name", "value": "A"}, {}),
        ({"op": "copy", "from": "/name", "path": "/code"}, {"code": "A"}),
    ],
)
def test_operations(operation: dict[str, Any], changed: dict[str, Any]) -> None:
    """Each operation changes what it names, in a copy."""
    before = {**DOC}
    assert apply_patch(DOC, [operation]) == {**DOC, **changed}
    assert before == DOC


def test_removing_and_moving_leave_nothing_behind() -> None:
    """`remove` and `move` take the property away; operations run in their order."""
    assert "name" not in apply_patch(DOC, [{"op": "remove", "path": "/name"}])
    moved = apply_patch(DOC, [{"op": "move", "from": "/name", "path": "/code"}, {"op": "remove", "path": "/tags"}])
    assert moved == {"id": "a", "code": "A", "members": DOC["members"], "a/b": {"c": 1}}


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "remove", "path": "/code"},
        {"op": "remove", "path": "/tags/2"},
        {"op": "remove", "path": "/tags/x"},
        {"op": "add", "path": "/style/color", "value": "red"},
        {"op": "add", "path": "/tags/7", "value": "z"},
        {"op": "replace", "path": "/tags/2", "value": "z"},
        {"op": "replace", "path": "/name/first", "value": "z"},
        {"op": "remove-by-id", "path": "/members", "id": "9"},
        {"op": "remove-by-id", "path": "/members"},
        {"op": "remove-by-id", "path": "/name", "id": "1"},
        {"op": "test", "path": "/name", "value": "B"},
        {"op": "copy", "path": "/code"},
        {"op": "move", "from": "/nothing", "path": "/code"},
        {"op": "add", "path": "/code"},
        {"op": "add", "path": "code", "value": "C"},
        {"op": "increase", "path": "/version"},
        {"path": "/name"},
        {"op": "add", "path": ["name"], "value": 1},
    ],
)
def test_wrong_operations_are_refused(operation: dict[str, Any]) -> None:
    """A path that leads nowhere, an operation that is none or lacks a part, a test that fails."""
    with pytest.raises(Malformed):
        apply_patch(DOC, [operation])


@pytest.mark.parametrize("patch", [{}, "add", [1], None])
def test_what_is_no_patch_is_refused(patch: Any) -> None:
    """A patch is a list of objects."""
    with pytest.raises(Malformed):
        apply_patch(DOC, patch)
