"""What was sent: one file of rows, or a set of files that belong together, opened one after the other."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from adapters.contract import Envelope
from adapters.emr.charset import open_text
from adapters.emr.sheet import Sheet, open_sheet
from adapters.emr.tables import layout_of, person_column
from adapters.emr.upload import options_of
from adapters.emr.visits import column_issues
from tracker_core.context import Peer
from tracker_core.errors import Malformed


@dataclass(frozen=True, slots=True)
class File:
    """One file of rows: its name, the table it is read by (empty: the peer's), the column that names the person."""

    name: str
    table: str
    person: str
    open: Callable[[], AbstractContextManager[Sheet]]


@dataclass(frozen=True, slots=True)
class Source:
    """Files in the order in which they are best applied."""

    files: tuple[File, ...]


def open_source(paths: Sequence[Path], envelope: Envelope, peer: Peer) -> Source:
    """Return what is in these files, for a peer whose settings and the envelope's parameters say how they are read.

    Raises Malformed when a header is not what its table says, or a file is no rows at all.
    """
    if not paths:
        raise Malformed("there is no file")
    table = envelope.parameters.get("table", "")
    layout = layout_of(peer, table)
    person = person_column(layout.table)
    files = [File(path.name, table, person, partial(_open, path, envelope)) for path in paths]
    for file in files:
        with file.open() as sheet:
            for issue in column_issues(sheet, layout):
                if issue.severity == "error":
                    raise Malformed(f"{file.name}: {issue.text}", issue.where)
    return Source(tuple(files))


@contextmanager
def _open(path: Path, envelope: Envelope) -> Iterator[Sheet]:
    charset, delimiter, layout = options_of(envelope)
    with path.open("rb") as file, open_text(file, charset) as text:
        yield open_sheet(text, delimiter, layout)
