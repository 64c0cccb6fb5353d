"""Events as QuestionnaireResponses: read, and written back so that whatever no field names survives."""

from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, field

from mappings.forms.answers import Field, answers_of, same, text_of
from mappings.forms.form import Form
from mappings.places import Doc
from mappings.scope import Scope, Unfit

_DONE = ("completed", "amended")


@dataclass(slots=True)
class Reading:
    """What a response says: by linkId the text, None where a question is not answered. Wrong answers are left out."""

    values: dict[str, str | None] = field(default_factory=dict)
    status: str = ""


def read_response(form: Form, response: Doc, scope: Scope) -> Reading:
    """Return what a response says to every question of its form; answers that don't fit leave an issue in `scope`."""
    reading = Reading(status=str(response.get("status", "")))
    held = {item.get("linkId"): item for item in _items(response)}
    for link, asked in form.fields.items():
        try:
            reading.values[link] = text_of(asked, held[link].get("answer") or []) if link in held else None
        except Unfit as unfit:
            where = f"QuestionnaireResponse.item({link})"
            scope.issues.append(unfit.issue("error", where, asked.text, f"form {form.stage.uid}"))
    return reading


def write_response(form: Form, wanted: Mapping[str, str | None], response: Doc, scope: Scope) -> Doc:
    """Return `response` with the answers that `wanted` names (linkId -> text, None for no answer).

    Answers that say the same already stay as they are; a completed response whose answers change is amended. Values
    that are none of their type leave an issue.
    """
    after = deepcopy(response)
    for link, text in wanted.items():
        asked = form.fields[link]
        try:
            _write(form, asked, text or None, after)
        except Unfit as unfit:
            scope.issues.append(unfit.issue("warning", scope.where or link, text or "", f"form {form.stage.uid}"))
    changed = after != response
    if changed and response.get("item") and response.get("status") == "completed":
        after["status"] = "amended"
    return after


def write_status(response: Doc, status: str) -> None:
    """Let a response say the status of its event, where it does not say it already."""
    told = str(response.get("status", ""))
    if status == "COMPLETED" and told not in _DONE:
        response["status"] = "completed"
    elif status in ("ACTIVE", "VISITED") and told != "in-progress":
        response["status"] = "in-progress"
    elif status == "SKIPPED":
        response["status"] = "stopped"


def _write(form: Form, asked: Field, text: str | None, response: Doc) -> None:
    item = next((one for one in _items(response) if one.get("linkId") == asked.link), None)
    try:
        present = text_of(asked, (item or {}).get("answer") or [])
    except Unfit:
        present = "?"
    if same(asked, present, text):
        return
    if text is None:
        _clear(response, asked.link)
        return
    fresh = answers_of(asked, text)
    if item is None:
        item = _place(form, asked, response)
    old = item.get("answer") or []
    for before, answer in zip(old, fresh, strict=False):
        kept = {key: value for key, value in before.items() if not key.startswith(("value", "_value"))}
        answer.update({**kept, **answer})
    item["answer"] = fresh


def _place(form: Form, asked: Field, response: Doc) -> Doc:
    """Return a new item for a question, where the form has it."""
    siblings = response.setdefault("item", [])
    if asked.section:
        group = next((one for one in siblings if one.get("linkId") == asked.section), None)
        if group is None:
            group = _insert(form, siblings, {"linkId": asked.section, "text": dict(form.sections)[asked.section]})
        siblings = group.setdefault("item", [])
    return _insert(form, siblings, {"linkId": asked.link, "text": asked.text})


def _insert(form: Form, siblings: list[Doc], item: Doc) -> Doc:
    """Insert an item before the first one that comes later in the form."""
    place = form.order[item["linkId"]]
    later = (n for n, one in enumerate(siblings) if form.order.get(str(one.get("linkId")), -1) > place)
    siblings.insert(next(later, len(siblings)), item)
    return item


def _clear(holder: Doc, link: str) -> None:
    """Take the answers of a question away, and the husks that remain of its item and group."""
    kept = []
    for item in holder.get("item") or ():
        if item.get("linkId") == link:
            item.pop("answer", None)
        elif item.get("item"):
            _clear(item, link)
            if not item.get("item") and item.keys() <= {"linkId", "text"}:
                continue
        if item.get("linkId") != link or item.keys() - {"linkId", "text"}:
            kept.append(item)
    if kept:
        holder["item"] = kept
    else:
        holder.pop("item", None)


def _items(holder: Doc) -> Iterator[Doc]:
    """Yield every item of a response, however deep it stands."""
    for item in holder.get("item") or ():
        yield item
        yield from _items(item)
        for answer in item.get("answer") or ():
            yield from _items(answer)
