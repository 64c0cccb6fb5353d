"""What is indexed behind the writers' backs: old records by new search parameters, and words for full text."""

from hub.runtime import Runtime
from tracker_core.database import transaction
from tracker_core.records import reindexing, words

WORDS = 1_000  # records whose words one turn indexes: full text may lag behind an import, it must not slow it down


def turn(runtime: Runtime) -> int:
    """Do one piece of each, committed; return how much of a walk over old records was done.

    Words count for nothing here: after each portion of them the worker rests, however many there are.
    """
    with transaction(runtime.pool) as session:
        done = reindexing.advance(session)
    with transaction(runtime.pool) as session:
        words.index_words(session, WORDS)
    return done
