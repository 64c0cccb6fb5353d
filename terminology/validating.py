"""ValueSet and CodeSystem `$validate-code` (R4 4.8.17, 4.9.17.2): is this code there, and is it said rightly."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from terminology import displays, facts
from terminology.code_system import CodeSystem
from terminology.composing import Composed, Member, find_system, named
from terminology.concepts import Concept
from terminology.expanding import compose_kept, find_value_set, set_states, system_states
from terminology.languages import Languages
from terminology.library import Document, Library, with_resources
from terminology.problems import Issue, Problem
from terminology.requests import Request, read_request

_NOTHING = (
    "Unable to find code to validate"
    " (looked for coding | codeableConcept | code+system | code+inferSystem in parameters"
)
DEPRECATED_IN_SET = "CONCEPT_DEPRECATED_IN_VALUESET"
# What an answer's `message` leaves out: the state of the resources used, and hints that change nothing.
_SILENT = frozenset({"CODE_CASE_DIFFERENCE", "UNKNOWN_CODE_IN_FRAGMENT", DEPRECATED_IN_SET})


@dataclass(frozen=True, slots=True)
class Coding:
    """A code to be validated and where it stands in the request, as expressions of issues name it."""

    system: str
    code: str
    display: str
    version: str
    place: str

    def at(self, element: str) -> str:
        """Return the expression of one of its elements."""
        if self.place:
            return f"{self.place}.{element}"
        return element

    @property
    def text(self) -> str:
        """Return the coding as messages name it."""
        shown = f" ('{self.display}')" if self.display else ""
        version = f"|{self.version}" if self.version else ""
        return f"{self.system}{version}#{self.code}{shown}"


@dataclass(slots=True)
class Verdict:
    """What was found of one coding."""

    coding: Coding
    issues: list[Issue] = field(default_factory=list)
    system: CodeSystem | None = None
    concept: Concept | None = None
    display: str = ""
    found: bool = False

    @property
    def valid(self) -> bool:
        """Tell whether nothing of it is an error."""
        return self.found and not any(issue.severity == "error" for issue in self.issues)


def validate_code(library: Library, request: Request, accepted: str = "") -> list[dict[str, Any]]:
    """Return the parameters of the answer to ValueSet `$validate-code`. Raises `Problem` when nothing can be asked.

    Of a codeableConcept one valid coding is enough.
    """
    library = with_resources(library, request.resources)
    codings = read_codings(request)
    doc = find_value_set(library, request)
    wanted = _languages(request, accepted)
    try:
        composed = compose_kept(library, request, doc)
    except Problem as problem:
        if problem.issue.id not in ("VS_EXP_IMPORT_UNK_PINNED", "Unable_to_resolve_value_Set_"):
            raise
        return _unanswerable(codings[0], problem)
    asked = _Asked(library, request, wanted, composed)
    return _answer(request, [asked.verdict(coding) for coding in codings], composed)


def validate_in_system(library: Library, request: Request, accepted: str = "") -> list[dict[str, Any]]:
    """Return the parameters of the answer to CodeSystem `$validate-code`: all codes of the system are valid."""
    library = with_resources(library, request.resources)
    given = request.single.get("codeSystem")
    if isinstance(given, dict):
        library = with_resources(library, [given])
    url = request.text("url") or (given or {}).get("url", "")
    codings = [
        coding if coding.system else Coding(url, coding.code, coding.display, coding.version, coding.place)
        for coding in read_codings(request, system_needed=False)
    ]
    asked = _Asked(library, request, _languages(request, accepted), None)
    return _answer(request, [asked.verdict(coding) for coding in codings], None)


def validate_many(library: Library, request: Request, accepted: str = "") -> list[dict[str, Any]]:
    """Return the answers to ValueSet `$batch-validate-code`: one `validation` for each, in order.

    What stands beside the validations counts for each of them that does not say otherwise. A validation that makes no
    question is answered with an OperationOutcome in its place.
    """
    library = with_resources(library, request.resources)
    made = []
    for one in request.many.get("validation", []):
        asked = read_request([*one.get("parameter", []), *request.shared])
        try:
            answer = {"resourceType": "Parameters", "parameter": validate_code(library, asked, accepted)}
        except Problem as problem:
            answer = {"resourceType": "OperationOutcome", "issue": [problem.issue.document()]}
        made.append({"name": "validation", "resource": answer})
    return made


def read_codings(request: Request, system_needed: bool = True) -> list[Coding]:
    """Return what is to be validated. Raises `Problem` when there is nothing."""
    if isinstance(concept := request.single.get("codeableConcept"), dict):
        found = [_coding(one, f"CodeableConcept.coding[{at}]") for at, one in enumerate(concept.get("coding", []))]
        if found:
            return found
    if isinstance(coding := request.single.get("coding"), dict):
        return [_coding(coding, "Coding")]
    code = request.text("code")
    if code and (request.text("system") or request.flag("inferSystem") or not system_needed):
        version = request.text("systemVersion") or request.text("version")
        return [Coding(request.text("system"), code, request.text("display"), version, "")]
    raise Problem(Issue("error", "invalid", "", "", _NOTHING), 400)


def _coding(doc: dict[str, Any], place: str) -> Coding:
    return Coding(doc.get("system", ""), doc.get("code", ""), doc.get("display", ""), doc.get("version", ""), place)


def _languages(request: Request, accepted: str) -> Languages:
    wanted = request.languages(accepted)
    if any(not tag.replace("-", "").isalnum() for tag in wanted.wanted):
        text = f"Invalid displayLanguage: '{wanted.text}'"
        raise Problem(Issue("error", "processing", "invalid-display", "INVALID_DISPLAY_NAME", text), 400)
    return wanted


@dataclass(frozen=True, slots=True)
class _Asked:
    library: Library
    request: Request
    wanted: Languages
    composed: Composed | None

    def verdict(self, coding: Coding) -> Verdict:
        verdict = Verdict(coding)
        if not coding.system and self.composed is not None:
            coding = self._inferred(verdict)
        if coding.system:
            self._look(verdict, coding)
        return verdict

    def _inferred(self, verdict: Verdict) -> Coding:
        coding = verdict.coding
        assert self.composed is not None
        urls = {system.edition.url for system in self.composed.used.systems.values()}
        systems = {url for url in urls if self.composed.get(url, coding.code)}
        if len(systems) != 1:
            text = (
                f"The System URI could not be determined for the code '{coding.code}' in the ValueSet"
                f" '{self.composed.canonical}'"
            )
            at = coding.at("code")
            issue = Issue("error", "not-found", "cannot-infer", "UNABLE_TO_INFER_CODESYSTEM", text, at)
            verdict.issues += [self._outside(coding, f"#{coding.code}"), issue]
            return coding
        verdict.coding = Coding(systems.pop(), coding.code, coding.display, coding.version, coding.place)
        return verdict.coding

    def _look(self, verdict: Verdict, coding: Coding) -> None:
        try:
            verdict.system = self._system(coding)
        except Problem as problem:
            verdict.issues += self._no_system(coding, problem)
            return
        verdict.concept = verdict.system.find(coding.code)
        if verdict.concept is None:
            verdict.issues += self._no_code(verdict, coding, verdict.system)
            return
        self._judge(verdict, coding, verdict.system, verdict.concept)

    def _system(self, coding: Coding) -> CodeSystem:
        if self.composed is not None and not coding.version:
            for system in self.composed.used.systems.values():
                if system.edition.url == coding.system:
                    return system
        return find_system(self.library, self.request.versions, coding.system, coding.version)

    def _judge(self, verdict: Verdict, coding: Coding, system: CodeSystem, concept: Concept) -> None:
        traits = system.edition.traits
        member = self._member(coding, concept)
        verdict.found = member is not None or self.composed is None
        if self.composed is not None and member is None:
            if self.composed.active_only and facts.inactive(concept, traits):
                text = f"The concept '{concept.code}' is valid but is not active"
                at = coding.at("code")
                issue = Issue("error", "business-rule", "code-rule", "STATUS_CODE_WARNING_CODE", text, at)
                verdict.issues.append(issue)
            verdict.issues.append(self._outside(coding))
        if concept.code != coding.code:
            verdict.issues.append(_case_differs(coding, concept, system))
        if self.request.flags.get("abstract") is False and facts.abstract(concept, traits):
            verdict.issues += [_abstract(coding, system), self._outside(coding)]
        if facts.inactive(concept, traits):
            verdict.issues.append(_inactive(coding, concept, system))
        if member is not None and member.deprecated and self.composed is not None:
            verdict.issues.append(_deprecated(coding, concept, self.composed.canonical))
        verdict.display = displays.shown(system, concept, self.wanted, member)
        if coding.display:
            # Where the code is no member anyway, its wording is only a hint.
            lenient = self.request.flag("lenient-display-validation") or not verdict.found
            wrong = displays.check(system, concept, coding.display, self.wanted, coding.at("display"), lenient)
            verdict.issues += [wrong] if wrong else []

    def _member(self, coding: Coding, concept: Concept) -> Member | None:
        return self.composed.get(coding.system, concept.code) if self.composed is not None else None

    def _outside(self, coding: Coding, text: str = "") -> Issue:
        canonical = self.composed.canonical if self.composed is not None else ""
        text = f"The provided code '{text or coding.text}' was not found in the value set '{canonical}'"
        id = "None_of_the_provided_codes_are_in_the_value_set_one"
        return Issue("error", "code-invalid", "not-in-vs", id, text, coding.at("code"))

    def _no_system(self, coding: Coding, problem: Problem) -> Iterator[Issue]:
        if self.composed is not None:
            yield self._outside(coding)
        if problem.issue.kind == "version-error":
            yield problem.issue
            return
        version = f" version '{coding.version}'" if coding.version else ""
        text = (
            f"A definition for CodeSystem '{coding.system}'{version} could not be found,"
            " so the code cannot be validated"
        )
        id = "UNKNOWN_CODESYSTEM_VERSION" if coding.version else "UNKNOWN_CODESYSTEM"
        yield Issue("error", "not-found", "not-found", id, text, coding.at("system"))

    def _no_code(self, verdict: Verdict, coding: Coding, system: CodeSystem) -> Iterator[Issue]:
        edition = system.edition
        version = f" version '{edition.version}'" if edition.version else ""
        place = f"in the CodeSystem '{edition.url}'{version}"
        if edition.traits.content == "fragment":
            verdict.found = True
            text = (
                f"Unknown Code '{coding.code}' {place} - note that the code system is labeled as a fragment,"
                " so the code may be valid in some other fragment"
            )
            id = "UNKNOWN_CODE_IN_FRAGMENT"
            yield Issue("warning", "code-invalid", "invalid-code", id, text, coding.at("code"))
            return
        if self.composed is not None:
            yield self._outside(coding)
        id = "Unknown_Code_in_Version" if edition.version else "Unknown_Code_in"
        text = f"Unknown code '{coding.code}' {place}"
        yield Issue("error", "code-invalid", "invalid-code", id, text, coding.at("code"))


def _case_differs(coding: Coding, concept: Concept, system: CodeSystem) -> Issue:
    text = (
        f"The code '{coding.code}' differs from the correct code '{concept.code}' by case. Although the code system"
        f" '{_canonical(system)}' is case insensitive, implementers are strongly encouraged to use the correct case"
        " anyway"
    )
    return Issue("information", "business-rule", "code-rule", "CODE_CASE_DIFFERENCE", text, coding.at("code"))


def _abstract(coding: Coding, system: CodeSystem) -> Issue:
    text = f"Code '{system.edition.url}#{coding.code}' is abstract, and not allowed in this context"
    return Issue("error", "business-rule", "code-rule", "ABSTRACT_CODE_NOT_ALLOWED", text, coding.at("code"))


def _inactive(coding: Coding, concept: Concept, system: CodeSystem) -> Issue:
    said = facts.status(concept, system.edition.traits)
    state = f"{said} and inactive" if said and said != "inactive" else "inactive"
    text = f"The concept '{concept.code}' has a status of {state} and its use should be reviewed"
    return Issue("warning", "business-rule", "code-comment", "INACTIVE_CONCEPT_FOUND", text, coding.place or "code")


def _deprecated(coding: Coding, concept: Concept, canonical: str) -> Issue:
    text = (
        f"The presence of the concept '{concept.code}' in the system '{coding.system}' in the value set {canonical}"
        " is marked with a status of deprecated and its use should be reviewed"
    )
    return Issue("warning", "business-rule", "code-comment", DEPRECATED_IN_SET, text, coding.at("code"))


def _answer(request: Request, verdicts: list[Verdict], composed: Composed | None) -> list[dict[str, Any]]:
    best = next((verdict for verdict in verdicts if verdict.valid), verdicts[0])
    shown = [best] if best.valid else verdicts
    issues = [issue for verdict in shown for issue in verdict.issues]
    issues += _states(best, composed)
    made: list[dict[str, Any]] = [{"name": "code", "valueCode": best.coding.code}]
    if concept := request.single.get("codeableConcept"):
        made.append({"name": "codeableConcept", "valueCodeableConcept": concept})
    if best.display:
        made.append({"name": "display", "valueString": best.display})
    made += _concept_facts(best)
    if issues:
        outcome = {"resourceType": "OperationOutcome", "issue": [issue.document() for issue in issues]}
        made.append({"name": "issues", "resource": outcome})
    if texts := [issue.text for issue in issues if issue.kind != "status-check" and issue.id not in _SILENT]:
        made.append({"name": "message", "valueString": "; ".join(sorted(texts))})
    made.append({"name": "result", "valueBoolean": best.valid})
    if best.coding.system:
        made.append({"name": "system", "valueUri": best.coding.system})
    if best.system is not None and best.system.edition.version:
        made.append({"name": "version", "valueString": best.system.edition.version})
    if best.system is None and best.coding.system:
        made.append({"name": "x-unknown-system", "valueCanonical": best.coding.system})
    return made


def _concept_facts(verdict: Verdict) -> Iterator[dict[str, Any]]:
    if verdict.concept is None or verdict.system is None:
        return
    traits = verdict.system.edition.traits
    if facts.inactive(verdict.concept, traits):
        yield {"name": "inactive", "valueBoolean": True}
        status = facts.status(verdict.concept, traits)
        if status and status != "inactive":
            yield {"name": "status", "valueCode": status}
    if verdict.concept.code != verdict.coding.code:
        yield {"name": "normalized-code", "valueCode": verdict.concept.code}


def _states(verdict: Verdict, composed: Composed | None) -> Iterator[Issue]:
    """Yield a hint for every resource used that is a draft, experimental, deprecated or withdrawn."""
    if verdict.system is not None:
        for state in system_states(verdict.system):
            yield _state(state, "CodeSystem", _canonical(verdict.system))
    if composed is not None:
        for doc in (composed.doc, *composed.used.value_sets.values()):
            for state in set_states(doc):
                yield _state(state, "ValueSet", named(doc))


def _state(state: str, type: str, canonical: str) -> Issue:
    text = f"Reference to {state} {type} {canonical}"
    return Issue("information", "business-rule", "status-check", f"MSG_{state.upper()}", text)


def _canonical(system: CodeSystem) -> str:
    edition = system.edition
    return f"{edition.url}|{edition.version}" if edition.version else edition.url


def _unanswerable(coding: Coding, problem: Problem) -> list[dict[str, Any]]:
    issue = problem.issue
    issue = Issue(issue.severity, issue.code, issue.kind, "Unable_to_resolve_value_Set_", issue.text)
    outcome: Document = {"resourceType": "OperationOutcome", "issue": [issue.document()]}
    return [
        {"name": "code", "valueCode": coding.code},
        {"name": "issues", "resource": outcome},
        {"name": "message", "valueString": issue.text},
        {"name": "result", "valueBoolean": False},
        {"name": "system", "valueUri": coding.system},
    ]
