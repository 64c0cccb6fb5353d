"""Writing a list back into the fields that feed it: items are paired by their reading, never by position."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from mappings.er7 import NULL
from mappings.fields import Segment, field_text, set_field, with_part
from mappings.places import MISSING, Doc
from mappings.rules import Rule, attempt, establish, repetitions
from mappings.scope import Scope, Unfit


@dataclass(slots=True)
class Held:
    """One repetition that a field holds now: its text, and the item it reads as, `MISSING` when unreadable."""

    text: str
    item: Any
    kept: bool = False


@dataclass(slots=True)
class Holder:
    """One row with what its field holds, and the texts to add."""

    rule: Rule
    held: list[Held]
    added: list[str] = field(default_factory=list)
    changed: bool = False


def write_list(rules: Sequence[Rule], segment: Segment, record: Doc, scope: Scope) -> set[int]:
    """Write one list of `record` into the fields of `rules`, which share it.

    A repetition whose reading is an item of the list stays as it is; the others are edited, removed or added.
    Returns the `id` of every item that already stood in a field.
    """
    holders = [Holder(rule, held_by(rule, segment, scope)) for rule in rules]
    lists = [rule.items for rule in rules if rule.items is not None]
    whole = lists[0].find(record) or ()
    said = {id(item) for item in whole if keep(holders, item)}
    wanted = [item for item in whole if id(item) not in said and claimed(rules, item)]
    for item in [item for item in wanted if not keep_alike(holders, item, scope)]:
        place_item(holders, item, scope)
    for holder in holders:
        if holder.rule.row.writes:
            settle(holder, segment, scope)
    return said


def claimed(rules: Sequence[Rule], item: Any) -> bool:
    """Tell whether any of the rows claims an item and finds a value in it."""
    lists = [rule.items for rule in rules if rule.items is not None]
    return any(at.claims(item) and at.value(item) is not MISSING for at in lists)


def held_by(rule: Rule, segment: Segment, scope: Scope) -> list[Held]:
    """Return what the row's field holds now."""
    assert rule.left is not None
    text = field_text(segment, rule.left.fields[0])
    if not text or text == NULL or not rule.holds(segment, scope):
        return []
    return [
        Held(again, as_item(rule, attempt(rule, rule.read_value, rule.part(again, scope), scope, 1)))
        for again in repetitions(text, rule.top, scope)
    ]


def as_item(rule: Rule, value: Any) -> Any:
    """Return the list item that reading `value` makes, selector and all."""
    if value is MISSING:
        return MISSING
    assert rule.items is not None
    scratch: Doc = {}
    rule.items.add(scratch, dict(value) if isinstance(value, dict) else value)
    return (rule.items.find(scratch) or [MISSING])[0]


def same(rule: Rule, held: Any, item: Any) -> bool:
    """Tell whether the reading of a repetition is the wanted item, as far as the row sees it."""
    assert rule.items is not None
    if held is MISSING or not rule.items.claims(item):
        return False
    return bool(rule.items.value(held) == rule.items.value(item))


def keep(holders: list[Holder], item: Any) -> bool:
    """Mark the repetition that reads as `item`; equal facts in several places are all kept."""
    found = False
    for holder in holders:
        for held in holder.held:
            if held.item is not MISSING and (held.item == item or same(holder.rule, held.item, item)):
                held.kept = found = True
    return found


def keep_alike(holders: list[Holder], item: Any, scope: Scope) -> bool:
    """Mark the repetition that says of `item` all that the codec can say; tell whether there is one."""
    for holder in holders:
        open_ones = [held for held in holder.held if not held.kept and held.item is not MISSING]
        if not open_ones:
            continue
        spoken = as_spoken(holder.rule, item, scope)
        for held in open_ones:
            if spoken is not MISSING and (held.item == spoken or same(holder.rule, held.item, spoken)):
                held.kept = True
                return True
    return False


def as_spoken(rule: Rule, item: Any, scope: Scope) -> Any:
    """Return the item as it reads after being written by the row's codec."""
    text = spoken_text(rule, item, "", scope)
    return as_item(rule, attempt(rule, rule.read_value, text or "", scope, 1))


def spoken_text(rule: Rule, item: Any, old: str, scope: Scope) -> str | None:
    """Return the text of an item, or None when the row cannot say it."""
    assert rule.items is not None
    value = rule.items.value(item)
    if value is MISSING or value is None:
        return None
    try:
        return rule.write_value(value, scope, old)
    except Unfit:
        return None


def place_item(holders: list[Holder], item: Any, scope: Scope) -> None:
    """Give an item to the row that claims it: a row with a selector first, then the first that can say it."""
    for holder in sorted(holders, key=lambda h: not selected(h.rule, item)):
        rule = holder.rule
        assert rule.items is not None
        assert rule.left is not None
        if not rule.row.writes or not rule.items.claims(item):
            continue
        old = nearest(holder, item)
        base = rule.part(old.text, scope) if old else ""
        text = spoken_text(rule, item, base, scope)
        if text is None or text == "":
            continue
        whole = with_part(old.text if old else "", text, rule.left, rule.top, scope)
        if old:
            old.text, old.kept = whole, True
        else:
            holder.added.append(whole)
        holder.changed = True
        return


def selected(rule: Rule, item: Any) -> bool:
    """Tell whether a row claims an item by a selector of its own."""
    assert rule.items is not None
    path = rule.items.path
    return bool(path.steps[path.star].keys) and rule.items.claims(item)


def nearest(holder: Holder, item: Any) -> Held | None:
    """Return the repetition of which `item` is an edit: more of its parts are equal than differ."""
    best: tuple[int, Held | None] = (-1, None)
    for held in holder.held:
        if held.kept or not isinstance(held.item, dict) or not isinstance(item, dict):
            continue
        names = held.item.keys() | item.keys()
        equal = sum(held.item.get(name) == item.get(name) for name in names)
        if equal and 2 * equal >= len(names) and equal > best[0]:
            best = (equal, held)
    return best[1]


def settle(holder: Holder, segment: Segment, scope: Scope) -> None:
    """Write the row's repetitions back when any of them changed; what could not be read stays."""
    left = [held for held in holder.held if held.kept or held.item is MISSING]
    gone = len(left) < len(holder.held)
    if not holder.changed and not gone:
        return
    rule = holder.rule
    assert rule.left is not None
    texts = [held.text for held in left] + holder.added
    if holder.added and not establish(rule, segment, scope):
        texts = [held.text for held in left]
    if rule.left.inner:
        texts = beside(rule, segment, texts, scope)
    set_field(segment, rule.left.fields[0], scope.marks[0].join(texts) if rule.top == 1 else "".join(texts[:1]))


def beside(rule: Rule, segment: Segment, texts: list[str], scope: Scope) -> list[str]:
    """Return the repetitions of a field with only the row's own part of each taken from `texts`."""
    assert rule.left is not None
    now = list(repetitions(field_text(segment, rule.left.fields[0]), rule.top, scope))
    now += [""] * (len(texts) - len(now))
    parts = [rule.part(text, scope) for text in texts] + [""] * (len(now) - len(texts))
    return [with_part(text, part, rule.left, rule.top, scope) for text, part in zip(now, parts, strict=True)]
