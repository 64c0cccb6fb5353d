"""Paths compiled to closures: get, put, drop and, for `*`, the items of a list."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final, TypeAlias

from mappings.paths import Path, Step, matcher, stamper
from tracker_core.records import definitions

Doc: TypeAlias = dict[str, Any]


class Missing(Enum):
    """The value of a place where there is nothing: untouched, in contrast to `None`, which clears."""

    MISSING = "missing"


MISSING: Final = Missing.MISSING
Find: TypeAlias = Callable[[Doc], Any]


@dataclass(frozen=True, slots=True, eq=False)
class Place:
    """One compiled path.

    get(doc)         the value; `MISSING` where there is none, `None` where a change clears it
    put(doc, value)  sets it, making what lies on the way; keys of a selector are stamped on a new item
    drop(doc)        removes it and the husks that remain: empty objects, items left with only their selector
    `keys` are the JSON names that a choice may take; a choice is read and written as `{name: value}`.
    """

    path: Path
    get: Find
    put: Callable[[Doc, Any], None]
    drop: Callable[[Doc], None]
    keys: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class ListPlace:
    """A compiled path with `*`: the items of one list that this row claims.

    all(doc)         the values, in order
    add(doc, value)  appends an item unless an equal one is there
    items(doc)       the items themselves; `value(item)` is what the rest of the path reads in one
    claims(item)     whether an item of the list is this row's by its selector
    find(doc)        the whole list, or None
    """

    path: Path
    all: Callable[[Doc], list[Any]]
    add: Callable[[Doc, Any], None]
    items: Callable[[Doc], list[Any]]
    value: Callable[[Any], Any]
    claims: Callable[[object], bool]
    find: Callable[[Doc], list[Any] | None]


def compile_place(path: Path, extra: Sequence[str] = ()) -> Place:
    """Compile a path without `*`. `extra` are sibling keys that the row's codec owns beside the last element."""
    *before, last = path.steps
    way, make = descend(before), ensure(before)
    keys = leaf_keys(path, extra)
    if keys:
        get, put, remove = choice_leaf(keys)
    elif last.keys:
        get, put, remove = pick_leaf(last)
    elif last.position:
        get, put, remove = position_leaf(last)
    elif last.many:
        get, put, remove = first_leaf(last.name)
    else:
        get, put, remove = field_leaf(last.name)
    if not before:
        return Place(path, get, put, remove, keys)

    def get_deep(doc: Doc) -> Any:
        found = way(doc)
        return MISSING if found is None else get(found)

    def put_deep(doc: Doc, value: Any) -> None:
        put(make(doc), value)

    return Place(path, get_deep, put_deep, lambda doc: drop_deep(doc, path.steps, remove), keys)


def leaf_keys(path: Path, extra: Sequence[str]) -> tuple[str, ...]:
    """Return the JSON names that the last step owns together, empty for an ordinary element."""
    *before, last = path.steps
    inside = before[-1].kind if before else path.structure
    if last.choice:
        return (*definitions.choices(inside)[last.name][1], *extra)
    return (last.name, *extra) if extra else ()


def field_leaf(name: str) -> tuple[Find, Callable[[Doc, Any], None], Callable[[Doc], None]]:
    """Access an element that is no list."""

    def put(doc: Doc, value: Any) -> None:
        doc[name] = value

    return lambda doc: doc.get(name, MISSING), put, lambda doc: doc.pop(name, None)


def first_leaf(name: str) -> tuple[Find, Callable[[Doc, Any], None], Callable[[Doc], None]]:
    """Access the first item of a list."""

    def get(doc: Doc) -> Any:
        found = doc.get(name, MISSING)
        return found[0] if found and found is not MISSING else MISSING if found is not None else None

    def put(doc: Doc, value: Any) -> None:
        if value is None:
            doc[name] = None
        elif doc.get(name):
            doc[name][0] = value
        else:
            doc[name] = [value]

    def drop(doc: Doc) -> None:
        if doc.get(name):
            del doc[name][0]
        if not doc.get(name):
            doc.pop(name, None)

    return get, put, drop


def pick_leaf(step: Step) -> tuple[Find, Callable[[Doc, Any], None], Callable[[Doc], None]]:
    """Access the item with a selector."""
    name, matches, stamp = step.name, matcher(step.keys), stamper(step.keys)

    def get(doc: Doc) -> Any:
        return next((item for item in doc.get(name) or () if matches(item)), MISSING)

    def put(doc: Doc, value: Any) -> None:
        if value is None:
            drop(doc)
            return
        stamp(value)
        items = doc.get(name) or []
        index = next((i for i, item in enumerate(items) if matches(item)), len(items))
        doc[name] = [*items[:index], value, *items[index + 1 :]]

    def drop(doc: Doc) -> None:
        left = [item for item in doc.get(name) or () if not matches(item)]
        keep_list(doc, name, left)

    return get, put, drop


def position_leaf(step: Step) -> tuple[Find, Callable[[Doc, Any], None], Callable[[Doc], None]]:
    """Access item n of a list; gaps are `None` until `close_gaps`."""
    name, index = step.name, step.position - 1

    def get(doc: Doc) -> Any:
        items = doc.get(name) or ()
        return items[index] if index < len(items) and items[index] is not None else MISSING

    def put(doc: Doc, value: Any) -> None:
        pad(doc, name, index)[index] = value

    def drop(doc: Doc) -> None:
        items = doc.get(name) or []
        keep_list(doc, name, [item for i, item in enumerate(items) if i != index])

    return get, put, drop


def choice_leaf(keys: tuple[str, ...]) -> tuple[Find, Callable[[Doc, Any], None], Callable[[Doc], None]]:
    """Access the one variant of a choice that is there, as `{name: value}`; setting one removes the others.

    A key `extension[url]` stands for the extension with that url.
    """
    plain = [key for key in keys if "[" not in key]
    urls = [key.split("[", 1)[1][:-1] for key in keys if "[" in key]

    def get(doc: Doc) -> Any:
        found = {key: doc[key] for key in plain if key in doc}
        mine = [item for item in doc.get("extension") or () if item.get("url") in urls] if urls else None
        if mine:
            found["extension"] = mine
        if found and all(value is None for value in found.values()):
            return None
        return found or MISSING

    def drop(doc: Doc) -> None:
        for key in plain:
            doc.pop(key, None)
        if urls and doc.get("extension"):
            keep_list(doc, "extension", [item for item in doc["extension"] if item.get("url") not in urls])

    def put(doc: Doc, value: Any) -> None:
        drop(doc)
        if value is None:
            doc.update(dict.fromkeys(plain))
            return
        others = doc.get("extension") or []
        doc.update(value)
        if "extension" in value:
            doc["extension"] = [*others, *value["extension"]]

    return get, put, drop


def keep_list(doc: Doc, name: str, items: list[Any]) -> None:
    """Set a list, or remove it when nothing is left."""
    if items:
        doc[name] = items
    else:
        doc.pop(name, None)


def pad(doc: Doc, name: str, index: int) -> list[Any]:
    """Return the list `name`, long enough to have an item `index`."""
    items: list[Any] = doc.setdefault(name, [])
    while len(items) <= index:
        items.append(None)
    return items


def close_gaps(doc: Doc) -> None:
    """Remove the gaps that positions left in the lists of an element."""
    for name, value in list(doc.items()):
        if isinstance(value, list) and None in value:
            keep_list(doc, name, [item for item in value if item is not None])


def descend(steps: Sequence[Step]) -> Find:
    """Return the function that walks to the object behind `steps`, or to None."""
    finders = [finder(step) for step in steps]
    if not finders:
        return lambda doc: doc
    if len(finders) == 1:
        return finders[0]

    def walk(doc: Doc) -> Any:
        found: Any = doc
        for find in finders:
            found = find(found)
            if found is None:
                return None
        return found

    return walk


def finder(step: Step) -> Find:
    """Return the function that looks one step down."""
    name = step.name
    if step.keys:
        matches = matcher(step.keys)
        return lambda doc: next((item for item in doc.get(name) or () if matches(item)), None)
    if step.many:
        index = max(step.position - 1, 0)
        return lambda doc: item_at(doc.get(name), index)
    return lambda doc: doc.get(name)


def item_at(items: list[Any] | None, index: int) -> Any:
    """Return an item of a list that may be absent or too short."""
    return items[index] if items and index < len(items) else None


def ensure(steps: Sequence[Step]) -> Find:
    """Return the function that walks to the object behind `steps` and makes what is not there."""
    makers = [maker(step) for step in steps]
    if len(makers) == 1:
        return makers[0]

    def walk(doc: Doc) -> Any:
        for make in makers:
            doc = make(doc)
        return doc

    return walk


def maker(step: Step) -> Find:
    """Return the function that goes one step down and makes the object where there is none."""
    name = step.name
    if step.keys:
        return item_maker(step)
    if step.many:
        index = max(step.position - 1, 0)

        def at(doc: Doc) -> Any:
            if doc.get(name, MISSING) is None:
                del doc[name]
            items = pad(doc, name, index)
            if items[index] is None:
                items[index] = {}
            return items[index]

        return at

    def field(doc: Doc) -> Any:
        found = doc.get(name)
        if found is None:
            found = doc[name] = {}
        return found

    return field


def item_maker(step: Step) -> Find:
    """Return the function that finds the item with a selector, or makes it."""
    name, matches, stamp = step.name, matcher(step.keys), stamper(step.keys)

    def pick(doc: Doc) -> Any:
        for item in doc.get(name) or ():
            if matches(item):
                return item
        made: Doc = {}
        stamp(made)
        doc[name] = [*(doc.get(name) or ()), made]
        return made

    return pick


def drop_deep(doc: Doc, steps: Sequence[Step], remove: Callable[[Doc], None]) -> None:
    """Remove what lies behind `steps`, then every object on the way that is left empty or with only its selector."""
    if len(steps) == 1:
        remove(doc)
        return
    step = steps[0]
    inner = finder(step)(doc)
    if inner is None:
        return
    drop_deep(inner, steps[1:], remove)
    if set(inner) <= {key.name for key in step.keys}:
        if step.many:
            keep_list(doc, step.name, [item for item in doc[step.name] if item is not inner])
        else:
            doc.pop(step.name, None)


def compile_list(path: Path, others: Sequence[tuple[Step, ...]] = ()) -> ListPlace:
    """Compile a path with `*`. `others` are the selected steps with which other rows claim items of the same list."""
    star = path.steps[path.star]
    before, after = path.steps[: path.star], path.steps[path.star + 1 :]
    way, make = descend(before), ensure(before) if before else None
    rest = compile_place(Path(path.text, star.kind, after)) if after else None
    claims = claim(star, others)
    stamp = stamper(star.keys) if star.keys else None
    name = star.name

    def find(doc: Doc) -> Any:
        found = way(doc)
        return None if found is None else found.get(name)

    def items(doc: Doc) -> list[Any]:
        return [item for item in find(doc) or () if claims(item)]

    def value(item: Any) -> Any:
        return rest.get(item) if rest else item

    def all_(doc: Doc) -> list[Any]:
        return [found for item in items(doc) if (found := value(item)) is not MISSING]

    def add(doc: Doc, new: Any) -> None:
        item: Any = new
        if rest:
            item = {}
            rest.put(item, new)
        if stamp and isinstance(item, dict):
            stamp(item)
        target = make(doc) if make else doc
        present = target.get(name)
        if present is None:
            target[name] = [item]
        elif item not in present:
            present.append(item)

    return ListPlace(path, all_, add, items, value, claims, find)


def claim(star: Step, others: Sequence[tuple[Step, ...]]) -> Callable[[object], bool]:
    """Return whether an item is a row's own: by its selector, or because no other row selects it."""
    if star.keys:
        return matcher(star.keys)
    tests = [matcher(steps[-1].keys) for steps in others]
    return lambda item: not any(test(item) for test in tests)
