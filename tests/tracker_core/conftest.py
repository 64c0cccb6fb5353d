"""What tests of the core share: a change set to write under, and a small country with a malaria program."""

from typing import Any

import pytest

from tests.samples import metadata as sample
from tracker_core import history, metadata
from tracker_core.context import Context
from tracker_core.database import Session
from tracker_core.metadata import Metadata


@pytest.fixture
def context(session: Session) -> Context:
    """An open change set of the user `tester`."""
    return history.open_change_set(session, actor="tester")


@pytest.fixture(scope="session")
def country() -> dict[str, Any]:
    """The payload of an invented country: org units, a malaria program, an event program, relationship types."""
    return sample.country()


@pytest.fixture
def metadata_here(session: Session, context: Context, country: dict[str, Any]) -> Metadata:
    """The invented country, imported into this test's database."""
    metadata.bootstrap(session)
    report = metadata.import_objects(session, context, country)
    assert report.issues == []
    return metadata.load(session)
