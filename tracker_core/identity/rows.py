"""The rows behind identity: facts and keys per Patient record, trusted identifier systems."""

from collections.abc import Sequence
from typing import Any

from tracker_core.database import Session
from tracker_core.identity.keys import Claim
from tracker_core.identity.likeness import Folded

# A key that more records share than this says little; the rest of its block is not compared.
_BLOCK = 100


def trust(session: Session, systems: list[str], actor: str = "system", *, shared: bool = True) -> None:
    """Declare that several sources share these identifier systems (or, with `shared=False`, that they don't).

    Takes effect for records that arrive from now on.
    """
    session.execute(
        """insert into identifier_system (system, shared, updated_by) select unnest(%b::text[]), %s, %s
        on conflict (system) do update
            set shared = excluded.shared, updated = now(), updated_by = excluded.updated_by""",
        (systems, shared, actor),
    )


def shared_systems(session: Session, systems: set[str]) -> set[str]:
    """Return those of `systems` that are declared shared."""
    found = session.execute(
        "select system from identifier_system where shared and system = any(%b)", (sorted(systems),)
    ).fetchall()
    return {row[0] for row in found}


def known_by_key(session: Session, keys: set[int]) -> dict[int, list[Folded]]:
    """Return the records that hold each of these identifier keys, oldest first."""
    found = session.execute(
        """select k.key, f.record, f.person, f.family, f.given, f.birth_date, f.sex, f.phones
        from person_key k join person_facts f using (record)
        where k.key = any(%b) order by f.record""",
        (sorted(keys),),
    ).fetchall()
    known: dict[int, list[Folded]] = {}
    for key, *columns in found:
        known.setdefault(key, []).append(_folded(columns))
    return known


def remember(session: Session, claims: list[Claim], people: list[int]) -> list[Claim]:
    """Store the facts and keys of these records under their persons; return the claims that say something new."""
    found = session.execute(
        "select record, digest, person from person_facts where record = any(%b)",
        ([one.facts.record for one in claims],),
    ).fetchall()
    stored = {(record, digest, person) for record, digest, person in found}
    changed = [
        (one, person)
        for one, person in zip(claims, people, strict=True)
        if (one.facts.record, one.digest, person) not in stored
    ]
    if changed:
        _write_facts(session, changed)
        _write_keys(session, [one for one, _ in changed])
    return [one for one, _ in changed]


def forget(session: Session, records: list[int]) -> None:
    """Drop what identity remembers of these Patient records (they are gone, or were never patients)."""
    session.execute("delete from person_key where record = any(%b)", (records,))
    session.execute("delete from person_facts where record = any(%b)", (records,))


def blocks(session: Session, claims: list[Claim]) -> list[tuple[int, Folded]]:
    """Return pairs (record of a claim, another person's record) that share a key; at most 100 per key."""
    pairs = [(one.facts.record, key) for one in claims for key in one.keys]
    found = session.execute(
        """select distinct mine.record, f.record, f.person, f.family, f.given, f.birth_date, f.sex, f.phones
        from unnest(%b::bigint[], %b::bigint[]) as mine (record, key)
        join person_facts own on own.record = mine.record
        cross join lateral (select k.record from person_key k where k.key = mine.key order by k.record limit %s) other
        join person_facts f on f.record = other.record and f.person <> own.person""",
        ([record for record, _ in pairs], [key for _, key in pairs], _BLOCK),
    ).fetchall()
    return [(record, _folded(columns)) for record, *columns in found]


def meeting(session: Session, claims: list[Claim], named: dict[str, int]) -> list[tuple[int, Folded, set[int]]]:
    """Return (place in `claims`, known record, keys shared) for every record that shares a key, at most 100 per key.

    Records of the persons that claims name (`named`, by uid) are among them; the claims themselves need not be stored.
    """
    pairs = [(place, key) for place, one in enumerate(claims) for key in one.keys]
    own = [(place, named[one.person_uid]) for place, one in enumerate(claims) if one.person_uid in named]
    columns = "f.record, f.person, f.family, f.given, f.birth_date, f.sex, f.phones"
    found = session.execute(
        f"""select w.place, w.key, {columns} from unnest(%b::int[], %b::bigint[]) as w (place, key)
        cross join lateral (select k.record from person_key k where k.key = w.key order by k.record limit %s) other
        join person_facts f on f.record = other.record
        union all
        select w.place, null, {columns} from unnest(%b::int[], %b::bigint[]) as w (place, person)
        join person_facts f on f.person = w.person""",
        (
            [place for place, _ in pairs],
            [key for _, key in pairs],
            _BLOCK,
            [place for place, _ in own],
            [person for _, person in own],
        ),
    ).fetchall()
    met: dict[tuple[int, int], tuple[Folded, set[int]]] = {}
    for place, key, *values in found:
        folded = _folded(values)
        met.setdefault((place, folded.record), (folded, set()))[1].add(key)
    return [(place, folded, keys) for (place, _), (folded, keys) in met.items()]


def _write_facts(session: Session, changed: list[tuple[Claim, int]]) -> None:
    session.execute(
        """insert into person_facts (record, person, digest, family, given, birth_date, sex, phones)
        select record, person, digest, family, given, birth, sex, string_to_array(phones, ' ')
        from unnest(%b::bigint[], %b::bigint[], %b::bigint[], %b::text[], %b::text[], %b::text[], %b::text[],
            %b::text[]) as new (record, person, digest, family, given, birth, sex, phones)
        on conflict (record) do update set person = excluded.person, digest = excluded.digest,
            family = excluded.family, given = excluded.given, birth_date = excluded.birth_date,
            sex = excluded.sex, phones = excluded.phones""",
        (
            [one.facts.record for one, _ in changed],
            [person for _, person in changed],
            [one.digest for one, _ in changed],
            [one.folded.family for one, _ in changed],
            [one.folded.given for one, _ in changed],
            [one.folded.birth_date for one, _ in changed],
            [one.folded.sex for one, _ in changed],
            [" ".join(one.folded.phones) for one, _ in changed],
        ),
    )


def _write_keys(session: Session, claims: list[Claim]) -> None:
    session.execute("delete from person_key where record = any(%b)", ([one.facts.record for one in claims],))
    pairs = sorted({(key, one.facts.record) for one in claims for key in one.keys})
    session.execute(
        "insert into person_key (key, record) select * from unnest(%b::bigint[], %b::bigint[])",
        ([key for key, _ in pairs], [record for _, record in pairs]),
    )


def _folded(columns: Sequence[Any]) -> Folded:
    record, person, family, given, birth_date, sex, phones = columns
    return Folded(record, person, family, given, birth_date, sex, tuple(phones))
