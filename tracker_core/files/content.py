"""What a file really is: by its first bytes, never by what its sender calls it. What may harm a reader is refused."""

import re
import zipfile
from collections.abc import Callable
from io import BytesIO
from pathlib import PurePosixPath

from tracker_core.errors import Conflict

LONGEST_NAME = 160
_TEXT, _BYTES, _JAR = "text/plain", "application/octet-stream", "application/java-archive"
# Of what a browser or a system would run: DHIS2's block list, and what comes down to the same.
BLOCKED_TYPES = frozenset(
    """
    text/html text/css text/javascript application/x-httpd-php application/x-sh
    font/otf font/ttf font/woff font/woff2 font/collection application/x-shockwave-flash
    application/vnd.debian.binary-package application/x-rpm application/java-archive application/java-vm
    application/vnd.microsoft.portable-executable application/x-executable application/x-mach-binary
    application/x-xar application/vnd.mozilla.xul+xml application/x-msi
    """.split()
)
BLOCKED_EXTENSIONS = frozenset(
    """
    html htm xhtml css js mjs otf ttf ttc woff woff2 eot swf deb rpm jar war apk jsp exe dll com scr msi mpkg pkg xul
    php bin sh bash csh zsh ps1 bat cmd vbs class
    """.split()
)
_SIGNATURES: tuple[tuple[bytes, str], ...] = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"BM", "image/bmp"),
    (b"II*\0", "image/tiff"),
    (b"MM\0*", "image/tiff"),
    (b"%PDF-", "application/pdf"),
    (b"\x1f\x8b", "application/gzip"),
    (b"7z\xbc\xaf\x27\x1c", "application/x-7z-compressed"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "application/x-ole-storage"),
    (b"OggS", "audio/ogg"),
    (b"ID3", "audio/mpeg"),
    (b"\x1a\x45\xdf\xa3", "video/webm"),
    (b"MZ", "application/vnd.microsoft.portable-executable"),
    (b"\x7fELF", "application/x-executable"),
    (b"\xcf\xfa\xed\xfe", "application/x-mach-binary"),
    (b"\xce\xfa\xed\xfe", "application/x-mach-binary"),
    (b"\xca\xfe\xba\xbe", "application/java-vm"),
    (b"\xed\xab\xee\xdb", "application/x-rpm"),
    (b"!<arch>\ndebian", "application/vnd.debian.binary-package"),
    (b"xar!", "application/x-xar"),
    (b"FWS", "application/x-shockwave-flash"),
    (b"CWS", "application/x-shockwave-flash"),
    (b"OTTO", "font/otf"),
    (b"\0\x01\0\0\0", "font/ttf"),
    (b"ttcf", "font/collection"),
    (b"wOFF", "font/woff"),
    (b"wOF2", "font/woff2"),
)
# Inside of a container the kind stands further on: (container, offset, mark) -> type.
_INNER: tuple[tuple[bytes, int, bytes, str], ...] = (
    (b"RIFF", 8, b"WEBP", "image/webp"),
    (b"RIFF", 8, b"WAVE", "audio/wav"),
    (b"", 4, b"ftypheic", "image/heic"),
    (b"", 4, b"ftypM4A", "audio/mp4"),
    (b"", 4, b"ftyp", "video/mp4"),
)
_OFFICE = {
    "word/": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "xl/": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "ppt/": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
}
_LEGACY_OFFICE = {"doc": "application/msword", "xls": "application/vnd.ms-excel", "msi": "application/x-msi"}
_TEXT_TYPES = {"csv": "text/csv", "json": "application/json", "xml": "application/xml"}
_TAG = re.compile(rb"<(!doctype html|html|head|body|script|iframe|svg|\?xml|\?php)[\s>/]?", re.IGNORECASE)
_LOOKED_AT = 4_096


def safe_name(given: str) -> str:
    """Return the last part of a file name without what a path or a header could be made to mean by it.

    Raises `Conflict` (E6100) when nothing is left.
    """
    name = PurePosixPath(given.replace("\\", "/")).name
    name = "".join(letter for letter in name if letter.isprintable() and letter not in '"<>|:*?').strip(" .")
    if not name:
        raise Conflict("E6100 Filename not present")
    stem, dot, extension = name.rpartition(".")
    return name if len(name) <= LONGEST_NAME else stem[: LONGEST_NAME - len(extension) - 1] + dot + extension


def media_type(name: str, content: bytes) -> str:
    """Return the media type that the bytes show. Raises `Conflict` (E6101) for what is not allowed.

    `name` decides only between types that share one form: the text and Office formats.
    """
    extension = name.rpartition(".")[2].lower() if "." in name else ""
    found = _by_signature(content) or _by_container(content, extension) or _by_text(content, extension) or _BYTES
    if found in BLOCKED_TYPES or extension in BLOCKED_EXTENSIONS:
        raise Conflict(f"E6101 File type not allowed: {name} ({found})")
    return found


def _by_signature(content: bytes) -> str:
    for mark, type in _SIGNATURES:
        if content.startswith(mark) and type != "application/x-ole-storage":
            return type
    for container, offset, mark, type in _INNER:
        if content.startswith(container) and content[offset:].startswith(mark):
            return type
    return ""


def _by_container(content: bytes, extension: str) -> str:
    if content.startswith(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"):
        return _LEGACY_OFFICE.get(extension, "application/x-ole-storage")
    return _by_archive(content) if content.startswith(b"PK\x03\x04") else ""


def _by_archive(content: bytes) -> str:
    """Look at the names in a ZIP archive, never into its members."""
    try:
        with zipfile.ZipFile(BytesIO(content)) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, ValueError, OSError):
        return "application/zip"
    if "META-INF/MANIFEST.MF" in names or any(name.endswith((".class", ".dex")) for name in names):
        return _JAR
    office = (type for folder, type in _OFFICE.items() if any(name.startswith(folder) for name in names))
    return next(office, "application/zip")


def _by_text(content: bytes, extension: str) -> str:
    """Return the type of a text, empty for what is none: markup and scripts are known by how they begin."""
    start = content[:_LOOKED_AT]
    if b"\0" in start or not _is_utf8(start):
        return ""
    if start.startswith(b"#!"):
        return "application/x-sh"
    tags = {tag.lower() for tag in _TAG.findall(start)}
    if b"?php" in tags:
        return "application/x-httpd-php"
    if b"svg" in tags and start.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        return "image/svg+xml"
    if tags - {b"?xml", b"svg"} and start.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        return "text/html"
    return _TEXT_TYPES.get(extension, _TEXT)


def _is_utf8(start: bytes) -> bool:
    """Tell whether `start` is UTF-8, whose last character may be cut."""
    decode: Callable[[bytes], str] = bytes.decode
    for cut in range(4):
        try:
            decode(start[: len(start) - cut] if cut else start)
        except UnicodeDecodeError:
            continue
        return True
    return False
