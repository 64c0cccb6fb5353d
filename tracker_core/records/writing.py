"""Rows of settled drafts: heads, versions and index entries, each table written once for the whole change set."""

import struct
from collections.abc import Callable, Iterator, Sequence

import orjson
from psycopg import errors

from tracker_core.copying import NULL, copy_packed, micros, pack_bytes, pack_int8s
from tracker_core.database import Collision, Session
from tracker_core.records import vocabulary
from tracker_core.records.drafts import Draft
from tracker_core.records.entries import Entries
from tracker_core.records.extraction import extract, rank

_HEAD = (
    "pk", "type", "id", "version", "updated", "deleted", "subject", "source", "created", "created_in", "updated_in",
    "tokens",
)  # fmt: skip
_VERSION = ("pk", "version", "updated", "deleted", "change_set", "doc")
_HEAD_KEY = struct.Struct(">hiqih").pack
_HEAD_STATE = struct.Struct(">iiiqi?").pack
_INT8 = struct.Struct(">iq").pack
_INT4 = struct.Struct(">ii").pack
_STRING_HEAD = struct.Struct(">hih").pack
_DATE = struct.Struct(">hihiqiqiq").pack
_NUMBER = struct.Struct(">hihiqidiq").pack
_RANKED = struct.Struct(">hiqiqiq").pack


def write(session: Session, drafts: Sequence[Draft]) -> None:
    """Store the drafts that write a new version, in (type, id) order, each under its context.

    Raises `Collision` when another transaction created one of the records at the same time.
    """
    ordered = sorted((d for d in drafts if d.writes), key=lambda d: (d.type, d.id))
    created = [d for d in ordered if d.head is None]
    replaced = [d for d in ordered if d.head is not None]
    try:
        copy_packed(session, "record", _HEAD, _pack_heads(created))
    except errors.UniqueViolation as error:
        raise Collision(f"another transaction created one of the records: {error}") from error
    _update_heads(session, replaced)
    copy_packed(session, "record_version", _VERSION, (_pack_version(d) for d in ordered))
    vocabulary.remember(session, (term for d in ordered for term in d.entries.terms))
    _write_entries(session, created, replaced)


def _pack_heads(drafts: Sequence[Draft]) -> Iterator[bytes]:
    for draft in drafts:
        context = draft.context
        stamp = micros(context.at)
        at, opened = _INT8(8, stamp), _INT8(8, context.change_set)
        source = _INT4(4, context.peer.id) if context.peer else NULL
        subject = NULL if draft.subject is None else _INT8(8, draft.subject)
        yield b"".join(
            (
                _HEAD_KEY(12, 8, draft.pk, 2, draft.type),
                pack_bytes(draft.id.encode()),
                _HEAD_STATE(4, draft.version, 8, stamp, 1, draft.action == "deleted"),
                subject,
                source,
                at,
                opened,
                opened,
                pack_int8s(_tokens(draft)),
            )
        )


def _tokens(draft: Draft) -> list[int]:
    return sorted(set(draft.entries.tokens))


def _pack_version(draft: Draft) -> bytes:
    fixed = struct.pack(
        ">hiqiiiqi?iq",
        *(6, 8, draft.pk, 4, draft.version, 8, micros(draft.context.at)),
        *(1, draft.action == "deleted", 8, draft.context.change_set),
    )
    return fixed + pack_bytes(draft.doc)


def _update_heads(session: Session, replaced: Sequence[Draft]) -> None:
    if not replaced:
        return
    session.execute(
        "update record r set version = u.version, updated = u.at, deleted = u.deleted, subject = u.subject,"
        " updated_in = u.change_set, tokens = u.tokens::bigint[], source = coalesce(r.source, u.source),"
        " created = case when r.version = 0 then u.at else r.created end,"
        " created_in = case when r.version = 0 then u.change_set else r.created_in end"
        " from unnest(%(pks)b::bigint[], %(versions)b::int[], %(deleted)b::bool[], %(subjects)b::bigint[],"
        " %(sets)b::bigint[], %(ats)b::timestamptz[], %(sources)b::int[], %(tokens)b::text[])"
        " u (pk, version, deleted, subject, change_set, at, source, tokens) where r.pk = u.pk",
        {
            "sets": [d.context.change_set for d in replaced],
            "ats": [d.context.at for d in replaced],
            "sources": [d.sender for d in replaced],
            "pks": [d.pk for d in replaced],
            "versions": [d.version for d in replaced],
            "deleted": [d.action == "deleted" for d in replaced],
            "subjects": [d.subject for d in replaced],
            "tokens": ["{" + ",".join(map(str, _tokens(d))) + "}" for d in replaced],
        },
        prepare=False,
    )


def _write_entries(session: Session, created: Sequence[Draft], replaced: Sequence[Draft]) -> None:
    """Index new records; of replaced ones, only the tables whose entries differ are rewritten."""
    before = {d.pk: _entries_before(d) for d in replaced}
    for table, columns, pack in SIDES:
        old = {d.pk: pack(before[d.pk], d) for d in replaced}
        new = {d.pk: pack(d.entries, d) for d in replaced}
        stale = [pk for pk, rows in old.items() if rows and rows != new[pk]]
        if stale:
            session.execute(f"delete from {table} where pk = any(%b::bigint[])", (stale,))
        fresh = [pack(d.entries, d) for d in created] + [rows for pk, rows in new.items() if rows != old[pk]]
        copy_packed(session, table, columns, fresh)


def _entries_before(draft: Draft) -> Entries:
    return extract(draft.change.type, orjson.loads(draft.before)) if draft.before else Entries()


def _pack_strings(entries: Entries, draft: Draft) -> bytes:
    tail = _INT8(8, draft.pk)
    rows = sorted(set(entries.strings))
    return b"".join(_STRING_HEAD(3, 2, n) + pack_bytes(text.encode("utf-8", "replace")) + tail for n, text in rows)


def _pack_dates(entries: Entries, draft: Draft) -> bytes:
    return b"".join(_DATE(4, 2, n, 8, lo, 8, hi, 8, draft.pk) for n, lo, hi in sorted(set(entries.dates)))


def _pack_numbers(entries: Entries, draft: Draft) -> bytes:
    rows = sorted(set(entries.numbers))
    return b"".join(_NUMBER(4, 2, n, 8, unit, 8, value, 8, draft.pk) for n, unit, value in rows)


def _pack_ranked(entries: Entries, draft: Draft) -> bytes:
    if not entries.ranked:
        return b""
    at = rank(draft.change.type, entries)
    return b"".join(_RANKED(3, 8, token, 8, at, 8, draft.pk) for token in sorted(set(entries.ranked)))


# The tables beside the heads: their columns, and what packs a record's rows
SIDES: tuple[tuple[str, tuple[str, ...], Callable[[Entries, Draft], bytes]], ...] = (
    ("record_string", ("param", "value", "pk"), _pack_strings),
    ("record_date", ("param", "lo", "hi", "pk"), _pack_dates),
    ("record_number", ("param", "unit", "value", "pk"), _pack_numbers),
    ("record_ranked", ("token", "at", "pk"), _pack_ranked),
)
