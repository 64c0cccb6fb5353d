"""Composite parameters: values that must hold in the same repetition of an element (FHIR R4 3.1.1.4.16).

Pairs of codes, and of a reference and a code, become one token. A code with a quantity becomes numbers whose unit is
the code's token, and a token for the code with the unit. A code with a date becomes two numbers, with a text one text,
with two numbers a token and a range. Other pairs are not indexed.
"""

from collections.abc import Callable
from functools import cache
from typing import Any, TypeAlias

from tracker_core.records import definitions
from tracker_core.records.entries import EMITTERS, Emit, Entries
from tracker_core.records.expressions import Path, compile_expression, find
from tracker_core.records.terms import LONGEST, code_tokens, hashed

_ROOT = "%resource"
Place: TypeAlias = tuple[Path, ...]


def emitter(type_: str, parameter: definitions.Parameter, path: Path) -> Emit | None:
    """Return what indexes the composite in one repetition of its element, or None when nothing does.

    What it is given is what `path` leads to; where a component lies elsewhere, it is given the whole document.
    """
    make = _KINDS.get(kinds(type_, parameter, path.kind))
    if make is None:
        return None
    emit = make(*(_place(expression, type_, path.kind) for _, expression in parameter.components))
    return _from_root(emit, path) if is_rooted(parameter) else emit


def is_rooted(parameter: definitions.Parameter) -> bool:
    """Tell whether a component lies outside the repeated element."""
    return any(expression.startswith(_ROOT) for _, expression in parameter.components)


@cache
def kinds(type_: str, parameter: definitions.Parameter, kind: str = "") -> tuple[str, ...]:
    """Return the parameter types of the components in the composite's element of type `kind`."""
    known = definitions.parameters(type_)
    kind = kind or next((p.kind for p in compile_expression(parameter.expression, type_)), "")
    out = []
    for code, expression in parameter.components:
        declared = known[code].type if code in known else ""
        found = {p.kind for p in _place(expression, type_, kind)}
        # R4 has the definitions of two components changed over (DocumentReference.relationship): the element decides.
        fitting = [t for t in (declared, *EMITTERS) if found & EMITTERS.get(t, {}).keys()]
        out.append(fitting[0] if fitting else "")
    return tuple(out)


def _place(expression: str, type_: str, kind: str) -> Place:
    if not expression.startswith(_ROOT):
        return compile_expression(expression, kind)
    found = compile_expression(expression, type_)
    return tuple(Path((_ROOT, *p.steps), p.kind, p.only) for p in found)


def _from_root(emit: Emit, path: Path) -> Emit:
    def emit_all(document: Any, n: int, out: Entries) -> None:
        for value in find((path,), document):
            emit({**value, _ROOT: document}, n, out)

    return emit_all


def pair_token(parameter: int, first: str, second: str) -> int:
    """Return the token of two codes together; each is `code` or `system|code`."""
    return hashed(parameter, "p", f"{first}${second}")


def measure_token(code: str, part: str = "") -> int:
    """Return the unit under which the numbers of a coded measure are kept; `code` is `code` or `system|code`."""
    return code_tokens(0, "", f"measure{part} {code}")[0]


def measured_token(parameter: int, code: str, unit: int) -> int:
    """Return the token of a code whose measure is in the unit of that token."""
    return hashed(parameter, "m", f"{code}${unit}")


def related_token(parameter: int, target: str, code: str) -> int:
    """Return the token of a reference with a code beside it; `target` is the target's key, or else the text."""
    return hashed(parameter, "p", f"{target} {code}")


def said(code: str, text: str) -> str:
    """Return the entry of a coded text; `text` is folded."""
    return f"{code}\x1f{text}"


def _texts(place: Place, value: Any) -> list[str]:
    coded = tuple(p for p in place if p.kind in EMITTERS["token"])
    return [text for v in find(coded, value) for text in code_texts(v)]


def _emitted(type_: str, place: Place, value: Any) -> Entries:
    found = Entries()
    for path in place:
        for one in find((path,), value) if path.kind in EMITTERS[type_] else ():
            EMITTERS[type_][path.kind](one, 0, found)
    return found


def _pairs(first: Place, second: Place) -> Emit:
    def emit(value: Any, n: int, out: Entries) -> None:
        right = _texts(second, value)
        if right:
            out.tokens += [pair_token(n, a, b) for a in _texts(first, value) for b in right]

    return emit


def _measures(first: Place, second: Place) -> Emit:
    def emit(value: Any, n: int, out: Entries) -> None:
        found = _emitted("quantity", second, value)
        if found.numbers:
            codes = _texts(first, value)
            out.numbers += [
                (n, measure_token(c), number) for c in codes for _, unit, number in found.numbers if not unit
            ]
            out.tokens += [measured_token(n, c, unit) for c in codes for _, unit, _ in found.numbers if unit]
            out.terms |= found.terms

    return emit


def _dated(first: Place, second: Place) -> Emit:
    def emit(value: Any, n: int, out: Entries) -> None:
        for _, lo, hi in _emitted("date", second, value).dates:
            for code in _texts(first, value):
                out.numbers += [(n, measure_token(code, "lo"), float(lo)), (n, measure_token(code, "hi"), float(hi))]

    return emit


def _worded(first: Place, second: Place) -> Emit:
    def emit(value: Any, n: int, out: Entries) -> None:
        for _, text in _emitted("string", second, value).strings:
            out.strings += [(n, said(code, text)[:LONGEST]) for code in _texts(first, value)]

    return emit


def _referring(first: Place, second: Place) -> Emit:
    def emit(value: Any, n: int, out: Entries) -> None:
        codes = _texts(second, value)
        out.related += [(n, text, c) for _, text in _emitted("reference", first, value).references for c in codes]

    return emit


def _coded_first(first: Place, second: Place) -> Emit:
    return _referring(second, first)


def _spans(first: Place, start: Place, end: Place) -> Emit:
    def emit(value: Any, n: int, out: Entries) -> None:
        starts, ends = _emitted("number", start, value).numbers, _emitted("number", end, value).numbers
        if starts and ends:
            out.tokens += [hashed(n, "p", code) for code in _texts(first, value)]
            out.dates += [(n, int(a), int(b)) for _, _, a in starts for _, _, b in ends]

    return emit


_KINDS: dict[tuple[str, ...], Callable[..., Emit]] = {
    ("token", "token"): _pairs,
    ("token", "quantity"): _measures,
    ("token", "date"): _dated,
    ("token", "string"): _worded,
    ("reference", "token"): _referring,
    ("token", "reference"): _coded_first,
    ("token", "number", "number"): _spans,
}


def code_texts(value: Any) -> list[str]:
    """Return a coded value as the texts it can be searched by: `code`, and `system|code` where it has a system."""
    if isinstance(value, bool):
        return ["true" if value else "false"]
    if isinstance(value, str):
        return [value]
    codings = value.get("coding", ()) if "coding" in value else (value,)
    out: list[str] = []
    for coding in codings:
        code = coding.get("code") or coding.get("value")
        if code:
            out += [code, f"{coding.get('system') or ''}|{code}"]
    return out
