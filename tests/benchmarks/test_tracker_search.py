"""The measured calls are calls that the hub answers."""

from benchmarks import seed, tracker_search


def test_every_call_is_answered(database_url: str) -> None:
    """On a small seed each case gives a time for its first page, and deep ones for page 100."""
    seed.seed(database_url, 40)
    measured = list(tracker_search.run(database_url, rounds=1))
    assert len(measured) == len(tracker_search.cases()) > 20
    assert all(len(first) == 1 and len(deep) == int(case.deep) for case, first, deep in measured)
