"""Filters, chains, orders, pages, totals and includes of searches (FHIR R4 3.1.1.5, 3.1.3)."""

import threading
from typing import Any

import pytest
from psycopg import sql

from tests.tracker_core.records.searching import coded, found, put
from tracker_core import history, records
from tracker_core.context import Context
from tracker_core.database import Pool, Session, transaction
from tracker_core.errors import Malformed, NotFound, TooCostly
from tracker_core.records import words
from tracker_core.records.definitions import parameters, resource_types
from tracker_core.records.search import frequencies, links, probing, totals
from tracker_core.records.search.composing import all_of
from tracker_core.records.search.conditions import condition
from tracker_core.records.search.criteria import Criterion, read
from tracker_core.records.search.tokens import modified_tokens, no_codes


@pytest.fixture
def clinic(session: Session, context: Context) -> None:
    """Two patients with observations in encounters at organizations that are part of one another, and a list."""

    def organization(id: str, name: str, part_of: str = "") -> dict[str, Any]:
        above = {"partOf": {"reference": f"Organization/{part_of}"}} if part_of else {}
        return {"resourceType": "Organization", "id": id, "name": name, **above}

    put(
        session,
        context,
        organization("region", "Lagos"),
        organization("district", "Ikeja", "region"),
        organization("clinic", "Alausa", "district"),
        {
            "resourceType": "Patient",
            "id": "p1",
            "name": [{"family": "Abara", "given": ["Ada"]}],
            "birthDate": "1990-04-17",
            "gender": "female",
            "managingOrganization": {"reference": "Organization/clinic"},
            "text": {"status": "generated", "div": "<div>A known <b>asthmatic</b></div>"},
        },
        {
            "resourceType": "Patient",
            "id": "p2",
            "name": [{"family": "Bello", "given": ["Ada"]}],
            "birthDate": "1985",
            "gender": "male",
        },
        {
            "resourceType": "Encounter",
            "id": "e1",
            "status": "finished",
            "class": {"code": "AMB"},
            "subject": {"reference": "Patient/p1"},
            "serviceProvider": {"reference": "Organization/clinic"},
        },
        coded("o1", "a", "Weight", subject={"reference": "Patient/p1"}, encounter={"reference": "Encounter/e1"},
              effectiveDateTime="2024-01-01", valueQuantity={"value": 60}),
        coded("o2", "a", "Weight", subject={"reference": "Patient/p1"}, effectiveDateTime="2024-02-01"),
        coded("o3", "b", "Height", subject={"reference": "Patient/p2"}, valueString="tall as a tree"),
        {
            "resourceType": "Provenance",
            "id": "pr",
            "recorded": "2024-01-01T00:00:00Z",
            "target": [{"reference": "Observation/o1"}],
            "agent": [{"who": {"reference": "Practitioner/dr"}}],
        },
        {"resourceType": "Practitioner", "id": "dr", "name": [{"family": "Cole"}]},
        {"resourceType": "List", "id": "l", "status": "current", "mode": "working",
         "entry": [{"item": {"reference": "Patient/p2"}}, {"item": {"reference": "Observation/o2"}}]},
    )  # fmt: skip


FILTERS = {
    'family eq "Abara"': "p1",
    'family eq "abara"': "",
    "family sw ab": "p1",
    "family ew LLO": "p2",
    "family co ar and gender eq female": "p1",
    "gender eq male or gender eq female": "p1 p2",
    "not (gender eq male)": "p1",
    "gender ne male": "p1",
    "birthdate ge 1986": "p1",
    "birthdate po 1990": "p1",
    "birthdate lt 1990-05 and not gender eq male": "p1",
    "organization pr true": "p1",
    "organization pr false": "p2",
    "organization.name eq Alausa": "p1",
    "organization[type eq Organization].partof.name sw Ike": "p1",
    "organization re Organization/clinic": "p1",
    '(family eq "Abara" or (given eq "Ada" and gender eq male))': "p1 p2",
}


def test_filters(session: Session, clinic: None) -> None:
    """Comparisons, joins, negations, brackets and paths of `_filter`."""
    assert {text: found(session, "Patient", f"_filter={text}") for text in FILTERS} == FILTERS


@pytest.mark.parametrize(
    "text",
    [
        "family",
        "family eq",
        "family xx a",
        "nothing eq a",
        "(family eq a",
        "family eq a)",
        'family eq "a',
        "organization.nothing eq a",
        "organization.name ne a",
        "organization pr maybe",
        "gender gt male",
        "(" * 60 + "family eq a" + ")" * 60,
    ],
)
def test_filters_that_are_not_understood(session: Session, text: str) -> None:
    """What is no filter is refused, not guessed."""
    with pytest.raises(Malformed):
        records.search(session, "Patient", [("_filter", text)])


CHAINS = {
    ("Observation", "subject.family=abara"): "o1 o2",
    ("Observation", "subject:Patient.organization.partof.partof.name=lagos"): "o1 o2",
    ("Observation", "encounter.service-provider:Organization.name:contains=laus"): "o1",
    ("Observation", "subject._id=p2"): "o3",
    ("Observation", "subject:Patient._has:Encounter:subject:status=finished"): "o1 o2",
    ("Patient", "_has:Observation:subject:code=b"): "p2",
    ("Patient", "_has:Observation:subject:encounter.service-provider.name=alausa"): "p1",
    ("Patient", "_has:Observation:subject:_has:Provenance:target:agent=dr"): "p1",
    ("Patient", "_has:Observation:subject:code=a&birthdate=1990-04-17&_sort=family"): "p1",
    ("Organization", "_has:Encounter:service-provider:subject.family=abara"): "clinic",
    ("Organization", "_has:Organization:partof:name=alausa"): "district",
    ("Patient", "_list=l"): "p2",
    ("Observation", "_list=l,m"): "o2",
    ("Observation", "subject._list=l"): "o3",
    ("Patient", "organization:below=region"): "p1",
}


def test_chains(session: Session, clinic: None) -> None:
    """References are followed forwards and backwards, to any depth, and by lists."""
    assert {(type_, query): found(session, type_, query) for type_, query in CHAINS} == CHAINS


def test_chains_over_many(session: Session, clinic: None) -> None:
    """Where an inner search finds too much to be carried over, the outer one leads, and finds the same."""

    def build(type_: str, one: Criterion) -> sql.Composable:
        if one.reverse:
            return links.reverse(session, one, build, most=0)
        if one.links:
            return links.chain(session, type_, one, build, most=0)
        return condition(session, type_, one, no_codes)

    def led(type_: str, query: str) -> str:
        reading = read(type_, [(key, value) for key, _, value in (part.partition("=") for part in query.split("&"))])
        wanted = [sql.SQL("r.type = {}").format(resource_types()[type_])]
        wanted += [build(type_, one) for one in reading.criteria if isinstance(one, Criterion)]
        rows = session.execute(sql.SQL("select r.id from record r where {} order by r.id").format(all_of(wanted)))
        return " ".join(row[0] for row in rows)

    assert {key: led(*key) for key in CHAINS} == CHAINS


def test_a_chain_has_an_end(session: Session) -> None:
    """A chain of very many links is refused before anything is looked up."""
    with pytest.raises(TooCostly):
        records.search(session, "Organization", [("partof." * 13 + "name", "a")])


def test_sorting(session: Session, clinic: None) -> None:
    """Several keys, each in its direction; codes and references from the documents; records without one come last."""
    assert found(session, "Patient", "_sort=given,-family") == "p2 p1"
    assert found(session, "Patient", "_sort=gender") == "p1 p2"
    assert found(session, "Patient", "_sort=-gender,family") == "p2 p1"
    assert found(session, "Patient", "_sort=-organization") == "p1 p2"
    assert found(session, "Organization", "_sort=partof") == "clinic district region"
    assert found(session, "Observation", "_sort=-code,date") == "o3 o1 o2"
    assert found(session, "Observation", "_sort=value-quantity,-_id") == "o1 o3 o2"
    assert found(session, "Observation", "_sort=code,-_lastUpdated") == "o2 o1 o3"


def test_pages_go_back_as_they_came(session: Session, clinic: None) -> None:
    """The previous page of each page is the one before it, in any order; the first has none."""
    for order in ("_id", "-_id", "date", "-code,date", "_lastUpdated", "value-quantity"):
        pairs, walked = [("_sort", order), ("_count", "1")], []
        page = records.search(session, "Observation", pairs)
        assert page.previous == ""
        while page.next:
            walked.append([one.id for one in page.matches])
            page = records.search(session, "Observation", [*pairs, ("_cursor", page.next)])
        while page.previous:
            page = records.search(session, "Observation", [*pairs, ("_cursor", page.previous)])
            assert [one.id for one in page.matches] == walked.pop(), order
        assert walked == []


def test_several_types_at_once(session: Session, clinic: None) -> None:
    """A search over types finds each type's matches in one order; a type that lacks a parameter has none."""

    def ids(types: list[str], *pairs: tuple[str, str]) -> str:
        return " ".join(one.id for one in records.search(session, types, pairs).matches)

    assert ids(["Patient", "Observation"], ("_id", "p1,o1")) == "o1 p1"
    assert ids(["Patient", "Observation"], ("code", "a")) == "o1 o2"
    assert ids(["Patient", "Practitioner"], ("family:missing", "false"), ("_sort", "-_id")) == "dr p2 p1"
    assert ids(["Patient", "Practitioner"], ("family:missing", "false"), ("_sort", "-family")) == "dr p2 p1"
    assert ids(["Encounter", "Observation"], ("_sort", "status,-_id"), ("_id", "e1,o2")) == "o2 e1"
    odd = records.search(session, ["Patient", "Observation"], [("nothing", "a"), ("_sort", "family")])
    assert [issue.where for issue in odd.issues] == ["nothing", "_sort"]
    seen, cursor = [], ""
    while True:
        pairs = [("_sort", "_lastUpdated"), ("_count", "2"), *([("_cursor", cursor)] if cursor else [])]
        page = records.search(session, ["Organization", "Patient", "Observation"], pairs)
        seen += [one.id for one in page.matches]
        cursor = page.next
        if not cursor:
            break
    assert seen == ["o1", "o2", "o3", "clinic", "district", "region", "p1", "p2"]


def test_compartments(session: Session, clinic: None) -> None:
    """A compartment holds what refers to its record, and the record itself; one of nobody is not there."""
    within = ("Patient", "p1")
    page = records.search(session, "Observation", [("code", "a")], within=within)
    assert [one.id for one in page.matches] == ["o1", "o2"]
    page = records.search(session, ["Patient", "Encounter", "Observation"], [], within=within)
    assert [one.id for one in page.matches] == ["e1", "o1", "o2", "p1"]
    assert [one.id for one in records.search(session, "Observation", [], within=("Encounter", "e1")).matches] == ["o1"]
    with pytest.raises(NotFound):
        records.search(session, "Observation", [], within=("Patient", "nobody"))


def test_everything(session: Session, clinic: None) -> None:
    """The compartment, what its records refer to, narrowed by type, time of care and of change, page by page."""

    def ids(*pairs: tuple[str, str]) -> tuple[str, str]:
        page = records.everything(session, "p1", pairs)
        return " ".join(m.id for m in page.matches), " ".join(sorted(i.id for i in page.includes))

    assert ids() == ("e1 o1 o2 p1", "clinic")
    assert ids(("_type", "Observation")) == ("o1 o2", "")
    assert ids(("_type", "Observation"), ("start", "2024-01-15"), ("end", "2024-02")) == ("o2", "")
    assert ids(("_since", "2999-01-01T00:00:00Z")) == ("", "")
    assert ids(("_mdm", "true"))[0] == "e1 o1 o2 p1 pr"
    page = records.everything(session, "p1", [("_count", "3")])
    rest = records.everything(session, "p1", [("_count", "3"), ("_cursor", page.next), ("odd", "1")])
    assert ([one.id for one in rest.matches], rest.next) == (["p1"], "")
    assert [issue.where for issue in rest.issues] == ["odd"]
    for pair in (("_since", "now"), ("start", "x"), ("_type", "Thing"), ("_count", "x")):
        with pytest.raises(Malformed):
            records.everything(session, "p1", [pair])
    with pytest.raises(NotFound):
        records.everything(session, "nobody", [])


def test_lastn(session: Session, context: Context, clinic: None) -> None:
    """The newest of each code, by code or else by its text."""
    text = {"resourceType": "Observation", "status": "final", "code": {"text": "Mood"}}
    put(
        session,
        context,
        {**text, "id": "m1", "effectiveDateTime": "2024"},
        {**text, "id": "m2", "effectiveDateTime": "2025"},
    )
    newest = records.lastn(session, [])
    assert {one.id for one in newest.matches} == {"o2", "o3", "m2"}
    assert {one.id for one in records.lastn(session, [("max", "2"), ("patient", "p1")]).matches} == {"o1", "o2"}
    for pair in (("max", "0"), ("max", "x"), ("date", "x")):
        with pytest.raises(Malformed):
            records.lastn(session, [pair])


def test_totals(session: Session, clinic: None) -> None:
    """An estimate of few is exact; an estimate of many says that it is one."""
    assert records.search(session, "Observation", [("_total", "estimate")]).total == 3
    several = records.search(session, ["Observation", "Patient"], [("_total", "accurate"), ("_count", "1")])
    assert several.total == 5


def test_includes_go_on(session: Session, clinic: None) -> None:
    """`:iterate` goes on from what was included; without it one step is taken; wildcards take every reference."""

    def included(type_: str, *pairs: tuple[str, str]) -> str:
        page = records.search(session, type_, pairs)
        assert page.issues == []
        return " ".join(sorted(one.id for one in page.includes))

    patient, part = ("_include", "Observation:patient"), ("_include:iterate", "Organization:partof")
    managing = ("_include:iterate", "Patient:organization")
    assert included("Observation", ("_id", "o1"), patient) == "p1"
    assert included("Observation", ("_id", "o1"), patient, ("_include", "Observation:encounter")) == "e1 p1"
    assert included("Observation", ("_id", "o1"), patient, managing, part) == "clinic district p1 region"
    assert included("Organization", ("_id", "clinic"), ("_include", "Organization:partof")) == "district"
    assert (
        included("Organization", ("_id", "region"), ("_revinclude:iterate", "Organization:partof")) == "clinic district"
    )
    assert included("Observation", ("_id", "o1"), ("_include", "*")) == "e1 p1"
    assert included("Observation", ("_id", "o1"), ("_include", "Observation:*")) == "e1 p1"
    assert included("Patient", ("_id", "p1"), ("_revinclude", "*")) == "e1 o1 o2"
    assert included("Patient", ("_id", "p1"), ("_revinclude", "Observation:*")) == "o1 o2"


def test_words(pool: Pool) -> None:
    """Full text is found before and after it was indexed, in the newest version only."""
    with transaction(pool) as session:
        put(
            session,
            history.open_change_set(session, "tester"),
            _note("a", "Coughs at night"),
            _note("b", "Sleeps well"),
        )

    def ids(query: str) -> str:
        with transaction(pool) as session:
            return found(session, "Basic", query)

    def asked() -> dict[str, str]:
        return {
            q: ids(q)
            for q in ("_text=cough", "_text=coughs", '_text="at night"', "_content=urn:kind", "_content=well,night")
        }

    expected = {
        "_text=cough": "",
        "_text=coughs": "a",
        '_text="at night"': "a",
        "_content=urn:kind": "a b",
        "_content=well,night": "a b",
    }
    assert asked() == expected
    with transaction(pool) as session:
        assert words.index_words(session) >= 2
    with transaction(pool) as session:
        assert words.index_words(session) == 0
    assert asked() == expected
    with transaction(pool) as session:
        put(session, history.open_change_set(session, "tester"), _note("a", "Recovered"))
    assert (ids("_text=coughs"), ids("_text=recovered")) == ("", "a")
    with transaction(pool) as session:
        words.index_words(session)
    assert (ids("_text=coughs"), ids("_text=recovered")) == ("", "a")


def _note(id: str, text: str) -> dict[str, Any]:
    div = f'<div xmlns="http://www.w3.org/1999/xhtml"><p>{text}</p></div>'
    code = {"coding": [{"system": "urn:kind", "code": "note"}]}
    return {"resourceType": "Basic", "id": id, "text": {"status": "generated", "div": div}, "code": code}


def test_words_wait_for_late_commits(pool: Pool) -> None:
    """What commits late is indexed too: the index stops where something may still appear."""
    opened, release = threading.Event(), threading.Event()

    def write_late() -> None:
        with transaction(pool) as session:
            context = history.open_change_set(session, "slow")
            opened.set()
            release.wait(20)
            put(session, context, _note("late", "Slowly"))

    writer = threading.Thread(target=write_late)
    writer.start()
    opened.wait(20)
    with transaction(pool) as session:
        put(session, history.open_change_set(session, "fast"), _note("early", "Quickly"))
    with transaction(pool) as session:
        words.index_words(session)
    release.set()
    writer.join()
    with transaction(pool) as session:
        words.index_words(session)
        assert (found(session, "Basic", "_text=slowly"), found(session, "Basic", "_text=quickly")) == ("late", "early")
        indexed = session.execute("select count(*) from record_words").fetchone()
    assert indexed == (2,)


def test_rare_and_common_are_led_differently(pool: Pool) -> None:
    """With statistics of the table, and with entries beyond what is fetched first, the same is found."""
    people = [
        {
            "resourceType": "Patient",
            "id": f"p{n:04}",
            "gender": "female",
            "name": [{"family": f"Name{n:04}"}],
            "birthDate": "1990",
        }
        for n in range(probing.MOST_FIRST + 1)
    ]
    with transaction(pool) as session:
        put(session, history.open_change_set(session, "tester"), *people)
    with transaction(pool) as session:
        session.execute("analyze record")
        frequencies.refresh(session, seconds=0)
        gender = modified_tokens(session, "Patient", Criterion(parameters("Patient")["gender"], ("female",)), no_codes)
        assert not frequencies.are_rare(gender)
        assert frequencies.are_rare([-1])
        assert found(session, "Patient", "gender=female&family=name0042") == "p0042"
        assert found(session, "Patient", "gender=female&birthdate=1990&_count=2") == "p0000 p0001"
        assert found(session, "Patient", "birthdate=ge1990&family:contains=1299&_sort=-birthdate") == "p1299"
        assert found(session, "Patient", "identifier=urn:nobody|1") == ""
        assert records.search(session, "Patient", [("gender", "female"), ("_total", "estimate")]).total == len(people)


def test_estimates_of_many(session: Session, clinic: None) -> None:
    """Beyond what is cheap to count the total is what the planner expects, and says that it is."""
    session.execute(
        "insert into record (pk, type, id, version, updated, created, created_in, updated_in)"
        " select -n, %s, n::text, 1, now(), now(), 0, 0 from generate_series(1, %s) n",
        (resource_types()["Basic"], totals.CHEAP + 1),
    )
    page = records.search(session, "Basic", [("_total", "estimate"), ("_count", "0")])
    assert page.total is not None
    assert page.total > totals.CHEAP
    assert [issue.severity for issue in page.issues] == ["information"]
