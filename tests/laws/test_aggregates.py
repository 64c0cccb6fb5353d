"""Laws of aggregate reporting: formats keep cells, and following changes equals counting anew."""

import itertools
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.aggregate import ADAPTER
from adapters.contract import Envelope, Sender, View
from tracker_core import aggregates, history, metadata, peers
from tracker_core.aggregates import blueprint, definitions, facts, reports, runs
from tracker_core.context import Peer
from tracker_core.database import Session, next_pks
from tracker_core.records.definitions import resource_types

FORMATS = ("application/adx+xml", "application/json", "application/fhir+json")
AGES, SEXES = ("P0Y--P5Y", "P5Y--P9999Y"), ("M", "F")
NAMES = st.text("ABCDEFGHIJ_0123456789&<>'\"é", min_size=1, max_size=8)
PERIODS = st.sampled_from(["202403", "2024Q1", "2024W9", "2024BiW3", "2024April", "20240229", "202402B", "2024NovS1"])
NUMBERS = st.integers(0, 10**9).map(str) | st.decimals(0, 1000, places=2, allow_nan=False).map(str)


def named(key: str) -> dict[str, str]:
    """An object of a view."""
    return {"uid": key, "code": key, "name": key}


@st.composite
def submissions(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Cells of a submission in the order that a submission has: org unit, data element, option combo."""
    units = sorted(draw(st.sets(NAMES, min_size=1, max_size=3)))
    elements = sorted(draw(st.sets(NAMES, min_size=1, max_size=3)))
    combos = [None, *itertools.product(AGES, SEXES)]
    period = draw(PERIODS)
    places = [(u, e, c) for u in units for e in elements for c in combos if draw(st.booleans())] or [
        (units[0], elements[0], None)
    ]
    return [
        {
            "dataElement": named(element),
            "period": period,
            "orgUnit": named(unit),
            "dataSet": None,
            "categoryOptionCombo": named(", ".join(combo)) if combo else None,
            "categories": [[named("age"), named(combo[0])], [named("sex"), named(combo[1])]] if combo else [],
            "attributeOptionCombo": None,
            "attributes": [],
            "value": draw(NUMBERS),
            "comment": None,
            "followUp": False,
        }
        for unit, element, combo in places
    ]


def exact(value: str | None) -> Decimal:
    """A number as it counts, and as many digits as it was written with."""
    return Decimal(value or "NaN")


@given(submissions(), st.sampled_from(FORMATS))
def test_every_format_keeps_every_cell(cells: list[dict[str, Any]], content_type: str) -> None:
    """Written and read again, a submission has the same cells with the same digits, in the same order."""
    assert ADAPTER.write is not None
    assert ADAPTER.render is not None
    names = {"content_type": content_type, "schemes": {"idScheme": "CODE"}}
    to = Sender(Peer(1, "p", "p", "aggregate", None, names), datetime.now(UTC))
    view = View("report", "x", values={"cells": cells, "dataSet": named("SET"), "created": "2024-04-01T00:00:00+00:00"})
    body = ADAPTER.render(ADAPTER.write(view, to, "TH1"), to)
    read = ADAPTER.read(ADAPTER.parse(body, Envelope(content_type)), to).changes.aggregates
    found = [(c.org_unit, c.data_element, c.period, str(exact(c.value)), c.data_set) for c in read]
    sent = [(c["orgUnit"]["code"], c["dataElement"]["code"], c["period"], str(exact(c["value"])), "SET") for c in cells]
    assert found == sent
    for change, cell in zip(read, cells, strict=True):
        dimensions = {a["code"]: b["code"] for a, b in cell["categories"]}
        combo = cell["categoryOptionCombo"]["code"] if cell["categoryOptionCombo"] else ""
        assert change.categories == dimensions or change.category_option_combo == combo


DEFINITION = {
    "code": "LAW",
    "dataSet": "LAW_M",
    "groups": [{"dataElement": "LAW_MAL", "codes": ["B50-B54"]}, {"dataElement": "LAW_ALL", "codes": ["A00-Z99"]}],
    "age": {"category": "lawAge", "options": list(AGES)},
    "sex": {"category": "lawSex", "options": list(SEXES)},
}
UNITS = ("LawUnitAAAA", "LawUnitBBBB")
DAYS = st.dates(date(2024, 1, 20), date(2024, 4, 10))
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["case", "recode", "delete", "move", "rebirth", "merge", "follow"]),
        st.integers(0, 5),
        st.integers(0, 20),
        st.sampled_from(["B50", "B54.1", "J18", "A09"]),
        DAYS,
        st.sampled_from(UNITS),
    ),
    min_size=1,
    max_size=14,
)


class World:
    """Persons and cases that edits act upon, as records."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.persons = [self._person(n) for n in range(6)]
        self.cases: dict[int, tuple[int, dict[str, Any]]] = {}

    def _person(self, n: int) -> int:
        context = history.open_change_set(self.session, "law")
        (pk,) = next_pks(self.session, 1)
        self.session.execute(
            "insert into tracked_entity (pk, uid, type, org_unit, created, updated, created_in, updated_in)"
            " select %s, %s, m.pk, u.pk, now(), now(), %s, %s from metadata_object m, org_unit u"
            " where m.type = 'trackedEntityTypes' and u.uid = %s limit 1",
            (pk, f"LawPers{pk:04d}", context.change_set, context.change_set, UNITS[0]),
        )
        self.write(
            "Patient", f"p{n}-{pk}", pk, {"birthDate": f"{2015 + n}-02-29"[:7], "gender": ["male", "female"][n % 2]}
        )
        return pk

    def write(self, type: str, id: str, subject: int, document: dict[str, Any], *, deleted: bool = False) -> int:
        """Write a version of a record."""
        context = history.open_change_set(self.session, "law")
        number = resource_types()[type]
        row = self.session.execute(
            "select pk, version from record where (type, id) = (%s, %s)", (number, id)
        ).fetchone()
        pk, version = (row[0], row[1] + 1) if row else (next_pks(self.session, 1)[0], 1)
        self.session.execute(
            "insert into record (pk, type, id, version, updated, deleted, subject, created, created_in, updated_in)"
            " values (%s, %s, %s, %s, now(), %s, %s, now(), %s, %s) on conflict (pk) do update set"
            " version = excluded.version, deleted = excluded.deleted, subject = excluded.subject",
            (pk, number, id, version, deleted, subject, context.change_set, context.change_set),
        )
        self.session.execute(
            "insert into record_version values (%s, %s, now(), %s, %s, %s)",
            (pk, version, deleted, context.change_set, orjson.dumps({"id": id, **document})),
        )
        return pk

    def edit(self, step: tuple[str, int, int, str, date, str]) -> None:
        """Do one edit."""
        kind, who, which, code, day, unit = step
        person = self.persons[who]
        if kind == "case":
            n = len(self.cases)
            self._visit(n, person, day, unit)
            self.cases[n] = (person, self._condition(n, person, code))
        elif kind == "rebirth":
            self.write(
                "Patient", f"extra-{person}", person, {"birthDate": str(day.replace(year=2020)), "gender": "male"}
            )
        elif kind == "merge":
            self._merge(self.persons[who], self.persons[(who + 1) % 6])
        elif kind == "follow":
            aggregates.follow(self.session, history.open_change_set(self.session, "law"))
        elif self.cases:
            n = which % len(self.cases)
            owner, coded = self.cases[n]
            if kind == "move":
                self._visit(n, owner, day, unit)
            elif kind == "recode":
                self._condition(n, owner, code)
            else:
                self.write("Condition", self._id("c", n), owner, coded, deleted=True)

    def _id(self, letter: str, n: int) -> str:
        return f"{letter}{n}-{self.persons[0]}"

    def _visit(self, n: int, person: int, day: date, unit: str) -> None:
        visit = {"period": {"start": str(day)}, "serviceProvider": {"identifier": {"value": unit}}}
        self.write("Encounter", self._id("v", n), person, visit)

    def _condition(self, n: int, person: int, code: str) -> dict[str, Any]:
        coding = {"coding": [{"system": "http://hl7.org/fhir/sid/icd-10", "code": code}]}
        document = {"code": coding, "encounter": {"reference": f"Encounter/{self._id('v', n)}"}}
        self.write("Condition", self._id("c", n), person, document)
        return document

    def _merge(self, survivor: int, loser: int) -> None:
        """Hand everything of one person to another, as a merge does: records move without a new version."""
        context = history.open_change_set(self.session, "law")
        self.session.execute("update record set subject = %s where subject = %s", (survivor, loser))
        change = history.Change("tracked_entity", survivor, "merge", survivor)
        other = history.Change("tracked_entity", loser, "merge", loser)
        history.note_changes(self.session, context, [change, other])
        self.cases = {n: (survivor if p == loser else p, d) for n, (p, d) in self.cases.items()}


@pytest.mark.parametrize("count", ["conditions", "persons"])
def test_following_edits_equals_counting_anew(session: Session, count: str) -> None:
    """After any edits, the numbers and facts that were followed are those of a count from nothing."""
    metadata.bootstrap(session)
    source = {"kind": "diagnoses", "count": count, "place": "visit"}
    context = history.open_change_set(session, "law")
    definition, _ = definitions.parse({**DEFINITION, "source": source})
    assert definition is not None
    units = [{"id": uid, "name": uid, "openingDate": "2000-01-01"} for uid in UNITS]
    kinds = [{"id": "MCPQUTHX1Ze", "name": "Person"}]
    payload = {"organisationUnits": units, "trackedEntityTypes": kinds, **blueprint.metadata_of(definition)}
    assert not metadata.import_objects(session, context, payload).errors
    assert not reports.save(session, context, {**DEFINITION, "source": source})
    peers.save(session, "law", "fhir")

    @settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
    @given(STEPS)
    def law(steps: list[tuple[str, int, int, str, date, str]]) -> None:
        session.execute("savepoint example")
        try:
            world = World(session)
            for period in ("202402", "202403"):
                aggregates.run(session, history.open_change_set(session, "law"), "LAW", period)
            for step in steps:
                world.edit(step)
            aggregates.follow(session, history.open_change_set(session, "law"))
            followed = _state(session)
            session.execute("truncate aggregate_fact, aggregate_value cascade")
            facts.rebuild(session)
            report = reports.load(session, "LAW")
            for period in ("202402", "202403"):
                wanted = runs.parse_period(period)
                runs.compute(session, history.open_change_set(session, "law"), report, wanted)
            assert followed == _state(session)
        finally:
            session.execute("rollback to savepoint example")

    law()


def _state(session: Session) -> list[tuple[Any, ...]]:
    """The numbers that are not 0, each with its facts."""
    return session.execute(
        "select v.data_element, v.period, v.org_unit, v.category_option_combo, v.value,"
        " array(select (f.target, f.subject)::text from aggregate_fact f where f.value = v.pk order by f.target)"
        " from aggregate_value v where v.value <> '0' and not v.deleted order by 1, 2, 3, 4"
    ).fetchall()
