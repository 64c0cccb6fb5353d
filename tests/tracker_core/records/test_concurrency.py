"""Writers at the same time: no duplicates, no lost updates, no late commit that a reader by time misses."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from tracker_core import history, metadata, records
from tracker_core.changes import RecordChange
from tracker_core.database import Collision, Pool, transaction
from tracker_core.horizon import horizon


def apply(pool: Pool, *changes: RecordChange) -> records.Applied:
    """Apply changes in a transaction of their own, again after a collision."""
    while True:
        try:
            with transaction(pool) as session:
                return records.apply(session, history.open_change_set(session, "tester"), list(changes))
        except Collision:
            continue


@pytest.fixture(autouse=True)
def _bootstrapped(pool: Pool) -> None:
    with transaction(pool) as session:
        metadata.bootstrap(session)


def test_parallel_conditional_creates_make_one_record(pool: Pool) -> None:
    """However many ask at once for a record with one identity, there is one."""
    document = b'{"resourceType":"Patient","identifier":[{"system":"urn:x","value":"1"}]}'
    change = RecordChange("Patient", document, "create", match=("identifier=urn:x|1",))
    with ThreadPoolExecutor(4) as workers:
        done = [one.outcomes[0] for one in workers.map(lambda _: apply(pool, change), range(12))]
    assert len({one.id for one in done}) == 1
    assert sorted(one.action for one in done) == ["created", *["ignored"] * 11]


def test_a_bulk_and_a_single_create_make_one_record(pool: Pool) -> None:
    """More identities than are locked one by one, and a change of one of them: there is one record."""

    def create(number: int) -> RecordChange:
        document = (
            b'{"resourceType":"Basic","code":{"text":"x"},"identifier":[{"system":"urn:x","value":"%d"}]}' % number
        )
        return RecordChange("Basic", document, "create", match=(f"identifier=urn:x|{number}",))

    with ThreadPoolExecutor(1) as worker:
        with transaction(pool) as session:
            bulk = records.apply(session, history.open_change_set(session, "bulk"), [create(n) for n in range(300)])
            single = worker.submit(apply, pool, create(7))
            with pytest.raises(TimeoutError):
                single.result(0.2)
        assert single.result(10).outcomes[0].id == bulk.outcomes[7].id


def test_parallel_puts_make_versions_one_by_one(pool: Pool) -> None:
    """Puts of one id at the same time, the first ones included, each make the next version."""

    def put(number: int) -> int:
        document = b'{"resourceType":"Basic","id":"a","code":{"text":"%d"}}' % number
        other = b'{"resourceType":"Basic","id":"b","code":{"text":"%d"}}' % number
        pair = [RecordChange("Basic", document, "put", id="a"), RecordChange("Basic", other, "put", id="b")]
        return apply(pool, *(pair if number % 2 else reversed(pair))).outcomes[0].version

    with ThreadPoolExecutor(4) as workers:
        assert sorted(workers.map(put, range(12))) == list(range(1, 13))
    with transaction(pool) as session:
        assert [one.version for one in records.versions(session, "Basic", "b")] == list(range(12, 0, -1))


def test_a_reader_by_time_waits_for_late_commits(pool: Pool) -> None:
    """What is younger than a change set that has not ended is not shown by time, so nothing appears behind a reader."""
    basic = b'{"resourceType":"Basic","code":{"text":"x"}}'
    feed = [("_sort", "_lastUpdated"), ("_lastUpdated", "gt2020")]
    with transaction(pool) as slow:
        late = history.open_change_set(slow, "slow")
        quick = apply(pool, RecordChange("Basic", basic)).outcomes[0]
        with transaction(pool) as reader:
            assert records.search(reader, "Basic", feed).matches == []
            assert horizon(reader) <= late.at
            assert [one.id for one in records.search(reader, "Basic", []).matches] == [quick.id]
        behind = records.apply(slow, late, [RecordChange("Basic", basic)]).outcomes[0]
    with transaction(pool) as reader:
        assert {one.id for one in records.search(reader, "Basic", feed).matches} == {behind.id, quick.id}
        assert horizon(reader) > late.at + timedelta(0)
