"""Search in displays by the starts of words, best first, without looking at more than is asked for."""

import re
import unicodedata
from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from heapq import merge

_WORD = re.compile(r"[^\W_]+")
# From so many on, walking all texts from the best on beats putting in order those that fit.
_MANY_TEXTS, _MANY_LISTS = 20_000, 2_000


@dataclass(frozen=True, slots=True, eq=False)
class WordIndex:
    """The words of a list of texts. A text's rank is its place when shorter texts come first.

    `order[rank]` is the position of a text in the list; `words` are sorted, and `postings[i]` holds the ranks of the
    texts that hold `words[i]`, best first; `starts` are ranks sorted by text.
    """

    texts: tuple[str, ...]
    order: "array[int]"
    words: tuple[str, ...]
    postings: "tuple[array[int], ...]"
    starts: "array[int]"

    def find(self, text: str) -> Iterator[int]:
        """Yield positions of texts in which each word of `text` starts some word; two letters are the least.

        The text itself comes first, then what starts with it, then the others; of each, the shorter before the longer.
        """
        wanted = folded(text)
        parts = _WORD.findall(wanted)
        if not parts or len(wanted) < 2:
            return
        yield from (self.order[rank] for rank in self._beginning(wanted))
        for rank in self._holding(parts):
            if not self._text(rank).startswith(wanted):
                yield self.order[rank]

    def search(self, text: str, limit: int) -> list[int]:
        """Return the first `limit` positions that `find` yields."""
        return [at for at, _ in zip(self.find(text), range(limit), strict=False)]

    def _beginning(self, wanted: str) -> Iterable[int]:
        """Return the ranks of texts that start with `wanted`, best first; where they are many, as they are met."""
        low = bisect_left(self.starts, wanted, key=self._text)
        high = bisect_left(self.starts, f"{wanted}\U0010ffff", key=self._text)
        if high - low <= _MANY_TEXTS:
            return sorted(self.starts[low:high])
        return (rank for rank in range(len(self.texts)) if self._text(rank).startswith(wanted))

    def _text(self, rank: int) -> str:
        return self.texts[self.order[rank]]

    def _holding(self, parts: list[str]) -> Iterator[int]:
        """Yield the ranks of texts that hold all the parts: walk the rarest, look the others up.

        A part that starts many words is met sooner by walking all texts than by putting its lists in order.
        """
        rarest, *others = sorted(set(parts), key=self._weight)
        lists = self._lists(rarest)
        if len(lists) > _MANY_LISTS:
            yield from (rank for rank in range(len(self.texts)) if self._holds(rank, parts))
            return
        last = -1
        for rank in merge(*lists):
            if rank != last and (not others or self._holds(rank, others)):
                yield rank
            last = rank

    def _holds(self, rank: int, parts: list[str]) -> bool:
        return _each_starts_one(parts, _WORD.findall(self._text(rank)))

    def _weight(self, part: str) -> int:
        return sum(map(len, self._lists(part)))

    def _lists(self, prefix: str) -> "Sequence[array[int]]":
        low = bisect_left(self.words, prefix)
        return self.postings[low : bisect_left(self.words, f"{prefix}\U0010ffff")]


def holds_words(said: str, text: str) -> bool:
    """Tell whether each word of `text` starts some word of `said`."""
    parts = _WORD.findall(folded(text))
    return bool(parts) and _each_starts_one(parts, _WORD.findall(folded(said)))


def _each_starts_one(parts: Iterable[str], words: Iterable[str]) -> bool:
    words = tuple(words)
    return all(any(word.startswith(part) for word in words) for part in parts)


def folded(text: str) -> str:
    """Return `text` in lower case without accents, as search compares it."""
    if text.isascii():
        return text.casefold().strip()
    parts = unicodedata.normalize("NFKD", text)
    return "".join(c for c in parts if not unicodedata.combining(c)).casefold().strip()


def index_words(texts: Sequence[str]) -> WordIndex:
    """Index `texts`; positions are their places in the list."""
    plain = tuple(folded(text) for text in texts)
    order = array("i", sorted(range(len(plain)), key=lambda at: (len(plain[at]), at)))
    postings: dict[str, array[int]] = {}
    for rank, at in enumerate(order):
        for word in set(_WORD.findall(plain[at])):
            postings.setdefault(word, array("i")).append(rank)
    words = tuple(sorted(postings))
    starts = array("i", sorted(range(len(plain)), key=lambda rank: plain[order[rank]]))
    return WordIndex(plain, order, words, tuple(postings[word] for word in words), starts)
