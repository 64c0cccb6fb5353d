"""The embedded PostgreSQL: comes up, keeps data, survives kill -9, refuses a second holder."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from hub import embedded
from hub.embedded import account, binaries, cluster, folder
from tracker_core.errors import Conflict, Forbidden, Unavailable


@pytest.fixture
def data() -> Iterator[Path]:
    """A data folder that does not exist yet."""
    with embedded.scratch() as made:
        yield made / "data"


def ask(url: str, query: str) -> object:
    """Return the first value that `query` gives."""
    with psycopg.connect(url) as session:
        row = session.execute(query.encode()).fetchone()
        assert row
        return row[0]


def wait_for(condition: Callable[[], object]) -> None:
    """Wait until `condition` holds; the test's own time limit ends a wait in vain."""
    while not condition():
        time.sleep(0.05)


def postmaster(path: Path) -> int:
    """Return the process that serves the cluster at `path`."""
    return int((path / "postmaster.pid").read_text("ascii").splitlines()[0])


def answers(url: str) -> bool:
    """Tell whether the server at `url` takes connections."""
    try:
        return ask(url, "select 1") == 1
    except psycopg.OperationalError:
        return False


def test_data_survives_a_restart(data: Path) -> None:
    """What one run wrote, the next run reads; in between nothing runs."""
    with embedded.running(data) as url:
        with psycopg.connect(url) as session:
            session.execute("create table kept (x text)")
            session.execute("insert into kept values ('é')")
        assert embedded.tenant(data) == url
    assert embedded.tenant(data) is None
    with embedded.running(data) as url:
        assert ask(url, "select upper(x) from kept") == "É"


def test_settings(data: Path) -> None:
    """Commits are durable, text is UTF-8 with one order everywhere, and no network port is open."""
    with embedded.running(data) as url:
        assert ask(url, "show fsync") == "on"
        assert ask(url, "show synchronous_commit") == "on"
        assert ask(url, "show server_encoding") == "UTF8"
        assert ask(url, "select datlocale from pg_database where datname = current_database()") == "C.UTF-8"
        assert ask(url, "show listen_addresses") == ""


def test_second_holder_is_refused(data: Path) -> None:
    """A folder in use names its holder."""
    refusal = pytest.raises(Conflict, match=f"in use by another tracker-hub .process {os.getpid()}")
    with embedded.running(data), refusal, embedded.running(data):
        pass


def test_two_folders_run_side_by_side(data: Path) -> None:
    """Two hubs on one machine have two servers."""
    with embedded.running(data) as one, embedded.running(data.with_name("other")) as two:
        assert ask(one, "show data_directory") != ask(two, "show data_directory")


def test_folder_that_cannot_be_made(tmp_path: Path) -> None:
    """A file where the folder should be is refused with the system's reason."""
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(Forbidden, match=r"cannot write to the data folder .*/file/data: Not a directory"),
        embedded.running(tmp_path / "file" / "data"),
    ):
        pass


def test_dead_server_is_started_again(data: Path) -> None:
    """When the server is killed under the hub, it comes back on the same URL with its data."""
    with embedded.running(data) as url:
        path = folder.find(data)
        assert path
        first = postmaster(path)
        os.kill(first, signal.SIGKILL)
        wait_for(lambda: answers(url) and postmaster(path) != first)


HOLDER = """
import sys, time
from pathlib import Path
from hub import embedded
with embedded.running(Path(sys.argv[1])) as url:
    print(url, flush=True)
    time.sleep(600)
"""


def test_next_start_after_the_hub_was_killed(data: Path) -> None:
    """After kill -9 of the holder its committed rows are there and its server is not in the way."""
    with subprocess.Popen([sys.executable, "-c", HOLDER, str(data)], stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout
        url = holder.stdout.readline().strip()
        with psycopg.connect(url) as session:
            session.execute("create table kept as select 1 as x")
        holder.kill()
    with embedded.running(data) as url:
        assert ask(url, "select x from kept") == 1


def test_orphaned_server_is_evicted(data: Path) -> None:
    """A server that outlived its hub is stopped before ours starts."""
    with folder.held(data):
        orphan = cluster.launch(folder.prepare(data))
    with embedded.running(data) as url:
        assert orphan.poll() is not None
        assert answers(url)


def test_stale_pid_file_of_a_living_stranger(data: Path) -> None:
    """After a reboot the number in the pid file may be somebody else's: he is left alone and we start."""
    with embedded.running(data):
        path = folder.find(data)
        assert path
    (path / "postmaster.pid").write_text(f"{os.getpid()}\n{path}\n")
    with embedded.running(data) as url:
        assert answers(url)


def test_long_folder_gets_a_short_socket(data: Path) -> None:
    """A path longer than a socket's name may be still works."""
    deep = data / ("long" * 20) / ("path" * 20)
    with embedded.running(deep) as url:
        assert answers(url)
        assert embedded.tenant(deep) == url
        path = folder.find(deep)
        assert path
        assert cluster.sockets(path).is_dir()
    assert not cluster.sockets(path).exists()


def test_failed_start_tells_the_log(data: Path) -> None:
    """A cluster that PostgreSQL refuses gives its reason."""
    with embedded.running(data):
        path = folder.find(data)
        assert path
    (path / "postgresql.auto.conf").write_text("no_such_setting = 1\n")
    with (
        pytest.raises(Unavailable, match=r"did not start in .*unrecognized configuration parameter|no_such_setting"),
        embedded.running(data),
    ):
        pass


def test_half_made_cluster_is_made_anew(data: Path) -> None:
    """A hub killed while it created the cluster leaves nothing that the next start trips over."""
    data.mkdir(mode=0o711)
    (data / "postgres.new").mkdir()
    (data / "postgres.new" / "PG_VERSION").write_text("18\n")
    with embedded.running(data) as url:
        assert answers(url)


def test_unknown_version_is_refused(data: Path) -> None:
    """A cluster of a version that the wheel does not hold names the version."""
    with embedded.running(data):
        path = folder.find(data)
        assert path
    (path / "PG_VERSION").write_text("12\n")
    with pytest.raises(Unavailable, match="needs PostgreSQL 12"), embedded.running(data):
        pass


@pytest.mark.skipif(os.geteuid() != 0, reason="only root's server runs as another account")
def test_root_keeps_closed_folders_closed() -> None:
    """Under a folder that the account cannot enter, the cluster lies outside and no permission changes."""
    with embedded.scratch() as made:
        closed = made / "closed"
        closed.mkdir(mode=0o700)
        data = closed / "data"
        with embedded.running(data) as url:
            path = folder.find(data)
            assert answers(url)
        assert closed.stat().st_mode & 0o777 == 0o700
        assert path
        assert path.is_relative_to(binaries.STATE)
        with embedded.running(data) as url:
            assert ask(url, "show data_directory") == str(path)
        subprocess.run(["rm", "-r", str(path)], check=True)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root's server runs as another account")
def test_root_lends_the_server_an_account(data: Path) -> None:
    """Root's server runs as an existing unprivileged user."""
    lent = account.server_account()
    assert lent
    with embedded.running(data):
        path = folder.find(data)
        assert path
        assert path.stat().st_uid == lent.uid
        assert Path(f"/proc/{postmaster(path)}").stat().st_uid == lent.uid
