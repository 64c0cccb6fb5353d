"""Parts of an object that are written on their own: its translations and its sharing."""

from collections.abc import Iterator
from typing import Any

from adapters.contract import Access
from adapters.dhis2.bodies import read_object
from adapters.dhis2.calls import Call, Reply
from adapters.dhis2.objects.view import Document
from adapters.dhis2.objects.writing import change_object
from tracker_core.errors import Conflict, Malformed
from tracker_core.metadata.schema import TYPES

_NOTHING = Reply(b"", 204)
_ACCESS_LETTERS = "rw-"
_SAID = ("property", "locale", "value")


def replace_translations(access: Access, call: Call) -> Reply:
    """Replace all translations of an object; 204. Two of one property and locale are a conflict (E1106)."""
    type, given = TYPES[call.captured["type"]], read_object(call).get("translations")
    if not type.translatable:
        raise Conflict(f"E1107 Object type `{type.name}` is not translatable")
    if not isinstance(given, list) or not all(isinstance(item, dict) for item in given):
        raise Malformed("translations must be a list of objects")
    for text in _wrong(given, type.name, call.captured["uid"]):
        raise Conflict(text)
    return change_object(access, call, lambda stored: {**stored, "translations": given}, success=_NOTHING)


def _wrong(given: list[dict[str, Any]], name: str, uid: str) -> Iterator[str]:
    seen: set[tuple[str, str]] = set()
    for item in given:
        missing = next((each for each in _SAID if not isinstance(item.get(each), str) or not item[each]), "")
        if missing:
            yield f"E4000 Missing required property `{missing}`"
            return
        key = item["property"], item["locale"]
        if key in seen:
            text = f"There are duplicate translation records for property `{key[0]}` and locale `{key[1]}`"
            yield f"E1106 {text} on {name} `{uid}`"
        seen.add(key)


def replace_sharing(access: Access, call: Call) -> Reply:
    """Replace the sharing of an object, given alone or under `sharing`; 204. A wrong access string is E3010."""
    type, body = TYPES[call.captured["type"]], read_object(call)
    given = body.get("sharing", body)
    if not type.shareable:
        raise Malformed(f"objects of type {type.name} are not shared")
    if not isinstance(given, dict):
        raise Malformed("sharing must be an object")
    check_strings(given)

    def change(stored: Document) -> Document:
        before = stored.get("sharing")
        owner = before.get("owner") if isinstance(before, dict) else None
        return {**stored, "sharing": {"owner": owner, "users": {}, "userGroups": {}, "external": False, **given}}

    return change_object(access, call, change, success=_NOTHING)


def check_strings(sharing: dict[str, Any]) -> None:
    """Raises `Conflict` (E3010) for an access string that is none (`rw------`)."""
    texts = [sharing.get("public")]
    for name in ("users", "userGroups"):
        entries = sharing.get(name) or {}
        if not isinstance(entries, dict):
            raise Malformed(f"sharing.{name} must be an object by id")
        texts += [entry.get("access") if isinstance(entry, dict) else entry for entry in entries.values()]
    for text in texts:
        if text is not None and not _is_access(text):
            raise Conflict(f"E3010 Invalid access string `{text}`")


def _is_access(text: Any) -> bool:
    """Tell whether `text` has the eight places of an access string, `r` and `w` each in its own."""
    if not isinstance(text, str) or len(text) != 8 or set(text) - set(_ACCESS_LETTERS):
        return False
    return all(letter in ("-", "rwrw"[place : place + 1]) for place, letter in enumerate(text))
