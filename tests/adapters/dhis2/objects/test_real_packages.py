"""A published package, read in every way: nothing of it makes a read fail."""

import gzip
from pathlib import Path

import orjson
import pytest

from adapters.dhis2.objects.candidates import candidates
from adapters.dhis2.objects.filters import parse_filter, passing
from adapters.dhis2.objects.ordering import ordered, parse_order
from adapters.dhis2.objects.selection import selection
from adapters.dhis2.objects.view import View, rendered
from tracker_core import access, history, metadata
from tracker_core.database import Session
from tracker_core.metadata.schema import TYPES

PACKAGE = "dhis2/metadata/TB_CS_2.41.json.gz"


@pytest.fixture
def view(session: Session, corpora: Path) -> View:
    """The hub's own view of the package."""
    payload = orjson.loads(gzip.decompress((corpora / PACKAGE).read_bytes()))
    metadata.bootstrap(session)
    context = history.open_change_set(session, actor="system")
    report = metadata.import_objects(session, context, {key: value for key, value in payload.items() if key != "users"})
    assert report.errors == []
    return View(metadata.load(session), access.load(session, "system"), locale="fr", base="http://hub.example/api")


def test_everything_can_be_shown(session: Session, view: View) -> None:
    """Every object of every type, with all its properties, and its own alone as they are stored."""
    shown = 0
    for name in TYPES:
        docs = candidates(view, name)
        every = rendered(session, view, selection(name, "*"), docs)
        owned = rendered(session, view, selection(name, ":owner"), docs)
        assert all(item.items() <= whole.items() for item, whole in zip(owned, every, strict=True))
        shown += len(every)
    assert shown > 1200


def test_everything_can_be_filtered_and_ordered(session: Session, view: View) -> None:
    """By every property of every type: having a value and having none are each other's complement."""
    for name, type in TYPES.items():
        docs = candidates(view, name)
        for described in type.properties:
            having, lacking = (
                passing([parse_filter(name, f"{described}:{op}")], any_of=False) for op in ("!null", "null")
            )
            while True:
                found = [having(view, doc) for doc in docs]
                if not view.fetch(session):
                    break
            assert [lacking(view, doc) for doc in docs] == [not held for held in found]
            assert len(ordered(view, docs, parse_order(name, f"{described}:idesc"))) == len(docs)
