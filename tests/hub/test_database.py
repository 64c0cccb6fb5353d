"""Which database a process works on."""

import psycopg
import pytest

from hub import embedded
from hub.database import database, prepare, session_on, with_password
from hub.settings import Settings
from tracker_core.errors import Malformed, Unavailable


def test_external_database_is_migrated(database_url: str) -> None:
    """An external database is brought to the newest schema and used as it is named."""
    with database(Settings(database_url=database_url)) as url, psycopg.connect(url) as session:
        assert url == database_url
        assert session.execute("select count(*) from message").fetchone() == (0,)


def test_embedded_database_can_be_joined() -> None:
    """A command works on the server of the hub that runs on the same folder, or starts one for itself."""
    with embedded.scratch() as folder:
        settings = Settings(data=folder / "data")
        with database(settings) as url, database(settings, shared=True) as joined:
            assert joined == url
        with session_on(settings) as session:
            assert session.execute("select count(*) from message").fetchone() == (0,)


def test_no_database_named() -> None:
    """Without folder and URL the user is told what to name."""
    with pytest.raises(Malformed, match="--data DIR"), database(Settings()):
        pass


def test_external_database_away() -> None:
    """A database that does not answer is named by its reason, without a trace."""
    with pytest.raises(Unavailable, match=r"the database is not available: .*refused"):
        prepare("postgresql://nobody@127.0.0.1:1/nothing")


def test_password_from_elsewhere() -> None:
    """A password that came by file gets into the URL, whatever letters it has."""
    assert with_password("postgresql://me@db/hub", None) == "postgresql://me@db/hub"
    assert with_password("postgresql://me@db/hub", "p:s/ö@") == "postgresql://me:p%3As%2F%C3%B6%40@db/hub"
