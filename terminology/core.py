"""HL7's own code systems and value sets, built in: FHIR's, and the tables of HL7 v2 and v3.

Made by `scripts/core_terminology.py` from packages under CC0. They are there without loading anything; what is loaded
under the same url and version comes before them.
"""

import gzip
from collections.abc import Iterator, Mapping
from functools import cache, lru_cache
from importlib import resources
from typing import Any

import orjson

from terminology.code_system import CodeSystem, compile_system
from terminology.concepts import Concept, Edition, Traits
from terminology.library import Document


def systems(url: str) -> Mapping[str, CodeSystem]:
    """Return version -> the built-in code system `url`, empty when there is none."""
    compiled = _system(url)
    return {} if compiled is None else {compiled.edition.version: compiled}


def value_sets(url: str) -> Mapping[str, Document]:
    """Return version -> the built-in value set `url`, empty when there is none."""
    found = _data()["sets"].get(url)
    if found is None:
        return {}
    doc = {"resourceType": "ValueSet", "url": url, "version": found["version"], "name": found["name"]}
    return {found["version"]: {**doc, "status": "active", "compose": found["compose"]}}


def urls() -> tuple[list[str], list[str]]:
    """Return the urls of every built-in code system and value set."""
    return list(_data()["systems"]), list(_data()["sets"])


@cache
def _data() -> dict[str, Any]:
    packed = (resources.files(__package__) / "data" / "core.json.gz").read_bytes()
    found: dict[str, Any] = orjson.loads(gzip.decompress(packed))
    return found


@lru_cache(maxsize=512)
def _system(url: str) -> CodeSystem | None:
    found = _data()["systems"].get(url)
    if found is None:
        return None
    traits = Traits(
        case_sensitive=found.get("caseSensitive", True),
        status=found.get("status", "active"),
        uris=found.get("uris", {}),
    )
    edition = Edition(url, found["version"], found["name"], "built in", traits)
    return compile_system(edition, _concepts(found["concepts"]))


def _concepts(rows: list[list[Any]]) -> Iterator[Concept]:
    for row in rows:
        display = row[1] if len(row) > 1 else ""
        above = row[2] if len(row) > 2 else []
        flags = row[3] if len(row) > 3 else {}
        yield Concept(row[0], display, tuple(rows[at][0] for at in above), properties=flags)
