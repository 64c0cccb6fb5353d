"""The words of records, for full-text search: indexed by a worker soon after they were written, not while.

The index goes by the time of the last change, below the horizon of what may still commit (`tracker_core.horizon`), so
nothing is left out; a search reads what is younger from the documents themselves. Documents of more than 300 kB are
not indexed: they hold files.
"""

from datetime import datetime

from tracker_core.database import Session
from tracker_core.horizon import horizon
from tracker_core.records.definitions import resource_types

_LONGEST = 300_000
_DOC = "convert_from(v.doc, 'UTF8')::jsonb"
# Tags of the narrative's XHTML are no words to PostgreSQL's parser.
VECTORS = {
    "narrative": f"case when length(v.doc) < {_LONGEST}"
    f" then to_tsvector('simple', coalesce({_DOC} #>> '{{text,div}}', '')) else '' end",
    "content": f"case when length(v.doc) < {_LONGEST}"
    f" then jsonb_to_tsvector('simple', {_DOC}, '[\"string\"]') else '' end",
}


def indexed_until(session: Session) -> datetime:
    """Return the time up to which every change is in the index."""
    row = session.execute("select at from record_words_progress").fetchone()
    assert row is not None
    at: datetime = row[0]
    return at


def index_words(session: Session, limit: int = 500) -> int:
    """Index the words of the next records that changed; return how many. One caller at a time does it."""
    row = session.execute("select at, pk from record_words_progress for update skip locked").fetchone()
    if row is None:
        return 0
    until = horizon(session)
    found = session.execute(
        "select f.pk, f.version, f.updated, f.deleted from unnest(%(types)b::smallint[]) t"
        " cross join lateral (select pk, version, updated, deleted from record r"
        " where r.type = t and (r.updated, r.pk) > (%(at)s, %(pk)s) and r.updated < %(until)s"
        " order by r.updated, r.pk limit %(limit)s) f"
        " order by f.updated, f.pk limit %(limit)s",
        {
            "types": list(resource_types().values()),
            "at": row[0],
            "pk": row[1],
            "until": until,
            "limit": limit,
        },
    ).fetchall()
    if not found:
        return 0
    _write(session, [(pk, version) for pk, version, _, deleted in found if version and not deleted])
    session.execute("update record_words_progress set at = %s, pk = %s", (found[-1][2], found[-1][0]))
    return len(found)


def _write(session: Session, wanted: list[tuple[int, int]]) -> None:
    session.execute(
        f"insert into record_words (pk, version, narrative, content)"
        f" select v.pk, v.version, {VECTORS['narrative']}, {VECTORS['content']}"
        " from unnest(%b::bigint[], %b::int[]) w (pk, version)"
        " join record_version v on v.pk = w.pk and v.version = w.version"
        " on conflict (pk) do update"
        " set version = excluded.version, narrative = excluded.narrative, content = excluded.content",
        ([pk for pk, _ in wanted], [version for _, version in wanted]),
        prepare=False,
    )
