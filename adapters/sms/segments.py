"""How a text travels: GSM 7-bit or UCS-2, and in how many segments (3GPP TS 23.038, 23.040)."""

from collections.abc import Iterator
from dataclasses import dataclass

GSM7_BASIC = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§"
    "¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
GSM7_EXTENDED = "\f^{}\\[~]|€"
_BASIC, _EXTENDED = frozenset(GSM7_BASIC), frozenset(GSM7_EXTENDED)
# Typography that would turn a whole text into UCS-2, and so cut a segment from 160 to 70 characters.
_PLAIN = str.maketrans({"’": "'", "‘": "'", "“": '"', "”": '"', "–": "-", "—": "-", "…": "...", "\u00a0": " "})


@dataclass(frozen=True, slots=True)
class Segments:
    """What a text costs: `encoding` is `gsm7` or `ucs2`, `units` its septets or 16-bit units, `count` its segments."""

    encoding: str
    units: int
    count: int


def measure(text: str) -> Segments:
    """Return encoding, units and segments of `text`. An escaped character or a surrogate pair is never split."""
    gsm7 = all(c in _BASIC or c in _EXTENDED for c in text)
    single, many = (160, 153) if gsm7 else (70, 67)
    sizes = list(_sizes(text, gsm7=gsm7))
    units = sum(sizes)
    count = 1 if units <= single else _pack(sizes, many)
    return Segments("gsm7" if gsm7 else "ucs2", units, count)


def plain(text: str) -> str:
    """Return `text` with typographic quotes, dashes and blanks as GSM 7-bit has them; other characters stay."""
    return text.translate(_PLAIN)


def cut(text: str, most: int) -> str:
    """Return `text`, cut at a character and marked with dots when it needs more than `most` segments."""
    if measure(text).count <= most:
        return text
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if measure(f"{text[:middle]}...").count <= most else (low, middle - 1)
    return f"{text[:low].rstrip()}..."


def _sizes(text: str, *, gsm7: bool) -> Iterator[int]:
    for c in text:
        yield 2 if (c in _EXTENDED if gsm7 else ord(c) > 0xFFFF) else 1


def _pack(sizes: list[int], room: int) -> int:
    count, used = 1, 0
    for size in sizes:
        if used + size > room:
            count, used = count + 1, 0
        used += size
    return count
