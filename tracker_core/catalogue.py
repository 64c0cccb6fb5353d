"""How far the catalogue (metadata shown as records) has come: of which state it is, and what each record said."""

from collections.abc import Iterable, Mapping
from typing import TypeAlias

from tracker_core.database import Session

Key: TypeAlias = tuple[str, str]


def state(session: Session) -> str:
    """Return the state of metadata and accounts as this transaction sees it: another text after any change."""
    row = session.execute(
        "select m.version || '.' || m.units || '.' ||"
        " coalesce((select md5(string_agg(xmin::text || ctid::text, ' ' order by pk)) from user_account), '') || '.' ||"
        " coalesce((select sum(version * 2 + active::int)::text from report_definition), '')"
        " from metadata_version m"
    ).fetchone()
    assert row is not None
    return str(row[0])


def shown(session: Session) -> str:
    """Return the state that the catalogue shows, empty before the first time."""
    row = session.execute("select state from catalogue").fetchone()
    return str(row[0]) if row else ""


def claim(session: Session) -> bool:
    """Tell whether this transaction alone may write the catalogue until it ends."""
    row = session.execute("select pg_try_advisory_xact_lock(hashtext('catalogue'))").fetchone()
    assert row is not None
    return bool(row[0])


def digests(session: Session) -> dict[Key, int]:
    """Return the digest of each record of the catalogue as it was last written, by type and id."""
    rows = session.execute("select type, id, digest from catalogue_record").fetchall()
    return {(type, id): digest for type, id, digest in rows}


def note(session: Session, written: Mapping[Key, int], gone: Iterable[Key]) -> None:
    """Remember the digests of records that were written, and forget those that are gone."""
    session.execute(
        "insert into catalogue_record (type, id, digest) select * from unnest(%b::text[], %b::text[], %b::bigint[])"
        " on conflict (type, id) do update set digest = excluded.digest",
        ([type for type, _ in written], [id for _, id in written], list(written.values())),
    )
    left = list(gone)
    session.execute(
        "delete from catalogue_record c using unnest(%b::text[], %b::text[]) g (type, id)"
        " where c.type = g.type and c.id = g.id",
        ([type for type, _ in left], [id for _, id in left]),
    )


def finish(session: Session, reached: str) -> None:
    """Say that the catalogue shows the state `reached`."""
    session.execute("delete from catalogue")
    session.execute("insert into catalogue (state) values (%s)", (reached,))
