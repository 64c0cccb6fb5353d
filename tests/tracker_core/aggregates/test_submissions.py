"""Submissions: only what the receiver lacks leaves, and every answer is remembered."""

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from tracker_core import aggregates, peers
from tracker_core.context import Peer
from tracker_core.errors import Conflict, NotFound

Send = Callable[..., dict[str, str | None] | None]


@pytest.fixture
def ministry(district: Any) -> Peer:
    """A receiver of reports."""
    return peers.save(district.session, "ministry", "aggregate")


@pytest.fixture
def send(district: Any, ministry: Peer) -> Send:
    """Compute, submit and answer: returns what was sent by option combo, or None when nothing was."""

    def go(items: dict[str, str] | None = None, *, accepted: bool = True, answered: bool = True) -> Any:
        aggregates.run(district.session, district.context(), "IDSR", "202403")
        pk = aggregates.submit(district.session, district.context(), ministry, "IDSR", "202403")
        if pk is None:
            return None
        cells = aggregates.report_view(district.session, pk)["cells"]
        if answered:
            aggregates.record_answer(district.session, pk, accepted, items or {})
        return {cell["categoryOptionCombo"]["name"]: cell["value"] for cell in cells}

    return go


def test_a_late_edit_sends_only_its_own_cells(district: Any, send: Send) -> None:
    """After the first submission only cells that changed go out; without a change nothing does."""
    district.install(district.malaria())
    woman, man = district.person(), district.person(gender="male")
    district.case(woman)
    district.case(man)
    assert send() == {"P15Y--P9999Y, F": "1", "P15Y--P9999Y, M": "1"}
    assert send() is None
    district.case(man, day="2024-03-30")
    assert send() == {"P15Y--P9999Y, M": "2"}
    district.record("Patient", man, {"birthDate": "2020-01-01", "gender": "male"}, f"p{man}")
    assert send() == {"P0Y--P5Y, M": "2", "P15Y--P9999Y, M": "0"}
    assert send() is None


@pytest.mark.parametrize(("rule", "sent"), [("zero", "0"), ("delete", None)])
def test_a_vanished_case_is_sent_once(district: Any, send: Send, rule: str, sent: str | None) -> None:
    """The receiver is told of a drop to nothing explicitly, and only once."""
    district.install(district.malaria(empty=rule))
    person = district.person()
    district.case(person)
    assert send() == {"P15Y--P9999Y, F": "1"}
    district.record("Condition", person, {}, "c-v1", deleted=True)
    assert send() == {"P15Y--P9999Y, F": sent}
    assert send() is None


def test_what_is_on_its_way_is_not_sent_again(district: Any, send: Send) -> None:
    """An unanswered submission counts as received, so that nothing leaves twice."""
    district.install(district.malaria())
    district.case(district.person())
    assert send(answered=False) == {"P15Y--P9999Y, F": "1"}
    assert send() is None


def test_a_locked_cell_is_owed_and_offered_again(district: Any, ministry: Peer, send: Send) -> None:
    """A lock leaves the cell owed with its reason until the receiver takes it."""
    district.install(district.malaria())
    person = district.person()
    district.case(person)
    reason = "E7640 Current date is past expiry days"
    assert send({"0": reason}) == {"P15Y--P9999Y, F": "1"}
    (debt,) = aggregates.owed(district.session, ministry)
    assert (debt.current, debt.reason, debt.state, debt.period) == ("1", reason, "owed", "202403")
    assert send({"0": reason}) == {"P15Y--P9999Y, F": "1"}
    assert send() == {"P15Y--P9999Y, F": "1"}
    assert aggregates.owed(district.session, ministry) == []


def test_a_refused_submission_is_refused_in_every_cell(district: Any, ministry: Peer, send: Send) -> None:
    """Without a verdict per cell the whole verdict counts, and the receiver still has what it took before."""
    district.install(district.malaria())
    person = district.person()
    district.case(person)
    send()
    district.case(person)
    assert send(accepted=False) == {"P15Y--P9999Y, F": "2"}
    assert [(debt.current, debt.state) for debt in aggregates.owed(district.session, ministry)] == [("2", "refused")]
    district.record("Condition", person, {}, "c-v2", deleted=True)
    assert send() is None
    assert aggregates.owed(district.session, ministry) == []


def test_a_message_that_ends_undelivered_leaves_its_cells_owed(district: Any, ministry: Peer) -> None:
    """A submission whose message was rejected on the way is offered again."""
    district.install(district.malaria())
    district.case(district.person())
    aggregates.run(district.session, district.context(), "IDSR", "202403")
    pk = aggregates.submit(district.session, district.context(), ministry, "IDSR", "202403")
    assert pk is not None
    aggregates.queue(district.session, ministry, pk)
    aggregates.queue(district.session, ministry, pk)
    queued = district.session.execute("select about, lane is not null, dedup from message").fetchall()
    assert queued == [({"report": pk}, True, f"report:{pk}")]
    assert aggregates.submit(district.session, district.context(), ministry, "IDSR", "202403") is None
    district.session.execute("update message set state = 'rejected'")
    assert [debt.reason for debt in aggregates.owed(district.session, ministry)] == ["not delivered"]
    assert aggregates.submit(district.session, district.context(), ministry, "IDSR", "202403") is not None


def test_the_view_names_everything_three_ways(district: Any, ministry: Peer) -> None:
    """An adapter finds uid, code and name of whatever it writes, and the dimensions of each cell."""
    district.install(district.malaria())
    district.case(district.person())
    aggregates.run(district.session, district.context(), "IDSR", "202403")
    pk = aggregates.submit(district.session, district.context(), ministry, "IDSR", "202403")
    assert pk is not None
    view = aggregates.report_view(district.session, pk)
    assert (view["dataSet"]["code"], view["cells"][0]["period"], view["report"]["code"]) == ("IDSR_M", "202403", "IDSR")
    (cell,) = view["cells"]
    assert cell["orgUnit"] == {"uid": "HealthPostA", "code": "F1", "name": "Health post"}
    assert cell["dataElement"]["code"] == "MALARIA"
    assert [(c["code"], o["code"]) for c, o in cell["categories"]] == [("ageGroup", "P15Y--P9999Y"), ("sex", "F")]


def test_what_was_sent_on_a_day(district: Any, ministry: Peer, send: Send) -> None:
    """The submissions of a day are found again, by receiver or altogether."""
    district.install(district.malaria())
    district.case(district.person())
    send()
    district.session.execute("update submission set created = '2026-03-05 23:59:59.9Z'")
    day = date(2026, 3, 5)
    assert len(aggregates.sent_on(district.session, day)) == 1
    assert len(aggregates.sent_on(district.session, day, ministry)) == 1
    assert [aggregates.sent_on(district.session, other) for other in (date(2026, 3, 4), date(2026, 3, 6))] == [[], []]
    assert aggregates.sent_on(district.session, day, district.emr) == []


def test_submitting_needs_a_computed_report(district: Any, ministry: Peer) -> None:
    """What was never computed cannot be submitted, and unknown submissions are not found."""
    district.install(district.malaria())
    with pytest.raises(Conflict, match="not computed"):
        aggregates.submit(district.session, district.context(), ministry, "IDSR", "202403")
    with pytest.raises(NotFound):
        aggregates.report_view(district.session, 1)
    with pytest.raises(NotFound):
        aggregates.queue(district.session, ministry, 1)
