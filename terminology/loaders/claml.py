"""ClaML 2 (ISO 13120 as WHO publishes classifications): read as a stream, modifiers expanded into codes.

A `Class` without subclasses takes the classes of each `ModifiedBy` of its own or of a class above it, in order,
unless an `ExcludeModifier` on the way names it or `ValidModifierClass` leaves some out (ClaML 2.0.0, `ModifiedBy`).
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lxml import etree

from terminology.concepts import Concept, Edition
from terminology.errors import Refused
from terminology.icd10 import SYSTEM

_NOTES = ("inclusion", "exclusion", "coding-hint", "definition", "note")
_XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"


@dataclass(slots=True)
class _Suffix:
    """One `ModifierClass`: what it appends to a code and to its display."""

    code: str
    display: str


@dataclass(frozen=True, slots=True)
class _Use:
    """One `ModifiedBy`: the modifier, and the only suffixes that are valid there (none named: all)."""

    modifier: str
    only: frozenset[str]


@dataclass(slots=True)
class _Scope:
    """What a walk remembers of the classes read so far: modifiers in force below each, and the suffixes of each."""

    suffixes: dict[str, list[_Suffix]] = field(default_factory=dict)
    uses: dict[str, tuple[_Use, ...]] = field(default_factory=dict)


def read_edition(path: Path, url: str = SYSTEM) -> Edition:
    """Return what the file's `Title` says of itself. Raises `Refused` when it is no ClaML file."""
    for element in _elements(path, ("Title", "Class")):
        if element.tag == "Title":
            name = element.get("name") or _text(element) or path.stem
            return Edition(url, element.get("version") or element.get("date") or "", name, f"ClaML {path.name}")
        break
    raise Refused("the file has no Title: it is not ClaML", path.name)


def read_concepts(path: Path, language: str = "") -> Iterator[Concept]:
    """Yield every class, and the codes that modifiers make, parents before children as in the file.

    `language` picks labels by `xml:lang` where a rubric has several. Raises `Refused` with the line of what is wrong.
    """
    scope = _Scope()
    for element in _elements(path, ("ModifierClass", "Class")):
        where = f"line {element.sourceline}"
        code = element.get("code")
        if not code:
            raise Refused(f"a {element.tag} without a code", where)
        display = _label(element, language)
        if element.tag == "ModifierClass":
            scope.suffixes.setdefault(element.get("modifier", ""), []).append(_Suffix(code, display))
            continue
        if not display:
            raise Refused(f"class {code} has no preferred label", where)
        concept = Concept(code, display, _parents(element), element.get("kind", ""), _properties(element), where)
        yield concept
        scope.uses[code] = _uses(element, scope)
        if element.find("SubClass") is None:
            yield from _expanded(concept, scope)


def _elements(path: Path, tags: tuple[str, ...]) -> Iterator[Any]:
    """Yield finished elements of `tags`, letting go of each after its use."""
    try:
        with path.open("rb") as file:
            for _, element in etree.iterparse(file, tag=tags, load_dtd=False, no_network=True, resolve_entities=False):
                yield element
                element.clear()
                while element.getprevious() is not None:
                    del element.getparent()[0]
    except etree.XMLSyntaxError as error:
        raise Refused(f"the file is not well-formed XML: {error.msg}", f"line {error.lineno}") from error
    except OSError as error:
        raise Refused(f"the file cannot be read: {error}", path.name) from error


def _parents(element: Any) -> tuple[str, ...]:
    return tuple(above.get("code", "") for above in element.iterfind("SuperClass"))


def _properties(element: Any) -> dict[str, Any]:
    """Return the usage mark and the notes of a class."""
    found: dict[str, Any] = {}
    if usage := element.get("usage"):
        found["usage"] = usage
    for rubric in element.iterfind("Rubric"):
        kind = rubric.get("kind")
        if kind in _NOTES and (text := _text(rubric)):
            found.setdefault(kind, []).append(text)
    return found


def _uses(element: Any, scope: _Scope) -> tuple[_Use, ...]:
    """Return the modifiers in force at a class: its own, then those from above that it does not exclude."""
    own = tuple(
        _Use(use.get("code", ""), frozenset(valid.get("code", "") for valid in use.iterfind("ValidModifierClass")))
        for use in element.iterfind("ModifiedBy")
    )
    shut = {exclude.get("code") for exclude in element.iterfind("ExcludeModifier")} | {use.modifier for use in own}
    inherited = tuple(use for code in _parents(element) for use in scope.uses.get(code, ()))
    for use in own:
        if use.modifier not in scope.suffixes:
            raise Refused(f"modifier {use.modifier} is not in the file", f"line {element.sourceline}")
    return (*(use for use in inherited if use.modifier not in shut), *own)


def _expanded(concept: Concept, scope: _Scope) -> Iterator[Concept]:
    """Yield the codes that the modifiers in force make of a class without subclasses, level by level."""
    level = [concept]
    for use in scope.uses[concept.code]:
        made = [_suffixed(above, suffix) for above in level for suffix in _valid(scope.suffixes[use.modifier], use)]
        fitting = [new for new in made if _fits(new.code)]
        yield from fitting
        level = fitting or level


def _valid(suffixes: list[_Suffix], use: _Use) -> list[_Suffix]:
    return [suffix for suffix in suffixes if not use.only or suffix.code in use.only]


def _fits(code: str) -> bool:
    """Tell whether a made code has its dot after the category: a fifth character needs a fourth one before it."""
    head, dot, tail = code.partition(".")
    return len(head) == 3 and (not dot or (bool(tail) and "." not in tail))


def _suffixed(above: Concept, suffix: _Suffix) -> Concept:
    usage = {"usage": above.properties["usage"]} if "usage" in above.properties else {}
    properties = {**usage, "modified": True}
    display = f"{above.display} : {suffix.display}"
    return Concept(above.code + suffix.code, display, (above.code,), above.kind, properties, above.where)


def _label(element: Any, language: str) -> str:
    """Return the preferred label in `language`, else the first one."""
    preferred, long = (element.findall(f"Rubric[@kind='{kind}']/Label") for kind in ("preferred", "preferredLong"))
    labels = preferred or long
    chosen = [label for label in labels if label.get(_XML_LANG) == language] or labels
    return _text(chosen[0]) if chosen else ""


def _text(element: Any) -> str:
    """Return the text of an element without its references and with single blanks."""
    parts = [element.text or ""]
    for child in element:
        if child.tag != "Reference":
            parts.append(_text(child))
        parts.append(child.tail or "")
    return " ".join("".join(parts).split())
