"""k-anonymity: how many persons share each combination of the facts by which a person might be told."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Anonymity:
    """The cells of a release: `cells` maps the texts of the quasi-identifiers to how many persons have them."""

    columns: tuple[str, ...]
    k: int
    cells: Mapping[tuple[str, ...], int]

    @property
    def failing(self) -> list[tuple[tuple[str, ...], int]]:
        """The cells with fewer than k persons, the smallest first."""
        return sorted(((cell, n) for cell, n in self.cells.items() if n < self.k), key=lambda pair: (pair[1], pair[0]))

    def fails(self, row: Mapping[str, str]) -> bool:
        """Tell whether a person's row is of a cell with too few."""
        return self.cells.get(self.cell(row), 0) < self.k

    def cell(self, row: Mapping[str, str]) -> tuple[str, ...]:
        """Return the cell of a person's row."""
        return tuple(row.get(column, "") for column in self.columns)

    def report(self) -> list[str]:
        """Return lines that tell how anonymous a release is, and each cell that fails."""
        small = self.failing
        head = f"{len(self.cells)} cells by {', '.join(self.columns)}; {len(small)} with fewer than {self.k} persons"
        return [head, *(f"{count}: {', '.join(text or '(empty)' for text in cell)}" for cell, count in small)]


def reckon(rows: Iterable[Mapping[str, str]], columns: Sequence[str], k: int) -> Anonymity:
    """Count the persons of each cell; a row is one person."""
    cells = Counter(tuple(row.get(column, "") for column in columns) for row in rows)
    return Anonymity(tuple(columns), k, cells)
