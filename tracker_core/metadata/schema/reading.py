"""Reading the tables of types: text files with one block per type.

    type optionSets option.OptionSet shareable unique=name auth=OPTIONSET
      enum     valueType!:valueType
      integer  version=0
      refs     options>options~optionSet

A block is a head (`enum`, `group`, `part`, `type`, `own`) and lines, each a kind and properties of that kind:

    [-]name[!][*][(low..high) | (A|B) | :enumeration][>target][?][~mirror][=default]

`-` is computed, `!` required, `*` unique, `?` a reference that may lead nowhere. A head names the class and then words:
groups to take over, flags, and `key=value`. A property that is said twice is what is said last.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import cast, get_args

from tracker_core.metadata.schema.model import Authorities, Default, Kind, Property, Type

_FOLDER = Path(__file__).parent / "types"
_KINDS = frozenset(get_args(Kind))
_ITEM = re.compile(
    r"(?P<computed>-?)(?P<name>\w+)(?P<marks>[!*]*)(?:\((?P<bounds>[^)]*)\)|:(?P<enum>\w+))?"
    r"(?:>(?P<target>\w+))?(?P<loose>\??)(?:~(?P<mirror>\w+))?(?:=(?P<default>\S+))?"
)
_PLURALS = (("ies", "y"), ("s", ""))
_DOMAIN = "org.hisp.dhis."


@dataclass(slots=True)
class _Tables:
    enums: dict[str, tuple[str, ...]] = field(default_factory=dict)
    groups: dict[str, list[Property]] = field(default_factory=dict)
    types: dict[str, Type] = field(default_factory=dict)


def read_types() -> Mapping[str, Type]:
    """Read every table; parts come under their names, types under those of their collections. Raises ValueError."""
    tables = _Tables()
    for path in sorted(_FOLDER.glob("*.txt")):
        for head, lines in _blocks(path.read_text("utf-8")):
            _read_block(tables, head, lines)
    return tables.types


def _blocks(text: str) -> Iterator[tuple[list[str], list[list[str]]]]:
    head: list[str] = []
    lines: list[list[str]] = []
    for line in text.splitlines():
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        if line[0].isspace():
            lines.append(words)
            continue
        if head:
            yield head, lines
        head, lines = words, []
    if head:
        yield head, lines


def _read_block(tables: _Tables, head: list[str], lines: list[list[str]]) -> None:
    word, name = head[:2]
    if word == "enum":
        tables.enums[name] = tuple(head[2:])
        return
    found = [_property(tables, kind, item) for kind, *items in lines for item in items]
    if word == "group":
        tables.groups[name] = found
    elif word in ("type", "part", "own"):
        tables.types[name] = _type(tables, head, found)
    else:
        raise ValueError(f"a block starts with enum, group, part, type or own, not with {word}")


def _property(tables: _Tables, kind: str, item: str) -> Property:
    found = _ITEM.fullmatch(item)
    if found is None or kind not in _KINDS:
        raise ValueError(f"no property: {kind} {item}")
    values, low, high = _bounds(found["bounds"] or "")
    return Property(
        name=found["name"],
        kind=cast("Kind", kind),
        owner=not found["computed"],
        required="!" in found["marks"],
        unique="*" in found["marks"],
        low=low,
        high=high,
        values=tables.enums[found["enum"]] if found["enum"] else values,
        target=found["target"] or "",
        mirror=found["mirror"] or "",
        default=_default(kind, found["default"]),
        loose=bool(found["loose"]),
    )


def _bounds(text: str) -> tuple[tuple[str, ...], int | None, int | None]:
    if ".." not in text:
        return tuple(text.split("|")) if text else (), None, None
    low, _, high = text.partition("..")
    return (), int(low) if low else None, int(high) if high else None


def _default(kind: str, text: str | None) -> Default:
    if text is None:
        return None
    if kind == "boolean":
        return text == "true"
    return int(text) if kind == "integer" else text


def _type(tables: _Tables, head: list[str], own: list[Property]) -> Type:
    word, collection, klass, *words = head
    given = dict(w.split("=", 1) for w in words if "=" in w)
    flags = [w for w in words if "=" not in w]
    groups = ([] if word == "part" else ["identified"]) + [w for w in flags if w in tables.groups]
    properties = {p.name: p for p in (*(p for g in groups for p in tables.groups[g]), *own)}
    _amend(properties, given, flags)
    owner, _, inner = given.get("within", "").partition(".")
    return Type(
        collection=collection,
        singular=given.get("singular") or (collection if word == "part" else _singular(collection)),
        klass=_DOMAIN + klass,
        properties=properties,
        part=word == "part",
        own=word == "own",
        nameable="nameable" in flags,
        shareable="shareable" in flags,
        data_shareable="dataShareable" in flags,
        translatable=word == "type" and "untranslated" not in flags,
        repeated_codes="repeatedCodes" in flags,
        within=(owner, inner) if owner else None,
        authorities=_authorities(given),
    )


def _amend(properties: dict[str, Property], given: Mapping[str, str], flags: Iterable[str]) -> None:
    for name in filter(None, given.get("required", "").split(",")):
        properties[name] = replace(properties[name], required=True)
    for name in filter(None, given.get("unique", "").split(",")):
        properties[name] = replace(properties[name], unique=True)
    if "nameless" in flags:
        properties["name"] = replace(properties["name"], required=False, low=None)
    if "repeatedCodes" in flags:
        properties["code"] = replace(properties["code"], unique=False)


def _authorities(given: Mapping[str, str]) -> Authorities:
    stem = given.get("auth")
    if stem:
        return Authorities((f"F_{stem}_PUBLIC_ADD",), (f"F_{stem}_PRIVATE_ADD",), (), (f"F_{stem}_DELETE",))
    add, update, delete = (tuple(filter(None, given.get(k, "").split(","))) for k in ("add", "update", "delete"))
    return Authorities(add, add, update, delete)


def _singular(plural: str) -> str:
    for ending, instead in _PLURALS:
        if plural.endswith(ending):
            return plural[: len(plural) - len(ending)] + instead
    return plural
