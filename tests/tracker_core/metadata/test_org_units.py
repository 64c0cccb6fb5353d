"""The org unit tree in rows: paths, moves, subtrees."""

from typing import Any

from tracker_core import metadata
from tracker_core.context import Context
from tracker_core.database import Session
from tracker_core.metadata import Metadata, org_units


def test_paths_and_levels_follow_the_parents(metadata_here: Metadata) -> None:
    """The path lists uids from the root; the level counts them."""
    clinic = metadata_here.org_units["OuClinicA00"]
    assert clinic.path == "/OuCountry00/OuNorth0000/OuClinicA00"
    assert clinic.level == 3
    assert clinic.is_under(metadata_here.org_units["OuCountry00"])
    assert not clinic.is_under(metadata_here.org_units["OuSouth0000"])


def test_subtrees_and_children(session: Session, metadata_here: Metadata) -> None:
    """`descendants` takes the whole subtree, `children` one level; both include the unit itself."""
    north, everything = org_units.descendants(session, ["OuNorth0000"]), org_units.descendants(session, ["OuCountry00"])
    assert {metadata_here.uids[pk] for pk in north} == {"OuNorth0000", "OuClinicA00", "OuClinicB00"}
    assert len(everything) == 6
    below = org_units.children(session, ["OuCountry00"])
    assert {metadata_here.uids[pk] for pk in below} == {"OuCountry00", "OuNorth0000", "OuSouth0000"}


def test_a_move_carries_the_subtree(session: Session, context: Context, metadata_here: Metadata) -> None:
    """Moving a district moves its clinics, although the payload does not name them."""
    moved = {"id": "OuNorth0000", "name": "North District", "parent": {"code": "SAV_S"}}
    metadata.import_objects(session, context, {"organisationUnits": [moved]})
    clinic = metadata.load(session).org_units["OuClinicA00"]
    assert clinic.path == "/OuCountry00/OuSouth0000/OuNorth0000/OuClinicA00"
    assert clinic.level == 4


def test_parent_and_child_may_swap(session: Session, context: Context, metadata_here: Metadata) -> None:
    """A move that would be a circle with the stored tree is none when the parent moves in the same payload."""
    docs = [
        {"id": "OuNorth0000", "name": "North", "parent": {"id": "OuClinicA00"}},
        {"id": "OuClinicA00", "name": "Alder", "parent": {"id": "OuCountry00"}},
    ]
    report = metadata.import_objects(session, context, {"organisationUnits": docs})
    assert report.issues == []
    assert metadata.load(session).org_units["OuClinicB00"].path == "/OuCountry00/OuClinicA00/OuNorth0000/OuClinicB00"


def test_documents_come_back_with_their_place(session: Session, metadata_here: Metadata) -> None:
    """What was imported comes back with path, level, leaf and parent."""
    [doc] = org_units.documents(session, ["OuClinicA00"])
    assert doc["contactPerson"] == "Invented Person"
    assert doc["parent"] == {"id": "OuNorth0000"}
    assert (doc["level"], doc["leaf"]) == (3, True)
    assert len(org_units.documents(session)) == 7


def test_circles_and_chains(session: Session, context: Context, metadata_here: Metadata) -> None:
    """A circle is refused whole, a unit below it too; a chain of any length has its paths."""
    circle = [
        {"id": "OuNorth0000", "name": "North", "parent": {"id": "OuClinicA00"}},
        {"id": "OuClinicA00", "name": "Alder", "parent": {"id": "OuNorth0000"}},
        {"id": "OuBelow0000", "name": "Below", "parent": {"id": "OuClinicB00"}},
    ]
    issues = metadata.import_objects(session, context, {"organisationUnits": circle}).issues
    assert {issue.code for issue in issues} == {"E5002"}
    assert len(issues) == 3


def test_chains(session: Session, context: Context, metadata_here: Metadata) -> None:
    """Children may come before their parents, a hundred levels deep and no deeper."""

    def chain(links: int) -> dict[str, Any]:
        docs = [_unit(f"Ou{n:09d}", f"Ou{n - 1:09d}") for n in range(links, 0, -1)]
        return {"organisationUnits": [*docs, _unit("Ou000000000", "OuCountry00")]}

    assert metadata.import_objects(session, context, chain(98)).issues == []
    assert metadata.load(session).org_units["Ou000000098"].level == 100
    assert [issue.code for issue in metadata.import_objects(session, context, chain(99)).issues] == ["too-deep"]


def _unit(uid: str, parent: str) -> dict[str, Any]:
    named = {"id": uid, "name": uid, "shortName": uid, "openingDate": "2000-01-01"}
    return {**named, "parent": {"id": parent}}
