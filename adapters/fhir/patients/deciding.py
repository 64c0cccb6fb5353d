"""`Patient/$merge` and `Patient/$unmerge` as changes, and their answer (FHIR R5 Patient operations, on R4)."""

from urllib.parse import urlencode

from adapters.contract import Reading
from adapters.fhir.parameters import Given, Json, parameters, read
from adapters.fhir.requests import Entry
from tracker_core.changes import DecisionChange
from tracker_core.errors import HubError, Malformed
from tracker_core.issues import Issue
from tracker_core.records import forms, token


def read_merge(entry: Entry, reading: Reading) -> None:
    """Read what is to become of two patients: `source-patient` ends, `target-patient` stays.

    Each is a reference, identifiers that all must be its own, or both; `result-patient` is the one that stays as it is
    to be; with `preview` the answer shows what would be, and nothing is done.
    """
    _read(entry, reading, undo=False)


def read_unmerge(entry: Entry, reading: Reading) -> None:
    """Read that a merge of `source-patient` into `target-patient` is to be taken back."""
    _read(entry, reading, undo=True)


def answer(query: str, raw: bytes, content_type: str, outcome: bytes, result: str) -> bytes:
    """Return the Parameters that a merge is answered with: what was asked, what became of it, who stays."""
    given = read(query, raw, content_type)
    asked = [_input(name, value) for name, value in given.pairs if isinstance(value, str | bool | dict)]
    shown = [("result", "resource", result.encode())] if result else []
    asked_for = parameters(*(one for one in asked if one[0] != "result-patient"))
    return parameters(("input", "resource", asked_for), ("outcome", "resource", outcome), *shown)


def _input(name: str, value: object) -> tuple[str, str, object]:
    if isinstance(value, dict):
        kind = "resource" if "resourceType" in value else "valueReference" if "reference" in value else ""
        return name, kind or "valueIdentifier", value
    return name, "valueBoolean" if isinstance(value, bool) else "valueString", value


def _read(entry: Entry, reading: Reading, *, undo: bool) -> None:
    try:
        given = read(entry.query, entry.resource, entry.content_type)
        change = DecisionChange(
            survivor=_query(given, "target"),
            loser=_query(given, "source"),
            result=_result(given),
            undo=undo,
            where=entry.target,
        )
        preview = given.flag("preview")
    except HubError as error:
        reading.issues.append(Issue("value", error.detail, where=error.where or entry.target))
        return
    reading.changes.decisions.append(change)
    reading.dry_run = reading.dry_run or preview


def _query(given: Given, who: str) -> str:
    """Return the search for one side of the merge. Raises `Malformed` when it is not named."""
    name = f"{who}-patient"
    reference = given.one(name)
    text = str(reference.get("reference", "") if isinstance(reference, dict) else reference or "")
    identifiers = [one for one in given.all(f"{name}-identifier") if isinstance(one, dict)]
    if isinstance(reference, dict) and isinstance(reference.get("identifier"), dict):
        identifiers.append(reference["identifier"])
    target = forms.target(text) if text else None
    if (text and (target is None or target[0] != "Patient")) or not (text or identifiers):
        raise Malformed(f"{name} is a reference to a Patient, or {name}-identifier names it", where=name)
    pairs = [("_id", target[1])] if target else []
    return urlencode([*pairs, *(("identifier", _token(one, name)) for one in identifiers)])


def _token(identifier: Json, name: str) -> str:
    if not identifier.get("value"):
        raise Malformed("an identifier needs a value", where=f"{name}-identifier")
    return token(str(identifier.get("system", "")), str(identifier["value"]))


def _result(given: Given) -> Json | None:
    result = given.object("result-patient")
    if result is not None and result.get("resourceType") != "Patient":
        raise Malformed("result-patient is a Patient", where="result-patient")
    return result
