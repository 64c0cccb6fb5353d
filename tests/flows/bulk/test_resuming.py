"""Exports that are interrupted go on where they were, and give every record once."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import orjson
import pytest

from adapters.fhir.bulk import exporting
from adapters.fhir.bulk.asking import Asked
from adapters.fhir.bulk.parts import Parts
from benchmarks.fhir_population import fill
from tracker_core.bulk import File, orders
from tracker_core.database import Pool, Rollback, transaction
from tracker_core.records.definitions import resource_types

ROOT = Path(__file__).parents[3]
PATIENTS = 100
MEMORY = 200 * 2**20
WORKER = """
import sys
from pathlib import Path
from adapters.fhir.bulk import exporting
from tracker_core.database import open_pool, transaction
pool = open_pool(sys.argv[1], 1)
while True:
    with transaction(pool) as session:
        exporting.advance(session, Path(sys.argv[2]), 50)
"""


def place(pool: Pool) -> str:
    """Fill the database and order an export of everything; return its uid."""
    with transaction(pool) as session:
        fill(session, 0, PATIENTS)
    asked = Asked("system", types=list(resource_types()))
    with transaction(pool) as session:
        return orders.place(session, "export", "tester", "", asked.stored())


def turn(pool: Pool, folder: Path, count: int, *, die: bool = False) -> int:
    """Do a turn; with `die`, what it noted is lost and what it wrote stays."""
    done = 0
    with transaction(pool) as session, session.transaction():
        done = exporting.advance(session, folder, count)
        if die:
            raise Rollback
    return done


def ended(pool: Pool, uid: str) -> bool:
    """Whether nothing more happens to an order."""
    with transaction(pool) as session:
        order = orders.find(session, "export", uid)
    return order is not None and order.ended


def everything(pool: Pool, folder: Path, uid: str) -> list[str]:
    """Return the ids in the files of an export that is done, after checking what is told of them."""
    found = []
    with transaction(pool) as session:
        order, files = orders.find(session, "export", uid), orders.files(session, uid)
    assert order is not None
    assert order.state == "done"
    for one in files:
        content = (folder / uid / one.name).read_bytes()
        assert (len(content), content.count(b"\n"), one.ended) == (one.bytes, one.lines, True)
        found += [orjson.loads(line)["id"] for line in content.splitlines()]
    return found


def test_turns_that_are_lost(pool: Pool, tmp_path: Path) -> None:
    """A turn whose end was not committed is done again: its lines are cut off first."""
    uid = place(pool)
    turn(pool, tmp_path, 500)
    while True:
        turn(pool, tmp_path, 500, die=True)
        if not turn(pool, tmp_path, 500):
            break
    found = everything(pool, tmp_path, uid)
    assert len(found) == len(set(found)) == PATIENTS * 14 + 1


def test_a_killed_worker(pool: Pool, database_url: str, tmp_path: Path) -> None:
    """A worker killed in the middle is followed by another one; the files hold every record once."""
    uid = place(pool)
    command = [sys.executable, "-c", WORKER, database_url, str(tmp_path)]
    worker = subprocess.Popen(command, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)})
    while not list(tmp_path.glob("*/*Condition*")):
        assert worker.poll() is None
        time.sleep(0.005)
    worker.send_signal(signal.SIGKILL)
    worker.wait()
    # The lock of the dead is let go when the server has noticed.
    while not ended(pool, uid):
        turn(pool, tmp_path, 500)
    found = everything(pool, tmp_path, uid)
    assert len(found) == len(set(found)) == PATIENTS * 14 + 1


def test_many_members(pool: Pool, tmp_path: Path) -> None:
    """Members are done some hundred at a time; turns that are lost leave nothing out and nothing twice."""
    members = 450
    with transaction(pool) as session:
        fill(session, 0, members + 50)
        asked = Asked("patient", types=["Patient", "Condition"], patients=[f"p{n}" for n in range(members)])
        uid = orders.place(session, "export", "tester", "", asked.stored())
    while not ended(pool, uid):
        turn(pool, tmp_path, 1, die=True)
        turn(pool, tmp_path, 1)
    found = everything(pool, tmp_path, uid)
    assert len(found) == len(set(found)) == members * 3


def test_a_folder_that_is_lost(pool: Pool, tmp_path: Path) -> None:
    """An export whose files are gone has failed and says so."""
    uid = place(pool)
    turn(pool, tmp_path, 50)
    turn(pool, tmp_path, 50)
    for path in (tmp_path / uid).iterdir():
        path.unlink()
    turn(pool, tmp_path, 50)
    with transaction(pool) as session:
        order = orders.find(session, "export", uid)
    assert order is not None
    assert (order.state, order.error) == ("failed", "the files cannot be written: No such file or directory")


def test_attachments(pool: Pool, database_url: str, tmp_path: Path) -> None:
    """Records of many megabytes each are exported one by one: together they would not fit into the memory allowed."""
    body = b"x" * 8 * 2**20
    with transaction(pool) as session:
        doc = b'{"resourceType":"Binary","id":"%%s","contentType":"text/plain","data":"%b"}' % body
        number = resource_types()["Binary"]
        session.execute(
            "insert into record (pk, type, id, version, updated, created, created_in, updated_in)"
            " select n, %s, n::text, 1, now() - interval '1 hour', now(), 0, 0 from generate_series(1, 30) n",
            (number,),
        )
        session.execute(
            "insert into record_version (pk, version, updated, change_set, doc)"
            " select n, 1, now() - interval '1 hour', 0, %s from generate_series(1, 30) n",
            (doc,),
        )
        orders.place(session, "export", "tester", "", Asked("system", types=list(resource_types())).stored())
    limited = f"import resource\nresource.setrlimit(resource.RLIMIT_DATA, ({MEMORY}, {MEMORY}))\n{WORKER}"
    once = limited.replace("while True:", "for _ in range(3):")
    command = [sys.executable, "-c", once, database_url, str(tmp_path)]
    done = subprocess.run(
        command, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, check=False, capture_output=True
    )
    assert done.returncode == 0, done.stderr
    assert sum(path.stat().st_size for path in tmp_path.glob("*/*")) > 30 * len(body)


@pytest.mark.parametrize(("lines", "bytes_", "files"), [(2, 10**6, 3), (100, 12, 3), (100, 10**6, 1)])
def test_full_files(tmp_path: Path, lines: int, bytes_: int, files: int) -> None:
    """The next file is begun when one has enough lines, or bytes."""
    parts = Parts(tmp_path, [], lines, bytes_)
    for number in range(5):
        parts.write("output", "Patient", b'{"n":%d}' % number)
    made = parts.sync(ended=True)
    assert len(made) == files
    assert sum(one.lines for one in made) == 5
    assert b"".join((tmp_path / one.name).read_bytes() for one in made).count(b"\n") == 5


def test_pretty_documents(tmp_path: Path) -> None:
    """A document of several lines becomes one line with the same content."""
    parts = Parts(tmp_path, [])
    parts.write("output", "Patient", b'{\r\n  "a": "x\\ny"\n}')
    (file,) = parts.sync(ended=True)
    assert file == File(1, "output", "Patient", 1, 19, ended=True)
    assert orjson.loads((tmp_path / file.name).read_bytes()) == {"a": "x\ny"}
