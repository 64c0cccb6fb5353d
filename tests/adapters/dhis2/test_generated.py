"""Generated attribute values over HTTP: shapes, expiry, refusals."""

from datetime import datetime, timedelta

import pytest

from tests.adapters.dhis2.conftest import Client
from tests.adapters.dhis2.samples import person
from tests.samples.metadata import country
from tracker_core import history, metadata
from tracker_core.database import Pool, transaction

PATH = "/api/trackedEntityAttributes/TeCaseNo000"


@pytest.fixture
def numbered(client: Client, pool: Pool) -> Client:
    """A client of a country whose case numbers are generated."""
    [case] = [a for a in country()["trackedEntityAttributes"] if a["id"] == "TeCaseNo000"]
    case |= {"generated": True, "pattern": "ORG_UNIT_CODE(...)+SEQUENTIAL(###)"}
    with transaction(pool) as session:
        context = history.open_change_set(session, actor="system")
        metadata.import_objects(session, context, {"trackedEntityAttributes": [case]})
    return client


def test_the_caller_learns_what_to_give(numbered: Client) -> None:
    """REQUIRED parts come back as parameters of the next call."""
    assert numbered.get(f"{PATH}/requiredValues").json() == {"REQUIRED": ["ORG_UNIT_CODE"], "OPTIONAL": ["SEQUENTIAL"]}
    other = "/api/trackedEntityAttributes/TeVillage00/requiredValues"
    assert numbered.get(other).json() == {"REQUIRED": [], "OPTIONAL": []}


def test_one_value_is_reserved_for_three_days(numbered: Client) -> None:
    """All that DHIS2 tells of a reserved value, under both forms of the path."""
    made = numbered.get(f"{PATH}/generate", params={"ORG_UNIT_CODE": "CLINIC"}).json()
    assert made["ownerObject"] == "TRACKEDENTITYATTRIBUTE"
    assert (made["ownerUid"], made["key"], made["value"]) == ("TeCaseNo000", "CLISEQUENTIAL(###)", "CLI001")
    spell = datetime.fromisoformat(made["expiryDate"]) - datetime.fromisoformat(made["created"])
    assert spell == timedelta(days=3)
    longer = {"ORG_UNIT_CODE": "CLINIC", "expiration": "10"}
    made = numbered.get(f"/api/42{PATH.removeprefix('/api')}/generate", params=longer).json()
    spell = datetime.fromisoformat(made["expiryDate"]) - datetime.fromisoformat(made["created"])
    assert (made["value"], spell) == ("CLI002", timedelta(days=10))


def test_a_device_reserves_many(numbered: Client) -> None:
    """For 60 days, in one call."""
    made = numbered.get(
        f"{PATH}/generateAndReserve", params={"ORG_UNIT_CODE": "CLINIC", "numberToReserve": "20"}
    ).json()
    assert [one["value"] for one in made] == [f"CLI{number:03d}" for number in range(1, 21)]
    spell = datetime.fromisoformat(made[0]["expiryDate"]) - datetime.fromisoformat(made[0]["created"])
    assert spell == timedelta(days=60)


@pytest.mark.parametrize(
    ("path", "parameters", "status", "words"),
    [
        ("TeCaseNo000/generate", {}, 409, "Missing required values: ORG_UNIT_CODE"),
        ("TeCaseNo000/generate", {"ORG_UNIT_CODE": "AB"}, 409, "too short"),
        ("TeCaseNo000/generate", {"ORG_UNIT_CODE": "ABC", "expiration": "soon"}, 400, "expiration must be"),
        ("TeCaseNo000/generateAndReserve", {"numberToReserve": "0"}, 400, "numberToReserve must be"),
        ("TeCaseNo000/generateAndReserve", {"numberToReserve": "10001"}, 400, "at most 10000"),
        (
            "TeCaseNo000/generateAndReserve",
            {"ORG_UNIT_CODE": "ABC", "numberToReserve": "1000"},
            409,
            "Not enough values left to reserve 1000 values.",
        ),
        ("TeVillage00/generate", {}, 409, "is not generated"),
        ("TeMissing00/generate", {}, 404, "TrackedEntityAttribute with id TeMissing00 could not be found"),
        ("TeMissing00/requiredValues", {}, 404, "could not be found"),
    ],
)
def test_a_wrong_request_is_refused(
    numbered: Client, path: str, parameters: dict[str, str], status: int, words: str
) -> None:
    """Each with DHIS2's status, and nothing is reserved."""
    answer = numbered.get(f"/api/trackedEntityAttributes/{path}", params=parameters)
    assert (answer.status_code, words in answer.json()["message"]) == (status, True), answer.text
    made = numbered.get(f"{PATH}/generate", params={"ORG_UNIT_CODE": "ABC"}).json()
    assert made["value"] == "ABC001"


def test_an_imported_value_must_be_one_of_the_pattern(numbered: Client) -> None:
    """E1007 for any other; what is stored already stays as it is, and `skipPatternValidation` lets all pass."""
    sent = person()
    given = {"attribute": "TeCaseNo000", "value": "other"}
    sent["enrollments"][0]["attributes"].append(given)

    def save(**parameters: str) -> list[str]:
        asked = {"async": "false", **parameters}
        answer = numbered.post("/api/tracker", json={"trackedEntities": [sent]}, params=asked)
        return [error["errorCode"] for error in answer.json()["validationReport"]["errorReports"]]

    assert save() == ["E1007", "E5000"]
    assert save(skipPatternValidation="true") == []
    assert save() == []
    given["value"] = "ABC001"
    assert save() == []


def test_a_reserved_value_passes_though_the_pattern_changed(numbered: Client, pool: Pool) -> None:
    """What a device took before the pattern was changed is still good."""
    made = numbered.get(f"{PATH}/generate", params={"ORG_UNIT_CODE": "CLINIC"}).json()["value"]
    [case] = [a for a in country()["trackedEntityAttributes"] if a["id"] == "TeCaseNo000"]
    case |= {"generated": True, "pattern": "RANDOM(########)"}
    with transaction(pool) as session:
        context = history.open_change_set(session, actor="system")
        metadata.import_objects(session, context, {"trackedEntityAttributes": [case]})
    sent = person()
    sent["enrollments"][0]["attributes"].append({"attribute": "TeCaseNo000", "value": made})
    answer = numbered.post("/api/tracker", json={"trackedEntities": [sent]}, params={"async": "false"})
    assert answer.status_code == 200, answer.text
