"""The trail: nothing is dropped silently, modes, and what a request counts as."""

import asyncio
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from hub.auditing import Trail
from hub.edge.audited import event_of
from tracker_core import audit
from tracker_core.audit import Asked, Entry
from tracker_core.database import Pool, transaction
from tracker_core.errors import Unavailable

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def entry(number: int) -> Entry:
    """A read of something."""
    return Entry(NOW + timedelta(seconds=number), "nurse", "127.0.0.1", "read", f"Patient/{number}", 200, (number,))


def kept(pool: Pool) -> int:
    """How many entries are stored."""
    with transaction(pool) as session:
        return audit.count(session, Asked(kinds=("request",)))


def test_a_synchronous_trail_has_the_entry_before_it_goes_on(pool: Pool) -> None:
    """When `note` returns, the entry is stored."""
    trail = Trail(pool, "synchronous")
    asyncio.run(trail.note(entry(1)))
    assert kept(pool) == 1


def test_a_stopped_trail_has_written_all(pool: Pool) -> None:
    """Stopping writes what waits."""
    trail = Trail(pool)

    async def fill() -> None:
        for number in range(500):
            await trail.note(entry(number))

    asyncio.run(fill())
    trail.stop()
    assert kept(pool) == 500


def test_a_full_trail_refuses_instead_of_forgetting(pool: Pool) -> None:
    """With the database away requests are refused once the room is used up, and nothing of it is lost."""
    pool.close()
    trail = Trail(pool, most=3, patience=0.1)

    async def fill() -> None:
        for number in range(3):
            await trail.note(entry(number))
        with pytest.raises(Unavailable):
            await trail.note(entry(3))

    asyncio.run(fill())
    trail.stop()
    assert trail.waiting == 3


def test_a_trail_ends_with_its_database(pool: Pool) -> None:
    """A pool that is closed for good leaves no thread behind that tries for ever."""
    trail = Trail(pool)
    asyncio.run(trail.note(entry(1)))
    trail.stop()
    pool.close()
    later = Trail(pool)
    before = set(threading.enumerate())
    asyncio.run(later.note(entry(2)))
    (thread,) = [one for one in threading.enumerate() if one.name == "audit" and one not in before]
    thread.join(timeout=10)
    assert not thread.is_alive()
    assert later.waiting == 1


@pytest.mark.parametrize(
    ("method", "below", "status", "event"),
    [
        ("GET", "Patient/1", 200, "read"),
        ("GET", "Patient/1/_history/2", 200, "vread"),
        ("GET", "Patient/1/_history", 200, "history"),
        ("GET", "_history", 200, "history"),
        ("GET", "Patient", 200, "search"),
        ("POST", "Patient/_search", 200, "search"),
        ("GET", "Patient/1/Observation", 200, "search"),
        ("GET", "tracker/trackedEntities/abcdefghijk", 200, "read"),
        ("GET", "tracker/events", 200, "search"),
        ("POST", "Patient/$match", 200, "operation"),
        ("PUT", "Patient/1", 200, ""),
        ("PUT", "Patient/1", 412, "update"),
        ("POST", "", 422, "transaction"),
        ("POST", "Patient", 400, "create"),
        ("DELETE", "Patient/1", 409, "delete"),
    ],
)
def test_what_a_request_counts_as(method: str, below: str, status: int, event: str) -> None:
    """Reads by their shape; writes only when they were refused: the change log has the others."""
    assert event_of(method, below, status, shown=False) == event


def test_acts_of_one_instant_are_paged_without_loss(pool: Pool) -> None:
    """Pages by time, kind and number meet each deed once, in both orders."""
    with transaction(pool) as session:
        audit.write(session, [Entry(NOW, None, "", "login", "", 200) for _ in range(5)])
        session.execute("insert into change_set (actor, at) select 'x', %s from generate_series(1, 5)", (NOW,))
        session.execute(
            "insert into program_access (entity, program, username, at) select 1, 1, 'x', %s"
            " from generate_series(1, 5)",
            (NOW,),
        )
        for oldest_first in (False, True):
            met: list[tuple[str, int]] = []
            after = None
            asked = Asked(oldest_first=oldest_first, since=NOW, until=NOW + timedelta(1))
            while page := audit.deeds(session, replace(asked, after=after), 4):
                met += [(deed.kind, deed.id) for deed in page]
                after = (page[-1].at, page[-1].kind, page[-1].id)
            assert len(met) == len(set(met)) == 15


def test_an_entry_without_keys_finds_what_its_target_names(pool: Pool) -> None:
    """A record named in the address, or a tracked entity, is looked up when the entry is written."""
    with transaction(pool) as session:
        session.execute(
            "insert into record (pk, type, id, version, updated, subject, created, created_in, updated_in)"
            " select 7, 1, 'a1', 1, now(), 9, now(), 1, 1"
        )
        audit.write(session, [Entry(NOW, "x", "", "operation", "Account/a1/$summary", 200)])
        (deed,) = audit.deeds(session, Asked(kinds=("request",)), 5)
    assert deed.about == (7, 9)
