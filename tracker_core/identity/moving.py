"""What hangs on a person: found, and handed from one person to another."""

from typing import Any

from tracker_core.context import Context
from tracker_core.database import Session
from tracker_core.history import Change, note_changes
from tracker_core.identity.keys import lock_keys

# Kind in the change log, column that names the person. Records log nothing here: their history is their versions.
OWNED = {"record": "subject", "enrollment": "entity", "event": "entity"}
# A reference is kept in a record's tokens as (parameter << 44) | pk of the target.
_REFERENCE_PK = (1 << 44) - 1


def lock_persons(session: Session, persons: list[int]) -> None:
    """Make messages that are recognising these persons just now finish first, and others wait."""
    found = session.execute(
        "select key from person_facts join person_key using (record) where person = any(%b)", (persons,)
    ).fetchall()
    lock_keys(session, {row[0] for row in found})


def owned(session: Session, person: int) -> dict[str, list[int]]:
    """Return everything of the person: pks by kind."""
    return {
        kind: [row[0] for row in session.execute(f"select pk from {kind} where {column} = %s order by pk", (person,))]
        for kind, column in OWNED.items()
    }


def drop_twins(session: Session, survivor: int, loser: int) -> list[int]:
    """Delete the relationships that would be one too many when the loser is part of the survivor; return their pks.

    Those that the survivor would have twice, and those between the two.
    """
    found = session.execute(
        """with after as (
            select pk, type, %(loser)s in (from_pk, to_pk) as moved,
                case from_pk when %(loser)s then %(survivor)s else from_pk end as source,
                case to_pk when %(loser)s then %(survivor)s else to_pk end as target
            from relationship where not deleted
                and (from_pk in (%(survivor)s, %(loser)s) or to_pk in (%(survivor)s, %(loser)s))
        ), counted as (
            select pk, source = target as looped,
                row_number() over (partition by type, source, target order by moved, pk) as n from after)
        update relationship r set deleted = true from counted
        where counted.pk = r.pk and (n > 1 or looped) returning r.pk""",
        {"survivor": survivor, "loser": loser},
    ).fetchall()
    return sorted(row[0] for row in found)


def restore_twins(session: Session, relationships: list[int]) -> None:
    """Bring back what `drop_twins` deleted, once its sides are as they were."""
    session.execute("update relationship set deleted = false where pk = any(%b)", (relationships,))


def following(session: Session, person: int, patients: list[int]) -> dict[str, list[int]]:
    """Return what of the person goes with these Patient records: they, what refers to them, what came from those."""
    records = sorted({*patients, *referring(session, person, patients)})
    enrollments = _caused(session, "enrollment", person, records)
    events = {*_caused(session, "event", person, records), *_events_of(session, enrollments)}
    return {"record": records, "enrollment": enrollments, "event": sorted(events)}


def caused_by(session: Session, person: int, records: list[int]) -> dict[str, list[int]]:
    """Return the person's enrollments that came from these records, and all their events."""
    enrollments = _caused(session, "enrollment", person, records)
    return {"enrollment": enrollments, "event": _events_of(session, enrollments)}


def sides(session: Session, person: int) -> list[list[Any]]:
    """Return the relationship sides that name the person: [pk, side]."""
    found = session.execute(
        """select pk, 'from' from relationship where from_pk = %(person)s
        union all select pk, 'to' from relationship where to_pk = %(person)s order by 1, 2""",
        {"person": person},
    ).fetchall()
    return [list(row) for row in found]


def referring(session: Session, person: int, patients: list[int]) -> list[int]:
    """Return the person's records that refer to one of these Patient records (references are positive tokens).

    Other Patient records are not among them: a link between two says that they were joined, not that one has the other.
    """
    found = session.execute(
        """select pk from record where subject = %s and exists (
            select from unnest(tokens) as token where token > 0 and token & %s = any(%b))
        and not exists (select from person_facts f where f.record = record.pk) order by pk""",
        (person, _REFERENCE_PK, patients),
    ).fetchall()
    return [row[0] for row in found]


def _caused(session: Session, table: str, person: int, records: list[int]) -> list[int]:
    found = session.execute(
        f"select pk from {table} where entity = %s and origin = any(%b) order by pk", (person, records)
    ).fetchall()
    return [row[0] for row in found]


def _events_of(session: Session, enrollments: list[int]) -> list[int]:
    found = session.execute("select pk from event where enrollment = any(%b)", (enrollments,)).fetchall()
    return [row[0] for row in found]


def move(session: Session, context: Context, moved: dict[str, Any], source: int, target: int) -> None:
    """Hand everything in `moved` that still belongs to `source` over to `target`, and log it."""
    changes = []
    session.execute(
        "update record set subject = %s where pk = any(%b) and subject = %s", (target, moved["record"], source)
    )
    for kind in ("enrollment", "event"):
        found = session.execute(
            f"update {kind} set entity = %s, updated = %s, updated_in = %s"
            " where pk = any(%b) and entity = %s returning pk",
            (target, context.at, context.change_set, moved[kind], source),
        ).fetchall()
        changes += [Change(kind, pk, "update", target, {"entity": [source, target]}) for (pk,) in sorted(found)]
    for side in ("from", "to"):
        pks = [pk for pk, which in moved["sides"] if which == side]
        session.execute(
            f"update relationship set {side}_pk = %s, updated = %s, updated_in = %s"
            f" where pk = any(%b) and {side}_pk = %s",
            (target, context.at, context.change_set, pks, source),
        )
        changes += [Change("relationship", pk, "update", target, {side: [source, target]}) for pk in pks]
    session.execute(
        "update person_facts set person = %s where record = any(%b) and person = %s", (target, moved["record"], source)
    )
    note_changes(session, context, changes)


def share_owners(session: Session, context: Context, survivor: int, loser: int, enrollments: list[int]) -> list[int]:
    """Let who owned the loser in the programs of these enrollments own the survivor there, where nobody does yet.

    Return the programs. The loser keeps its owners, for the day it comes back.
    """
    found = session.execute(
        """insert into program_owner (entity, program, org_unit, created, updated, updated_in)
        select %s, program, org_unit, %s, %s, %s from program_owner where entity = %s
            and program in (select program from enrollment where pk = any(%b))
        on conflict (entity, program) do nothing returning program""",
        (survivor, context.at, context.at, context.change_set, loser, enrollments),
    ).fetchall()
    return sorted(row[0] for row in found)


def withdraw_owners(session: Session, survivor: int, programs: list[int]) -> None:
    """Take back what `share_owners` gave, but where the survivor has an enrollment of its own by now."""
    session.execute(
        """delete from program_owner o where entity = %s and program = any(%b)
            and not exists (select from enrollment n where n.entity = o.entity and n.program = o.program)""",
        (survivor, programs),
    )


def lacking(session: Session, survivor: int, loser: int) -> list[int]:
    """Return the attributes that the loser has and the survivor lacks."""
    found = session.execute(
        """select attribute from attribute_value where entity = %s
        except select attribute from attribute_value where entity = %s order by 1""",
        (loser, survivor),
    ).fetchall()
    return [row[0] for row in found]


def copy_attributes(session: Session, context: Context, survivor: int, loser: int, attributes: list[int]) -> None:
    """Give the survivor what it lacks. Unique values are the survivor's from now on."""
    session.execute(
        """insert into attribute_value (entity, attribute, value, folded, created, updated, updated_in)
        select %s, attribute, value, folded, created, updated, %s from attribute_value
        where entity = %s and attribute = any(%b)""",
        (survivor, context.change_set, loser, attributes),
    )
    _hand_keys(session, loser, survivor)


def _hand_keys(session: Session, source: int, target: int) -> None:
    """Let the values of `target` be unique where the equal ones of `source` were; no value of `source` is any more."""
    held = session.execute(
        "select attribute, value, unique_key from attribute_value where entity = %s and unique_key is not null",
        (source,),
    ).fetchall()
    session.execute("update attribute_value set unique_key = null where entity = %s", (source,))
    session.execute(
        """update attribute_value v set unique_key = h.key
        from unnest(%b::bigint[], %b::text[], %b::text[]) as h (attribute, value, key)
        where v.entity = %s and v.attribute = h.attribute and v.value = h.value and v.unique_key is null""",
        ([row[0] for row in held], [row[1] for row in held], [row[2] for row in held], target),
    )


def hand_files(session: Session, source: int, target: int) -> None:
    """Let the attributes of `target` hold the files that they name and those of `source` held."""
    session.execute(
        """update file_resource f set holder = %s from attribute_value v join metadata_object m on m.pk = v.attribute
        where f.kind = 'trackedEntity' and f.holder = %s and f.field = m.uid and v.entity = %s and v.value = f.uid""",
        (target, source, target),
    )


def withdraw_attributes(session: Session, survivor: int, loser: int, moved: dict[str, Any]) -> None:
    """Remove from the survivor the attributes it had from the loser, where nobody has changed them since."""
    session.execute(
        """delete from attribute_value s using attribute_value l
        where s.entity = %s and l.entity = %s and s.attribute = l.attribute and s.attribute = any(%b)
            and s.value = l.value""",
        (survivor, loser, moved["attributes"]),
    )
    session.execute(
        """update attribute_value v set unique_key = k.key
        from unnest(%b::bigint[], %b::text[]) as k (attribute, key)
        where v.entity = %s and v.attribute = k.attribute
            and not exists (select from attribute_value o where o.attribute = k.attribute and o.unique_key = k.key)""",
        ([row[0] for row in moved["keys"]], [row[1] for row in moved["keys"]], loser),
    )


def unique_keys(session: Session, person: int) -> list[list[Any]]:
    """Return the person's unique attribute values: [attribute, key]."""
    found = session.execute(
        "select attribute, unique_key from attribute_value where entity = %s and unique_key is not null order by 1",
        (person,),
    ).fetchall()
    return [list(row) for row in found]
