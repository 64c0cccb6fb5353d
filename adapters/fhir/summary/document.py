"""The summary of a person put together: sections, their narratives, and the document bundle (IPS 2.0.0)."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from html import escape
from uuid import NAMESPACE_URL, uuid5

import orjson

from adapters.fhir.summary import facts
from adapters.fhir.summary.absent import completed, empty_reason
from adapters.fhir.summary.facts import Json
from adapters.fhir.summary.sections import SECTIONS, Section, section_of
from tracker_core.records import Stored, documents
from tracker_core.records.terms import instant

IPS = "http://hl7.org/fhir/uv/ips/StructureDefinition/"
_XHTML = 'xmlns="http://www.w3.org/1999/xhtml"'
_DATES = ("effective", "performed", "occurrence", "onset", "authoredOn", "recordedDate", "timing", "period", "issued",
    "date", "recordedOn", "dateAsserted")  # fmt: skip


@dataclass(slots=True)
class Held:
    """A record of the person: as stored, parsed, and how the document refers to it."""

    raw: bytes
    document: Json
    reference: str


@dataclass(slots=True)
class Person:
    """What is known of one person: the Patient that the summary is of, every record, and what records refer to."""

    patient: Held
    records: list[Held]
    named: dict[str, Held] = field(default_factory=dict)
    versions: Sequence[Stored] = ()


def summary(base: str, person: Person, now: datetime) -> bytes:
    """Return the document. The same records give the same ids; `base` ends without a slash."""
    seed = f"{base}/{person.patient.reference}"
    state = ",".join(f"{one.reference}/{one.version}" for one in person.versions)
    author = _author(seed)
    parts, used = _sections(person)
    composition = _composition(seed, person, author, parts, now)
    entries = [_entry(base, composition), _entry(base, person.patient), _entry(base, author)]
    entries += [_entry(base, one) for one in used]
    head = {
        "resourceType": "Bundle",
        "id": str(uuid5(NAMESPACE_URL, f"{seed}/$summary {state}")),
        "meta": {"lastUpdated": instant(now), "profile": [IPS + "Bundle-uv-ips"]},
        "identifier": {"system": "urn:ietf:rfc:3986", "value": uuid5(NAMESPACE_URL, f"{seed} {state}").urn},
        "type": "document",
        "timestamp": instant(now),
    }
    return orjson.dumps(head)[:-1] + b',"entry":[' + b",".join(entries) + b"]}"


def _entry(base: str, one: Held) -> bytes:
    raw = completed(one.raw, one.document)
    return b'{"fullUrl":%b,"resource":%b}' % (orjson.dumps(f"{base}/{one.reference}"), raw)


def made(document: Json) -> Held:
    """Return a record that the document alone has."""
    return Held(orjson.dumps(document), document, f"{document['resourceType']}/{document['id']}")


def _author(seed: str) -> Held:
    id = str(uuid5(NAMESPACE_URL, f"{seed.rpartition('/Patient/')[0]} author"))
    return made({"resourceType": "Organization", "id": id, "name": "Tracker Hub"})


def _composition(seed: str, person: Person, author: Held, parts: list[Json], now: datetime) -> Held:
    document: Json = {
        "resourceType": "Composition",
        "id": str(uuid5(NAMESPACE_URL, f"{seed} composition")),
        "meta": {"profile": [IPS + "Composition-uv-ips"]},
        "language": "en",
        "text": _narrative(f"<p>Patient summary of {escape(_name(person.patient.document))}</p>"),
        "status": "final",
        "type": {"coding": [{"system": "http://loinc.org", "code": "60591-5", "display": "Patient summary Document"}]},
        "subject": {"reference": person.patient.reference},
        "date": instant(now),
        "author": [{"reference": author.reference}],
        "title": "International Patient Summary",
        "confidentiality": "N",
        "custodian": {"reference": author.reference},
        "section": parts,
    }
    return made(document)


def _name(patient: Json) -> str:
    for one in facts.items(patient, "name"):
        given = one.get("given")
        words = [*(given if isinstance(given, list) else []), one.get("family")]
        said = one.get("text") or " ".join(word for word in words if isinstance(word, str))
        if said:
            return str(said)
    return "a person without a name"


def _sections(person: Person) -> tuple[list[Json], list[Held]]:
    """Return the sections, and every record that they refer to, each once."""
    lists = [one.document for one in person.records if one.document["resourceType"] == "List"]
    named = {reference: one.document for reference, one in person.named.items()}
    parts: list[Json] = []
    used: dict[str, Held] = {}
    placed: dict[str, list[Held]] = {}
    for one in person.records:
        placed.setdefault(section_of(one.document), []).append(one)
    for section in SECTIONS:
        found = _chosen(section, placed.get(section.code, []))
        if found or section.required:
            parts.append(_section(section, found, named, lists))
        for one in found:
            used.setdefault(one.reference, one)
            for reference in _inner(one.document):
                if reference in person.named:
                    used.setdefault(reference, person.named[reference])
    return parts, list(used.values())


def _inner(document: Json) -> list[str]:
    held = (document.get("medicationReference"), document.get("device"))
    return [str(one.get("reference")) for one in held if isinstance(one, dict)]


def _chosen(section: Section, held: Sequence[Held]) -> list[Held]:
    found = sorted(held, key=_latest, reverse=True)
    if section.latest:
        found = list({facts.key_of(one.document): one for one in reversed(found)}.values())[::-1]
        found.sort(key=_latest, reverse=True)
    return found[: section.most]


def _latest(one: Held) -> tuple[str, str]:
    return facts.date(one.document, *_DATES), one.reference


def _section(section: Section, found: Sequence[Held], named: dict[str, Json], lists: list[Json]) -> Json:
    part: Json = {
        "title": section.title,
        "code": {"coding": [{"system": "http://loinc.org", "code": section.code}]},
    }
    if found:
        part["text"] = _narrative(_table(section, found, named))
        part["entry"] = [{"reference": one.reference} for one in found]
        return part
    reason = empty_reason(section.code, lists)
    none = "nilknown" in {str(one.get("code")) for one in facts.items(reason, "coding")}
    said = "Nothing of this kind is known: this was asked." if none else "No information is available."
    return part | {"text": _narrative(f"<p>{said}</p>"), "emptyReason": reason}


def _table(section: Section, found: Sequence[Held], named: dict[str, Json]) -> str:
    heads = "".join(f"<th>{escape(title)}</th>" for title, _ in section.columns)
    rows = "".join(
        "<tr>" + "".join(f"<td>{escape(read(one.document, named))}</td>" for _, read in section.columns) + "</tr>"
        for one in found
    )
    return f"<table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>"


def _narrative(inner: str) -> Json:
    return {"status": "generated", "div": f"<div {_XHTML}>{inner}</div>"}


def held(one: Stored, patients: dict[str, str]) -> Held:
    """Return a stored record as a document holds it; references to other sources' Patients become the one Patient's."""
    raw = documents.rewrite(one.doc, documents.references(one.doc), patients) if patients else one.doc
    return Held(raw, orjson.loads(raw), one.reference)
