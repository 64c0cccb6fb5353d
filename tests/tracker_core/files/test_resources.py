"""Files and their holders: rows, contents on disk, orphans."""

from pathlib import Path

import pytest

from tracker_core import files
from tracker_core.database import Session
from tracker_core.errors import Conflict, NotFound, Unavailable


def kept(session: Session, uid: str, domain: str = "DATA_VALUE") -> files.FileResource:
    """A file of ten bytes."""
    return files.keep(session, uid, "a.txt", "text/plain", 10, "md5", domain, "tester")


def age(session: Session) -> None:
    """Let three hours pass."""
    session.execute("update file_resource set free_since = free_since - interval '3 hours'")


def test_a_uid_is_taken_once(session: Session) -> None:
    """The second file of one uid is refused, the first stays."""
    first = kept(session, "FiOne000001")
    with pytest.raises(Conflict, match="already exists"):
        kept(session, "FiOne000001")
    assert files.find(session, "FiOne000001") == first
    assert files.find(session, "FiTwo000001") is None


def test_only_who_holds_a_file_lets_go_of_it(session: Session) -> None:
    """The holder's object and field must be the same."""
    kept(session, "FiOne000001")
    files.assign(session, "event", [("FiOne000001", (7, "DeForm00000"))])
    files.release(session, [("FiOne000001", (8, "DeForm00000")), ("FiOne000001", (7, "DeOther0000"))])
    found = files.find(session, "FiOne000001")
    assert found is not None
    assert (found.kind, found.holder, found.field) == ("event", 7, "DeForm00000")
    files.release(session, [("FiOne000001", (7, "DeForm00000"))])
    found = files.find(session, "FiOne000001")
    assert found is not None
    assert found.holder is None


def test_what_nothing_holds_goes_after_two_hours(session: Session) -> None:
    """Held files, younger ones and those of other domains stay."""
    for uid in ("FiHeld00001", "FiFree00001"):
        kept(session, uid)
    kept(session, "FiIcon00001", "ICON")
    files.assign(session, "event", [("FiHeld00001", (7, "DeForm00000"))])
    assert files.forget_orphans(session) == []
    age(session)
    kept(session, "FiYoung0001")
    assert files.forget_orphans(session) == ["FiFree00001"]
    assert files.find(session, "FiFree00001") is None


def test_the_two_hours_begin_when_a_file_is_let_go(session: Session) -> None:
    """An old file that was held until now stays for a while."""
    kept(session, "FiOne000001")
    files.assign(session, "event", [("FiOne000001", (7, "DeForm00000"))])
    age(session)
    files.release(session, [("FiOne000001", (7, "DeForm00000"))])
    assert files.forget_orphans(session) == []


def test_contents_are_written_read_renamed_removed(tmp_path: Path) -> None:
    """Uids that differ by case alone are different files, even where names do not tell case apart."""
    files.write(tmp_path, "AbCdefghijk", b"one")
    files.write(tmp_path, "aBcdefghijk", b"two")
    assert (files.read(tmp_path, "AbCdefghijk"), files.read(tmp_path, "aBcdefghijk")) == (b"one", b"two")
    names = [path.name.lower() for path in tmp_path.rglob("*") if path.is_file()]
    assert len(set(names)) == 2
    files.rename(tmp_path, "AbCdefghijk", "NewName0001")
    assert files.read(tmp_path, "NewName0001") == b"one"
    files.remove(tmp_path, ["NewName0001", "NewName0001"])
    with pytest.raises(NotFound):
        files.read(tmp_path, "NewName0001")


def test_a_disk_that_refuses_is_told(tmp_path: Path) -> None:
    """The caller may try again; nothing half-written stays."""
    (tmp_path / "no").write_bytes(b"a file where a folder is needed")
    with pytest.raises(Unavailable, match="could not be stored"):
        files.write(tmp_path, "No000000001", b"x")
    assert [path.name for path in tmp_path.rglob("*")] == ["no"]
