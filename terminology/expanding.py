"""ValueSet `$expand` (R4 4.9.17.1): members in order, a page at a time, with displays in the language asked for."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Any
from uuid import uuid4

from terminology import facts, implicit, languages
from terminology.code_system import CodeSystem
from terminology.composing import Composed, Member, compose, named
from terminology.concepts import Designation
from terminology.facts import value_key
from terminology.languages import Languages
from terminology.library import Document, Library, with_resources
from terminology.loaders.fhir import STANDARDS_STATUS
from terminology.problems import Problem
from terminology.requests import Request

UNBOUNDED_LIMIT = 1000
# How many members beyond a page are counted to tell the total; a larger set has none (R4: total is optional).
COUNTED, COUNTED_FOUND = 5000, 50
_PARAMETER = "http://hl7.org/fhir/StructureDefinition/valueset-expansion-parameter"
_UNCLOSED = "http://hl7.org/fhir/StructureDefinition/valueset-unclosed"


def expand(library: Library, request: Request, now: datetime, accepted: str = "") -> Document:
    """Return the value set that `request` names or brings, with its expansion.

    `filter` keeps members whose code starts with it, or with words starting with each of its words, best first; `count`
    and `offset` cut a page, the same one each time; without `count` more than `UNBOUNDED_LIMIT` members are refused as
    too costly. Hierarchies are shown nested unless `excludeNested`, a filter or a page forbids it. Raises `Problem`.
    """
    library = with_resources(library, request.resources)
    doc = find_value_set(library, request)
    composed = compose_kept(library, request, doc)
    wanted = request.languages(accepted, _set_language(doc))
    page = _Page(request.number("offset") or 0, request.number("count"))
    shown = _Shown(request, wanted, request.flag("activeOnly"))
    expansion: Document = {"identifier": f"urn:uuid:{uuid4()}", "timestamp": now.isoformat()}
    nested = _nests(composed, request, page)
    contains, total = _nested(composed, shown) if nested else _flat(composed, shown, page, request.text("filter"))
    fragments = [one for one in composed.used.systems.values() if one.edition.traits.content == "fragment"]
    if fragments:
        expansion["extension"] = [{"url": _UNCLOSED, "valueBoolean": True}, *_reasons(fragments)]
    if total is not None:
        expansion["total"] = total
    if page.given:
        expansion["offset"] = page.offset
    expansion["parameter"] = _parameters(composed, request, wanted)
    if shown.properties:
        expansion["property"] = [{"code": code, "uri": uri} for code, uri in sorted(shown.properties.items())]
    expansion["contains"] = contains
    return {
        **_head(doc, whole=request.flag("includeDefinition")),
        "expansion": {k: v for k, v in expansion.items() if v != []},
    }


def find_value_set(library: Library, request: Request) -> Document:
    """Return the ValueSet of `valueSet` or `url`; of a code system's own url when it names one (implicit value set)."""
    if isinstance(given := request.single.get("valueSet"), dict):
        return given
    url, _, version = request.text("url").partition("|")
    if not url:
        raise Problem.bad_request("a value set is expected: parameter url or valueSet")
    version = version or request.text("valueSetVersion")
    found = library.value_set(url, version or request.versions.value_sets.get(url, "")) or implicit.value_set(url)
    if found is None:
        raise Problem.value_set_missing(f"{url}|{version}" if version else url)
    return found


def compose_kept(library: Library, request: Request, doc: Document) -> Composed:
    """Compose the value set of a request; what is stored is composed once for as long as nothing stored changes."""
    versions = request.versions
    if library.kept is None or "valueSet" in request.single:
        return compose(library, versions, doc)
    key = (named(doc), versions.key)
    found: Composed | None = library.kept.get(key)
    if found is None:
        found = library.kept[key] = compose(library, versions, doc)
    return found


@dataclass(frozen=True, slots=True)
class _Page:
    offset: int
    count: int | None

    @property
    def given(self) -> bool:
        return self.count is not None or self.offset > 0


@dataclass(slots=True)
class _Shown:
    """How members are written, and which properties that took."""

    request: Request
    wanted: Languages
    active_only: bool
    properties: dict[str, str] = field(default_factory=dict)

    def keeps(self, member: Member) -> bool:
        return not (self.active_only and facts.inactive(member.concept, member.system.edition.traits))

    def write(self, member: Member) -> dict[str, Any]:
        concept, edition = member.concept, member.system.edition
        doc: dict[str, Any] = {"system": edition.url}
        if facts.abstract(concept, edition.traits):
            doc["abstract"] = True
        doc.update(self._inactive(member))
        doc["code"] = concept.code
        chosen = languages.choose(concept, edition.traits.language, self.wanted)
        if member.display or chosen:
            doc["display"] = member.display or (chosen.value if chosen else "")
        if member.extensions:
            doc = {"extension": list(member.extensions), **doc}
        if self.request.flag("includeDesignations"):
            said = [one for one in _designations(member, chosen) if self._designation_asked(one)]
            if said:
                doc["designation"] = said
        for code in self.request.many.get("property", []):
            self._asked_property(doc, member, str(code))
        return doc

    def _asked_property(self, doc: dict[str, Any], member: Member, code: str) -> None:
        """Add what `property` asks for: definition, parents, or a property of the code system."""
        concept, traits = member.concept, member.system.edition.traits
        values = {"definition": [concept.definition] if concept.definition else [], "parent": list(concept.parents)}
        held = concept.properties.get(code, [])
        for value in values.get(code, held if isinstance(held, list) else [held]):
            self.properties[code] = traits.uris.get(code) or f"{facts.PROPERTIES}{code}"
            key = "valueCode" if code == "parent" else value_key(value, traits.types.get(code, ""))
            doc.setdefault("property", []).append({"code": code, key: value})

    def _inactive(self, member: Member) -> dict[str, Any]:
        traits = member.system.edition.traits
        if not facts.inactive(member.concept, traits):
            return {}
        doc: dict[str, Any] = {"inactive": True}
        self._property(doc, "status", "valueCode", facts.status(member.concept, traits) or "inactive")
        return doc

    def _property(self, doc: dict[str, Any], code: str, key: str, value: Any) -> None:
        self.properties[code] = f"{facts.PROPERTIES}{code}"
        doc.setdefault("property", []).append({"code": code, key: value})

    def _designation_asked(self, said: dict[str, Any]) -> bool:
        asked = [str(one).rpartition("|") for one in self.request.many.get("designation", [])]
        return not asked or any(_asks(system, code, said) for system, _, code in asked)


def _designations(member: Member, chosen: Designation | None) -> Iterator[dict[str, Any]]:
    """Yield every wording but the one shown, as FHIR writes designations."""
    own = member.system.edition.traits.language
    for one in (*languages.wordings(member.concept, own), *member.designations):
        if one == chosen:
            continue
        use = languages.PREFERRED if one == Designation(member.concept.display, own) else one.use
        doc: dict[str, Any] = {"language": one.language} if one.language else {}
        yield {**doc, **({"use": use} if use else {}), "value": one.value}


def _asks(system: str, code: str, said: dict[str, Any]) -> bool:
    if system == "urn:ietf:bcp:47":
        return bool(code.casefold() == said.get("language", "").casefold())
    use = said.get("use", {})
    return (use.get("system", ""), use.get("code")) == (system, code)


def _nests(composed: Composed, request: Request, page: _Page) -> bool:
    if request.flag("excludeNested") or request.text("filter") or page.given or composed.excludes:
        return False
    return len(composed.includes) == 1 and composed.includes[0].whole


def _flat(composed: Composed, shown: _Shown, page: _Page, text: str) -> tuple[list[dict[str, Any]], int | None]:
    """Return a page of the members, and how many there are in all unless finding that out would walk too far."""
    walked = composed.find_text(text) if text else composed.walk()
    members = (member for member in walked if shown.keeps(member))
    end = UNBOUNDED_LIMIT + 1 if page.count is None else page.offset + page.count
    found = list(islice(members, end))
    if page.count is None and len(found) > UNBOUNDED_LIMIT:
        raise Problem.too_costly(composed.canonical, UNBOUNDED_LIMIT)
    counted = COUNTED_FOUND if text else COUNTED
    more = sum(1 for _ in islice(members, counted + 1)) if page.count is not None else 0
    total = None if more > counted else len(found) + more
    return [shown.write(member) for member in found[page.offset :]], total


def _nested(composed: Composed, shown: _Shown) -> tuple[list[dict[str, Any]], int | None]:
    members = [member for member in islice(composed.walk(), UNBOUNDED_LIMIT + 1) if shown.keeps(member)]
    if len(members) > UNBOUNDED_LIMIT:
        raise Problem.too_costly(composed.canonical, UNBOUNDED_LIMIT)
    written = {member.concept.code: shown.write(member) for member in members}
    roots = []
    for member in members:
        above = [code for code in member.concept.parents if code in written]
        for code in above:
            written[code].setdefault("contains", []).append(written[member.concept.code])
        if not above:
            roots.append(written[member.concept.code])
    return roots, len(members)


def _set_language(doc: Document) -> str:
    for extension in doc.get("compose", {}).get("extension", []):
        if extension.get("url") == _PARAMETER:
            parts = {one["url"]: next((v for k, v in one.items() if k != "url"), "") for one in extension["extension"]}
            if parts.get("name") == "displayLanguage":
                return str(parts.get("value", ""))
    return str(doc.get("language", ""))


def _parameters(composed: Composed, request: Request, wanted: Languages) -> list[dict[str, Any]]:
    made = list(request.echo)
    if wanted.text and not request.text("displayLanguage"):
        made.append({"name": "displayLanguage", "valueCode": wanted.text})
    for canonical, system in composed.used.systems.items():
        made.append({"name": "used-codesystem", "valueUri": canonical})
        if system.edition.traits.content in ("fragment", "example"):
            made.append({"name": f"used-{system.edition.traits.content}", "valueUri": canonical})
        made += [{"name": f"warning-{state}", "valueUri": canonical} for state in system_states(system)]
    made += [{"name": "used-supplement", "valueUri": canonical} for canonical in composed.used.supplements]
    for canonical, doc in composed.used.value_sets.items():
        made.append({"name": "used-valueset", "valueUri": canonical})
        made += [{"name": f"warning-{state}", "valueUri": canonical} for state in set_states(doc)]
    made += [{"name": f"warning-{state}", "valueUri": named(composed.doc)} for state in set_states(composed.doc)]
    return made


def system_states(system: CodeSystem) -> list[str]:
    """Return what users of a code system are warned of: draft, experimental, deprecated, withdrawn."""
    traits = system.edition.traits
    found: list[str] = [state for state in ("deprecated", "withdrawn") if traits.standards == state]
    found += ["draft"] if traits.status == "draft" or traits.standards == "draft" else []
    return found + (["experimental"] if traits.experimental else [])


def set_states(doc: Document) -> list[str]:
    """Return what users of a value set are warned of: deprecated, withdrawn."""
    said = [e.get("valueCode") for e in doc.get("extension", []) if e.get("url") == STANDARDS_STATUS]
    return [state for state in ("deprecated", "withdrawn") if state in said]


def _reasons(fragments: list[CodeSystem]) -> list[Document]:
    return [
        {
            "url": f"{_UNCLOSED}-reason",
            "valueString": f"This extension is based on a fragment of the code system {one.edition.url}",
        }
        for one in fragments
    ]


def _head(doc: Document, whole: bool) -> Document:
    """Return the value set without what it is made of, unless `includeDefinition` asks for it."""
    left = (
        ("text", "expansion", "meta") if whole else ("text", "expansion", "meta", "compose", "description", "purpose")
    )
    return {key: value for key, value in doc.items() if key not in left}
