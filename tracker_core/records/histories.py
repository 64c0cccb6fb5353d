"""The versions of records, newest first: of one, of a type, of all (FHIR R4 3.1.0.13)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tracker_core.database import Session
from tracker_core.horizon import horizon
from tracker_core.records.definitions import resource_types
from tracker_core.records.stored import COLUMNS, Stored, stored


@dataclass(frozen=True, slots=True)
class Span:
    """Which versions: made at or after `since`; current at some time from `start` until before `end`."""

    since: datetime | None = None
    start: datetime | None = None
    end: datetime | None = None


ALWAYS = Span()


def versions(
    session: Session,
    type_: str = "",
    id: str = "",
    *,
    count: int = 20,
    before: tuple[datetime, int, int] | None = None,
    span: Span = ALWAYS,
) -> list[Stored]:
    """Return versions newest first: of one record, with an empty `id` of a type, without a type of all; deletions too.

    `before` is `(updated, pk, version)` of the last one of the page before. Who asks by `since` is not shown what an
    open transaction could still put something before, so that the newest time seen can be asked for next.
    """
    # Two writers of one record wait for each other after they took their times: there, the version tells the order.
    key = "v.version" if id else "v.updated, v.pk, v.version"
    last = "%(version)s" if id else "%(at)s, %(pk)s, %(version)s"
    conditions = [
        "r.type = %(type)s" if type_ else "true",
        "r.id = %(id)s" if id else "true",
        f"({key}) < ({last})" if before else "true",
        *_bounds(span),
    ]
    values: Mapping[str, Any] = {
        "type": resource_types().get(type_),
        "id": id,
        "count": count,
        "horizon": horizon(session) if span.since else None,
        **dict(zip(("at", "pk", "version"), before or (None, None, None), strict=True)),
        "since": span.since,
        "start": span.start,
        "end": span.end,
    }
    rows = session.execute(
        f"select {COLUMNS} from record r join record_version v on v.pk = r.pk where {' and '.join(conditions)}"
        f" order by {key.replace(',', ' desc,')} desc limit %(count)s",
        values,
    )
    return [stored(row) for row in rows]


def _bounds(span: Span) -> list[str]:
    bounds = []
    if span.since:
        bounds.append("v.updated >= %(since)s and v.updated < %(horizon)s")
    if span.end:
        bounds.append("v.updated < %(end)s")
    if span.start:
        bounds.append(
            "not exists (select from record_version n where n.pk = v.pk and n.version > v.version"
            " and n.updated <= %(start)s)"
        )
    return bounds
