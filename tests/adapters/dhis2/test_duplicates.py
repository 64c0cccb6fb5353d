"""Potential duplicates over HTTP: flagged, listed, decided, merged by themselves or by choice, and taken back."""

from typing import Any

import httpx
import pytest

from hub.access import HubAccess
from tests.adapters.dhis2.conftest import Client, client_of
from tests.adapters.dhis2.samples import person
from tracker_core import history, identity, metadata, users
from tracker_core.database import Pool, transaction

PATH, TRACKER = "/api/potentialDuplicates", "/api/tracker"
ADA, BEA, CLEO = "TePerson001", "TePerson002", "TePerson003"
GIVEN, FAMILY = "sB1IHYu2xQT", "ENRjVGxVL6l"
SIBLING = "RtParent000"


def named(uid: str, program: str = "", **names: str) -> dict[str, Any]:
    """A person with these names, in no program or in this one."""
    made = person(uid, attributes=[{"attribute": key, "value": value} for key, value in names.items()])
    if not program:
        made["enrollments"] = []
    return made


def link(uid: str, source: str, target: str) -> dict[str, Any]:
    """`source` is a parent of `target`."""
    sides = {"from": {"trackedEntity": {"trackedEntity": source}}, "to": {"trackedEntity": {"trackedEntity": target}}}
    return {"relationship": uid, "relationshipType": SIBLING, **sides}


def save(client: Client, **payload: Any) -> None:
    """Import what must be right."""
    answer = client.post(TRACKER, json=payload, params={"async": "false"})
    assert answer.status_code == 200, answer.text


@pytest.fixture
def filled(client: Client) -> Client:
    """Ada without enrollment, Bea with one, Cleo whose parent both are; Ada is also a parent of Bea."""
    people = [named(ADA, **{GIVEN: "Ada"}), named(BEA, "PrMalaria00", **{GIVEN: "Ada", FAMILY: "Byron"})]
    links = [link("ReBeaCleo01", BEA, CLEO), link("ReAdaBea001", ADA, BEA)]
    save(client, trackedEntities=[*people, named(CLEO, **{GIVEN: "Cleo"})], relationships=links)
    return client


def flag(client: Client, original: str = ADA, duplicate: str = BEA) -> str:
    """File a pair; return its uid."""
    answer = client.post(PATH, json={"original": original, "duplicate": duplicate})
    assert answer.status_code == 200, answer.text
    return str(answer.json()["id"])


def refusal(answer: httpx.Response) -> tuple[int, str]:
    """Status and message."""
    return answer.status_code, answer.json()["message"]


def entity(client: Client, uid: str) -> dict[str, Any]:
    """A person with everything."""
    found = client.get(f"{TRACKER}/trackedEntities/{uid}", params={"fields": "*", "program": "PrMalaria00"})
    assert found.status_code == 200, found.text
    return dict(found.json())


def values(client: Client, uid: str) -> dict[str, str]:
    """The person's attributes."""
    return {one["attribute"]: one["value"] for one in entity(client, uid)["attributes"]}


def undo(pool: Pool, uid: str) -> None:
    """Take back the last merge into a person."""
    with transaction(pool) as session:
        [(pk,)] = session.execute("select pk from tracked_entity where uid = %s", (uid,)).fetchall()
        [merge] = identity.merges_of(session, pk)
        identity.unmerge(session, history.open_change_set(session, "tester"), merge)


def test_a_pair_is_flagged_listed_and_decided(filled: Client) -> None:
    """All that DHIS2 tells of a pair; the list has the open ones unless asked for others."""
    uid = flag(filled)
    found = filled.get(f"{PATH}/{uid}").json()
    assert (found["original"], found["duplicate"], found["status"]) == (ADA, BEA, "OPEN")
    assert (found["createdByUserName"], found["lastUpdatedByUserName"]) == ("tester", "tester")
    assert found.keys() >= {"id", "created", "lastUpdated"}
    other = flag(filled, CLEO, BEA)
    assert filled.put(f"{PATH}/{uid}", params={"status": "invalid"}).status_code == 200
    listed = filled.get(PATH).json()
    assert ([pair["id"] for pair in listed["potentialDuplicates"]], listed["pager"]["page"]) == ([other], 1)
    assert listed["potentialDuplicates"][0].keys() == {
        "id",
        "created",
        "lastUpdated",
        "original",
        "duplicate",
        "status",
    }
    ids = [
        p["id"] for p in filled.get(PATH, params={"status": "ALL", "order": "created"}).json()["potentialDuplicates"]
    ]
    assert ids == [uid, other]
    asked = {"status": "INVALID", "trackedEntities": f"{ADA},{CLEO}", "paging": "false", "fields": "id"}
    assert filled.get(PATH, params=asked).json() == {"potentialDuplicates": [{"id": uid}]}
    paged = filled.get(PATH, params={"status": "ALL", "pageSize": "1"}).json()
    assert ([p["id"] for p in paged["potentialDuplicates"]], "nextPage" in paged["pager"]) == ([other], True)


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        ({"duplicate": BEA}, 400, "Missing required input property 'original'"),
        ({"original": ADA}, 400, "Missing required input property 'duplicate'"),
        ({"original": "x", "duplicate": BEA}, 400, "'x' is not valid value for property 'original'"),
        ({"original": ADA, "duplicate": 7}, 400, "is not valid value for property 'duplicate'"),
        ({"original": ADA, "duplicate": "TeMissing00"}, 404, "No tracked entity found with id 'TeMissing00'"),
        ({"original": ADA, "duplicate": ADA}, 409, "cannot be its own duplicate"),
        ({"original": CLEO, "duplicate": BEA}, 409, "already marked as a potential duplicate"),
        ({"original": BEA, "duplicate": CLEO}, 409, "already marked as a potential duplicate"),
    ],
)
def test_a_wrong_flag_is_refused(filled: Client, body: dict[str, Any], status: int, words: str) -> None:
    """In DHIS2's words; a pair is filed once, either way round."""
    flag(filled, CLEO, BEA)
    found = refusal(filled.post(PATH, json=body))
    assert (found[0], words in found[1]) == (status, True), found
    assert len(filled.get(PATH).json()["potentialDuplicates"]) == 1


def test_others_do_not_see_the_pair(filled: Client, stranger: Client) -> None:
    """Who may not read a side can neither file nor find nor decide."""
    uid = flag(filled)
    assert refusal(stranger.post(PATH, json={"original": ADA, "duplicate": CLEO}))[0] == 403
    assert stranger.get(PATH).json()["potentialDuplicates"] == []
    for answer in (stranger.get(f"{PATH}/{uid}"), stranger.put(f"{PATH}/{uid}", params={"status": "INVALID"})):
        assert refusal(answer) == (404, f"No potentialDuplicate records found with id '{uid}'.")


def test_a_merge_by_itself_moves_everything(filled: Client, pool: Pool) -> None:
    """Attributes, enrollments, relationships; the one between the two goes; all of it can be taken back."""
    uid = flag(filled)
    answer = filled.post(f"{PATH}/{uid}/merge")
    assert (answer.status_code, answer.json()["status"]) == (200, "OK")
    merged = entity(filled, ADA)
    assert values(filled, ADA) == {GIVEN: "Ada", FAMILY: "Byron", "TeVillage00": "Oak"}
    assert [one["enrollment"] for one in merged["enrollments"]] == ["EnPerson002"]
    assert [one["relationship"] for one in merged["relationships"]] == ["ReBeaCleo01"]
    assert merged["programOwners"][0]["orgUnit"] == "OuClinicA00"
    assert filled.get(f"{TRACKER}/trackedEntities/{BEA}").status_code == 404
    pair = filled.get(f"{PATH}/{uid}").json()
    assert (pair["status"], pair["lastUpdatedByUserName"]) == ("MERGED", "tester")
    assert filled.put(f"{PATH}/{uid}", params={"status": "OPEN"}).status_code == 400
    assert refusal(filled.post(f"{PATH}/{uid}/merge")) == (409, "PotentialDuplicate is already MERGED")
    undo(pool, ADA)
    assert [one["enrollment"] for one in entity(filled, BEA)["enrollments"]] == ["EnPerson002"]
    assert {one["relationship"] for one in entity(filled, ADA)["relationships"]} == {"ReAdaBea001"}


@pytest.mark.parametrize(
    ("people", "reason"),
    [
        ([named(ADA, **{GIVEN: "Ada"}), named(BEA, **{GIVEN: "Bea"})], "conflicting values for the same attributes"),
        ([person(ADA), person(BEA)], "Both entities enrolled in the same program"),
        (
            [
                named(ADA, **{GIVEN: "Ada"}),
                named(BEA, TeVillage00="Oak") | {"trackedEntityType": "TtHouse0000"},
            ],
            "different Tracked Entity Types",
        ),
    ],
)
def test_what_conflicts_is_not_merged_by_itself(client: Client, people: list[dict[str, Any]], reason: str) -> None:
    """409 with the reason, and both stay."""
    save(client, trackedEntities=people)
    uid = flag(client)
    status, message = refusal(client.post(f"{PATH}/{uid}/merge", params={"mergeStrategy": "AUTO"}))
    assert (status, reason in message) == (409, True), message
    assert client.get(f"{TRACKER}/trackedEntities/{BEA}").status_code == 200
    assert client.get(f"{PATH}/{uid}").json()["status"] == "OPEN"


def test_what_is_deleted_is_not_merged(filled: Client) -> None:
    """A side that went since the pair was filed."""
    uid = flag(filled)
    filled.post(
        TRACKER,
        json={"trackedEntities": [{"trackedEntity": BEA}]},
        params={"async": "false", "importStrategy": "DELETE"},
    )
    status, message = refusal(filled.post(f"{PATH}/{uid}/merge"))
    assert (status, "already been marked as deleted" in message) == (409, True), message


def test_a_merge_by_choice_moves_only_what_is_named(filled: Client, pool: Pool) -> None:
    """Of an attribute that both have the duplicate's value wins; what is not named goes with the duplicate."""
    save(filled, trackedEntities=[named(ADA, **{FAMILY: "Lovelace"})], relationships=[link("ReBeaTwo001", CLEO, BEA)])
    uid = flag(filled)
    body = {"trackedEntityAttributes": [FAMILY, "TeVillage00"], "relationships": ["ReBeaCleo01"]}
    answer = filled.post(f"{PATH}/{uid}/merge", params={"mergeStrategy": "MANUAL"}, json=body)
    assert answer.status_code == 200, answer.text
    assert values(filled, ADA) == {GIVEN: "Ada", FAMILY: "Byron", "TeVillage00": "Oak"}
    merged = entity(filled, ADA)
    assert merged["enrollments"] == []
    assert [one["relationship"] for one in merged["relationships"]] == ["ReBeaCleo01"]
    for gone in ("enrollments/EnPerson002", "events/EvPerson002", f"trackedEntities/{BEA}"):
        assert filled.get(f"{TRACKER}/{gone}").status_code == 404
    undo(pool, ADA)
    assert values(filled, ADA) == {GIVEN: "Ada", FAMILY: "Lovelace"}
    assert values(filled, BEA)[FAMILY] == "Byron"
    back = entity(filled, BEA)
    assert [one["event"] for one in back["enrollments"][0]["events"]] == ["EvPerson002"]
    assert {one["relationship"] for one in back["relationships"]} == {"ReBeaCleo01", "ReAdaBea001", "ReBeaTwo001"}


def test_a_merge_by_choice_may_take_an_enrollment(filled: Client) -> None:
    """With its events; a choice of nothing moves nothing."""
    uid = flag(filled)
    body = {"enrollments": ["EnPerson002"]}
    assert filled.post(f"{PATH}/{uid}/merge", params={"mergeStrategy": "MANUAL"}, json=body).status_code == 200
    [enrolled] = entity(filled, ADA)["enrollments"]
    assert [one["event"] for one in enrolled["events"]] == ["EvPerson002"]
    nothing = flag(filled, ADA, CLEO)
    assert filled.post(f"{PATH}/{nothing}/merge", params={"mergeStrategy": "MANUAL"}).status_code == 200
    assert values(filled, ADA)[GIVEN] == "Ada"


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        ({"trackedEntityAttributes": ["TeVillag999"]}, 409, "Duplicate has no attribute 'TeVillag999'"),
        ({"enrollments": ["EnMissing00"]}, 409, "Duplicate has no enrollment 'EnMissing00'"),
        ({"relationships": ["ReMissing00"]}, 409, "Duplicate has no relationship 'ReMissing00'"),
        ({"relationships": ["ReAdaBea001"]}, 409, "is between original and duplicate"),
        ({"relationships": ["ReBeaCleo01"]}, 409, "A similar relationship already exists on original"),
        ({"enrollments": ["EnPerson002"]}, 409, "A similar enrollment already exists on original"),
        ({"enrollments": "EnPerson002"}, 400, "are lists of UIDs"),
        ({"enrollments": ["x"]}, 400, "are lists of UIDs"),
        (["x"], 400, "a JSON object was expected"),
    ],
)
def test_a_wrong_choice_is_refused(filled: Client, body: Any, status: int, words: str) -> None:
    """Nothing moves."""
    save(filled, trackedEntities=[person(ADA)], relationships=[link("ReAdaCleo01", ADA, CLEO)])
    uid = flag(filled)
    found = refusal(filled.post(f"{PATH}/{uid}/merge", params={"mergeStrategy": "MANUAL"}, json=body))
    assert (found[0], words in found[1]) == (status, True), found
    assert [one["enrollment"] for one in entity(filled, BEA)["enrollments"]] == ["EnPerson002"]


def merger(way: HubAccess, authorities: list[str], unit: str = "OuClinicA00") -> Client:
    """A client of a user with these authorities who works at `unit` and sees the country."""
    doc = {"organisationUnits": [{"id": unit}], "teiSearchOrganisationUnits": [{"id": "OuCountry00"}]}
    with way.session() as session:
        users.create(session, "merger", "secret", authorities, doc=doc)
    return client_of(way, authorities, "merger")


@pytest.mark.parametrize(
    ("authorities", "unit", "words"),
    [
        ([], "OuClinicA00", "Missing required authority for merging tracked entities"),
        (["F_TRACKED_ENTITY_MERGE"], "OuClinicC00", "Missing access to organisation unit"),
    ],
)
def test_merging_needs_its_rights(
    filled: Client, way: HubAccess, authorities: list[str], unit: str, words: str
) -> None:
    """403 with what is missing."""
    uid = flag(filled)
    status, message = refusal(merger(way, authorities, unit).post(f"{PATH}/{uid}/merge"))
    assert (status, message.startswith("Insufficient access"), words in message) == (403, True, True), message


@pytest.mark.parametrize(
    ("collection", "uid", "words"),
    [
        ("trackedEntityTypes", "MCPQUTHX1Ze", "Missing data write access to Tracked Entity Type"),
        ("relationshipTypes", SIBLING, "Missing data write access to one or more Relationship Types"),
        ("programs", "PrMalaria00", "Missing data write access to one or more Programs"),
    ],
)
def test_merging_writes_data_of_every_kind_that_moves(
    filled: Client, way: HubAccess, pool: Pool, collection: str, uid: str, words: str
) -> None:
    """Whose sharing gives the data to read only keeps the pair from being merged."""
    pair = flag(filled)
    with transaction(pool) as session:
        doc = metadata.load(session).objects[collection][uid].doc
        shared = {**doc, "sharing": {"public": "r-r-----"}}
        context = history.open_change_set(session, "tester")
        assert metadata.import_objects(session, context, {collection: [shared]}).issues == []
    status, message = refusal(merger(way, ["F_TRACKED_ENTITY_MERGE"]).post(f"{PATH}/{pair}/merge"))
    assert (status, words in message) == (403, True), message


def test_who_has_the_rights_merges(filled: Client, way: HubAccess) -> None:
    """The authority, and both org units in the capture scope."""
    uid = flag(filled)
    assert merger(way, ["F_TRACKED_ENTITY_MERGE"]).post(f"{PATH}/{uid}/merge").status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "parameters", "status", "words"),
    [
        ("GET", "", {"status": "SOME"}, 400, "not valid for parameter status"),
        ("GET", "", {"order": "score"}, 400, "Cannot order by 'score'"),
        ("GET", "", {"trackedEntities": "x"}, 400, "not valid for parameter trackedEntities"),
        ("GET", "/PdMissing00", {}, 404, "No potentialDuplicate records found"),
        ("PUT", "/PdMissing00", {"status": "OPEN"}, 404, "No potentialDuplicate records found"),
        ("PUT", "/PdMissing00", {}, 400, "'status' is not present"),
        ("POST", "/PdMissing00/merge", {}, 404, "No potentialDuplicate records found"),
        ("POST", "/PdMissing00/merge", {"mergeStrategy": "SOME"}, 400, "not valid for parameter mergeStrategy"),
    ],
)
def test_a_wrong_request_is_refused(
    client: Client, method: str, path: str, parameters: dict[str, str], status: int, words: str
) -> None:
    """In DHIS2's words."""
    call = {"GET": client.get, "PUT": client.put, "POST": client.post}[method]
    found = refusal(call(PATH + path, params=parameters))
    assert (found[0], words in found[1]) == (status, True), found


def test_an_open_pair_is_not_set_to_merged(filled: Client) -> None:
    """Merging alone does that."""
    uid = flag(filled)
    assert refusal(filled.put(f"{PATH}/{uid}", params={"status": "MERGED"})) == (
        400,
        "Can't update a potential duplicate to MERGED",
    )
