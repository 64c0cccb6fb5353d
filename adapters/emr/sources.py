"""What was sent: one file of rows, or a set of files that belong together (a zip, a folder, several files)."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from zipfile import BadZipFile, ZipFile, is_zipfile

from adapters.contract import Envelope
from adapters.emr.formats import open_file
from adapters.emr.lookups import Lookup, fill_lookup, joined
from adapters.emr.sheet import Sheet, fold
from adapters.emr.tables import DEFAULT, Sets, layout_of, person_column, set_of
from adapters.emr.visits import column_issues
from mappings.flat import Join
from tracker_core.context import Peer
from tracker_core.errors import Malformed, Unsupported

_UNPACKED_BYTES = 50 * 2**30
_SPREADSHEETS = (".xlsx", ".xls", ".ods", ".xlsb")


@dataclass(frozen=True, slots=True)
class File:
    """One file of rows: its name, the table it is read by (empty: the peer's), the column that names the person."""

    name: str
    table: str
    person: str
    open: Callable[[], AbstractContextManager[Sheet]]


@dataclass(frozen=True, slots=True)
class Source:
    """Files in the order in which they are best applied, and the names of those that no table reads."""

    files: tuple[File, ...]
    unread: tuple[str, ...] = ()


@contextmanager
def open_source(paths: Sequence[Path], envelope: Envelope, peer: Peer) -> Iterator[Source]:
    """Yield what is in these files, for a peer whose settings and the envelope's parameters say how they are read.

    A zip or a folder stands for the files in it. Files of a set find their tables by their names, and rows of others by
    the joins that the tables declare; the order in which they are given does not matter. Memory is constant: archives
    and joined files go to disk. Raises Malformed when a header is not what its table says, or a file is no rows at all.
    """
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="tracker-hub-")))
        files = [one for path in paths for one in _expanded(path, folder)]
        if not files:
            raise Malformed("there is no file")
        table = envelope.parameters.get("table", "")
        found = set_of(peer, table)
        source = _set(files, found, envelope, peer, folder) if found else _single(files, envelope, peer, table)
        for file in source.files:
            _check(file, peer)
        yield source


def _expanded(path: Path, folder: Path) -> list[Path]:
    """Return the files that a path stands for; those of an archive are unpacked into `folder`."""
    if path.is_dir():
        return sorted(one for one in path.iterdir() if one.is_file() and not one.name.startswith("."))
    if path.suffix.lower() in _SPREADSHEETS or not is_zipfile(path):
        return [path]
    try:
        with ZipFile(path) as archive:
            members = [one for one in archive.infolist() if not one.is_dir()]
            if sum(one.file_size for one in members) > _UNPACKED_BYTES:
                raise Unsupported(f"{path.name} is larger than {_UNPACKED_BYTES >> 30} GiB when it is unpacked")
            for one in members:
                one.filename = Path(one.filename).name
                archive.extract(one, folder)
    except BadZipFile as error:
        raise Malformed(f"{path.name} is a broken archive: {error}") from error
    return sorted(folder / one.filename for one in members if not one.filename.startswith("."))


def _single(files: Sequence[Path], envelope: Envelope, peer: Peer, table: str) -> Source:
    person = person_column(layout_of(peer, table).table)
    return Source(tuple(File(path.name, table, person, partial(open_file, path, envelope)) for path in files))


def _set(files: Sequence[Path], found: Sets, envelope: Envelope, peer: Peer, folder: Path) -> Source:
    name = envelope.parameters.get("table", "") or str(peer.settings.get("table", DEFAULT))
    by_stem = {fold(path.name.split(".")[0]): path for path in files}
    lookups = _lookups(by_stem, found, envelope, name, peer, folder)
    made = []
    for stem in found.files:
        if stem in by_stem and _has_table(stem, found):
            layout = layout_of(peer, f"{name}/{stem}").table
            opened = partial(_open_joined, by_stem[stem], envelope, layout.facts.joins, lookups)
            made.append(File(by_stem[stem].name, f"{name}/{stem}", person_column(layout), opened))
    unread = tuple(sorted(path.name for stem, path in by_stem.items() if stem not in found.files))
    if not made:
        raise Malformed(f"none of {', '.join(unread[:5])} is a file of the set {name}: {', '.join(found.files)}")
    return Source(tuple(made), unread)


def _has_table(stem: str, found: Sets) -> bool:
    return stem not in found.lookups


def _lookups(
    by_stem: Mapping[str, Path], found: Sets, envelope: Envelope, name: str, peer: Peer, folder: Path
) -> dict[tuple[str, str], Lookup]:
    """Put the files that others join on disk by their keys."""
    tables = [layout_of(peer, f"{name}/{stem}").table for stem in found.files if _has_table(stem, found)]
    wanted = {(join.file, join.key) for table in tables for join in table.facts.joins if join.file in by_stem}
    made = {}
    for file, key in sorted(wanted):
        with open_file(by_stem[file], envelope) as sheet:
            made[file, key] = fill_lookup(folder / f"{file}.{key}.sqlite", sheet, key)
    return made


@contextmanager
def _open_joined(
    path: Path, envelope: Envelope, joins: Sequence[Join], lookups: Mapping[tuple[str, str], Lookup]
) -> Iterator[Sheet]:
    known = [(join.column, lookups[join.file, join.key]) for join in joins if (join.file, join.key) in lookups]
    with open_file(path, envelope) as sheet:
        yield joined(sheet, known)


def _check(file: File, peer: Peer) -> None:
    with file.open() as sheet:
        for issue in column_issues(sheet, layout_of(peer, file.table)):
            if issue.severity == "error":
                raise Malformed(f"{file.name}: {issue.text}", issue.where)
