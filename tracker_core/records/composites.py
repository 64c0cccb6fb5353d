"""Composite parameters: values that must hold in the same repetition of an element (FHIR R4 3.1.1.4.16).

Pairs of codes become one token; a code with a quantity becomes numbers whose unit is the code's token.
Other pairs are not indexed.
"""

from typing import Any

from tracker_core.records import definitions
from tracker_core.records.entries import EMITTERS, Emit, Entries
from tracker_core.records.expressions import Path, compile_expression, find
from tracker_core.records.terms import code_tokens, hashed

_CODED = ("CodeableConcept", "Coding", "code", "boolean")


def emitter(type_: str, parameter: definitions.Parameter, kind: str) -> Emit | None:
    """Return what indexes one repetition of the composite's element of FHIR type `kind`, or None when nothing does."""
    if len(parameter.components) != 2:
        return None
    types = [definitions.parameters(type_)[code].type for code, _ in parameter.components]
    first, second = (compile_expression(e, kind) for _, e in parameter.components)
    if types == ["token", "token"]:
        return _pairs(_only(first, _CODED), _only(second, _CODED))
    if types == ["token", "quantity"]:
        return _measures(_only(first, _CODED), _only(second, tuple(EMITTERS["quantity"])))
    return None


def pair_token(parameter: int, first: str, second: str) -> int:
    """Return the token of two codes together; each is `code` or `system|code`."""
    return hashed(parameter, "p", f"{first}${second}")


def _only(paths: tuple[Path, ...], kinds: tuple[str, ...]) -> tuple[Path, ...]:
    return tuple(p for p in paths if p.kind in kinds)


def _pairs(first: tuple[Path, ...], second: tuple[Path, ...]) -> Emit:
    def emit(value: Any, n: int, out: Entries) -> None:
        right = [text for path in second for v in find((path,), value) for text in code_texts(v)]
        if right:
            left = [text for path in first for v in find((path,), value) for text in code_texts(v)]
            out.tokens += [pair_token(n, a, b) for a in left for b in right]

    return emit


def _measures(first: tuple[Path, ...], second: tuple[Path, ...]) -> Emit:
    def emit(value: Any, n: int, out: Entries) -> None:
        found = Entries()
        for path in second:
            for quantity in find((path,), value):
                EMITTERS["quantity"][path.kind](quantity, 0, found)
        values = {number for _, unit, number in found.numbers if not unit}
        if values:
            codes = [text for path in first for v in find((path,), value) for text in code_texts(v)]
            out.numbers += [(n, measure_token(code), number) for code in codes for number in values]

    return emit


def measure_token(code: str) -> int:
    """Return the unit under which the numbers of a coded measure are kept; `code` is `code` or `system|code`."""
    return code_tokens(0, "", f"measure {code}")[0]


def code_texts(value: Any) -> list[str]:
    """Return a coded value as the texts it can be searched by: `code`, and `system|code` where it has a system."""
    if isinstance(value, bool):
        return ["true" if value else "false"]
    if isinstance(value, str):
        return [value]
    codings = value.get("coding", ()) if "coding" in value else (value,)
    out = []
    for coding in codings:
        code = coding.get("code")
        if code:
            out += [code, f"{coding.get('system') or ''}|{code}"]
    return out
