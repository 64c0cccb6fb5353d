"""Stored aggregate values: read and written in lists, every write noted in the change log."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from tracker_core.aggregates.vocabulary import DEFAULT
from tracker_core.context import Context
from tracker_core.database import Session, next_pks
from tracker_core.history import Change, note_changes


class Key(NamedTuple):
    """What makes a value one: uids of its metadata, its period's identifier, the pk of its org unit."""

    element: str
    period: str
    org_unit: int
    combo: str = DEFAULT
    attribute_combo: str = DEFAULT


@dataclass(frozen=True, slots=True)
class Value:
    """A stored value. `definition` is the case report that computes it, None for entered and imported ones."""

    pk: int
    value: str
    deleted: bool
    comment: str | None
    follow_up: bool
    definition: int | None

    @property
    def current(self) -> str | None:
        """The value as a reader sees it: None when it is deleted."""
        return None if self.deleted else self.value


@dataclass(frozen=True, slots=True)
class Write:
    """What `key` is to become; a `value` of None deletes. `before` is what is stored now, None where nothing is."""

    key: Key
    value: str | None
    before: Value | None
    data_set: str | None = None
    comment: str | None = None
    follow_up: bool = False
    definition: int | None = None


def read(session: Session, keys: Sequence[Key]) -> dict[Key, Value]:
    """Return what is stored under `keys`, deleted values included; keys without a value are left out."""
    rows = session.execute(
        "select v.data_element, v.period, v.org_unit, v.category_option_combo, v.attribute_option_combo,"
        " v.pk, v.value, v.deleted, v.comment, v.follow_up, v.definition"
        " from unnest(%b::text[], %b::text[], %b::bigint[], %b::text[], %b::text[]) as k (e, p, o, c, a)"
        " join aggregate_value v on v.data_element = k.e and v.period = k.p and v.org_unit = k.o"
        " and v.category_option_combo = k.c and v.attribute_option_combo = k.a",
        _columns(keys),
    )
    return {Key(*row[:5]): Value(*row[5:]) for row in rows}


def lock(session: Session, slices: Sequence[tuple[str, str]]) -> None:
    """Make writers of the same (data element, period) slices wait for each other until this transaction ends."""
    keys = sorted({f"{element} {period}" for element, period in slices})
    session.execute(
        "select pg_advisory_xact_lock(h) from (select distinct hashtextextended(k, 7) as h from unnest(%b::text[]) k"
        " order by 1) slices",
        (keys,),
    )


def write(session: Session, context: Context, writes: Sequence[Write]) -> list[int]:
    """Store `writes`, each key at most once, and note each in the change log; return the values' pks, in order.

    A deletion keeps the last value behind its flag, so that a receiver can still be told of it.
    """
    fresh = iter(next_pks(session, sum(1 for w in writes if w.before is None)) if writes else ())
    pks = [w.before.pk if w.before else next(fresh) for w in writes]
    session.execute(
        "insert into aggregate_value as v (pk, data_element, period, org_unit, category_option_combo,"
        " attribute_option_combo, value, deleted, data_set, comment, follow_up, definition, created, updated,"
        " created_in, updated_in)"
        " select w.*, %s, %s, %s, %s from unnest(%b::bigint[], %b::text[], %b::text[], %b::bigint[], %b::text[],"
        " %b::text[], %b::text[], %b::bool[], %b::text[], %b::text[], %b::bool[], %b::bigint[]) as w"
        " on conflict (pk) do update set value = excluded.value, deleted = excluded.deleted,"
        " data_set = coalesce(excluded.data_set, v.data_set), comment = excluded.comment,"
        " follow_up = excluded.follow_up, definition = excluded.definition, updated = excluded.updated,"
        " updated_in = excluded.updated_in",
        (
            context.at,
            context.at,
            context.change_set,
            context.change_set,
            pks,
            *_columns([w.key for w in writes]),
            [_kept(w) for w in writes],
            [w.value is None for w in writes],
            [w.data_set for w in writes],
            [w.comment for w in writes],
            [w.follow_up for w in writes],
            [w.definition for w in writes],
        ),
    )
    note_changes(session, context, [_change(pk, w) for pk, w in zip(pks, writes, strict=True)])
    return pks


def _kept(write: Write) -> str:
    if write.value is not None:
        return write.value
    return write.before.value if write.before else ""


def _change(pk: int, write: Write) -> Change:
    before = write.before.current if write.before else None
    delta: dict[str, list[object]] = {"value": [before, write.value]}
    if write.before and write.before.comment != write.comment:
        delta["comment"] = [write.before.comment, write.comment]
    action = "create" if write.before is None else "delete" if write.value is None else "update"
    return Change("aggregate_value", pk, action, delta=delta)  # type: ignore[arg-type]  # mypy loses the literals


def _columns(keys: Sequence[Key]) -> tuple[list[str], list[str], list[int], list[str], list[str]]:
    return (
        [key.element for key in keys],
        [key.period for key in keys],
        [key.org_unit for key in keys],
        [key.combo for key in keys],
        [key.attribute_combo for key in keys],
    )
