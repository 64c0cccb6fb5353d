"""Displays in the language asked for: what `displayLanguage` and Accept-Language mean (RFC 9110 12.5.4, BCP 47)."""

from collections.abc import Iterator
from dataclasses import dataclass

from terminology.concepts import Concept, Designation

PREFERRED = {
    "system": "http://terminology.hl7.org/CodeSystem/hl7TermMaintInfra",
    "code": "preferredForLanguage",
    "display": "Preferred For Language",
}

# Preferred for its language; SNOMED CT's fully specified name and synonym.
_NAMES = frozenset(
    {
        (PREFERRED["system"], PREFERRED["code"]),
        ("http://snomed.info/sct", "900000000000003001"),
        ("http://snomed.info/sct", "900000000000013009"),
    }
)


@dataclass(frozen=True, slots=True)
class Languages:
    """The languages asked for, best first. `others` tells whether any other will do when none of them is there."""

    wanted: tuple[str, ...] = ()
    others: bool = True
    text: str = ""


def read_languages(text: str) -> Languages:
    """Read `de-CH, de;q=0.8, *;q=0`; no text means that anything will do."""
    ranked = []
    others = True
    for at, part in enumerate(text.split(",")):
        tag, _, rest = part.partition(";")
        weight = _weight(rest)
        if tag.strip() == "*":
            others = weight > 0
        elif tag.strip() and weight > 0:
            ranked.append((-weight, at, tag.strip()))
    return Languages(tuple(tag for _, _, tag in sorted(ranked)), others, text.strip())


def _weight(parameters: str) -> float:
    name, _, value = parameters.partition("=")
    try:
        return float(value) if name.strip() == "q" else 1.0
    except ValueError:
        return 1.0


def matches(wanted: str, offered: str) -> bool:
    """Tell whether text in `offered` serves who wants `wanted`: the same language, in any region when none is named."""
    wanted, offered = wanted.lower(), offered.lower()
    return wanted == offered or offered.startswith(f"{wanted}-")


def is_name(said: Designation) -> bool:
    """Tell whether a designation may stand for the concept: it has no use of its own, or is said to be preferred."""
    use = said.use or {}
    return not use or (use.get("system"), use.get("code")) in _NAMES


def wordings(concept: Concept, own: str) -> Iterator[Designation]:
    """Yield the display, as said in the system's `own` language, then every designation."""
    if concept.display:
        yield Designation(concept.display, own)
    yield from concept.designations


def choose(concept: Concept, own: str, languages: Languages) -> Designation | None:
    """Return the wording of `concept` to show: the first in a wanted language, else the display, else None."""
    for wanted in languages.wanted:
        for said in wordings(concept, own):
            if said.language and is_name(said) and matches(wanted, said.language):
                return said
    if not concept.display or (languages.wanted and not languages.others and own):
        return None
    return Designation(concept.display, own)
