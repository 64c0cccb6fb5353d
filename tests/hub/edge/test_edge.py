"""What the edge does for every face: login, limits, refusals in the face's own words."""

import gzip
import zlib

import httpx
import pytest

from tracker_core import users
from tracker_core.database import Pool, transaction

MIB = 2**20


def test_known_user_gets_in(client: httpx.Client) -> None:
    """The face sees who is asking, and the body as it was sent."""
    answer = client.post("/echo", content=b"\x00as it is\xff")
    assert (answer.status_code, answer.content) == (200, b"\x00as it is\xff")
    assert answer.headers["x-user"] == "admin"


@pytest.mark.parametrize("path", ["//echo", "/echo", "///echo"])
def test_several_slashes_are_one(client: httpx.Client, path: str) -> None:
    """A base URL that ends in a slash and a path that begins with one still meet."""
    answer = client.post(f"{client.base_url}".rstrip("/") + path, content=b"here")
    assert (answer.status_code, answer.content) == (200, b"here")


@pytest.mark.parametrize(
    ("header", "text"),
    [
        ("", "log in by HTTP Basic"),
        ("Bearer abc", "log in by HTTP Basic"),
        ("Basic !!!", "log in by HTTP Basic"),
        ("Basic YWRtaW4=", "log in by HTTP Basic"),
        ("Basic YWRtaW46d3Jvbmc=", "wrong user name or password"),
        ("Basic bm9ib2R5OnNlY3JldA==", "wrong user name or password"),
    ],
)
def test_others_stay_out(client: httpx.Client, header: str, text: str) -> None:
    """Whoever is not known is asked to log in, in the face's words."""
    client.auth = None
    answer = client.post("/echo", headers={"Authorization": header} if header else {})
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Basic realm=")
    assert answer.text == f"<no status='401'>{text}</no>"
    assert answer.headers["content-type"] == "application/echo+xml"


def test_login_takes_any_letter(client: httpx.Client, pool: Pool) -> None:
    """Passwords are UTF-8 and may hold a colon (RFC 7617)."""
    with transaction(pool) as session:
        users.create(session, "zoë", "pass:wörd")
    assert client.get("/hub/me", auth=httpx.BasicAuth("zoë", "pass:wörd")).json() == {"username": "zoë"}


def test_public_paths_need_no_login(client: httpx.Client) -> None:
    """What a face declares public, the front page, health and metrics are open."""
    client.auth = None
    for path in ("/", "/echo/hello", "/health/live", "/health/ready", "/metrics"):
        assert client.get(path).status_code == 200
    for path in ("/echo/hello/more", "/hub/me", "/hub/openapi.json", "/nothing"):
        assert client.get(path).status_code == 401


def test_too_large_a_body(client: httpx.Client) -> None:
    """A body above the limit is refused with the limit, announced or not."""
    for body in (b"x" * (MIB + 1), iter([b"x" * MIB, b"x"]), b"x" * 20 * MIB, iter([b"x" * MIB] * 20)):
        answer = client.post("/echo", content=body)
        assert answer.status_code == 413
        assert answer.text == "<no status='413'>the body is larger than the 1 MiB that this hub takes here</no>"
    assert client.post("/echo", content=b"x" * MIB).status_code == 200


def test_files_have_their_own_limit(client: httpx.Client) -> None:
    """A face that takes files allows larger bodies."""
    assert client.post("/files", content=b"x" * 2 * MIB).status_code == 200
    assert client.post("/files", content=b"x" * (2 * MIB + 1)).status_code == 413


def test_packed_body_is_unpacked(client: httpx.Client) -> None:
    """A gzip body reaches the face unpacked, without its encoding."""
    answer = client.post("/echo", content=gzip.compress(b"abc" * 1000), headers={"Content-Encoding": "gzip"})
    assert answer.content == b"abc" * 1000
    assert answer.headers["x-encoding"] == ""


def test_packed_bomb_is_refused(client: httpx.Client) -> None:
    """What a body unpacks to counts for the limit."""
    bomb = gzip.compress(b"\0" * 50 * MIB)
    assert len(bomb) < 60_000
    assert client.post("/echo", content=bomb, headers={"Content-Encoding": "gzip"}).status_code == 413


@pytest.mark.parametrize(
    ("encoding", "body", "status", "text"),
    [
        ("gzip", b"plain", 400, "the body is not gzip"),
        ("gzip", gzip.compress(b"cut off" * 100)[:-20], 400, "the gzip body ends too early"),
        ("br", b"x", 415, "the content encoding br is not offered"),
        ("deflate", zlib.compress(b"x"), 415, "the content encoding deflate is not offered"),
    ],
)
def test_wrongly_packed_body(client: httpx.Client, encoding: str, body: bytes, status: int, text: str) -> None:
    """A body that cannot be unpacked is refused with the reason."""
    answer = client.post("/echo", content=body, headers={"Content-Encoding": encoding})
    assert answer.status_code == status
    assert text in answer.text


@pytest.mark.parametrize(
    ("how", "status", "text"),
    [
        ("conflict", 409, "line 3: seen before"),
        ("away", 503, "asleep"),
        ("bug", 500, "an error of this hub; it has been logged"),
    ],
)
def test_errors_in_the_words_of_the_face(client: httpx.Client, how: str, status: int, text: str) -> None:
    """The six errors have their status, anything else is a bug whose details stay inside."""
    answer = client.get(f"/echo/fail/{how}")
    assert (answer.status_code, answer.text) == (status, f"<no status='{status}'>{text}</no>")
    assert answer.headers.get("retry-after") == ("5" if status == 503 else None)


def test_unknown_path_and_method(client: httpx.Client) -> None:
    """Routing refuses in the face's words too, and in JSON where there is no face."""
    assert client.get("/echo/nowhere").text == "<no status='404'>there is nothing at /echo/nowhere</no>"
    assert client.get("/echo").status_code == 405
    assert client.get("/echo").headers["allow"] == "POST"
    assert client.get("/nowhere").json() == {"status": 404, "error": "there is nothing at /nowhere"}


def test_administration_refuses_in_json(client: httpx.Client) -> None:
    """`/hub` answers wrong bodies and the six errors in JSON."""
    assert client.post("/hub/count", json={"count": 3}).json() == 3
    wrong = client.post("/hub/count", json={"count": "x"})
    assert wrong.status_code == 400
    assert wrong.json()["error"].startswith("body.count: ")
    assert client.post("/hub/count", json={"count": 10}).json() == {"status": 409, "error": "count: too many"}
    assert client.post("/hub/count", content=b"{").status_code == 400


def test_ready_tells_the_part_that_is_down(client: httpx.Client, switches: dict[str, bool]) -> None:
    """Ready is 200 when every part is up, else 503 with the part's name."""
    up = client.get("/health/ready")
    assert (up.status_code, up.json()) == (200, {"status": "ready", "http": "up", "database": "up", "worker": "up"})
    switches["worker"] = False
    down = client.get("/health/ready")
    assert down.status_code == 503
    assert down.json() == {"status": "not ready", "http": "up", "database": "up", "worker": "down"}


def test_without_a_database(client: httpx.Client, pool: Pool) -> None:
    """With the database away faces answer 503 in their own words, and health says which part it is."""
    pool.close()
    assert client.post("/echo").status_code == 503
    assert client.post("/echo").text.startswith("<no status='503'>the database is not available")
    assert client.get("/health/ready").json()["database"] == "down"
    assert client.get("/health/live").status_code == 200
    assert client.get("/metrics").status_code == 200


def test_metrics_count_messages_and_requests(client: httpx.Client, pool: Pool) -> None:
    """Prometheus gets messages by fate, the age of the queue, and request durations by face."""
    with transaction(pool) as session:
        session.execute("insert into peer (code, name, format) values ('lab', 'Lab', 'hl7v2')")
        session.execute(
            "insert into message (direction, peer, format, state) select d, p.id, 'hl7v2', s from peer p,"
            " (values ('in', 'done'), ('in', 'done'), ('out', 'waiting')) as m (d, s)"
        )
    client.get("/echo/hello")
    text = client.get("/metrics").text
    assert 'tracker_hub_messages{direction="in",format="hl7v2",state="done"} 2.0' in text
    assert 'tracker_hub_queue_age_seconds{direction="out"}' in text
    assert 'tracker_hub_request_seconds_count{face="/echo",method="GET",status="200"} 1.0' in text


def test_front_page_leads_to_the_faces(client: httpx.Client) -> None:
    """The front page lists each face with what it is, and links to what a browser can open."""
    page = client.get("/").text
    assert '<a href="/echo/hello"><code>/echo</code></a></td><td>says it again</td>' in page
    assert "<td><code>/files</code></td><td>takes files</td>" in page
    assert '<a href="/health/ready">' in page
