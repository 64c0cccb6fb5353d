"""FHIR resources in files: an npm package (`.tgz`), a zip, a folder, a Bundle, NDJSON, or one resource."""

import tarfile
from collections.abc import Iterator
from pathlib import Path

import orjson

from terminology.errors import Refused
from terminology.library import Document
from terminology.loaders import files

KINDS = ("CodeSystem", "ValueSet", "ConceptMap", "NamingSystem")


def read_resources(path: Path) -> Iterator[tuple[str, Document]]:
    """Yield (place, resource) of every terminology resource in `path`; other types are passed over.

    Of a package only its own folder counts, not examples beside it. Raises `Refused` for a file that is not JSON.
    """
    for place, raw in _contents(path):
        yield from _resources(place, raw)


def _contents(path: Path) -> Iterator[tuple[str, bytes]]:
    if path.is_file() and tarfile.is_tarfile(path):
        with tarfile.open(path) as archive:
            for member in archive:
                if member.name.count("/") == 1 and member.name.endswith(".json"):
                    opened = archive.extractfile(member)
                    yield member.name, opened.read() if opened else b"{}"
        return
    for name in files.names(path):
        if name.endswith((".json", ".ndjson")) or name == path.name:
            with files.opened(path, name) as raw:
                yield name, raw.read()


def _resources(place: str, raw: bytes) -> Iterator[tuple[str, Document]]:
    lines = raw.splitlines() if place.endswith(".ndjson") else [raw]
    for number, line in enumerate(lines, 1):
        where = f"{place} line {number}" if len(lines) > 1 else place
        if line.strip():
            yield from _unpacked(where, _parsed(where, line))


def _parsed(where: str, raw: bytes) -> Document:
    try:
        doc = orjson.loads(raw.removeprefix(b"\xef\xbb\xbf"))
    except ValueError as error:
        raise Refused(f"this is not JSON: {error}", where) from error
    return doc if isinstance(doc, dict) else {}


def _unpacked(where: str, doc: Document) -> Iterator[tuple[str, Document]]:
    if doc.get("resourceType") == "Bundle":
        for at, entry in enumerate(doc.get("entry", [])):
            yield from _unpacked(f"{where} entry[{at}]", entry.get("resource", {}))
    elif doc.get("resourceType") in KINDS:
        yield where, doc
