"""From ICD-10-CM to WHO's ICD-10: two systems with equal-looking codes, joined by a map that says what it rests on."""

from terminology.code_system import CodeSystem
from terminology.concepts import Concept
from terminology.icd10 import SYSTEM, SYSTEM_CM
from terminology.library import Document
from terminology.words import folded

URL = "urn:tracker-hub:concept-map:icd-10-cm:icd-10"
TRUNCATED = "by truncation"


def build(cm: CodeSystem, who: CodeSystem) -> Document:
    """Return a ConceptMap from every category and code of `cm` to `who`, both loaded versions of their systems.

    The same code with the same title is `equivalent`, with another title `relatedto`; a code that WHO does not have
    maps to the nearest code above it that WHO has, `wider`, with the comment `by truncation`; where there is none,
    `unmatched`. Chapters and blocks are left out: their ranges differ.
    """
    elements = [
        {"code": one.code, "display": one.display, "target": [_target(one, cm, who)]}
        for one in cm.concepts
        if one.kind not in ("chapter", "block")
    ]
    return {
        "resourceType": "ConceptMap",
        "url": URL,
        "version": f"{cm.edition.version}-{who.edition.version}",
        "name": "ICD-10-CM to ICD-10",
        "status": "active",
        "group": [
            {
                "source": SYSTEM_CM,
                "sourceVersion": cm.edition.version,
                "target": SYSTEM,
                "targetVersion": who.edition.version,
                "element": elements,
            }
        ],
    }


def _target(one: Concept, cm: CodeSystem, who: CodeSystem) -> dict[str, str]:
    same = who.lookup(one.code)
    if same is not None:
        equal = folded(same.display) == folded(one.display)
        return {"code": same.code, "display": same.display, "equivalence": "equivalent" if equal else "relatedto"}
    for above in cm.chain(one.code):
        found = who.lookup(above.code) if above.kind not in ("chapter", "block") else None
        if found is not None:
            text = f"{TRUNCATED} to {found.code}"
            return {"code": found.code, "display": found.display, "equivalence": "wider", "comment": text}
    return {"equivalence": "unmatched", "comment": f"ICD-10 {who.edition.version} has no category for it"}
