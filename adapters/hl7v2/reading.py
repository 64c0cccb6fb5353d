"""From messages to changes, through the mapping tables; what says who is who is no mapping (`identities`)."""

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import mappings
from adapters.contract import Reading, Sender
from adapters.hl7v2 import authorities, charset, conformance, filters, identities
from adapters.hl7v2.events import ACK, ASKED, check_taken, event_of
from adapters.hl7v2.format import Document, Part
from adapters.hl7v2.receipts import read_verdict, receipt_of
from mappings import BadRow, Mappings, Profile
from mappings.er7 import Message
from tracker_core.changes import ChangeSet, RecordChange
from tracker_core.context import Peer
from tracker_core.errors import Unavailable, Unsupported
from tracker_core.issues import Issue


def tables_of(peer: Peer) -> Mappings:
    """Return the mapping tables, with those of the folder `overlay` in the peer's settings laid over them.

    Loaded and checked once per process and folder. Raises `Unsupported` when they do not fit: a wrong setting.
    """
    overlay = str(peer.settings.get("overlay", ""))
    try:
        return _load(overlay)
    except BadRow as bad:
        raise Unsupported(f"the mapping tables of {peer.code} are not usable: {bad}") from bad


@lru_cache(maxsize=64)
def _load(overlay: str) -> Mappings:
    return mappings.load([Path(overlay)] if overlay else [])


def read(document: Document, sender: Sender) -> Reading:
    """Return what the messages ask for. A message that names no patient is refused.

    The peer's settings give `overlay`, `zone`, `naming` and, for messages that do not name one, `charset`. In a batch
    each message stands alone. An ACK is the receipt of a message of ours; a query changes nothing.
    """
    profile = mappings.profile_from(sender.peer.settings, sender.peer.code, sender.translate)
    tables = tables_of(sender.peer)
    changes = ChangeSet(atomic=len(document.parts) == 1)
    reading = Reading(changes, list(document.issues), mapping=tables.edition)
    for number, part in enumerate(document.parts, 1):
        if event_of(part.message)[0] == ACK:
            take_receipt(part, reading)
            continue
        if event_of(part.message)[0] in ASKED:
            continue
        wanted = in_charset(part, str(sender.peer.settings.get("charset", "")))
        if admitted(wanted.message, sender.peer.settings, profile, reading):
            read_part(wanted, tables, profile, reading, "" if number == 1 else f"{number}-")
    return reading


def take_receipt(part: Part, reading: Reading) -> None:
    """Add an acknowledgement that came as a message of its own. CA, CE and a locked record leave all as it is."""
    verdict = read_verdict(part.raw)
    if verdict.code == "CA":
        return
    try:
        reading.receipts[verdict.control_id] = receipt_of(verdict)
    except Unavailable as error:
        reading.issues.append(Issue("transient", error.detail, "warning", "MSA-1"))


def admitted(message: Message, settings: Mapping[str, Any], profile: Profile, reading: Reading) -> bool:
    """Tell whether a message is to be read, by the filters, the conformance profile and the authorities of its peer.

    What is ignored leaves a remark, what is refused an error. Raises `Unsupported` for a type that is not taken in.
    """
    verdict = filters.judge(message, settings)
    if verdict.then != "take":
        refused = verdict.then == "refuse"
        reading.issues.append(Issue("filtered", verdict.note, "error" if refused else "information", "MSH-9"))
        reading.rejected = reading.rejected or refused
        return False
    check_taken(message)
    broken = conformance.check(message, conformance.load(settings["conformance"])) if "conformance" in settings else []
    if any(one.policy == "refuse" for one in broken):
        reading.extra["refused"] = True
    wrong = [*(one.issue for one in broken), *authorities.check(message, settings, profile)]
    reading.issues += wrong
    if any(issue.severity == "error" for issue in wrong):
        reading.rejected = True
    return not any(one.policy != "warn" for one in broken)


def in_charset(part: Part, default: str) -> Part:
    """Return `part` read again in the peer's character set, when it was parsed without knowing the peer."""
    if not default or charset.declared(part.raw):
        return part
    return Part(part.raw, *charset.parse_message(part.raw, default))


def read_part(part: Part, tables: Mappings, profile: Profile, reading: Reading, prefix: str) -> None:
    """Add one message to `reading`."""
    found, issues = mappings.read_message(tables, part.message, profile)
    reading.issues += [*part.issues, *breaks(part.message), *switches(part), *issues]
    kind, event = event_of(part.message)
    if kind == "ADT" and event in identities.EVENTS:
        found = [change for change in found if identities.tells(event, change.type)]
        said = identities.read_identities(part.message, event, tables, profile)
        take_identities(said, reading)
    missing = None if event in identities.REMOVALS else missing_records(kind, found)
    if missing is not None:
        reading.issues.append(missing)
        reading.rejected = True
        return
    reading.changes.records += renamed(found, prefix) if prefix else found


def take_identities(said: identities.Identities, reading: Reading) -> None:
    """Add what an identity message says of who is who; what it lacks refuses it."""
    reading.issues += said.wrong
    reading.rejected = reading.rejected or bool(said.wrong)
    for name in ("renumbers", "merges", "moves", "links", "removals"):
        getattr(reading.changes, name).extend(getattr(said.changes, name))


def missing_records(kind: str, found: list[RecordChange]) -> Issue | None:
    """Return what is wrong when no patient, or one that cannot be found again, was read; a master file has none."""
    if kind == "MFN":
        known = [change for change in found if change.match]
        return None if known else Issue("required-segment", "the master file names nobody and no place", where="MFE")
    patients = [change for change in found if change.type == "Patient"]
    if not patients:
        return Issue("required-segment", "the message says nothing of a patient", where="PID")
    if not all(patient.match for patient in patients):
        return Issue("required-field", "the patient has no identifier", where="PID-3")
    return None


def breaks(message: Message) -> Iterator[Issue]:
    """Yield a warning for each segment that holds a raw line break: it should have been an escape sequence."""
    for number, segment in enumerate(message.segments, 1):
        if any("\n" in field for field in segment):
            text = f"{segment[0]} holds a line break that is not escaped; it was taken as text"
            yield Issue("structure-line-break", text, "warning", f"{segment[0]}[{number}]")


def switches(part: Part) -> Iterator[Issue]:
    """Yield a warning when the message switches character sets within a field (`\\C..\\`, `\\M..\\`: 2.7.2, 2.7.3).

    These sequences stay in the text as they came: what stands behind them was read in the set of the message.
    """
    mark = re.escape(part.message.encoding.escape.encode())
    found = re.search(mark + rb"[CM](?:[0-9A-Fa-f]{2}){2,3}" + mark, part.raw) if mark else None
    if found is not None:
        text = "the message switches its character set by an escape sequence, which is kept as it is"
        yield Issue("charset-escape", text, "warning", "MSH-18", found.group().decode("ascii", "replace"))


def renamed(changes: list[RecordChange], prefix: str) -> list[RecordChange]:
    """Return `changes` with other local names, so that those of several messages do not meet."""
    names = {change.name: f"#{prefix}{change.name.removeprefix('#')}" for change in changes if change.name}
    for change in changes:
        change.name = names.get(change.name, "")
        point(change.document, names)
    return changes


def point(node: Any, names: dict[str, str]) -> None:
    """Let the references inside `node` follow `names`."""
    if isinstance(node, dict):
        if node.get("reference") in names:
            node["reference"] = names[node["reference"]]
        for value in node.values():
            point(value, names)
    elif isinstance(node, list):
        for value in node:
            point(value, names)
