"""Any combination of parameters finds what a plain loop over the same persons finds, in the same order."""

from collections.abc import Sequence

import httpx
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from tests.adapters.dhis2.conftest import Client
from tests.adapters.dhis2.exports import people as p
from tests.adapters.dhis2.exports.conftest import NURSE_CAPTURE, NURSE_SEARCH, Ward
from tests.adapters.dhis2.exports.model import is_under

DAYS = st.sampled_from(["2024-01-15", "2024-02-10", "2024-03-01", "2024-03-20", "2024-04-11", "2099-05-05"])
ENROLLMENT = st.sampled_from(["ACTIVE", "COMPLETED", "CANCELLED"])
STATUS = st.sampled_from(["ACTIVE", "COMPLETED", "VISITED", "SCHEDULE", "OVERDUE", "SKIPPED"])
BOTH = st.sampled_from(["true", "false"])
TEXT_OPERATORS = [
    "eq",
    "ieq",
    "ne",
    "neq",
    "nieq",
    "like",
    "ilike",
    "nlike",
    "nilike",
    "sw",
    "ew",
    "gt",
    "ge",
    "lt",
    "le",
]
NUMBER_OPERATORS = ["eq", "ieq", "ne", "neq", "nieq", "gt", "ge", "lt", "le"]
Given = dict[str, str]


def escaped(value: str) -> str:
    """A value as it stands in a filter."""
    return value.replace("/", "//").replace(",", "/,").replace(":", "/:")


def conditions(uid: str, operators: Sequence[str], operands: Sequence[str]) -> SearchStrategy[str]:
    """One condition on one attribute or data element."""
    binary = st.builds(
        lambda operator, value: f"{uid}:{operator}:{escaped(value)}",
        st.sampled_from(operators),
        st.sampled_from(operands),
    )
    several = st.lists(st.sampled_from(operands), min_size=1, max_size=3).map(
        lambda values: f"{uid}:in:{escaped(';'.join(values))}"
    )
    return st.one_of(binary, several, st.sampled_from([f"{uid}:null", f"{uid}:!null", f"{uid}:NULL"]))


ATTRIBUTES = st.lists(
    st.one_of(
        conditions(p.GIVEN, TEXT_OPERATORS, [*p.NAMES, "a", "e", "%", "_", "zzz"]),
        conditions(p.VILLAGE, TEXT_OPERATORS, ["oak", "Elm", "hill"]),
        conditions(p.AGE, NUMBER_OPERATORS, ["9", "10", "30", "7.5"]),
    ),
    max_size=2,
).map(",".join)
DATA = st.lists(
    st.one_of(
        conditions(p.RESULT, TEXT_OPERATORS, ["pos", "NEG", "o"]),
        conditions(p.TEMPERATURE, NUMBER_OPERATORS, ["36.6", "37.0", "9", "38.50"]),
        conditions(p.REMARKS, TEXT_OPERATORS, [*p.TEXTS, "fever", "%"]),
    ),
    max_size=2,
).map(",".join)


def orders(names: Sequence[str]) -> SearchStrategy[str]:
    """Up to two keys, each up or down."""
    key = st.builds(lambda name, way: f"{name}{way}", st.sampled_from(names), st.sampled_from(["", ":asc", ":desc"]))
    return st.lists(key, max_size=2, unique_by=lambda text: text.partition(":")[0]).map(",".join)


@st.composite
def places(draw: st.DrawFn, *, many: bool = True) -> Given:
    """Org units and a mode that go together."""
    mode = draw(st.sampled_from(["", "SELECTED", "CHILDREN", "DESCENDANTS", "ACCESSIBLE", "CAPTURE"]))
    if mode in ("ACCESSIBLE", "CAPTURE"):
        return {"orgUnitMode": mode}
    units = draw(st.lists(st.sampled_from(sorted(p.PARENTS)), max_size=2 if many else 1, unique=True))
    if not units:
        return {}
    return {"orgUnits" if many else "orgUnit": ",".join(units)} | ({"orgUnitMode": mode} if mode else {})


def some(draw: st.DrawFn, offered: dict[str, SearchStrategy[str]]) -> Given:
    """Each offered parameter, or not; empty texts are left out."""
    chosen = draw(st.lists(st.sampled_from(sorted(offered)), max_size=3, unique=True))
    return {name: value for name in chosen if (value := draw(offered[name]))}


@st.composite
def entity_parameters(draw: st.DrawFn) -> Given:
    """Parameters of tracked entities."""
    given = dict(draw(places()))
    given |= some(draw, {"filter": ATTRIBUTES, "potentialDuplicate": BOTH, "includeDeleted": BOTH})
    names = ["trackedEntity", "createdAtClient", "inactive", p.GIVEN, p.VILLAGE, p.AGE]
    given |= {"order": order} if (order := draw(orders(names))) else {}
    if draw(st.booleans()):
        return given | {"trackedEntityType": p.PERSON}
    given["program"] = draw(st.sampled_from([p.MALARIA, p.MALARIA, p.BIRTH]))
    given |= some(
        draw,
        {
            "enrollmentStatus": ENROLLMENT,
            "followUp": BOTH,
            "enrollmentEnrolledAfter": DAYS,
            "enrollmentEnrolledBefore": DAYS,
        },
    )
    if given["program"] == p.MALARIA and draw(st.booleans()):
        mode = draw(st.sampled_from(["CURRENT", "ANY", "NONE", "PROVIDED"]))
        given |= some(draw, {"programStage": st.just(p.VISIT), "assignedUserMode": st.just(mode)})
        if draw(st.booleans()):
            after, before = sorted((draw(DAYS), draw(DAYS)))
            given |= {"eventStatus": draw(STATUS), "eventOccurredAfter": after, "eventOccurredBefore": before}
    return given


@st.composite
def event_parameters(draw: st.DrawFn) -> Given:
    """Parameters of events."""
    given = dict(draw(places(many=False)))
    given |= draw(st.sampled_from([{"program": p.MALARIA}, {"program": p.WATER}, {"programStage": p.VISIT}, {}]))
    given |= some(
        draw,
        {
            "status": STATUS,
            "enrollmentStatus": ENROLLMENT,
            "followUp": BOTH,
            "occurredAfter": DAYS,
            "occurredBefore": DAYS,
            "scheduledAfter": DAYS,
            "scheduledBefore": DAYS,
            "enrollmentEnrolledAfter": DAYS,
            "assignedUserMode": st.sampled_from(["CURRENT", "ANY", "NONE", "PROVIDED"]),
            "filter": DATA,
            "filterAttributes": ATTRIBUTES,
        },
    )
    names = ["occurredAt", "scheduledAt", "status", "event", "enrollmentStatus", p.TEMPERATURE, p.REMARKS]
    return given | ({"order": order} if (order := draw(orders(names))) else {})


@st.composite
def enrollment_parameters(draw: st.DrawFn) -> Given:
    """Parameters of enrollments."""
    given = dict(draw(places()))
    given |= some(draw, {"trackedEntity": st.sampled_from(["TePerson003", "TePerson009"])})
    if draw(st.booleans()):
        given["program"] = draw(st.sampled_from([p.MALARIA, p.BIRTH]))
        given |= some(draw, {"status": ENROLLMENT, "followUp": BOTH, "enrolledAfter": DAYS, "enrolledBefore": DAYS})
    return given | ({"order": order} if (order := draw(orders(["enrolledAt"]))) else {})


def ask(client: Client, path: str, given: Given, user: str) -> httpx.Response:
    """Ask for the whole list."""
    sent = given | {"assignedUsers": user} if given.get("assignedUserMode") == "PROVIDED" else given
    return client.get(f"/api/tracker/{path}", params={**sent, "paging": "false"})


def listed(response: httpx.Response, key: str, id_: str) -> list[str]:
    """The uids of an answer."""
    assert response.status_code == 200, response.text
    return [item[id_] for item in response.json()[key]]


def outside(given: Given) -> bool:
    """Whether the nurse asks for units that she doesn't reach."""
    units = given.get("orgUnits", given.get("orgUnit", ""))
    return any(not is_under(unit, (*NURSE_CAPTURE, *NURSE_SEARCH)) for unit in units.split(",") if unit)


def test_entities_are_those_of_the_model(ward: Ward) -> None:
    """For who may see everything, and for a nurse whose units and whose program keep most from her."""

    @settings(max_examples=120, deadline=None)
    @given(entity_parameters())
    def check(given: Given) -> None:
        found = listed(ask(ward.root, "trackedEntities", given, ward.nurse_uid), "trackedEntities", "trackedEntity")
        assert found == ward.everything.entities({**given, "_capture": "OuCountry00", "_user": "tester"})
        hers = ask(ward.nurse, "trackedEntities", given, ward.nurse_uid)
        if outside(given):
            assert hers.status_code == 403
            return
        expected = ward.hers.entities({**given, "_capture": ",".join(NURSE_CAPTURE), "_user": "nurse"})
        if hers.status_code == 409:
            assert "Non-searchable attribute" in hers.text
            return
        assert listed(hers, "trackedEntities", "trackedEntity") == expected

    check()


def test_events_are_those_of_the_model(ward: Ward) -> None:
    """Tracker events go by their owner, single events by their own unit."""

    @settings(max_examples=120, deadline=None)
    @given(event_parameters())
    def check(given: Given) -> None:
        found = listed(ask(ward.root, "events", given, ward.nurse_uid), "events", "event")
        assert found == ward.everything.event_list({**given, "_capture": "OuCountry00", "_user": "tester"})
        hers = ask(ward.nurse, "events", given, ward.nurse_uid)
        if outside(given):
            assert hers.status_code == 403
            return
        expected = ward.hers.event_list({**given, "_capture": ",".join(NURSE_CAPTURE), "_user": "nurse"})
        assert listed(hers, "events", "event") == expected

    check()


def test_enrollments_are_those_of_the_model(ward: Ward) -> None:
    """By program, entity, status, dates and place."""

    @settings(max_examples=60, deadline=None)
    @given(enrollment_parameters())
    def check(given: Given) -> None:
        found = listed(ask(ward.root, "enrollments", given, ""), "enrollments", "enrollment")
        assert found == ward.everything.enrollment_list({**given, "_capture": "OuCountry00"})
        hers = ask(ward.nurse, "enrollments", given, "")
        if outside(given):
            assert hers.status_code == 403
            return
        expected = ward.hers.enrollment_list({**given, "_capture": ",".join(NURSE_CAPTURE)})
        assert listed(hers, "enrollments", "enrollment") == expected

    check()


def test_pages_put_together_are_the_whole(ward: Ward) -> None:
    """Whatever the order and the size of a page, every object comes once, in order."""

    @settings(max_examples=30, deadline=None)
    @given(event_parameters(), st.integers(1, 7))
    def check(given: Given, size: int) -> None:
        whole = listed(ask(ward.root, "events", given, ward.nurse_uid), "events", "event")
        sent = given | ({"assignedUsers": ward.nurse_uid} if given.get("assignedUserMode") == "PROVIDED" else {})
        seen: list[str] = []
        url, params = "/api/tracker/events", {**sent, "pageSize": str(size), "totalPages": "true", "fields": "event"}
        while url:
            page = ward.root.get(url, params=params).json()
            assert page["pager"]["total"] == len(whole)
            seen += [event["event"] for event in page["events"]]
            url, params = page["pager"].get("nextPage", ""), None
        assert seen == whole

    check()
