"""Value sets as lists of codes and ranges per code system: case definitions, roll-up groups, notifiable diseases."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from psycopg.types.json import Jsonb

from terminology.errors import Refused
from terminology.icd10 import SYSTEM, SYSTEM_CM, Ranges, read_ranges
from terminology.store import Session


@dataclass(frozen=True, slots=True)
class Include:
    """Codes of one system: spans for ICD-10 (each with all below it), exact codes for any other."""

    system: str
    ranges: Ranges = field(default_factory=Ranges)
    codes: frozenset[str] = frozenset()

    def __contains__(self, code: object) -> bool:
        """Tell whether the part holds `code`."""
        return code in self.codes or code in self.ranges


@dataclass(frozen=True, slots=True)
class ValueSet:
    """A named set of codes, compiled: `holds` costs a dictionary look-up or two."""

    url: str
    name: str
    includes: tuple[Include, ...]
    excludes: tuple[Include, ...] = ()
    version: str = ""

    def holds(self, system: str, code: str) -> bool:
        """Tell whether the code of `system` belongs to the set."""
        return _any(self.includes, system, code) and not _any(self.excludes, system, code)

    def holds_any(self, codings: Iterable[dict[str, Any]]) -> bool:
        """Tell whether one of the FHIR Codings belongs to the set."""
        return any(self.holds(c.get("system", ""), c.get("code", "")) for c in codings)


def compile_value_set(doc: dict[str, Any]) -> ValueSet:
    """Compile a FHIR ValueSet whose compose lists concepts, or ICD-10 codes by filter `code` `in`/`is-a` ranges.

    An include of ICD-10 may say `{"property": "code", "op": "in", "value": "B50-B54 B56"}`: our reading of FHIR's `in`
    filter, whose value is a list of codes, with ranges allowed. Raises `Refused` naming what is not understood.
    """
    compose = doc.get("compose", {})
    return ValueSet(
        url=doc.get("url", ""),
        name=doc.get("name", ""),
        includes=tuple(_include(part) for part in compose.get("include", [])),
        excludes=tuple(_include(part) for part in compose.get("exclude", [])),
        version=doc.get("version", ""),
    )


def of_ranges(url: str, name: str, text: str) -> ValueSet:
    """Return the set of ICD-10 codes (WHO) that lie in the ranges of `text`. Raises ValueError on other text."""
    return ValueSet(url, name, (Include(SYSTEM, read_ranges(text)),))


def save(session: Session, doc: dict[str, Any]) -> ValueSet:
    """Store a FHIR ValueSet under its url and version and serve it from now on. Raises `Refused` as compiling does."""
    compiled = compile_value_set(doc)
    if not compiled.url:
        raise Refused("a value set needs a url")
    session.execute("update value_set set current = false where url = %s and current", (compiled.url,))
    session.execute(
        "insert into value_set (url, version, name, current, doc) values (%s, %s, %s, true, %s)"
        " on conflict (url, version) do update set name = excluded.name, current = true, doc = excluded.doc",
        (compiled.url, compiled.version, compiled.name, Jsonb(doc)),
    )
    return compiled


def current(session: Session, url: str) -> ValueSet | None:
    """Return the value set served under `url`, compiled, or None."""
    row = session.execute("select doc from value_set where url = %s and current", (url,)).fetchone()
    return compile_value_set(row[0]) if row else None


def _include(part: dict[str, Any]) -> Include:
    system = part.get("system", "")
    spans: list[tuple[str, str]] = []
    for entry in part.get("filter", []):
        spans += _filter(system, entry).spans
    codes = frozenset(concept["code"] for concept in part.get("concept", []))
    return Include(system, Ranges(tuple(spans)), codes)


def _filter(system: str, entry: dict[str, Any]) -> Ranges:
    prop, op, value = entry.get("property"), entry.get("op"), entry.get("value", "")
    if system not in (SYSTEM, SYSTEM_CM) or (prop, op) not in (("code", "in"), ("concept", "in"), ("concept", "is-a")):
        raise Refused(f"filter {prop} {op} is not offered for {system}", value)
    try:
        return read_ranges(value)
    except ValueError as error:
        raise Refused(str(error), value) from error


def _any(parts: tuple[Include, ...], system: str, code: str) -> bool:
    return any(part.system == system and code in part for part in parts)
