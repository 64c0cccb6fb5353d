"""A message cut to its receiver: the segments and fields of its version, those it wants, and its own codes."""

from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from mappings import er7
from mappings.codecs.identifiers import CODE_SYSTEMS, V2_TABLE
from mappings.concepts import Translate
from mappings.er7 import Encoding, Message, Segment
from tracker_core.errors import Unsupported

FILE = Path(__file__).with_name("versions.txt")
Version = tuple[int, ...]
# A segment is told whole or not at all; these are needed whatever a profile lists.
ALWAYS = frozenset({"MSH", "EVN", "PID", "MRG"})


def tailor(message: Message, settings: Mapping[str, Any], translate: Translate | None = None) -> Message:
    """Return `message` as a peer with these settings takes it.

    `version` (2.5.1) drops segments that came later and fields beyond those it has. `segments` lists the segments that
    the peer takes, all by default. `values` gives its own codes: place (`PID-8`, `OBX-3`) -> either code -> code, or
    the url of a ConceptMap, which `translate` knows. Codes that these do not have go out as they are.
    Raises `Unsupported` for a version that is none.
    """
    version = parse_version(str(settings.get("version", "2.5.1")))
    wanted = settings.get("segments")
    kept = [segment for segment in message.segments if not wanted or segment[0] in ALWAYS or segment[0] in wanted]
    if version < (2, 9):
        kept = [with_all_phones(segment, message.encoding) for segment in kept]
    fitting = [fitted for segment in kept for fitted in fit(segment, version)]
    for place, codes in dict(settings.get("values", {})).items():
        name, _, number = str(place).partition("-")
        for segment in fitting:
            if segment[0] == name and number.isdigit() and er7.get(segment, int(number)):
                replace_codes(segment, int(number), codes, message.encoding, translate)
    return Message(message.encoding, fitting)


def parse_version(text: str) -> Version:
    """Return a version as numbers. Raises `Unsupported` for what is not 2.3 to 2.9."""
    parts = text.split(".")
    if not all(part.isdigit() for part in parts) or not (2, 3) <= tuple(map(int, parts)) < (3,):
        raise Unsupported(f"messages are written in versions 2.3 to 2.9, not {text!r}", "MSH-12")
    return tuple(map(int, parts))


@cache
def growth() -> dict[str, list[tuple[Version, int]]]:
    """Return, by segment, from which version on it has how many fields, in order."""
    lines = [line.split() for line in FILE.read_text(encoding="utf-8").splitlines() if line and line[0] != "#"]
    return {name: [grown(step) for step in steps] for name, *steps in lines}


def grown(step: str) -> tuple[Version, int]:
    """Return one step (`2.4:38`): the version, and how many fields there are from it on."""
    version, _, fields = step.partition(":")
    return parse_version(version), int(fields)


def fit(segment: Segment, version: Version) -> Iterator[Segment]:
    """Yield a segment cut to a version, nothing when it came later; one that the table does not know stays whole."""
    steps = growth().get(segment[0])
    if steps is None:
        yield segment
        return
    sizes = [size for since, size in steps if since <= version]
    if sizes:
        yield segment[: sizes[-1] + 1]


def with_all_phones(segment: Segment, encoding: Encoding) -> Segment:
    """Return a PID with its PID-40 (2.9) among the phones of PID-13; another segment as it is."""
    others = er7.get(segment, 40) if segment[0] == "PID" else ""
    if not others:
        return segment
    phones = encoding.repetition.join(filter(None, (segment[13], others)))
    return [*segment[:13], phones, *segment[14:40]]


def replace_codes(
    segment: Segment, number: int, codes: Mapping[str, Any] | str, encoding: Encoding, translate: Translate | None
) -> None:
    """Put the receiver's codes into each repetition of a field: into the first component, the text stays."""
    repetitions = er7.split(segment[number], encoding.repetition)
    segment[number] = encoding.repetition.join(
        replace_code(repetition, codes, encoding, translate) for repetition in repetitions
    )


def replace_code(text: str, codes: Mapping[str, Any] | str, encoding: Encoding, translate: Translate | None) -> str:
    """Return one repetition with the receiver's code."""
    components = er7.split(text, encoding.component)
    code = er7.unescape(components[0], encoding)
    if isinstance(codes, str):
        name = components[2] if len(components) > 2 else ""
        system = CODE_SYSTEMS.get(name) or (V2_TABLE + name[3:] if name.startswith("HL7") else name)
        target = translate(codes, system, code) if translate else None
        found = target.code if target else ""
    else:
        found = str(codes.get(code, ""))
    components[0] = er7.escape(found, encoding) if found else components[0]
    return encoding.component.join(components)
