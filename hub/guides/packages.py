"""FHIR packages (`.tgz`) as bytes: what they are called, and the resources that define something."""

import io
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import orjson

from tracker_core.errors import Malformed

_MOST_BYTES = 1 << 30
_LARGEST = 64 << 20
_MOST_FILES = 50_000


@dataclass(slots=True)
class Package:
    """A package as read: what it is called, what it needs, and (file, bytes, parsed) of its resources."""

    name: str
    version: str
    dependencies: dict[str, str] = field(default_factory=dict)
    resources: list[tuple[str, bytes, dict[str, Any]]] = field(default_factory=list)


def read_package(raw: bytes) -> Package:
    """Return a package. Examples beside its definitions are passed over.

    Raises `Malformed` for what is no package, and for one that unpacks to more than a gigabyte.
    """
    found: dict[str, bytes] = {}
    try:
        with tarfile.open(fileobj=io.BytesIO(raw), mode="r:gz") as archive:
            found = dict(_files(archive))
    except (tarfile.TarError, EOFError, OSError) as error:
        raise Malformed(f"this is no package (.tgz): {error}") from error
    about = _parsed("package.json", found.pop("package/package.json", b""))
    needed = about.get("dependencies")
    needed = {str(key): str(value) for key, value in needed.items()} if isinstance(needed, dict) else {}
    package = Package(str(about.get("name", "")), str(about.get("version", "")), needed)
    if not package.name:
        raise Malformed("the package has no package/package.json that names it")
    for name, body in sorted(found.items()):
        document = _parsed(name, body)
        if "resourceType" in document:
            package.resources.append((name.removeprefix("package/"), body, document))
    return package


def _files(archive: tarfile.TarFile) -> Iterator[tuple[str, bytes]]:
    total = 0
    for number, member in enumerate(archive):
        total += member.size
        if total > _MOST_BYTES or member.size > _LARGEST or number > _MOST_FILES:
            raise Malformed("the package is larger than one gigabyte, or has a file of more than 64 MiB")
        name = member.name.removeprefix("./")
        if member.isfile() and name.startswith("package/") and name.count("/") == 1 and name.endswith(".json"):
            opened = archive.extractfile(member)
            yield name, opened.read() if opened else b""


def _parsed(name: str, body: bytes) -> dict[str, Any]:
    try:
        document = orjson.loads(body.removeprefix(b"\xef\xbb\xbf")) if body else {}
    except ValueError as error:
        raise Malformed(f"{name} is not JSON: {error}", where=name) from error
    return document if isinstance(document, dict) else {}
