"""Files over HTTP: upload, refusals, who may read them, conditional reads."""

import hashlib
from dataclasses import replace
from typing import Any

import httpx
import pytest

from hub.access import HubAccess
from tests.adapters.dhis2.conftest import Client, client_of
from tracker_core import users
from tracker_core.database import Pool, transaction

PATH = "/api/fileResources"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(64))


def send(client: Client, name: str, content: bytes, **parameters: str) -> httpx.Response:
    """Upload one file."""
    return client.post(PATH, files={"file": (name, content)}, params=parameters)


def message(answer: httpx.Response) -> tuple[int, str, str]:
    """Status, code and text of a refusal."""
    body = answer.json()
    return answer.status_code, body.get("errorCode", ""), body["message"]


def test_a_file_is_taken_and_given_back(client: Client) -> None:
    """202 with all that DHIS2 tells of a file; the content comes back byte for byte with its real type."""
    answer = send(client, "../photo of Ada.jpg", PNG)
    assert (answer.status_code, answer.json()["httpStatus"]) == (202, "Accepted")
    assert answer.json()["response"]["responseType"] == "FileResource"
    made = answer.json()["response"]["fileResource"]
    assert made["name"] == "photo of Ada.jpg"
    assert (made["contentType"], made["contentLength"]) == ("image/png", len(PNG))
    assert made["contentMd5"] == hashlib.md5(PNG).hexdigest()
    assert (made["domain"], made["storageStatus"], made["hasMultipleStorageFiles"]) == ("DATA_VALUE", "STORED", False)
    assert client.get(f"{PATH}/{made['id']}").json() == made
    content = client.get(f"{PATH}/{made['id']}/data", params={"dimension": "SMALL"})
    assert (content.status_code, content.content) == (200, PNG)
    assert content.headers["content-type"] == "image/png"
    assert content.headers["etag"] == f'"{made["contentMd5"]}"'
    assert content.headers["content-disposition"] == "inline; filename*=UTF-8''photo%20of%20Ada.jpg"
    assert "sandbox" in content.headers["content-security-policy"]
    again = client.get(f"{PATH}/{made['id']}/data", headers={"If-None-Match": f'W/{content.headers["etag"]}, "x"'})
    assert (again.status_code, again.content) == (304, b"")


def test_the_client_may_choose_uid_and_domain(client: Client) -> None:
    """A taken uid is refused, and the file that has it is untouched."""
    first = send(client, "a.txt", b"one", uid="FiChosen001", domain="user_avatar")
    assert first.json()["response"]["fileResource"]["id"] == "FiChosen001"
    assert first.json()["response"]["fileResource"]["domain"] == "USER_AVATAR"
    second = send(client, "b.txt", b"two", uid="FiChosen001")
    assert message(second) == (409, "", "FileResource with id FiChosen001 already exists")
    assert client.get(f"{PATH}/FiChosen001/data").content == b"one"


@pytest.mark.parametrize(
    ("request_", "status", "code", "words"),
    [
        ({"files": {"file": ("a.exe", b"MZ")}}, 409, "E6101", "File type not allowed"),
        ({"files": {"file": ("a.txt", b"<html>")}}, 409, "E6101", "text/html"),
        ({"files": {"file": ("", b"x")}}, 409, "E6100", "Filename not present"),
        ({"files": {"file": ("..", b"x")}}, 409, "E6100", "Filename not present"),
        ({"files": {"file": ("a.txt", b"")}}, 409, "", "file is empty"),
        ({"files": {"other": ("a.txt", b"x")}}, 400, "", "Required part 'file' is not present"),
        ({"content": b"x"}, 400, "", "is not a multipart request"),
        (
            {"content": b"junk", "headers": {"Content-Type": "multipart/form-data; boundary=x"}},
            400,
            "",
            "the form cannot be read",
        ),
        (
            {"files": {"file": ("a.txt", b"x")}, "params": {"domain": "SECRET"}},
            400,
            "",
            "not valid for parameter domain",
        ),
        ({"files": {"file": ("a.txt", b"x")}, "params": {"uid": "short"}}, 400, "", "not valid for parameter uid"),
    ],
)
def test_a_wrong_upload_is_refused(
    client: Client, pool: Pool, way: HubAccess, request_: dict[str, Any], status: int, code: str, words: str
) -> None:
    """Nothing is kept of it, neither a row nor a byte."""
    found = message(client.post(PATH, **request_))
    assert (found[0], found[1], words in found[2]) == (status, code, True), found
    with transaction(pool) as session:
        assert session.execute("select count(*) from file_resource").fetchone() == (0,)
    assert way.files is not None
    assert [path for path in way.files.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize(
    ("path", "status", "words"),
    [
        ("FiMissing00", 404, "FileResource with id FiMissing00 could not be found"),
        ("FiMissing00/data", 404, "could not be found"),
        ("short", 400, "not valid for parameter uid"),
    ],
)
def test_a_wrong_read_is_refused(client: Client, path: str, status: int, words: str) -> None:
    """In DHIS2's words."""
    found = message(client.get(f"{PATH}/{path}"))
    assert (found[0], words in found[2]) == (status, True), found


def test_a_wrong_dimension_is_refused(client: Client) -> None:
    """Of the four names only."""
    uid = send(client, "a.txt", b"one").json()["response"]["fileResource"]["id"]
    assert client.get(f"{PATH}/{uid}/data", params={"dimension": "HUGE"}).status_code == 400


def test_what_nothing_holds_is_for_who_brought_it(client: Client, stranger: Client) -> None:
    """Another user is refused; a picture of a user is for everybody."""
    mine = send(client, "a.txt", b"one").json()["response"]["fileResource"]["id"]
    assert message(stranger.get(f"{PATH}/{mine}"))[0] == 403
    assert message(stranger.get(f"{PATH}/{mine}/data"))[0] == 403
    face = send(client, "a.png", PNG, domain="USER_AVATAR").json()["response"]["fileResource"]["id"]
    assert stranger.get(f"{PATH}/{face}/data").content == PNG
    theirs = send(stranger, "a.txt", b"two").json()["response"]["fileResource"]["id"]
    assert client.get(f"{PATH}/{theirs}/data").content == b"two"


def test_an_upload_sweeps_orphans_away(client: Client, pool: Pool, way: HubAccess) -> None:
    """What nothing has held for two hours goes, with its bytes."""
    old = send(client, "a.txt", b"one").json()["response"]["fileResource"]["id"]
    with transaction(pool) as session:
        session.execute("update file_resource set free_since = now() - interval '3 hours'")
    new = send(client, "b.txt", b"two").json()["response"]["fileResource"]["id"]
    assert client.get(f"{PATH}/{old}").status_code == 404
    assert way.files is not None
    assert [path.read_bytes() for path in way.files.rglob("*") if path.is_file()] == [b"two"]
    assert client.get(f"{PATH}/{new}").status_code == 200


def test_a_hub_without_a_folder_takes_no_files(way: HubAccess) -> None:
    """The answer names the setting."""
    bare = client_of(replace(way, runtime=replace(way.runtime, files=None)), ["ALL"])
    with way.session() as session:
        users.create(session, "someone", "secret")
    assert message(send(bare, "a.txt", b"x")) == (422, "", "this hub has no folder for files; set TRACKER_HUB_FILES")
