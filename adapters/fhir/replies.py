"""Answers of reads before they are HTTP, and the parameters they were asked with."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC
from email.utils import format_datetime
from urllib.parse import parse_qsl

from adapters.fhir import bundles
from tracker_core.records import Stored

Pairs = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer before it is HTTP. `seen` are the keys of records and persons that it shows, for the audit."""

    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    seen: tuple[int | None, ...] = ()


@dataclass(frozen=True, slots=True)
class Conditions:
    """What the caller has already or insists on: If-None-Match, If-Modified-Since, `Prefer: handling=strict`.

    `administrator` says that the caller has the authority `ALL`: to read the audit trail, to have everything indexed.
    """

    none_match: str = ""
    modified_since: str = ""
    strict: bool = False
    administrator: bool = False


def headers_of(one: Stored) -> dict[str, str]:
    """Return the headers that come with a version."""
    return {"etag": bundles.etag(one), "last-modified": format_datetime(one.updated.astimezone(UTC), usegmt=True)}


def query_pairs(query: str) -> list[tuple[str, str]]:
    """Return the decoded parameters of a query in order; stray `&` and `=` are overlooked."""
    return [(key, value) for key, value in parse_qsl(query, keep_blank_values=True) if key]
