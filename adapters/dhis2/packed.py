"""Bodies that are sent packed: gzip or zip, known by their first bytes."""

import zipfile
import zlib
from io import BytesIO

from tracker_core.errors import Malformed

_MOST = 512 * 2**20
_ZIP = (b"PK\x03\x04", b"PK\x05\x06")
_GZIP = 16 + zlib.MAX_WBITS


def unpack(raw: bytes) -> bytes:
    """Return the body unpacked: of a zip its only file, anything else as it is.

    Raises `Malformed` for a broken archive, one with several files, and more than 512 MiB.
    """
    if raw[:2] == b"\x1f\x8b":
        return _gunzip(raw)
    return _unzip(raw) if raw[:4] in _ZIP else raw


def _gunzip(raw: bytes) -> bytes:
    stream = zlib.decompressobj(_GZIP)
    try:
        body = stream.decompress(raw, _MOST)
    except zlib.error as error:
        raise Malformed(f"the body is not gzip: {error}") from error
    if not stream.eof:
        raise Malformed("the gzip body ends too early, or holds more than is taken here")
    return body


def _unzip(raw: bytes) -> bytes:
    try:
        with zipfile.ZipFile(BytesIO(raw)) as archive:
            files = [entry for entry in archive.infolist() if not entry.is_dir()]
            if len(files) != 1 or files[0].file_size > _MOST:
                raise Malformed("a zipped body holds exactly one file, of no more than 512 MiB")
            with archive.open(files[0]) as file:
                return file.read(_MOST)
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError) as error:
        raise Malformed(f"the body is not a zip archive: {error}") from error
