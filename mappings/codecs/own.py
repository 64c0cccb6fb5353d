"""The other side's own codes beside the standard ones: kept when they are read, found again when they are written.

Which code is written of several that mean the same: the one that came in; else the one that the concept map names
first for the standard code; else none, and the standard code stands with a warning.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from mappings.concepts import ConceptMap
from mappings.scope import Scope

LOCAL = "urn:tracker-hub:local:"
NO_EQUIVALENT = "no-equivalent"
Coding = Mapping[str, Any]


def own_coding(code: str, concepts: ConceptMap, display: str = "") -> dict[str, str]:
    """Return the coding that keeps a code of the other side's own."""
    return {"system": LOCAL + concepts.name, "code": code} | ({"display": display} if display else {})


def find_own(codings: Sequence[Coding], concepts: ConceptMap, scope: Scope) -> Coding | None:
    """Return what the other side calls a concept, None where it is best told by its standard code.

    Where the side has codes of its own but none for this concept, `scope` is warned.
    """
    if (kept := _kept(codings, concepts, scope)) or scope.returning:
        return kept
    for coding in codings:
        if word := scope.inverse(concepts, coding.get("system", ""), coding.get("code", "")):
            return {"code": word, "display": coding.get("display")}
    if concepts.forward and codings:
        named = f"{codings[0].get('system', '')}|{codings[0].get('code', '')}"
        scope.warn(NO_EQUIVALENT, f"no code of {concepts.name} means this", named, concepts.name)
    return None


def _kept(codings: Sequence[Coding], concepts: ConceptMap, scope: Scope) -> Coding | None:
    """Return the code that came in: from this side, or one that this side also has for the same standard code."""
    standard = {(coding.get("system"), coding.get("code")) for coding in codings}
    for coding in codings:
        if coding.get("system") == LOCAL + concepts.name:
            target = None if scope.returning else scope.translate(concepts, coding.get("code", ""))
            if scope.returning or (target and (target.system, target.code) in standard):
                return coding
    return None
