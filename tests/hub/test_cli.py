"""The command line beside `serve`."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from hub import VERSION
from hub.settings import describe
from tracker_core import users
from tracker_core.database import Pool, transaction

ROOT = Path(__file__).parents[2]


def run(*arguments: str, given: str = "", **environ: str) -> subprocess.CompletedProcess[str]:
    """Run `tracker-hub` to its end."""
    command = [sys.executable, "-m", "hub", *arguments]
    env = {**os.environ, **environ}
    return subprocess.run(command, cwd=ROOT, env=env, input=given, capture_output=True, text=True, check=False)


def test_help_tells_all_of_it() -> None:
    """The help names every command, every setting and every path."""
    shown = run("--help").stdout
    for word in (
        "serve",
        "worker",
        "beat",
        "migrate",
        "demo",
        "convert",
        "terms",
        "mappings",
        "hl7v2",
        "password",
        "health",
    ):
        assert f"\n  {word} " in shown
    for line in describe().splitlines():
        assert line in shown
    for path in ("/fhir", "/api", "/hl7v2", "/hub", "/health/live", "/health/ready", "/metrics"):
        assert path in shown


@pytest.mark.parametrize("arguments", [["nonsense"], ["serve", "--nonsense"], ["convert"]])
def test_unknown_words(arguments: Sequence[str]) -> None:
    """What the command line does not know ends with 2."""
    assert run(*arguments).returncode == 2


def test_migrate_and_password(pool: Pool, database_url: str) -> None:
    """The schema can be brought up and a password set from outside of a running hub."""
    assert run("migrate", "--database-url", database_url).stdout == "the schema is up to date\n"
    with transaction(pool) as session:
        users.ensure_admin(session, "old")
    assert run("password", "admin", "--database-url", database_url, given="new\n").returncode == 0
    with transaction(pool) as session:
        assert users.verify(session, "admin", "new")
    unknown = run("password", "nobody", "--database-url", database_url, given="new\n")
    assert (unknown.returncode, unknown.stderr.startswith("tracker-hub: ")) == (2, True)


def test_health_of_nobody(tmp_path: Path) -> None:
    """A hub that does not answer, and a process that shows no life, are unhealthy."""
    asked = run("health", "--http", "127.0.0.1:1")
    assert (asked.returncode, asked.stdout.startswith("no answer from 127.0.0.1:1")) == (1, True)
    silent = run("health", "--process", "worker", TMPDIR=str(tmp_path))
    assert (silent.returncode, silent.stdout) == (1, "worker: has shown no sign of life within the last minute\n")
    (tmp_path / "tracker-hub-worker.alive").touch()
    assert run("health", "--process", "worker", TMPDIR=str(tmp_path)).stdout == "worker: up\n"
    assert run("health", "--process", "nothing").returncode == 2


def test_version() -> None:
    """The version is told."""
    assert run("--version").stdout == f"Tracker Hub {VERSION}\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["convert", "--from", "fhir", "--to", "hl7v2", "none.json"], "there is no file none.json"),
        (["convert", "--from", "fhir", "--to", "hl7v2", "/"], "cannot read /: Is a directory"),
        (["bindings", "check", "BYTES"], "is no text in UTF-8: invalid start byte at byte 0"),
        (["mappings", "check", "BYTES"], "is no text in UTF-8: invalid start byte at byte 0"),
        (["hl7v2", "inspect", "none.hl7"], "there is no file none.hl7"),
        (["worker", "--database-url", "postgresql://x", "--redis-url", "http://x"], "'http://x' is not a redis:// URI"),
        (["emr", "export", "BYTES", "--peer", "x", "--since", "soon"], "--since is a moment"),
        (["emr", "export", "BYTES", "--peer", "x"], "File exists"),
    ],
)
def test_what_cannot_be_read_is_told_in_one_line(tmp_path: Path, arguments: Sequence[str], said: str) -> None:
    """A missing file, a folder, bytes that are no text, a wrong address or moment: exit 2, and no traceback."""
    odd = tmp_path / "odd"
    odd.write_bytes(b"\xff\xfe")
    done = run(*[str(odd) if word == "BYTES" else word for word in arguments])
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert said in done.stderr


def test_mapping_tables_are_checked(tmp_path: Path) -> None:
    """The built-in tables fit together; what is laid over them is told by file and line when it does not."""
    assert run("mappings", "check").stdout.endswith("all fit together\n")
    (tmp_path / "hl7v2" / "segments").mkdir(parents=True)
    (tmp_path / "hl7v2" / "segments" / "patient.map").write_text("PID:Patient\nPID-8 <-> gender nocodec\n")
    wrong = run("mappings", "check", str(tmp_path))
    assert (wrong.returncode, "/patient:2 PID-8" in wrong.stderr) == (2, True)
    assert run("mappings", "check", "/no/folder").stderr == "tracker-hub: there is no folder /no/folder\n"


def test_coverage_of_the_official_maps(tmp_path: Path) -> None:
    """The command tells the share per map and names what is missing; a folder without maps is an error."""
    folder = tmp_path / "segments"
    folder.mkdir()
    rows = "a\nb\n8,PID-8,Sex,CWE,0,1,,,,gender,,\n37,PID-37,Strain,ST,0,1,,,,photo,,\n"
    (folder / "HL7 Segment - FHIR R4_ PID[Patient] - PID.csv").write_text(rows, encoding="utf-8")
    told = run("mappings", "coverage", "hl7v2", "--guide", str(tmp_path), "--missing").stdout.split("\n")
    assert [" ".join(line.split()) for line in told] == ["PID[Patient] 1 of 2", "PID-37 photo", "all 1 of 2 50%", ""]
    assert "no segment maps" in run("mappings", "coverage", "hl7v2", "--guide", str(folder)).stderr
    assert "--guide DIR is needed" in run("mappings", "coverage", "hl7v2").stderr
    assert "no official map for emr" in run("mappings", "coverage", "emr", "--guide", str(folder)).stderr
