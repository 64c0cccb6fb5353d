"""Laws of ER7 text, over generated texts and delimiters."""

from typing import Any

from hypothesis import assume, given
from hypothesis import strategies as st

from mappings import er7
from mappings.er7 import Encoding

DELIMITERS = st.permutations(list("|^~\\&#!@%*+$/:;-")).map(lambda found: Encoding(*found[:6]))
ENCODINGS = st.one_of(st.just(Encoding()), DELIMITERS)
TEXTS = st.one_of(
    st.text(st.characters(codec="utf-8"), max_size=30),
    st.text(st.sampled_from('|^~\\&#!@%HNXEFSTRP.br0Aé"\n\r+'), max_size=30),
)
NAMES = st.from_regex(r"[A-Z][A-Z0-9]{2}", fullmatch=True).filter(lambda name: name != "MSH")
RAW = st.text(st.characters(codec="utf-8", exclude_characters="|\r\n\x0b\x1c"), max_size=20)


def few(items: st.SearchStrategy[Any]) -> st.SearchStrategy[list[Any]]:
    """One to three of `items`."""
    return st.lists(items, min_size=1, max_size=3)


@given(TEXTS, ENCODINGS)
def test_escaping_is_reversible(text: str, encoding: Encoding) -> None:
    """Any text comes back through escape and unescape, and shows no delimiter or framing byte on the way."""
    raw = er7.escape(text, encoding)
    assert er7.unescape(raw, encoding) == text
    assert not set(raw) & set(
        encoding.field + encoding.component + encoding.repetition + encoding.subcomponent + "\r\x0b\x1c"
    )


@given(TEXTS, ENCODINGS)
def test_a_decoded_text_written_again_reads_the_same(raw: str, encoding: Encoding) -> None:
    """Whatever a field holds, its reading survives being written anew."""
    text = er7.unescape(raw, encoding)
    assert er7.unescape(er7.escape(text, encoding), encoding) == text


@given(
    st.lists(
        st.lists(st.lists(st.none() | TEXTS, min_size=1, max_size=3), min_size=1, max_size=3), min_size=1, max_size=3
    ),
    ENCODINGS,
)
def test_a_joined_field_splits_into_the_same_parts(
    repetitions: list[list[list[str | None]]], encoding: Encoding
) -> None:
    """Absent, null and value survive at every level, and two quotes as a text are not null."""
    assert er7.split_field(er7.join_field(repetitions, encoding), encoding) == repetitions


@given(st.lists(st.tuples(NAMES, st.lists(RAW, max_size=5)), max_size=6))
def test_parsing_and_rendering_lose_nothing(lines: list[tuple[str, list[str]]]) -> None:
    """Every field of every segment is where it was, trailing empty ones too."""
    text = "".join("|".join([name, *fields]) + "\r" for name, fields in [("MSH", ["^~\\&", "A"]), *lines])
    message = er7.parse(text)
    assert er7.render(message) == text
    assert [segment[0] for segment in message.segments] == ["MSH", *(name for name, _ in lines)]


@given(st.text(max_size=60))
def test_no_text_breaks_the_parser(text: str) -> None:
    """Any text behind a header is either a message that renders stably, or refused as malformed."""
    try:
        message = er7.parse("MSH|^~\\&|A\r" + text)
    except er7.Malformed:
        assume(False)
        raise
    once = er7.render(message)
    assert er7.render(er7.parse(once)) == once
