"""Codes that a search means by a value set or by their place in a hierarchy: `:in`, `:not-in`, `:above`, `:below`."""

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

import orjson

from adapters.fhir.terminology.shelf import reader
from terminology.composing import compose
from terminology.errors import Refused
from terminology.library import Document, Library, Versions, split
from terminology.problems import Problem
from tracker_core import records
from tracker_core.database import Session
from tracker_core.errors import Unsupported
from tracker_core.records import forms
from tracker_core.records.search.tokens import MOST_TOKENS, Codes

Code = tuple[str, str]


def codes(session: Session) -> Codes:
    """Return what resolves codes with the code systems and value sets that are stored, as records or loaded."""

    def resolve(modifier: str, value: str) -> Sequence[Code] | None:
        found = reader(session).library
        if modifier in ("in", "not-in"):
            doc = _value_set(session, found, value)
            return None if doc is None else list(islice(_members(found, doc), MOST_TOKENS + 1))
        system, _, code = value.partition("|")
        compiled = found.system(*split(system)) if system and code else None
        concept = compiled.find(code) if compiled else None
        if compiled is None or concept is None:
            return None
        near = compiled.below(code) if modifier == "below" else [concept, *compiled.chain(code)]
        return [(system, one.code) for one in near]

    return resolve


def _value_set(session: Session, found: Library, value: str) -> Document | None:
    """Return a value set by its canonical url, or as a reference to a record (`ValueSet/x`)."""
    doc = found.value_set(*split(value))
    reference = forms.target(value)
    if doc is not None or reference is None:
        return doc
    one = records.read(session, [reference]).get(reference)
    held: Document | None = orjson.loads(one.doc) if one and not one.deleted else None
    return held


def _members(found: Library, doc: Document) -> Iterator[Code]:
    """Yield the codes of a value set: those that it was expanded to or lists by itself need no code system."""
    compose_ = doc.get("compose", {})
    includes = compose_.get("include", [])
    if includes and not compose_.get("exclude") and all(_is_list(one) for one in includes):
        yield from ((one["system"], concept["code"]) for one in includes for concept in one["concept"])
    elif "contains" in doc.get("expansion", {}):
        yield from _expanded(doc["expansion"]["contains"])
    else:
        try:
            yield from (member.key for member in compose(found, Versions(), doc).walk())
        except (Problem, Refused) as error:
            raise Unsupported(f"the value set {doc.get('url', '')} cannot be evaluated: {error}") from error


def _is_list(include: dict[str, Any]) -> bool:
    return bool(include.get("system") and include.get("concept")) and not include.get("valueSet")


def _expanded(contains: Sequence[dict[str, Any]]) -> Iterator[Code]:
    for one in contains:
        if one.get("code"):
            yield one.get("system", ""), one["code"]
        yield from _expanded(one.get("contains", ()))
