"""PostgreSQL's programs, where the server's account can run them."""

import subprocess
from pathlib import Path

import pytest

from hub import embedded
from hub.embedded import account, binaries


def test_a_copy_runs_without_the_wheel() -> None:
    """A copied install makes a cluster as whoever the server runs as, although its umask was closed."""
    install = binaries.programs(18, None).parent
    lent = account.server_account()
    with embedded.scratch() as state:
        copied = binaries.copy(install, state)
        assert binaries.copy(install, state) == copied
        cluster = state / "cluster"
        cluster.mkdir()
        if lent:
            subprocess.run(["chown", str(lent.uid), str(cluster)], check=True)
        command = [copied / "bin" / "initdb", "--no-sync", "-D", cluster]
        subprocess.run(command, check=True, capture_output=True, cwd="/", **(lent.credentials if lent else {}))
        assert (cluster / "PG_VERSION").read_text().strip() == "18"
        assert [entry.name for entry in state.iterdir() if entry.name.startswith("pgsql-")] == [copied.parents[1].name]


def test_programs_of_the_wheel_are_used_in_place() -> None:
    """Nothing is copied when the programs can be run where they are."""
    assert (binaries.programs(18, None) / "postgres").is_file()


def test_reach_is_asked_of_the_system(tmp_path: Path) -> None:
    """An account reaches what the kernel lets it enter."""
    lent = account.server_account()
    if not lent:
        pytest.skip("only root can ask for another account")
    tmp_path.chmod(0o700)
    assert account.reaches(lent, Path("/tmp"))
    assert not account.reaches(lent, tmp_path)
