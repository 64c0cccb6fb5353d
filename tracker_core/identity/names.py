"""Names and numbers made comparable: folded spelling, sound, phone."""

import re
import unicodedata

# Letters that Unicode does not decompose, and Arabic letters that are written for one another.
_LETTERS = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "ð": "d", "ɓ": "b", "ɗ": "d", "ŋ": "n", "ə": "e", "ɛ": "e", "ɔ": "o", "ı": "i"}
    | {"æ": "ae", "œ": "oe", "þ": "th", "ة": "ه", "ى": "ي", "ـ": ""}
)
# One sound, several spellings: as names of African and Arabic origin are transliterated by different clerks.
_SPELLINGS = (
    (re.compile("ph|v"), "f"),
    (re.compile("sch|sh|ch|ts|dz|z|x|c(?=[eiy])"), "s"),
    (re.compile("ck|kh|gh|g|q|c"), "k"),
    (re.compile("dj"), "j"),
    (re.compile("th|dh|d"), "t"),
    (re.compile("r"), "l"),
)
_SILENT = re.compile("[aeiouyhw\\s اوىيه]")
_REPEATED = re.compile(r"(.)\1+")
_NATIONAL_DIGITS = 9


def fold_name(name: str) -> str:
    """Return `name` in lower case without accents, marks and punctuation, words parted by one space."""
    plain = unicodedata.normalize("NFKD", name.casefold()).translate(_LETTERS)
    letters = "".join(c if c.isalpha() else " " for c in plain if not unicodedata.combining(c) and c not in "'’ʼ`")
    return " ".join(letters.split())


def name_sound(folded: str) -> str:
    """Return a key that spellings of one spoken name share: its consonants, kindred ones as one, without doubles.

    Takes a folded name; a name without any consonant is its own key.
    """
    sound = folded
    for spelling, letter in _SPELLINGS:
        sound = spelling.sub(letter, sound)
    return _REPEATED.sub(r"\1", _SILENT.sub("", sound)) or folded


def fold_phone(phone: str) -> str:
    """Return the last nine digits of `phone`, which are the same with and without country prefix; "" if too short."""
    digits = re.sub(r"\D", "", phone)
    return digits[-_NATIONAL_DIGITS:] if len(digits) >= 6 else ""


def usable_identifier(value: str) -> bool:
    """Tell whether an identifier can tell persons apart: not empty, not a filler such as `0000`, `N/A`, `unknown`."""
    core = re.sub(r"[\W_]", "", value).casefold()
    return len(set(core)) > 1 and core not in {"unknown", "none", "null", "na", "nil", "test", "notknown", "unk"}
