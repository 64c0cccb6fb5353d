"""Files that commands are given."""

from pathlib import Path

from tracker_core.errors import Malformed, NotFound


def read_bytes(file: Path) -> bytes:
    """Return what a file holds. Raises `NotFound` where none can be read."""
    try:
        return file.read_bytes()
    except FileNotFoundError as error:
        raise NotFound(f"there is no file {file}") from error
    except OSError as error:
        raise NotFound(f"cannot read {file}: {error.strerror}") from error


def read_text(file: Path) -> str:
    """Return the text of a file in UTF-8. Raises `NotFound` where none can be read, `Malformed` for other bytes."""
    try:
        return read_bytes(file).decode()
    except UnicodeDecodeError as error:
        raise Malformed(f"{file} is no text in UTF-8: {error.reason} at byte {error.start}") from error
