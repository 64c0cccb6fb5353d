"""Loading: the tables of this package, overlays merged over them, everything checked as one before anything is used.

hl7v2/types/*.map       CX:Identifier …          hl7v2/segments/*.map    PID:Patient …
hl7v2/structures/*.map  ORU_R01 …                concepts/*.map          NAME source -> target
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path

from mappings.codecs import BY_DEPTH, ER7, Codec
from mappings.codecs.amounts import amount, dose, medication
from mappings.codecs.coded import code, coding, concept, quantity
from mappings.codecs.payers import organization
from mappings.codecs.references import reference
from mappings.codecs.results import varies
from mappings.concepts import ConceptMap, parse_concept_map
from mappings.paths import BadRow
from mappings.rows import Row, Section, read_sections
from mappings.structure import Structure, parse_structure
from mappings.tables import Table, compile_table, type_codec

BASE = Path(__file__).parent / "tables"
MAPPED = {"code": code, "coding": coding}
# Codecs over fields that hold a concept or a unit beside their own.
MEASURED: dict[str, Callable[[Codec, Codec], Codec]] = {
    "varies": varies,
    "medication": medication,
    "amount": amount,
    "dose": dose,
}
# Codecs over the fields that tell of one organisation: what each feeds, and its codec.
ORGANIZATIONS = {
    "insurer": (("identifier", "CX"), ("", "XON"), ("address", "XAD"), ("telecom", "XTN")),
    "holder": (("identifier", "CX"), ("", "XON")),
}


@dataclass(frozen=True, slots=True, eq=False)
class Mappings:
    """Everything that was loaded: tables and types by heading (`PID:Patient`), structures and concepts by name."""

    tables: Mapping[str, Table]
    types: Mapping[str, Table]
    structures: Mapping[str, Structure]
    concepts: Mapping[str, ConceptMap]
    edition: str = ""


def load(overlays: Sequence[Path] = ()) -> Mappings:
    """Load the package's tables with `overlays` (folders of the same shape) merged over them, in order.

    A row with the same left and right replaces the other, a new row is appended, `- left right` removes; a structure or
    a concept's code of the same name replaces. Raises `BadRow` with file and line for anything that does not fit:
    an unknown path, codec, map or segment table, `[n]` outside a type table, two `<->` rows into one place.
    """
    folders = [BASE, *overlays]
    concepts = read_concepts(folders)
    types = merged_sections(folders, "hl7v2/types")
    find = er7_codecs(types, concepts)
    tables = {h: compile_table(s, 0, find) for h, s in merged_sections(folders, "hl7v2/segments").items()}
    return Mappings(
        tables,
        {heading: compile_table(section, 1, find) for heading, section in types.items()},
        {name: parse_structure(text, name, tables) for name, text in read_files(folders, "hl7v2/structures")},
        concepts,
        edition(folders[1:]),
    )


def edition(overlays: Sequence[Path] = ()) -> str:
    """Return a name for what all tables say, the overlays included: other words, another edition."""
    digest = sha256(_base_digest())
    for path in (path for folder in overlays for path in sorted(folder.rglob("*.map"))):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


@cache
def _base_digest() -> bytes:
    return sha256(b"".join(path.read_bytes() for path in sorted(BASE.rglob("*.map")))).digest()


def read_files(folders: Sequence[Path], kind: str) -> Iterator[tuple[str, str]]:
    """Yield (stem, text) of the files of one kind, those of later folders after the others."""
    for folder in folders:
        for path in sorted((folder / kind).glob("*.map")):
            yield path.stem, path.read_text(encoding="utf-8")


def read_concepts(folders: Sequence[Path]) -> dict[str, ConceptMap]:
    """Read every concept map; a later one adds its codes to one of the same name, or replaces them."""
    found: dict[str, ConceptMap] = {}
    for stem, text in read_files(folders, "concepts"):
        for part in split_maps(text):
            made = parse_concept_map(part, f"concepts/{stem}")
            base = found.setdefault(made.name, made)
            if base is not made:
                base.forward.update(made.forward)
                base.back.update(made.back)
                base.silent |= made.silent
                base.same = base.same or made.same
    return found


def split_maps(text: str) -> Iterator[str]:
    """Yield the maps of one file: each begins with a line that holds `->`. Line numbers are kept by blank lines."""
    lines = text.splitlines()
    starts = [number for number, line in enumerate(lines) if " -> " in line.split("#")[0]]
    for start, end in zip(starts, [*starts[1:], len(lines)], strict=True):
        yield "\n" * start + "\n".join(lines[start:end])


def merged_sections(folders: Sequence[Path], kind: str) -> dict[str, Section]:
    """Return the sections of one kind of file by heading, overlays merged in."""
    found: dict[str, Section] = {}
    for index, folder in enumerate(folders):
        for path in sorted((folder / kind).glob("*.map")):
            name = f"{kind.partition('/')[0]}/{path.stem}" if not index else f"{folder.name}/{path.stem}"
            for section in read_sections(path.read_text(encoding="utf-8"), name):
                heading = " ".join(section.heading)
                key = " ".join(section.heading[:2])
                if key not in found:
                    found[key] = Section(name, section.heading, section.line)
                elif not index:
                    raise BadRow(f"{name}:{section.line}: {heading} is there twice")
                merge_section(found[key], section)
    return found


def merge_section(base: Section, over: Section) -> None:
    """Merge one section over another. Raises `BadRow` for a removal that removes nothing."""
    for left, right in over.removals:
        kept = [row for row in base.rows if (row.left, row.right) != (left, right)]
        if len(kept) == len(base.rows):
            raise BadRow(f"{over.name}:{over.line}: no row {left} … {right} to remove from {base.heading[0]}")
        base.rows = kept
    own: dict[tuple[str, str], list[Row]] = {}
    for row in over.rows:
        own.setdefault((row.left, row.right), []).append(row)
    kept = []
    for row in base.rows:
        key = (row.left, row.right)
        kept += own.pop(key, []) if key in {(r.left, r.right) for r in over.rows} else [row]
    base.rows = [*kept, *(row for rows in own.values() for row in rows)]
    base.others += over.others


def er7_codecs(types: Mapping[str, Section], concepts: Mapping[str, ConceptMap]) -> Callable[[str, int], Codec]:
    """Return the function that finds a codec for an ER7 value at a depth; type tables are compiled when first named."""
    by_name = {heading.split(":")[0]: section for heading, section in reversed(list(types.items()))}

    @cache
    def find(name: str, depth: int) -> Codec:
        kind, colon, argument = name.partition(":")
        source, arrow, record_type = name.partition(">")
        if name in ER7:
            return ER7[name]
        if name in BY_DEPTH:
            return BY_DEPTH[name](depth)
        if name in MEASURED or name in ORGANIZATIONS:
            return over_fields(name, lambda part: find(part, depth))
        if arrow:
            section = types.get(f"{source}:{record_type}")
            inner = type_codec(compile_table(section, depth, find)) if section else find(source, depth)
            return reference(inner, record_type)
        if kind == "concept" and colon:
            return concept(find_map(argument, concepts), find("CWE", depth))
        made = parametric(kind, argument, concepts) if colon else None
        if made is None and name in by_name:
            made = type_codec(compile_table(by_name[name], depth, find))
        if made is None:
            raise BadRow(f"no codec {name}")
        return made

    return find


def over_fields(name: str, find: Callable[[str], Codec]) -> Codec:
    """Return a codec over several fields that is made of others."""
    if name in MEASURED:
        return MEASURED[name](find("CWE"), find("UNIT"))
    return organization(name, [(element, find(codec)) for element, codec in ORGANIZATIONS[name]])


def parametric(kind: str, argument: str, concepts: Mapping[str, ConceptMap]) -> Codec | None:
    """Return a codec of the forms that ER7 and documents share, else None."""
    if kind in MAPPED:
        return MAPPED[kind](find_map(argument, concepts))
    return quantity(argument) if kind == "quantity" and argument else None


def find_map(name: str, concepts: Mapping[str, ConceptMap]) -> ConceptMap:
    """Return a concept map by name, or raise `BadRow`."""
    if name not in concepts:
        raise BadRow(f"no concept map {name}")
    return concepts[name]
