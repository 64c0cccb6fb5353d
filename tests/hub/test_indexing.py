"""The worker's indexing round."""

from hub import indexing
from hub.runtime import Runtime
from tests.tracker_core.records.searching import found, put
from tracker_core import history
from tracker_core.database import Pool, transaction
from tracker_core.records import reindexing


def test_a_turn_indexes_words_and_walks(pool: Pool) -> None:
    """One turn does a piece of both; turns of a walk count as work, words do not."""
    runtime = Runtime(pool, {})
    with transaction(pool) as session:
        context = history.open_change_set(session, "tester")
        note = {"resourceType": "Basic", "id": "b", "code": {"text": "Whooping cough"}}
        put(session, context, note)
    assert indexing.turn(runtime) == 0
    with transaction(pool) as session:
        assert session.execute("select count(*) from record_words").fetchone() == (1,)
        assert found(session, "Basic", "_content=whooping") == "b"
        reindexing.order(session)
    done = 0
    while done < 4:  # the beginning, the count, the one record, the end; in between others may be waited for
        turn = indexing.turn(runtime)
        assert turn in (0, 1)
        done += turn
    assert indexing.turn(runtime) == 0
    with transaction(pool) as session:
        assert [one.state for one in reindexing.walks(session)] == ["done"]
