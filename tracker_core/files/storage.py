"""Contents on disk, one file each, named by uid and spread over folders; written whole or not at all."""

import os
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

from tracker_core.errors import NotFound, Unavailable


def write(folder: Path, uid: str, content: bytes) -> None:
    """Keep `content` as `uid`. When this returns, it survives the machine's end. Raises `Unavailable`."""
    target = _place(folder, uid)
    draft = target.with_name(f".{target.name}.{uuid4().hex}")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with draft.open("wb") as opened:
            opened.write(content)
            opened.flush()
            os.fsync(opened.fileno())
        draft.replace(target)
    except OSError as error:
        with suppress(OSError):
            draft.unlink()
        raise Unavailable(f"the file could not be stored: {error.strerror}") from error


def rename(folder: Path, old: str, new: str) -> None:
    """Give a content its name: it is written before its uid is known to be free, and shown only once it is."""
    target = _place(folder, new)
    target.parent.mkdir(parents=True, exist_ok=True)
    _place(folder, old).replace(target)


def read(folder: Path, uid: str) -> bytes:
    """Return the content of `uid`. Raises `NotFound` when it is not on this disk."""
    try:
        return _place(folder, uid).read_bytes()
    except FileNotFoundError as error:
        raise NotFound(f"the content of file {uid} is not stored here") from error


def remove(folder: Path, uids: list[str]) -> None:
    """Remove contents; those that are gone already are no matter."""
    for uid in uids:
        _place(folder, uid).unlink(missing_ok=True)


def _place(folder: Path, uid: str) -> Path:
    # Uids differ by case alone, which not every file system tells apart: the name says it once more.
    case = "".join("1" if letter.isupper() else "0" for letter in uid)
    return folder / uid[:2].lower() / f"{uid}-{int(case, 2):x}"
