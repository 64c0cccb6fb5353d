"""Search in displays by the starts of words."""

import re
import unicodedata
from array import array
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

_WORD = re.compile(r"[^\W_]+")


@dataclass(frozen=True, slots=True, eq=False)
class WordIndex:
    """The sorted words of a list of texts, and for each the positions of the texts that hold it."""

    texts: tuple[str, ...]
    words: tuple[str, ...]
    postings: "tuple[array[int], ...]"

    def search(self, text: str, limit: int) -> list[int]:
        """Return positions of texts in which each word of `text` starts some word, best first."""
        wanted = folded(text)
        parts = _WORD.findall(wanted)
        if not parts or len(wanted) < 2:
            return []
        found: set[int] | None = None
        for part in sorted(parts, key=len, reverse=True):
            hits = self._starting(part)
            found = hits if found is None else found & hits
        return sorted(found or (), key=lambda at: self._rank(at, wanted))[:limit]

    def _starting(self, prefix: str) -> set[int]:
        hits: set[int] = set()
        for at in range(bisect_left(self.words, prefix), len(self.words)):
            if not self.words[at].startswith(prefix):
                break
            hits.update(self.postings[at])
        return hits

    def _rank(self, at: int, wanted: str) -> tuple[bool, bool, int, int]:
        text = self.texts[at]
        return text != wanted, not text.startswith(wanted), len(text), at


def folded(text: str) -> str:
    """Return `text` in lower case without accents, as search compares it."""
    parts = unicodedata.normalize("NFKD", text)
    return "".join(c for c in parts if not unicodedata.combining(c)).casefold().strip()


def index_words(texts: Sequence[str]) -> WordIndex:
    """Index `texts`; positions are their places in the list."""
    postings: dict[str, array[int]] = {}
    plain = tuple(folded(text) for text in texts)
    for at, text in enumerate(plain):
        for word in set(_WORD.findall(text)):
            postings.setdefault(word, array("i")).append(at)
    words = tuple(sorted(postings))
    return WordIndex(plain, words, tuple(postings[word] for word in words))
