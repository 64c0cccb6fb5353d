"""Reading by time while others write: what commits late must not be skipped.

A client that pages by `_lastUpdated=gt<largest seen>` never asks again for an earlier time, and a change set gets its
time before it commits. So each one announces, by a shared advisory lock held until it ends, that it will write no
earlier than now; and readers by time see only what is older than every announcement: nothing can appear below that any
more. Nobody waits.
"""

from datetime import datetime, timedelta

from tracker_core.database import Session

_CLASS = 0x7468
_WRAP = 2**31  # milliseconds, 24 days: the lock's key is the time modulo this


def announce(session: Session) -> None:
    """Announce that this transaction writes at times from now on. To be called before such a time is taken."""
    session.execute(
        "select pg_advisory_xact_lock_shared(%s, (floor(extract(epoch from clock_timestamp()) * 1000)"
        " %% %s::bigint)::bigint::int)",
        (_CLASS, _WRAP),
    )


def horizon(session: Session) -> datetime:
    """Return the time before which nothing new can become visible any more, but for what this session writes itself."""
    # The clock is read first: whoever announces after that writes later than it says.
    row = session.execute("select clock_timestamp()").fetchone()
    assert row is not None
    now: datetime = row[0]
    keys = session.execute(
        "select objid::bigint from pg_locks where locktype = 'advisory' and classid = %s and objsubid = 2"
        " and pid <> pg_backend_pid() and database = (select oid from pg_database where datname = current_database())",
        (_CLASS,),
    ).fetchall()
    milliseconds = int(now.timestamp() * 1000)
    ages = [(milliseconds - key) % _WRAP for (key,) in keys]
    age = max((a for a in ages if a < _WRAP // 2), default=0)
    return now - timedelta(milliseconds=age + 1) if ages else now
