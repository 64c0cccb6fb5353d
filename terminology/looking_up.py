"""CodeSystem `$lookup` and `$subsumes` (R4 4.8.17): what is said of a code, and how two codes stand to each other."""

from typing import Any

from terminology import facts, languages
from terminology.code_system import CodeSystem
from terminology.composing import find_system
from terminology.concepts import Concept, Designation
from terminology.facts import value_key
from terminology.library import Library, with_resources
from terminology.problems import Issue, Problem
from terminology.requests import Request

Parameter = dict[str, Any]
_ALWAYS = ("name", "version", "display", "system", "code")


def look_up(library: Library, request: Request, accepted: str = "") -> list[Parameter]:
    """Return the parameters of the answer to `$lookup`: display, definition, designations, properties, parents.

    `property` chooses which of them; none means all. Raises `Problem` for a system or a code that is not there.
    """
    library = with_resources(library, request.resources)
    coding = request.single.get("coding", {})
    url = request.text("system") or coding.get("system", "")
    code = request.text("code") or coding.get("code", "")
    if not url or not code:
        raise Problem.bad_request("a code is expected: parameters system and code, or coding")
    version = request.text("version") or coding.get("version", "")
    system = find_system(library, request.versions, url, version)
    concept = known(system, code)
    wanted = {str(one) for one in request.many.get("property", [])}
    chosen = languages.choose(concept, system.edition.traits.language, request.languages(accepted))
    made: list[Parameter] = [
        {"name": "code", "valueCode": concept.code},
        {"name": "system", "valueUri": system.edition.url},
        {"name": "name", "valueString": system.edition.name},
        {"name": "display", "valueString": chosen.value if chosen else concept.display},
        {"name": "abstract", "valueBoolean": facts.abstract(concept, system.edition.traits)},
    ]
    if system.edition.version:
        made.append({"name": "version", "valueString": system.edition.version})
    if concept.definition and (not wanted or "definition" in wanted):
        made.append({"name": "definition", "valueString": concept.definition})
    if not wanted or "designation" in wanted:
        made += [_designation(one) for one in languages.wordings(concept, system.edition.traits.language)]
    made += [one for one in _properties(system, concept) if not wanted or one["part"][0]["valueCode"] in wanted]
    return made


def known(system: CodeSystem, code: str) -> Concept:
    """Return the concept of `code`. Raises `Problem` when the system has no such code."""
    concept = system.find(code)
    if concept is None:
        edition = system.edition
        version = f" version '{edition.version}'" if edition.version else ""
        text = f"Unknown code '{code}' in the CodeSystem '{edition.url}'{version}"
        raise Problem(Issue("error", "not-found", "invalid-code", "Unknown_Code_in_Version", text), 404)
    return concept


def _designation(said: Designation) -> Parameter:
    parts: list[Parameter] = [{"name": "language", "valueCode": said.language}] if said.language else []
    parts += [{"name": "use", "valueCoding": said.use}] if said.use else []
    return {"name": "designation", "part": [*parts, {"name": "value", "valueString": said.value}]}


def _properties(system: CodeSystem, concept: Concept) -> list[Parameter]:
    traits = system.edition.traits
    found = [_property("inactive", "valueBoolean", facts.inactive(concept, traits))]
    found += [_property("parent", "valueCode", code, _display(system, code)) for code in concept.parents]
    found += [_property("child", "valueCode", one.code, one.display) for one in system.children(concept.code)]
    for code, value in concept.properties.items():
        if code not in ("parent", "child", "inactive"):
            each = value if isinstance(value, list) else [value]
            found += [_property(code, value_key(one, traits.types.get(code, "")), one) for one in each]
    return found


def _display(system: CodeSystem, code: str) -> str:
    above = system.find(code)
    return above.display if above else ""


def _property(code: str, key: str, value: Any, description: str = "") -> Parameter:
    parts = [{"name": "code", "valueCode": code}, {"name": "value", key: value}]
    if description:
        parts.append({"name": "description", "valueString": description})
    return {"name": "property", "part": parts}


def subsume(library: Library, request: Request) -> str:
    """Return how code A stands to code B: `equivalent`, `subsumes`, `subsumed-by` or `not-subsumed` (`$subsumes`)."""
    library = with_resources(library, request.resources)
    first, second = request.single.get("codingA", {}), request.single.get("codingB", {})
    one, other = request.text("codeA") or first.get("code", ""), request.text("codeB") or second.get("code", "")
    url = request.text("system") or first.get("system", "")
    if not (url and one and other) or second.get("system", url) != url:
        raise Problem.bad_request(
            "two codes of one system are expected: codeA and codeB with system, or codingA, codingB"
        )
    system = find_system(library, request.versions, url, request.text("version") or first.get("version", ""))
    above, below = known(system, one).code, known(system, other).code
    if above == below:
        return "equivalent"
    if system.subsumes(above, below):
        return "subsumes"
    return "subsumed-by" if system.subsumes(below, above) else "not-subsumed"
