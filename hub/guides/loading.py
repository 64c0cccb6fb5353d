"""Implementation guides loaded: definitions as records, codes as terminology, in the caller's transaction."""

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hub.guides.packages import Package, read_package
from terminology import loading as terms
from terminology.errors import TerminologyError
from terminology.loaders.package import KINDS
from tracker_core import history, records
from tracker_core.changes import RecordChange
from tracker_core.database import Session
from tracker_core.errors import Malformed
from tracker_core.profiles import guides
from tracker_core.profiles.rules import Rule
from tracker_core.profiles.stored import library
from tracker_core.records import documents as texts

# What defines something, and is kept as a record; codes, value sets and maps go to the terminology.
DEFINITIONS = (
    "StructureDefinition", "SearchParameter", "OperationDefinition", "CapabilityStatement", "CompartmentDefinition",
    "ImplementationGuide", "Questionnaire", "PlanDefinition", "ActivityDefinition", "Measure", "Library",
    "StructureMap", "GraphDefinition", "MessageDefinition",
)  # fmt: skip


@dataclass(slots=True)
class Brought:
    """What a package brought: counts by type, what was left out with (place, reason), and what it needs besides."""

    name: str
    version: str
    counts: dict[str, int] = field(default_factory=dict)
    left: list[tuple[str, str]] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)


def load_guide(session: Session, raw: bytes, actor: str) -> Brought:
    """Load a package; what it defines counts from the next request on. A definition with the same url is replaced.

    What cannot be used is left out and told. Raises `Malformed` for what is no package, or code systems that are wrong;
    the caller rolls back.
    """
    package = read_package(raw)
    brought = Brought(package.name, package.version)
    _load_terms(session, package, raw, brought)
    _store(session, package, actor, brought)
    brought.left += _unreadable(session, package, brought)
    loaded = {one.name for one in guides.listed(session)}
    brought.missing = sorted(f"{name} {version}" for name, version in package.dependencies.items()
                             if name not in loaded and name != "hl7.fhir.r4.core")  # fmt: skip
    guides.note(session, package.name, package.version, actor, brought.counts)
    return brought


def _load_terms(session: Session, package: Package, raw: bytes, brought: Brought) -> None:
    if not any(document["resourceType"] in KINDS for _, _, document in package.resources):
        return
    with TemporaryDirectory() as folder:
        path = Path(folder) / "package.tgz"
        path.write_bytes(raw)
        try:
            read = terms.load_fhir(session, path)
        except TerminologyError as error:
            raise Malformed(error.detail, error.where) from error
    brought.counts |= {**read.resources, **({"CodeSystem": len(read.loaded)} if read.loaded else {})}
    brought.left += read.left


def _store(session: Session, package: Package, actor: str, brought: Brought) -> None:
    held = [one for one in package.resources if one[2]["resourceType"] in DEFINITIONS and one[2].get("url")]
    context = history.open_change_set(session, actor)
    ids = _ids(session, [document for _, _, document in held])
    changes = [
        RecordChange(document["resourceType"], _with_id(body, document, id), "put", id=id, where=name)
        for (name, body, document), id in zip(held, ids, strict=True)
    ]
    done = records.apply(session, context, changes, atomic=False)
    brought.counts |= Counter(one.kind for one in done.outcomes if one.action != "ignored")
    brought.left += [(one.where, one.text) for one in done.issues if one.severity == "error"]


def _ids(session: Session, documents: Sequence[dict[str, Any]]) -> list[str]:
    """Return the id of each: its own, unless that is another definition's here."""
    wanted = [(str(one["resourceType"]), str(one.get("id", ""))) for one in documents]
    stored = records.read(session, wanted)
    taken = {key: texts.decode(one.doc).get("url") for key, one in stored.items() if not one.deleted}
    out = []
    for key, document in zip(wanted, documents, strict=True):
        url = str(document["url"])
        if key[1] and taken.get(key, url) == url:
            taken[key] = url
            out.append(key[1])
        else:
            out.append(hashlib.sha256(url.encode()).hexdigest()[:32])
    return out


def _with_id(body: bytes, document: dict[str, Any], id: str) -> bytes:
    return body if document.get("id") == id else texts.set_member(body, "id", id)


def _unreadable(session: Session, package: Package, brought: Brought) -> list[tuple[str, str]]:
    """Tell profiles that cannot be validated against, and the invariants that are left out of the others."""
    known = library(session)
    left = []
    refused = {place.partition(".json")[0] for place, _ in brought.left}
    for name, _, document in package.resources:
        if document["resourceType"] != "StructureDefinition" or document.get("kind") == "logical":
            continue
        if name.removesuffix(".json") in refused:
            continue
        profile = known.profile(str(document.get("url")))
        if profile is None:
            left.append((name, f"its base {document.get('baseDefinition')} is not known"))
        else:
            left += [(name, text) for text in sorted(set(_unread(profile.rule)))]
    return left


def _unread(rule: Rule) -> list[str]:
    below = [*rule.children.values(), *rule.slices.values()]
    return [*rule.unread, *(text for one in below for text in _unread(one))]
