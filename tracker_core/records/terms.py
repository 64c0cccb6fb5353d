"""How a value looks in the search index: folded strings, hashed tokens, date ranges; for indexing and searching."""

import re
import unicodedata
from calendar import monthrange
from datetime import UTC, date, datetime
from functools import lru_cache
from hashlib import blake2b

_EPOCH = date(1970, 1, 1).toordinal()
_DAY = 86_400_000_000
LONGEST = 600  # characters kept of a string: a btree entry must stay under 2,704 bytes
_REFERENCE_BITS = 44
_HASH_BITS = 48
_INSTANT = re.compile(
    r"(\d{4}-\d\d-\d\d)T(\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?(?:(Z)|([+-])(\d\d):(\d\d))?", re.ASCII
)
MIN_TIME = -(2**62)
MAX_TIME = 2**62


def fold(text: str) -> str:
    """Return `text` without case and accents, cut to what an index entry can hold (FHIR R4 3.1.1.4.8)."""
    return text.lower()[:LONGEST] if text.isascii() else folded(text)[:LONGEST]


def folded(text: str) -> str:
    """Return the whole of `text` without case and accents."""
    decomposed = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    return "".join(c for c in decomposed if not unicodedata.combining(c))


def hashed(parameter: int, form: str, text: str) -> int:
    """Return the negative token for a text under a parameter; `form` keeps kinds of text apart.

    The upper bits are the parameter, the lower 48 a hash: among ten million different texts of one parameter, a search
    meets a false one in 30 million.
    """
    digest = blake2b(f"{parameter}\0{form}\0{text}".encode("utf-8", "surrogatepass"), digest_size=6).digest()
    return -(parameter << _HASH_BITS | int.from_bytes(digest)) - 1


def hashed_range(parameter: int) -> tuple[int, int]:
    """Return the lowest and highest token that `hashed` can give under a parameter."""
    return -(parameter + 1 << _HASH_BITS), -(parameter << _HASH_BITS) - 1


@lru_cache(maxsize=65_536)
def code_tokens(parameter: int, system: str, code: str) -> tuple[int, int, int]:
    """Return the tokens of a coded value: for `code`, for `system|code` (also `|code`), for `system|`."""
    return (
        hashed(parameter, "c", code),
        hashed(parameter, "s", f"{system}|{code}"),
        hashed(parameter, "y", system),
    )


@lru_cache(maxsize=65_536)
def text_token(parameter: int, text: str) -> tuple[str, int]:
    """Return a text beside a code, folded, and its token."""
    term = fold(text)
    return term, hashed(parameter, "t", term)


@lru_cache(maxsize=4_096)
def unit_token(form: str) -> int:
    """Return the token of a unit as it is written (`system|code|unit`)."""
    return hashed(0, "q", form)


def reference_token(parameter: int, target: int) -> int:
    """Return the positive token of a reference under `parameter` to the record with key `target`."""
    return (parameter << _REFERENCE_BITS) | target


def reference_range(parameter: int) -> tuple[int, int]:
    """Return the lowest and highest token that `reference_token` can give under a parameter."""
    return parameter << _REFERENCE_BITS, (parameter + 1 << _REFERENCE_BITS) - 1


@lru_cache(maxsize=65_536)
def date_range(text: str) -> tuple[int, int] | None:
    """Return the half-open range of microseconds since 1970 (UTC) that a FHIR date, dateTime or instant stands for.

    A time without a zone counts as UTC. None when the text is no possible date (30 February, month 13).
    """
    try:
        if len(text) == 10:
            day = _days(date.fromisoformat(text))
            return day, day + _DAY
        if len(text) == 7 and text[4] == "-":
            year, month = int(text[:4]), int(text[5:])
            first = _days(date(year, month, 1))
            return first, first + monthrange(year, month)[1] * _DAY
        if len(text) == 4:
            return _days(date(int(text), 1, 1)), _days(date(int(text), 12, 31)) + _DAY
        return _instant_range(text)
    except ValueError:
        return None


def _days(day: date) -> int:
    return (day.toordinal() - _EPOCH) * _DAY


def _instant_range(text: str) -> tuple[int, int] | None:
    match = _INSTANT.fullmatch(text)
    if match is None:
        return None
    day, hour, minute, second, fraction, _, sign, zone_hour, zone_minute = match.groups()
    if int(hour) > 23 or int(minute) > 59 or int(second or 0) > 60 or int(zone_hour or 0) > 14:
        return None
    micros = _days(date.fromisoformat(day)) + (int(hour) * 60 + int(minute)) * 60_000_000
    if sign:
        offset = (int(zone_hour) * 60 + int(zone_minute)) * 60_000_000
        micros += offset if sign == "-" else -offset
    if second is None:
        return micros, micros + 60_000_000
    micros += int(second) * 1_000_000
    if fraction is None:
        return micros, micros + 1_000_000
    micros += int(fraction[:6].ljust(6, "0"))
    return micros, micros + 10 ** max(6 - len(fraction), 0)


@lru_cache(maxsize=64)
def instant(moment: datetime) -> str:
    """Return an aware time as a FHIR instant in UTC with milliseconds: what is stored is what is emitted."""
    utc = moment.astimezone(UTC)
    return f"{utc:%Y-%m-%dT%H:%M:%S}.{utc.microsecond // 1000:03d}Z"
