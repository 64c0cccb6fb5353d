"""`$export` over HTTP against a hub: who and what is exported, as which files, and who may have them."""

from collections.abc import Callable

import httpx
import pytest

from hub import bulk
from hub.runtime import Runtime
from tests.flows.bulk.conftest import ASYNC, exported, lines, names, work
from tracker_core import peers, users
from tracker_core.database import Pool, transaction

pytestmark = pytest.mark.usefixtures("ward")
OF_ADA = ["Group/half", "Observation/of-ada", "Patient/ada"]
OF_BOTH = ["Group/half", "Observation/of-ada", "Observation/of-bayo", "Patient/ada", "Patient/bayo"]


def test_system(client: httpx.Client, runtime: Runtime) -> None:
    """Everything is exported, one file a type, byte for byte as it is read."""
    manifest = exported(client, runtime, "/fhir/$export")
    assert manifest["requiresAccessToken"] is True
    assert manifest["request"].endswith("/fhir/$export")
    assert [one["type"] for one in manifest["output"]] == ["Organization", "Patient", "Observation", "Group"]
    assert names(lines(client, manifest)) == sorted([*OF_BOTH, "Organization/clinic"])
    first = client.get(manifest["output"][0]["url"]).content
    assert first == client.get("/fhir/Organization/clinic").content + b"\n"


def test_it_is_told(client: httpx.Client) -> None:
    """The CapabilityStatement names the operations where they are."""
    rest = client.get("/fhir/metadata").json()["rest"][0]
    assert {"export", "import"} <= {one["name"] for one in rest["operation"]}
    types = {one["type"]: {operation["name"] for operation in one["operation"]} for one in rest["resource"]}
    assert "export" in types["Patient"] & types["Group"]
    assert {"status", "events", "get-ws-binding-token"} <= types["Subscription"]


def test_levels(client: httpx.Client, runtime: Runtime) -> None:
    """All patients with theirs, the active members of a group, named patients."""
    assert names(lines(client, exported(client, runtime, "/fhir/Patient/$export"))) == OF_BOTH
    assert names(lines(client, exported(client, runtime, "/fhir/Group/half/$export"))) == OF_ADA
    named = {"resourceType": "Parameters", "parameter": [
        {"name": "patient", "valueReference": {"reference": "Patient/bayo"}},
        {"name": "_type", "valueString": "Patient"},
    ]}  # fmt: skip
    begun = client.post("/fhir/Patient/$export", json=named, headers=ASYNC)
    work(runtime)
    assert names(lines(client, client.get(begun.headers["content-location"]).json())) == ["Patient/bayo"]


def test_others_records_of_a_member_stay_out(
    client: httpx.Client, runtime: Runtime, pool: Pool, put: Callable[..., None]
) -> None:
    """A person known by two sources: the export of the one record leaves out the other one and what is about it."""
    shared = [{"system": "urn:national", "value": "19900101-4711"}]
    assert client.put("/hub/identifier-systems", json={"system": "urn:national"}).status_code == 200
    with transaction(pool) as session:
        users.create(session, "emr", "secret-of-the-emr", peer=peers.save(session, "emr", "fhir").id)
    put("Patient", "ada", name=[{"family": "Ada"}], gender="female", identifier=shared)
    client.auth = httpx.BasicAuth("emr", "secret-of-the-emr")
    put("Patient", "ada-too", name=[{"family": "Ada"}], gender="female", identifier=shared)
    put("Observation", "other", status="final", code={"text": "x"}, subject={"reference": "Patient/ada-too"})
    client.auth = httpx.BasicAuth("admin", "secret-enough")
    with transaction(pool) as session:
        rows = session.execute("select count(distinct subject) from record where id in ('ada', 'ada-too')").fetchone()
    assert rows == (1,)
    assert names(lines(client, exported(client, runtime, "/fhir/Group/half/$export"))) == OF_ADA


def test_what_is_chosen(client: httpx.Client, runtime: Runtime) -> None:
    """`_type` and `_typeFilter` choose records, `_elements` parts of them."""
    only = exported(client, runtime, "/fhir/$export", _type="Patient,Observation",
                    _typeFilter="Observation?code=8310-5", _elements="Patient.gender")  # fmt: skip
    found = lines(client, only)
    assert names(found) == ["Observation/of-ada", "Patient/ada", "Patient/bayo"]
    patient = next(one for one in found if one["resourceType"] == "Patient")
    assert "gender" in patient
    assert "name" not in patient
    assert "code" in next(one for one in found if one["resourceType"] == "Observation")
    either = "Observation?code=8310-5,Observation?code=8867-4"
    assert len(lines(client, exported(client, runtime, "/fhir/$export", _type="Observation", _typeFilter=either))) == 2


def test_since(client: httpx.Client, runtime: Runtime, put: Callable[..., None]) -> None:
    """What changed since the last export's time comes in the next one, deletions as bundles; nothing else does."""
    first = exported(client, runtime, "/fhir/$export")
    since = {"_since": first["transactionTime"]}
    assert lines(client, exported(client, runtime, "/fhir/$export", **since)) == []
    put("Patient", "chi", gender="male")
    assert client.delete("/fhir/Observation/of-ada").status_code == 204
    second = exported(client, runtime, "/fhir/$export", **since)
    assert names(lines(client, second)) == ["Patient/chi"]
    (bundle,) = lines(client, second, "deleted")
    assert bundle["type"] == "transaction"
    assert bundle["entry"] == [{"request": {"method": "DELETE", "url": "Observation/of-ada"}}]
    until = exported(client, runtime, "/fhir/$export", _until=first["transactionTime"], _type="Patient,Observation")
    assert names(lines(client, until)) == OF_BOTH[1:]


def test_a_moment(client: httpx.Client, runtime: Runtime, put: Callable[..., None]) -> None:
    """Records are given as they were when the export began, whatever is written while it runs."""
    begun = client.get("/fhir/$export", params={"_type": "Patient"}, headers=ASYNC)
    bulk.turn(runtime)
    put("Patient", "ada", name=[{"family": "Changed"}])
    put("Patient", "late", gender="male")
    assert client.delete("/fhir/Patient/bayo").status_code == 204
    work(runtime)
    found = lines(client, client.get(begun.headers["content-location"]).json())
    assert [one["name"][0]["family"] for one in found] == ["Ada", "Bayo"]


def test_progress_and_cancellation(client: httpx.Client, runtime: Runtime) -> None:
    """An open export tells how far it is; a cancelled one is gone, and its files with the next clearing."""
    begun = client.get("/fhir/$export", headers=ASYNC)
    where = begun.headers["content-location"]
    waiting = client.get(where)
    assert (waiting.status_code, waiting.headers["x-progress"], waiting.headers["retry-after"]) == (202, "waiting", "5")
    bulk.turn(runtime)
    assert client.get(where).headers["x-progress"].startswith("0 % (0 of ")
    work(runtime)
    (file, *_) = client.get(where).json()["output"]
    assert client.delete(where).status_code == 202
    assert client.get(where).status_code == 404
    assert client.get(file["url"]).status_code == 404
    assert runtime.files is not None
    assert len(list((runtime.files / "bulk").iterdir())) == 1
    assert bulk.clear(runtime) == 1
    assert list((runtime.files / "bulk").iterdir()) == []
    assert client.delete(where).status_code == 404


def test_expiry(client: httpx.Client, runtime: Runtime) -> None:
    """The files of an export can be had for a day, then the clock takes them."""
    begun = client.get("/fhir/$export", headers=ASYNC)
    work(runtime)
    done = client.get(begun.headers["content-location"])
    assert done.headers["expires"].endswith("GMT")
    assert bulk.clear(runtime) == 0
    assert client.post("/hub/schedule", params={"at": "2999-01-01T00:00:00Z"}).status_code == 200
    assert client.get(begun.headers["content-location"]).status_code == 404


def test_whose_it_is(client: httpx.Client, runtime: Runtime) -> None:
    """A user sees their own exports, an administrator all; files need a login."""
    nurse = ("nurse", "also-secret-enough")
    hers = client.get("/fhir/$export", headers=ASYNC, auth=nurse).headers["content-location"]
    mine = client.get("/fhir/$export", headers=ASYNC).headers["content-location"]
    work(runtime)
    assert client.get(mine, auth=nurse).status_code == 404
    assert client.delete(mine, auth=nurse).status_code == 404
    assert client.get(hers).status_code == 200
    url = client.get(hers, auth=nurse).json()["output"][0]["url"]
    assert client.get(url, auth=nurse).status_code == 200
    assert httpx.get(url).status_code == 401


def test_files(client: httpx.Client, runtime: Runtime, put: Callable[..., None]) -> None:
    """Files come packed to those who take that, and in ranges; other names are not there."""
    put("Patient", "long", name=[{"text": "x" * 3000}])
    manifest = exported(client, runtime, "/fhir/$export", _type="Patient")
    url = manifest["output"][0]["url"]
    whole = client.get(url, headers={"accept-encoding": "gzip"})
    assert whole.headers["content-encoding"] == "gzip"
    part = client.get(url, headers={"range": "bytes=3-9", "accept-encoding": "identity"})
    assert (part.status_code, part.content) == (206, whole.content[3:10])
    assert client.get(url.rpartition("/")[0] + "/..%2f..%2fsecret").status_code == 404
    assert client.get(url + "x").status_code == 404


def test_other_refusals(client: httpx.Client) -> None:
    """An export without the header, of what cannot be read, of a group that is not there, and one too many."""
    assert client.get("/fhir/$export").status_code == 400
    unread = client.get("/fhir/$export", params={"_typeFilter": "Observation?date=never"}, headers=ASYNC)
    assert unread.status_code == 400
    assert "never" in unread.json()["issue"][0]["diagnostics"]
    named = client.get("/fhir/Patient/$export", params={"patient": "Patient/ada"}, headers=ASYNC)
    assert "Parameters of a POST" in named.json()["issue"][0]["diagnostics"]
    assert client.get("/fhir/Group/nobody/$export", headers=ASYNC).status_code == 404
    begun = [client.get("/fhir/$export", headers=ASYNC) for _ in range(6)]
    assert [one.status_code for one in begun] == [202] * 5 + [429]
    assert begun[-1].headers["retry-after"] == "60"


def test_lenient(client: httpx.Client, runtime: Runtime) -> None:
    """A lenient caller gets what there is, and a file that says what was passed over."""
    asked = {"includeAssociatedData": "x", "_type": "Patient,Nothing"}
    begun = client.get("/fhir/$export", params=asked, headers={"prefer": "respond-async, handling=lenient"})
    assert begun.status_code == 202
    work(runtime)
    manifest = client.get(begun.headers["content-location"]).json()
    assert [one["type"] for one in manifest["output"]] == ["Patient"]
    told = [one["issue"][0]["diagnostics"] for one in lines(client, manifest, "error")]
    assert len(told) == 2
    assert "includeAssociatedData" in told[0]
    assert "Nothing" in told[1]
