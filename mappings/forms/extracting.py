"""`$extract`: resources that a response says (SDC 3.0, form data extraction), by observations and by definitions."""

from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from mappings.forms import sdc
from mappings.forms.sdc import Doc
from tracker_core.records import definitions
from tracker_core.uids import new_uid

_UCUM = "http://unitsofmeasure.org"
# Answers that Observation.value[x] takes under the same type; the others are turned into one that it takes.
_OBSERVED = frozenset({"valueString", "valueInteger", "valueBoolean", "valueTime", "valueDateTime", "valueQuantity"})


@dataclass(frozen=True, slots=True)
class _Target:
    """A structure that items fill: of the type `kind`, at `path` within its resource."""

    doc: Doc
    kind: str
    path: tuple[str, ...] = ()


@dataclass(slots=True)
class _Extraction:
    response: Doc
    held: Mapping[str, Doc]
    observations: list[Doc] = field(default_factory=list)
    made: list[Doc] = field(default_factory=list)


def extract(questionnaire: Doc, response: Doc, held: Mapping[str, Doc] | None = None) -> Doc:
    """Return a transaction Bundle of what `response`, to `questionnaire`, says.

    Items marked for it become Observations, final, at the time of the response; items with a `definition` fill a
    resource of the type that the extraction context names. A Patient that is the response's subject (`held`, by
    reference) is updated, other resources are created. Items that nothing marks yield nothing.
    """
    work = _Extraction(response, held or {})
    marked = sdc.extension(questionnaire, sdc.OBSERVATION) is True
    _walk(questionnaire.get("item") or (), response, _started(questionnaire, work), work, marked=marked)
    resources = [one for one in work.made if one.keys() - {"resourceType", "id"}] + work.observations
    return {"resourceType": "Bundle", "type": "transaction", "entry": [_entry(one) for one in resources]}


def _started(holder: Doc, work: _Extraction) -> _Target | None:
    """Return the resource that a questionnaire or group says its items fill."""
    context = sdc.extension(holder, sdc.CONTEXT)
    if not isinstance(context, str) or context not in definitions.resource_types():
        return None
    subject = str((work.response.get("subject") or {}).get("reference") or "")
    known = work.held.get(subject) if subject.startswith(f"{context}/") else None
    made: Doc = deepcopy(known) if known else {"resourceType": context}
    work.made.append(made)
    return _Target(made, context)


def _walk(items: Any, holder: Doc, target: _Target | None, work: _Extraction, *, marked: bool) -> None:
    answered: dict[str, list[Doc]] = {}
    for one in sdc.children(holder):
        answered.setdefault(str(one.get("linkId")), []).append(one)
    for item in items:
        flag = sdc.extension(item, sdc.OBSERVATION)
        asks = marked if flag is None else flag is True
        for answer in answered.get(item["linkId"]) or ([{}] if _fixed(item) else []):
            inner = _started(item, work) or target
            if inner is not None and item.get("definition"):
                inner = _fill(item, answer, inner)
            if asks and item.get("code") and item.get("type") != "group":
                work.observations += _observations(item, answer, work.response)
            _walk(item.get("item") or (), answer, inner, work, marked=asks)


def _fixed(item: Doc) -> bool:
    """Tell whether an item that nobody is asked has a value of its own."""
    return sdc.extension(item, sdc.HIDDEN) is True and bool(item.get("initial"))


def _initial(item: Doc) -> list[Any]:
    return list(sdc.answers({"answer": item.get("initial")}))


def _fill(item: Doc, answer: Doc, target: _Target) -> _Target:
    """Put an item's answers where its definition says; return what the items below it fill."""
    structure, _, path = str(item["definition"]).removeprefix(sdc.DEFINITIONS).partition("#")
    steps = tuple(path.removeprefix(f"{structure}.").split("."))
    depth = len(target.path)
    if steps[:depth] != target.path or len(steps) == depth:
        return target
    holder = target
    for step in steps[depth:-1]:
        below = _below(holder, step, {})
        if below is None:
            return target
        holder = below
    if item.get("type") == "group":
        fixed = {
            one["definition"].rpartition(".")[2]: _initial(one)[0] for one in item.get("item") or () if _fixed(one)
        }
        return _below(holder, steps[-1], fixed, new=True) or target
    _put(holder, steps[-1].replace("[x]", ""), list(sdc.answers(answer)) or _initial(item))
    return target


def _below(holder: _Target, step: str, fixed: Doc, *, new: bool = False) -> _Target | None:
    """Return the structure `step`: of a list the item that says what is `fixed`, else a new one or the first."""
    element = definitions.elements(holder.kind).get(step)
    if element is None:
        return None
    if not element.many:
        return _Target(holder.doc.setdefault(step, {}), element.kind, (*holder.path, step))
    items = holder.doc.setdefault(step, [])
    found = None
    if fixed or not new:
        found = next((one for one in items if all(one.get(key) == value for key, value in fixed.items())), None)
    if found is None:
        found = {}
        items.append(found)
    return _Target(found, element.kind, (*holder.path, step))


def _put(holder: _Target, name: str, values: list[Any]) -> None:
    element = definitions.elements(holder.kind).get(name)
    fitting = [_fitting(value, element.kind) for value in values if value is not None] if element else []
    if element is not None and fitting:
        holder.doc[name] = list(fitting) if element.many else fitting[-1]


def _fitting(value: Any, kind: str) -> Any:
    """Return an answer as an element of a type: a Coding as a code or a concept."""
    if isinstance(value, dict) and "code" in value:
        return {"code": value["code"], "CodeableConcept": {"coding": [value]}}.get(kind, value)
    return str(value) if kind == "string" and not isinstance(value, dict) else value


def _observations(item: Doc, answer: Doc, response: Doc) -> Iterator[Doc]:
    source = [{"reference": f"QuestionnaireResponse/{response['id']}"}] if response.get("id") else []
    for one in answer.get("answer") or ():
        value = _observed(item, one)
        if value:
            yield {
                "resourceType": "Observation",
                "status": "final",
                "code": {"coding": item["code"], **({"text": item["text"]} if item.get("text") else {})},
                **{key: response[key] for key in ("subject", "encounter") if response.get(key)},
                **({"effectiveDateTime": response["authored"]} if response.get("authored") else {}),
                **({"performer": [response["author"]]} if response.get("author") else {}),
                **value,
                **({"derivedFrom": source} if source else {}),
            }


def _observed(item: Doc, answer: Doc) -> Doc:
    key, value = next(((key, value) for key, value in answer.items() if key.startswith("value")), ("", None))
    unit = sdc.extension(item, sdc.UNIT)
    if key in ("valueDecimal", "valueInteger") and (unit or key == "valueDecimal"):
        told = {"unit": unit.get("display") or unit.get("code"), "system": _UCUM, "code": unit["code"]} if unit else {}
        return {"valueQuantity": {"value": value, **told}}
    if key == "valueCoding":
        return {"valueCodeableConcept": {"coding": [value]}}
    if key == "valueDate":
        return {"valueDateTime": value}
    if key == "valueUri":
        return {"valueString": value}
    return {key: value} if key in _OBSERVED else {}


def _entry(resource: Doc) -> Doc:
    if resource.get("id"):
        where = f"{resource['resourceType']}/{resource['id']}"
        return {"fullUrl": where, "resource": resource, "request": {"method": "PUT", "url": where}}
    name = f"urn:tracker-hub:extracted:{new_uid()}"
    return {"fullUrl": name, "resource": resource, "request": {"method": "POST", "url": resource["resourceType"]}}
