"""ConceptMap `$translate` (R4 4.10.13): from one code system to another and back, compiled to dictionaries."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from terminology.library import Document
from terminology.problems import Problem
from terminology.requests import Request

# R5 calls it relationship; both are read, R4's equivalence is answered.
_EQUIVALENCE = {
    "related-to": "relatedto",
    "source-is-narrower-than-target": "wider",
    "source-is-broader-than-target": "narrower",
    "not-related-to": "unmatched",
    "equivalent": "equivalent",
}
_TURNED = {"wider": "narrower", "narrower": "wider", "subsumes": "specializes", "specializes": "subsumes"}
_NO_MATCH = ("unmatched", "disjoint")


@dataclass(frozen=True, slots=True)
class Match:
    """One answer: the code it leads to, how the target stands to the source, and the map that says so."""

    system: str
    code: str
    display: str
    equivalence: str
    map: str
    comment: str = ""


@dataclass(frozen=True, slots=True)
class ConceptMap:
    """A map compiled for use on every message: one look-up in a dictionary per translation."""

    url: str
    version: str
    source: str
    target: str
    forward: Mapping[tuple[str, str], tuple[Match, ...]]
    reverse: Mapping[tuple[str, str], tuple[Match, ...]]

    def translate(self, system: str, code: str) -> tuple[Match, ...]:
        """Return what `code` of `system` maps to, empty when the map says nothing of it."""
        return self.forward.get((system, code), ())

    def back(self, system: str, code: str) -> tuple[Match, ...]:
        """Return what maps to `code` of `system`."""
        return self.reverse.get((system, code), ())


def compile_map(doc: Document) -> ConceptMap:
    """Compile a FHIR ConceptMap of R4, or of R5 (`relationship` for `equivalence`)."""
    forward: dict[tuple[str, str], list[Match]] = {}
    reverse: dict[tuple[str, str], list[Match]] = {}
    url, version = doc.get("url", ""), doc.get("version", "")
    canonical = f"{url}|{version}" if version else url
    for group in doc.get("group", []):
        source, target = group.get("source", ""), group.get("target", "")
        for element, one in _pairs(group):
            equivalence = one.get("equivalence") or _EQUIVALENCE.get(one.get("relationship", ""), "relatedto")
            there = Match(
                target, one.get("code", ""), one.get("display", ""), equivalence, canonical, one.get("comment", "")
            )
            forward.setdefault((source, element["code"]), []).append(there)
            turned = _TURNED.get(equivalence, equivalence)
            back = Match(source, element["code"], element.get("display", ""), turned, canonical, there.comment)
            reverse.setdefault((target, there.code), []).append(back)
    return ConceptMap(
        url=url,
        version=version,
        source=doc.get("sourceUri") or doc.get("sourceCanonical") or doc.get("sourceScopeUri", ""),
        target=doc.get("targetUri") or doc.get("targetCanonical") or doc.get("targetScopeUri", ""),
        forward={key: tuple(found) for key, found in forward.items()},
        reverse={key: tuple(found) for key, found in reverse.items()},
    )


def _pairs(group: dict[str, Any]) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    for element in group.get("element", []):
        if element.get("code"):
            for target in element.get("target", []):
                yield element, target


def translate(maps: Iterable[ConceptMap], request: Request) -> list[dict[str, Any]]:
    """Return the parameters of the answer to `$translate` over `maps`, those that the request may use.

    `reverse` (or R5's `targetCode`) asks what maps to the code. `targetsystem` keeps answers of one system. A match
    that says "nothing fits" is told, but gives the result false. Raises `Problem` when there is no code to translate.
    """
    codings, backwards = _asked(request)
    wanted = request.text("targetsystem") or request.text("targetSystem")
    found = [
        match
        for one in maps
        for coding in codings
        for match in (one.back if backwards else one.translate)(coding["system"], coding["code"])
        if not wanted or match.system == wanted
    ]
    result = any(match.equivalence not in _NO_MATCH for match in found)
    made: list[dict[str, Any]] = [{"name": "result", "valueBoolean": result}]
    if not found:
        made.append({"name": "message", "valueString": "no map at hand says anything of this code"})
    return [*made, *(_match(one) for one in found)]


def _asked(request: Request) -> tuple[list[dict[str, str]], bool]:
    backwards = request.flag("reverse") or "targetCode" in request.single or "targetCoding" in request.single
    for name in ("codeableConcept", "sourceCodeableConcept", "targetCodeableConcept"):
        if isinstance(concept := request.single.get(name), dict):
            return [_coding(one) for one in concept.get("coding", [])], backwards
    for name in ("coding", "sourceCoding", "targetCoding"):
        if isinstance(coding := request.single.get(name), dict):
            return [_coding(coding)], backwards
    code = request.text("code") or request.text("sourceCode") or request.text("targetCode")
    if not code:
        raise Problem.bad_request("a code is expected: code with system, coding or codeableConcept")
    system = request.text("system") or request.text("sourceSystem")
    if backwards and "targetCode" in request.single:
        system = request.text("targetSystem") or system
    return [{"system": system, "code": code}], backwards


def _coding(doc: dict[str, Any]) -> dict[str, str]:
    return {"system": doc.get("system", ""), "code": doc.get("code", "")}


def _match(match: Match) -> dict[str, Any]:
    concept = {"system": match.system, "code": match.code, "display": match.display}
    parts: list[dict[str, Any]] = [
        {"name": "equivalence", "valueCode": match.equivalence},
        {"name": "concept", "valueCoding": {key: value for key, value in concept.items() if value}},
        {"name": "source", "valueUri": match.map},
    ]
    if match.comment:
        parts.append({"name": "comment", "valueString": match.comment})
    return {"name": "match", "part": parts}
