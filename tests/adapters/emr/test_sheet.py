"""Flat files as rows: charsets, delimiters, broken rows."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.contract import Envelope
from adapters.emr.charset import decode
from adapters.emr.sheet import Row, fold, read_sheet, write_sheet
from adapters.emr.upload import identify, parse
from tracker_core.errors import Malformed, Unsupported

TEXTS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=12)


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_delimiter_is_detected(delimiter: str) -> None:
    """The header's width and the rows' agreement decide, not the commas within cells."""
    lines = [["a", "b", "c"], ["1,5", "x; y; z", "2"], ["3", "4", "5"]]
    quoted = "\r\n".join(delimiter.join(f'"{cell}"' if delimiter in cell else cell for cell in line) for line in lines)
    sheet = read_sheet(quoted.encode())
    assert sheet.delimiter == delimiter
    assert [row.cells["a"] for row in sheet.rows] == ["1,5", "3"]


@pytest.mark.parametrize("charset", ["utf-8", "utf-8-sig", "utf-16", "utf-32", "cp1252"])
def test_charset_is_detected(charset: str) -> None:
    """Byte-order marks, UTF-8, and what is left when it is neither."""
    raw = "name,place\nZoë,Kivú\n".encode(charset)
    assert [row.cells for row in read_sheet(raw).rows] == [{"name": "Zoë", "place": "Kivú"}]


def test_long_text_of_another_charset_is_guessed() -> None:
    """With enough text the charset is told by its look."""
    text = "Больной жалуется на кашель и высокую температуру в течение трёх дней, назначен анализ мокроты. " * 5
    assert decode(text.encode("cp1251")) == text


def test_declared_charset_is_obeyed() -> None:
    """A declared charset wins; one that is unknown or does not fit is an error."""
    assert decode("ł".encode("iso-8859-2"), "iso-8859-2") == "ł"
    with pytest.raises(Malformed, match="not known"):
        decode(b"x", "latin-99")
    with pytest.raises(Malformed, match="not utf-8") as caught:
        decode(b"a\nb\xff", "utf-8")
    assert caught.value.where == "line 2"


@pytest.mark.parametrize(
    ("raw", "error", "message"),
    [
        (b"", Malformed, "empty"),
        (b" \r\n ", Malformed, "empty"),
        (b"PK\x03\x04...", Unsupported, "save it as CSV"),
        (b"a,b\n\x00,1\n", Malformed, "NUL"),
        (b"\x1f\x8b\x08...", Unsupported, "gzip"),
        (b"%PDF-1.7 a,b\n1,2\n", Unsupported, "a PDF"),
        (b"a,b\n" + bytes(range(1, 32)) * 20, Malformed, "control characters"),
        (b"a,,b\n1,2,3\n", Malformed, "column 2 has no name"),
        (b"Sex,sex\nF,F\n", Malformed, "sex is there twice"),
        (b'"a,b\n1,2\n', Malformed, "header cannot be read"),
    ],
)
def test_unusable_files_are_refused(raw: bytes, error: type[Exception], message: str) -> None:
    """What is no flat file is refused whole, with the reason."""
    with pytest.raises(error, match=message):
        read_sheet(raw)


def test_header_is_folded() -> None:
    """Case, blanks, dashes and empty columns at the end make no difference."""
    sheet = read_sheet(b"\n Patient ID ,family-name,,\nP1,Banda,,\n")
    assert sheet.columns == {"patient_id": "Patient ID", "family_name": "family-name"}
    assert list(sheet.rows) == [Row(3, {"patient_id": "P1", "family_name": "Banda"})]
    assert fold("  Patient  id") == "patient_id"


def test_broken_rows_do_not_hide_the_others() -> None:
    """A short row, a stray quote and an open quote cost their own line only."""
    raw = b'a,b\n1,2\n3\n4,"x\n5,6\n7,"8\n9,"10"x\n11,12\n'
    rows = list(read_sheet(raw, delimiter=",").rows)
    assert [(row.line, bool(row.fault)) for row in rows] == [
        (2, False),
        (3, True),
        (4, True),
        (5, False),
        (6, True),
        (7, True),
        (8, False),
    ]


def test_cells_may_hold_line_ends() -> None:
    """A quoted line end belongs to its cell; the row is named by its first line."""
    rows = list(read_sheet(b'a,b\n1,"x\ny"\n\n2,z\n').rows)
    assert rows == [Row(2, {"a": "1", "b": "x\ny"}), Row(5, {"a": "2", "b": "z"})]


def test_ndjson_keeps_numbers_as_written() -> None:
    """Numbers keep their digits, lists become cells, null is empty; what is no flat object is a broken row."""
    raw = b'{"a": 72.50, "b": ["x", "y"], "c": null, "d": true, "e": 7}\n\nnope\n[1]\n{"a": {"x": 1}}\n'
    sheet = read_sheet(raw)
    rows = list(sheet.rows)
    assert (sheet.layout, sheet.columns) == ("ndjson", {name: name for name in "abcde"})
    assert rows[0] == Row(1, {"a": "72.50", "b": "x; y", "c": "", "d": "true", "e": "7"})
    assert [(row.line, row.fault[:17]) for row in rows[1:]] == [
        (3, "not a JSON object"),
        (4, "not a JSON object"),
        (5, "a is neither text"),
    ]


@pytest.mark.parametrize("layout", ["csv", "ndjson"])
@pytest.mark.parametrize("delimiter", [",", "\t"])
@given(rows=st.lists(st.tuples(TEXTS.map(lambda t: f"x{t}"), TEXTS), max_size=5))
def test_written_rows_are_read_back(layout: str, delimiter: str, rows: list[tuple[str, str]]) -> None:
    """Any text survives writing and reading."""
    cells = [{"a": a, "b": b} for a, b in rows]
    raw = write_sheet(["a", "b"], cells, layout, delimiter)
    if not rows and layout == "ndjson":
        assert raw == b""
        return
    read = [
        {"a": row.cells["a"], "b": row.cells.get("b", "")} for row in read_sheet(raw, "utf-8", delimiter, layout).rows
    ]
    assert read == cells


@pytest.mark.parametrize(
    ("content_type", "parameters", "delimiter", "layout"),
    [
        ("text/csv; charset=utf-8", {}, ",", "csv"),
        ("text/tab-separated-values", {}, "\t", "csv"),
        ("text/csv", {"delimiter": "semicolon"}, ";", "csv"),
        ("application/octet-stream", {"delimiter": "|"}, "|", "csv"),
        ("application/x-ndjson", {}, ",", "ndjson"),
        ("", {"layout": "ndjson"}, ",", "ndjson"),
    ],
)
def test_request_may_say_how_to_read(
    content_type: str, parameters: dict[str, str], delimiter: str, layout: str
) -> None:
    """Content type and parameters come before detection."""
    text = '{"a": "1"}\n' if layout == "ndjson" else delimiter.join("ab") + "\n"
    sheet = parse(text.encode(), Envelope(content_type, parameters=parameters))
    assert (sheet.delimiter, sheet.layout) == (delimiter, layout)


def test_delimiters_have_one_character() -> None:
    """Another delimiter is an error of the request."""
    with pytest.raises(Malformed, match="no delimiter"):
        parse(b"a", Envelope("text/csv", parameters={"delimiter": "::"}))


def test_equal_files_are_one_message() -> None:
    """The content tells, not the name."""
    one, two = (identify(b"a,b\n", Envelope(parameters={"file": name})) for name in ("x.csv", "y.csv"))
    assert (one.type, one.dedup) == ("visits", two.dedup)
    assert identify(b"a,c\n", Envelope()).dedup != one.dedup
