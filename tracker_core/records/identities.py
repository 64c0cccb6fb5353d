"""Which stored record a change is about: by id, or by what it matches (FHIR R4 3.1.0.7.1 and 3.1.0.11.2).

Conditional changes with the same identity wait for one another, so two of them at the same time make one record.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import parse_qsl

from tracker_core.database import Session
from tracker_core.errors import Malformed
from tracker_core.records.definitions import resource_types
from tracker_core.records.drafts import Draft, Head
from tracker_core.records.search import search
from tracker_core.records.search.tokens import simple_tokens
from tracker_core.records.terms import hashed

_LOCKS = 256  # identities that one transaction locks one by one; with more it locks whole stripes of them
_STRIPE = 0x7E502
HEAD = "r.pk, r.type, r.id, r.version, r.updated, r.deleted, r.subject, r.source"


@dataclass(frozen=True, slots=True)
class Wanted:
    """A search that identifies one record: `query` in FHIR form, of the peer `source` where that is given.

    `every` is for searches that name a set (a retraction): all matches are wanted, not just enough to see it is one.
    """

    type: str
    query: str
    source: int | None = None
    every: bool = False

    @property
    def pairs(self) -> Sequence[tuple[str, str]]:
        """The parameters of the query and their values."""
        return _pairs(self.query)


def lock(session: Session, identities: Iterable[Wanted]) -> None:
    """Wait until no other transaction is about to write one of these identities; hold them until the end of ours."""
    keys = {hashed(0, "lock", f"{w.type}?{normal(w.query)}") for w in identities}
    stripes = sorted({key % _LOCKS for key in keys})
    if len(keys) > _LOCKS:
        session.execute("select pg_advisory_xact_lock(%s, s) from unnest(%b::int[]) s", (_STRIPE, stripes))
    elif keys:
        # Among each other they wait only for the very same identity, but for a bulk that shares a stripe with them.
        session.execute(
            "select pg_advisory_xact_lock_shared(%s, s) from unnest(%b::int[]) s"
            " union all select pg_advisory_xact_lock(k) from unnest(%b::bigint[]) k",
            (_STRIPE, stripes, sorted(keys)),
        )


@lru_cache(16_384)
def normal(query: str) -> str:
    """Return a query in one form for all orders of its parameters and ways to escape them."""
    return "&".join(sorted(f"{key}={value}" for key, value in _pairs(query)))


@lru_cache(16_384)
def _pairs(query: str) -> tuple[tuple[str, str], ...]:
    return tuple(parse_qsl(query, keep_blank_values=True))


def find(session: Session, wanted: Sequence[Wanted]) -> dict[Wanted, list[Head]]:
    """Return the live records that each search finds, at most three unless it wants every one.

    Raises `Malformed` for a bad query.
    """
    found: dict[Wanted, list[Head]] = {one: [] for one in wanted}
    simple: dict[Wanted, list[int]] = {}
    for one in found:
        pairs = one.pairs
        tokens = simple_tokens(one.type, pairs)
        if tokens is None:
            found[one] = _find_by_search(session, one, pairs)
        else:
            simple[one] = tokens
    for one, head in _find_by_tokens(session, simple):
        found[one].append(head)
    return found


def _find_by_search(session: Session, one: Wanted, pairs: Sequence[tuple[str, str]]) -> list[Head]:
    """Search; a parameter that cannot be understood is refused, because without it the search would match more."""
    page = search(session, one.type, [*pairs, ("_count", "1000" if one.every or one.source is not None else "3")])
    if page.issues:
        raise Malformed(page.issues[0].text, where=page.issues[0].where)
    if one.every and page.next:
        raise Malformed("the search finds more than 1,000 records: narrow it")
    return [
        Head(m.pk, resource_types()[m.type], m.id, m.version, m.updated, m.deleted, m.subject, m.source)
        for m in page.matches
        if one.source in (None, m.source)
    ]


def _find_by_tokens(session: Session, simple: dict[Wanted, list[int]]) -> list[tuple[Wanted, Head]]:
    if not simple:
        return []
    order = list(simple)
    # Planned anew each time: a plan kept from when the table was small would scan it for ever.
    rows = session.execute(
        "select q.n, f.*"
        " from unnest(%b::smallint[], %b::text[], %b::int[], %b::bool[])"
        " with ordinality q (type, tokens, source, every, n)"
        f" cross join lateral (select {HEAD} from record r where r.tokens @> q.tokens::bigint[]"
        " and r.type + 0 = q.type and not r.deleted and (q.source is null or r.source = q.source)"
        " order by r.pk limit case when q.every then null else 3 end) f order by q.n",
        (
            [resource_types()[one.type] for one in order],
            ["{" + ",".join(map(str, simple[one])) + "}" for one in order],
            [one.source for one in order],
            [one.every for one in order],
        ),
        prepare=False,
    )
    return [(order[row[0] - 1], Head(*row[1:])) for row in rows]


def heads(session: Session, references: Iterable[tuple[int, str]], *, lock_rows: bool = False) -> dict[str, Head]:
    """Return the head rows of `(type number, id)`, by `type number/id`; locked in that order when asked."""
    wanted = sorted(set(references))
    if not wanted:
        return {}
    rows = session.execute(
        f"select {HEAD} from unnest(%b::smallint[], %b::text[]) w (type, id)"
        " join record r on r.type = w.type and r.id = w.id order by r.type, r.id" + (" for update of r" * lock_rows),
        ([t for t, _ in wanted], [id for _, id in wanted]),
        prepare=False,
    )
    return {f"{row[1]}/{row[2]}": Head(*row) for row in rows}


def group_same(drafts: Sequence[Draft]) -> None:
    """Let drafts of one change set that share an identity stand for one record: the later ones point to the first."""
    first: dict[tuple[int, str], Draft] = {}
    for draft in drafts:
        change = draft.change
        if change.method not in ("create", "merge", "put"):
            continue
        keys = [(draft.type, f"?{draft.sender if change.method == 'merge' else ''}{normal(q)}") for q in change.match]
        keys += [(draft.type, draft.id)] if draft.id and change.method in ("put", "merge") else []
        same = next((first[key] for key in keys if key in first), None)
        if same is not None and same is not draft:
            draft.same = same
        for key in keys:
            first.setdefault(key, same or draft)
