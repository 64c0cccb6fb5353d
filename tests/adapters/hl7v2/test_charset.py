"""Bytes to text by MSH-18, and back."""

import pytest

from adapters.hl7v2 import charset
from mappings import er7

HEAD = "MSH|^~\\&|A|B|C|D|2026||ADT^A08|1|P|2.5||||||{}\rPID|||1||{}\r"


@pytest.mark.parametrize(
    ("name", "codec", "text"),
    [
        ("8859/1", "iso8859-1", "Noël"),
        ("8859/5", "iso8859-5", "Привет"),
        ("8859/15", "iso8859-15", "5 €"),
        ("UNICODE UTF-8", "utf-8", "ŋaŋa ✓"),
        ("unicode  utf-8", "utf-8", "é"),
        ("ISO-8859-1", "iso8859-1", "é"),
        ("~ISO IR87", "iso2022_jp_ext", "山田"),
        ("ASCII~ISO IR159", "iso2022_jp_ext", "山田"),
        ("GB 18030-2000", "gb18030", "张伟"),
        ("KS X 1001", "euc_kr", "김"),
        ("BIG-5", "big5", "陳"),
    ],
)
def test_the_declared_set_is_used_both_ways(name: str, codec: str, text: str) -> None:
    """The names of table 0211, in the spellings people use, read what was written and write it again."""
    raw = HEAD.format(name, text).encode(codec)
    message, issues = charset.parse_message(raw)
    assert er7.value(message.segments[1], message.encoding, 5) == text
    assert issues == ()
    assert charset.render_message(message) == raw


def test_without_a_name_the_peer_decides_then_utf8_then_windows() -> None:
    """The order of MSH-18, the peer's default, UTF-8, Windows-1252; only the last is a guess, and says so."""
    assert charset.decode(HEAD.format("", "é").encode("iso8859-5", "replace"), "8859/5").codec == "iso8859-5"
    assert charset.decode(HEAD.format("", "é").encode()).issues == ()
    guessed = charset.decode(HEAD.format("", "é “x”").encode("cp1252"))
    assert (guessed.codec, guessed.text) == ("cp1252", HEAD.format("", "é “x”"))
    assert [issue.severity for issue in guessed.issues] == ["warning"]
    assert charset.decode(b"MSH|^~\\&|\x81\xe9").codec == "iso8859-1"


def test_a_wrong_or_unknown_name_is_a_warning() -> None:
    """Bytes that are not what they claim are read as the next best thing, and an unknown name is reported."""
    wrong = charset.decode(HEAD.format("ASCII", "é").encode())
    assert (wrong.codec, len(wrong.issues)) == ("utf-8", 1)
    unknown = charset.decode(HEAD.format("KLINGON", "é").encode())
    assert (unknown.codec, unknown.issues[0].value) == ("utf-8", "KLINGON")


@pytest.mark.parametrize("codec", ["utf-16", "utf-16-le", "utf-16-be"])
def test_utf16_is_recognised_by_its_bytes(codec: str) -> None:
    """A wide message is read with or without a byte order mark."""
    message, issues = charset.parse_message(HEAD.format("UNICODE UTF-16", "é").encode(codec))
    assert er7.value(message.segments[1], message.encoding, 5) == "é"
    assert issues == ()


def test_broken_utf16_is_a_warning() -> None:
    """Half a character at the end does not lose the message."""
    assert charset.decode("MSH|^~\\&|é".encode("utf-16") + b"\x00").issues


def test_what_the_peer_cannot_write_loses_its_accents() -> None:
    """A letter outside the peer's set is written as the nearest one, a question mark at worst."""
    assert charset.encode("Ŋ ș é 山", "iso8859-1") == "? s é ?".encode("iso8859-1")


def test_a_byte_order_mark_means_utf8() -> None:
    """A mark before MSH wins over what MSH-18 says."""
    decoded = charset.decode(b"\xef\xbb\xbf" + HEAD.format("8859/1", "é").encode())
    assert decoded.codec == "utf-8"
    assert decoded.text.startswith("MSH")


def test_names_of_peers_profiles_become_codecs() -> None:
    """What a profile names is used; an unknown or empty name means UTF-8."""
    assert [charset.codec_of(name) for name in ("8859/1", "", "KLINGON")] == ["iso8859-1", "utf-8", "utf-8"]
