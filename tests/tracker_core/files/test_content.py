"""What files are by their content, which of them are refused, and what becomes of their names."""

import zipfile
from io import BytesIO

import pytest

from tracker_core.errors import Conflict
from tracker_core.files import media_type, safe_name
from tracker_core.files.content import LONGEST_NAME

WORD = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


def archive(*names: str) -> bytes:
    """A ZIP archive with these members."""
    made = BytesIO()
    with zipfile.ZipFile(made, "w") as opened:
        for name in names:
            opened.writestr(name, "x")
    return made.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "type"),
    [
        ("a.png", b"\x89PNG\r\n\x1a\n....", "image/png"),
        ("a.png", b"\xff\xd8\xff\xe0", "image/jpeg"),
        ("a.webp", b"RIFF\0\0\0\0WEBPVP8 ", "image/webp"),
        ("a.wav", b"RIFF\0\0\0\0WAVEfmt ", "audio/wav"),
        ("a.mp4", b"\0\0\0\x18ftypmp42", "video/mp4"),
        ("a.pdf", b"%PDF-1.7", "application/pdf"),
        ("a.svg", b'<?xml version="1.0"?>\n<svg xmlns="x"/>', "image/svg+xml"),
        ("a.xml", b'<?xml version="1.0"?><note/>', "application/xml"),
        ("a.txt", "Grüße".encode(), "text/plain"),
        ("a.csv", b"a,b\n1,2\n", "text/csv"),
        ("a.json", b"{}", "application/json"),
        ("notes", b"a < b and <html> in the middle", "text/plain"),
        ("a.docx", archive("[Content_Types].xml", "word/document.xml"), WORD),
        ("a.zip", archive("a.txt"), "application/zip"),
        ("a.zip", b"PK\x03\x04 broken", "application/zip"),
        ("a.doc", OLE, "application/msword"),
        ("a.dat", OLE, "application/x-ole-storage"),
        ("a.dat", b"\0\x01\x02\x03\xfe", "application/octet-stream"),
        ("a.dat", b"\xfe\xfd\xfc\xfb\xfa", "application/octet-stream"),
        ("a.txt", b"x" * 4095 + "é".encode(), "text/plain"),
    ],
)
def test_the_content_tells_the_type(name: str, content: bytes, type: str) -> None:
    """A name decides only between types of one form."""
    assert media_type(name, content) == type


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.png", b"MZ\x90\0"),
        ("a.txt", b"\x7fELF"),
        ("a.txt", b"#!/bin/sh\nrm -rf /"),
        ("a.txt", b"  <!DOCTYPE html><p>"),
        ("a.txt", b"<script>alert(1)</script>"),
        ("a.txt", b"<?php echo 1;"),
        ("a.zip", archive("META-INF/MANIFEST.MF", "A.class")),
        ("a.zip", archive("classes.dex")),
        ("a.msi", OLE),
        ("a.otf", b"OTTO"),
        ("script.js", b"let a = 1"),
        ("style.CSS", b"a {}"),
        ("page.html", b"words"),
        ("run.sh", b"echo"),
        ("a.deb", b"!<arch>\ndebian-binary"),
        ("a.rpm", b"\xed\xab\xee\xdb"),
    ],
)
def test_what_can_be_run_is_refused(name: str, content: bytes) -> None:
    """By content, whatever the name says, and by name, whatever the content is."""
    with pytest.raises(Conflict, match="E6101 File type not allowed"):
        media_type(name, content)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("scan.pdf", "scan.pdf"),
        ("../../etc/passwd", "passwd"),
        (r"C:\Users\x\scan.pdf", "scan.pdf"),
        ('a"b\r\nX: y.pdf', "abX y.pdf"),
        (" .hidden. ", "hidden"),
        ("é.png", "é.png"),
    ],
)
def test_a_name_is_only_a_name(given: str, kept: str) -> None:
    """No folders, no line ends, no quotes."""
    assert safe_name(given) == kept


def test_a_long_name_keeps_its_extension() -> None:
    """It is cut before the dot."""
    kept = safe_name("x" * 300 + ".pdf")
    assert (len(kept), kept[-5:]) == (LONGEST_NAME, "x.pdf")


@pytest.mark.parametrize("given", ["", "/", "..", '"?"', "\0"])
def test_no_name_is_refused(given: str) -> None:
    """Something must be left."""
    with pytest.raises(Conflict, match="E6100"):
        safe_name(given)
