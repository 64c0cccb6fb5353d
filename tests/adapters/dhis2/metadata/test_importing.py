"""The parameters of `POST /api/metadata`, its report, its rights, and imports whose sender does not wait."""

import gzip
import json
import zipfile
from io import BytesIO
from typing import Any

import pytest

from hub.access import HubAccess
from hub.worker import run_inbound
from tests.adapters.dhis2.conftest import Client, client_of
from tracker_core import users

COLOUR = {"id": "OsColour001", "name": "Colour", "code": "COLOUR", "valueType": "TEXT"}
ELEMENT = {"id": "DeColour001", "name": "Favourite colour", "valueType": "TEXT", "optionSet": {"id": "OsColour001"}}


def bring(client: Client, payload: Any, **parameters: str) -> dict[str, Any]:
    """Import a payload and return the import report."""
    answer: dict[str, Any] = client.post("/api/metadata", json=payload, params=parameters).json()
    report: dict[str, Any] = answer["response"]
    return report


def codes(report: dict[str, Any]) -> list[str]:
    """Return the codes of all errors of a report."""
    return [
        error["errorCode"]
        for type in report["typeReports"]
        for each in type["objectReports"]
        for error in each["errorReports"]
    ]


def test_strategies_say_what_may_be_there(client: Client) -> None:
    """Only new ones with CREATE (E5000), only stored ones with UPDATE (E5001); older names mean the same."""
    assert codes(bring(client, {"optionSets": [COLOUR]}, importStrategy="UPDATE")) == ["E5001"]
    assert bring(client, {"optionSets": [COLOUR]}, importStrategy="NEW")["stats"]["created"] == 1
    assert codes(bring(client, {"optionSets": [COLOUR]}, importStrategy="CREATE")) == ["E5000"]
    renamed = {**COLOUR, "name": "Colours"}
    assert bring(client, {"optionSets": [renamed]}, importStrategy="UPDATES")["stats"]["updated"] == 1


def test_a_payload_can_be_taken_out_again(client: Client) -> None:
    """`importStrategy=DELETE` deletes what the payload names, users of an object along with it, or nothing (E4030)."""
    payload = {"optionSets": [COLOUR], "dataElements": [ELEMENT]}
    bring(client, payload)
    assert set(codes(bring(client, {"optionSets": [COLOUR]}, importStrategy="DELETE"))) == {"E4030"}
    assert client.get("/api/optionSets/OsColour001").status_code == 200
    assert bring(client, payload, importStrategy="DELETE")["stats"]["deleted"] == 2
    assert client.get("/api/optionSets/OsColour001").status_code == 404
    assert set(codes(bring(client, payload, importStrategy="DELETES"))) == {"E5001"}


def test_what_can_go_goes(client: Client) -> None:
    """With `atomicMode=NONE` objects in use stay and the others go, those that go along with others included."""
    option = {"id": "OpRed000001", "code": "RED", "name": "Red", "optionSet": {"id": "OsColour001"}}
    other = {"id": "OsOther0001", "name": "Other", "valueType": "TEXT"}
    bring(client, {"optionSets": [COLOUR, other], "options": [option], "dataElements": [ELEMENT]})
    both = {"optionSets": [COLOUR, other]}
    report = bring(client, both, importStrategy="DELETE", atomicMode="NONE")
    assert (report["status"], report["stats"]["deleted"], codes(report)) == ("WARNING", 1, ["E4030"])
    rest = {"optionSets": [COLOUR], "options": [option], "dataElements": [ELEMENT]}
    report = bring(client, rest, importStrategy="DELETE", atomicMode="NONE")
    assert (report["status"], report["stats"]["deleted"]) == ("OK", 3)


def test_without_atomicity_the_good_ones_stay(client: Client) -> None:
    """`atomicMode=NONE` refuses wrong objects and those that need them, and stores the others: 409, WARNING."""
    wrong = {"id": "OsWrong0001", "valueType": "TEXT"}
    needing = {**ELEMENT, "id": "DeNeeds0001", "name": "Needs it", "optionSet": {"id": "OsWrong0001"}}
    payload = {"optionSets": [COLOUR, wrong], "dataElements": [ELEMENT, needing]}
    response = client.post("/api/metadata", json=payload, params={"atomicMode": "NONE"})
    report = response.json()["response"]
    assert (response.status_code, response.json()["status"], report["status"]) == (409, "WARNING", "WARNING")
    assert report["stats"] == {"created": 2, "updated": 0, "deleted": 0, "ignored": 2, "total": 4}
    assert codes(report) == ["E4000", "E5002"]
    assert client.get("/api/dataElements/DeColour001").status_code == 200
    assert client.get("/api/dataElements/DeNeeds0001").status_code == 404


def test_all_or_nothing_stores_nothing(client: Client) -> None:
    """One dangling reference refuses the whole; the report names the association and what is missing."""
    payload = {"optionSets": [COLOUR], "dataElements": [{**ELEMENT, "optionSet": {"id": "OsNowhere01"}}]}
    report = bring(client, payload)
    assert (report["status"], report["stats"]["ignored"]) == ("ERROR", 2)
    [type] = [each for each in report["typeReports"] if each["objectReports"]]
    [error] = type["objectReports"][0]["errorReports"]
    assert type["objectReports"][0]["uid"] == "DeColour001"
    assert error == {
        "message": "Invalid reference OsNowhere01 on object DeColour001 for association `optionSet`",
        "mainKlass": "org.hisp.dhis.dataelement.DataElement",
        "errorCode": "E5002",
        "errorProperty": "optionSet",
        "errorProperties": ["OsNowhere01", "DeColour001", "optionSet"],
        "value": "OsNowhere01",
    }
    assert client.get("/api/optionSets/OsColour001").status_code == 404


def test_objects_may_be_known_by_code(client: Client) -> None:
    """`identifier=CODE` updates the object with the code, whatever uid comes, and resolves references by code."""
    bring(client, {"optionSets": [COLOUR]})
    foreign = {**COLOUR, "id": "OsForeign01", "name": "Colours"}
    element = {**ELEMENT, "optionSet": {"code": "COLOUR"}}
    report = bring(client, {"optionSets": [foreign], "dataElements": [element]}, identifier="CODE")
    assert (report["stats"]["created"], report["stats"]["updated"]) == (1, 1)
    assert client.get("/api/optionSets/OsColour001").json()["name"] == "Colours"
    found = client.get("/api/dataElements/DeColour001?fields=optionSet[id]").json()
    assert found == {"optionSet": {"id": "OsColour001"}}
    again = bring(client, {"optionSets": [{**foreign, "name": "Tints"}]}, identifier="AUTO")
    assert again["stats"]["updated"] == 1


def test_report_modes(client: Client) -> None:
    """`FULL` tells of every object, `ERRORS` of none without an error."""
    full = bring(client, {"optionSets": [COLOUR]}, importReportMode="FULL", importMode="VALIDATE")
    [type] = full["typeReports"]
    expected = {"klass": "org.hisp.dhis.option.OptionSet", "index": 0, "uid": "OsColour001", "errorReports": []}
    assert type["objectReports"] == [expected]
    assert bring(client, {"optionSets": [COLOUR]})["typeReports"][0]["objectReports"] == []


def test_sharing_and_translations_can_be_left_out(client: Client) -> None:
    """With `skipSharing` and `skipTranslation` a new object has the default, a stored one keeps what it has."""
    translated = [{"property": "NAME", "locale": "fr", "value": "Couleur"}]
    closed = {"public": "--------", "owner": "UsTester001", "users": {}, "userGroups": {}}
    doc = {**COLOUR, "translations": translated, "sharing": closed}
    bring(client, {"optionSets": [doc]}, skipSharing="true", skipTranslation="true")
    found = client.get("/api/optionSets/OsColour001?fields=translations,sharing").json()
    assert found["sharing"]["public"] == "rw------"
    assert not found.get("translations")
    bring(client, {"optionSets": [doc]})
    bring(client, {"optionSets": [{**COLOUR, "name": "Colours"}]}, skipSharing="true", skipTranslation="true")
    found = client.get("/api/optionSets/OsColour001?fields=name,translations,sharing").json()
    assert (found["name"], found["sharing"]["public"]) == ("Colours", "--------")
    assert found["translations"] == translated


def test_validation_can_be_skipped_but_references_not(client: Client) -> None:
    """`skipValidation` lets an object without a name in, not one that leads nowhere."""
    lacking = {"id": "OsColour001", "valueType": "TEXT"}
    assert codes(bring(client, {"optionSets": [lacking]})) == ["E4000"]
    assert bring(client, {"optionSets": [lacking]}, skipValidation="true")["status"] == "OK"
    lost = {**ELEMENT, "optionSet": {"id": "OsNowhere01"}}
    assert codes(bring(client, {"dataElements": [lost]}, skipValidation="true")) == ["E5002"]


def test_who_made_it_is_stamped(client: Client) -> None:
    """The importer is creator and last to change; another creator can be named."""
    other = "UsOther0001"
    bring(client, {"optionSets": [COLOUR]}, userOverrideMode="SELECTED", overrideUser=other)
    found = client.get("/api/metadata?optionSets=true&optionSets:filter=id:eq:OsColour001").json()["optionSets"][0]
    assert found["createdBy"]["id"] == other
    assert found["sharing"]["owner"] == other
    assert found["lastUpdatedBy"]["id"] != other
    assert client.post("/api/metadata?userOverrideMode=SELECTED", json={}).status_code == 400


@pytest.mark.parametrize("pack", ["gzip", "zip"])
def test_bodies_may_be_packed(client: Client, pack: str) -> None:
    """A gzip or a zip of one file is the payload in it."""
    raw = json.dumps({"optionSets": [COLOUR]}).encode()
    if pack == "gzip":
        body = gzip.compress(raw)
    else:
        file = BytesIO()
        with zipfile.ZipFile(file, "w") as archive:
            archive.writestr("metadata.json", raw)
        body = file.getvalue()
    response = client.post("/api/metadata", content=body, headers={"content-type": f"application/{pack}"})
    assert response.json()["response"]["stats"]["created"] == 1


@pytest.mark.parametrize(
    ("parameter", "value"),
    [("importStrategy", "SOMEHOW"), ("atomicMode", "SOME"), ("identifier", "NAME"), ("flushMode", "NEVER")],
)
def test_wrong_parameters_are_400(client: Client, parameter: str, value: str) -> None:
    """A value that is none of the choices is refused before anything is read."""
    assert client.post("/api/metadata", json={}, params={parameter: value}).status_code == 400


def test_other_kinds_of_bodies_are_415(client: Client) -> None:
    """XML is not offered."""
    response = client.post("/api/metadata", content=b"<metadata/>", headers={"content-type": "application/xml"})
    assert response.status_code == 415


def test_a_type_that_is_none_is_skipped_and_one_that_cannot_come_refused(client: Client) -> None:
    """As DHIS2 does: an unknown key counts for nothing, uploaded files cannot be imported (E6023)."""
    assert bring(client, {"gadgets": [{"id": "GaGadget001"}], "optionSets": []})["stats"]["total"] == 0
    assert codes(bring(client, {"fileResources": [{"name": "x"}]})) == ["E6023"]


def test_rights_hold_for_each_object(way: HubAccess, client: Client) -> None:
    """Without the authority of a type an importer cannot make (E3000), change (E3001) or publish (E3008) objects."""
    with way.session() as session:
        users.create(session, "importer", "secret", ["F_METADATA_IMPORT", "F_CONSTANT_ADD", "F_OPTIONSET_PRIVATE_ADD"])
    limited = client_of(way, ["F_METADATA_IMPORT"], "importer")
    bring(client, {"optionSets": [{**COLOUR, "sharing": {"public": "r-------"}}]})
    assert codes(bring(limited, {"dataElements": [ELEMENT]})) == ["E3000"]
    assert codes(bring(limited, {"optionSets": [{**COLOUR, "name": "Mine"}]})) == ["E3001"]
    own = {"id": "OsMine00001", "name": "Mine", "valueType": "TEXT"}
    assert codes(bring(limited, {"optionSets": [{**own, "sharing": {"public": "rw------"}}]})) == ["E3008"]
    assert bring(limited, {"optionSets": [own]})["stats"]["created"] == 1
    constant = {"id": "CoTen000001", "name": "Ten", "shortName": "Ten", "value": 10}
    assert bring(limited, {"constants": [constant]})["stats"]["created"] == 1


def test_what_stays_as_it_is_needs_no_rights(way: HubAccess, client: Client) -> None:
    """A package that is here already may be imported by who could not change it, whichever side says what."""
    with way.session() as session:
        users.create(session, "importer", "secret", ["F_METADATA_IMPORT"])
    payload = {
        "optionSets": [COLOUR],
        "options": [{"id": "OpRed000001", "code": "RED", "name": "Red", "optionSet": {"id": "OsColour001"}}],
    }
    bring(client, payload)
    report = bring(client_of(way, ["F_METADATA_IMPORT"], "importer"), payload)
    assert (report["status"], report["stats"]["ignored"]) == ("OK", 2)


def test_what_is_not_shared_cannot_be_referred_to(way: HubAccess, client: Client) -> None:
    """A reference to an object that the importer may not read is E5008."""
    with way.session() as session:
        users.create(session, "importer", "secret", ["F_METADATA_IMPORT", "F_DATAELEMENT_PUBLIC_ADD"])
    bring(client, {"optionSets": [{**COLOUR, "sharing": {"public": "--------"}}]})
    assert codes(bring(client_of(way, ["F_METADATA_IMPORT"], "importer"), {"dataElements": [ELEMENT]})) == ["E5008"]


def test_an_import_can_be_a_job(client: Client, way: HubAccess) -> None:
    """With `async=true` the answer names the job; its notifications and its report come when a worker had it."""
    answer = client.post("/api/metadata", json={"optionSets": [COLOUR]}, params={"async": "true"}).json()["response"]
    assert answer["responseType"] == "JobConfigurationWebMessageResponse"
    assert answer["relativeNotifierEndpoint"] == f"/api/system/tasks/METADATA_IMPORT/{answer['id']}"
    assert client.get("/api/optionSets/OsColour001").status_code == 404
    assert run_inbound(way.runtime, "worker") == 1
    notes = client.get(answer["relativeNotifierEndpoint"]).json()
    assert (notes[0]["completed"], notes[0]["category"]) == (True, "METADATA_IMPORT")
    report = client.get(f"/api/system/taskSummaries/METADATA_IMPORT/{answer['id']}").json()
    assert (report["responseType"], report["stats"]["created"]) == ("ImportReport", 1)
    assert client.get("/api/optionSets/OsColour001").status_code == 200


def test_a_job_that_is_refused_stores_nothing(client: Client, way: HubAccess) -> None:
    """The report is kept with its errors; nothing of the payload is stored, and a trial leaves nothing either."""
    wrong = {"optionSets": [COLOUR, {"id": "OsWrong0001", "valueType": "TEXT"}]}
    refused = client.post("/api/metadata", json=wrong, params={"async": "true"}).json()["response"]["id"]
    trial = {"async": "true", "importMode": "VALIDATE"}
    tried = client.post("/api/metadata", json={"optionSets": [COLOUR]}, params=trial).json()["response"]["id"]
    run_inbound(way.runtime, "worker")
    report = client.get(f"/api/system/taskSummaries/METADATA_IMPORT/{refused}").json()
    assert (report["status"], codes(report)) == ("ERROR", ["E4000"])
    assert client.get(f"/api/system/taskSummaries/METADATA_IMPORT/{tried}").json()["stats"]["created"] == 1
    assert client.get("/api/optionSets/OsColour001").status_code == 404


def test_a_job_whose_body_is_no_payload_is_refused_at_once(client: Client) -> None:
    """Bytes that nobody could import never become a job."""
    response = client.post("/api/metadata?async=true", content=b"[]", headers={"content-type": "application/json"})
    assert response.status_code == 400
