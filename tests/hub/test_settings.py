"""Settings: where they come from, which wins, and what is said when one is wrong."""

from pathlib import Path

import pytest

from hub.settings import Address, Settings, describe, load
from tracker_core.errors import Malformed


def test_defaults() -> None:
    """Without anything given the hub serves this machine only."""
    assert load({}, {}) == Settings()
    assert str(Settings().http) == "127.0.0.1:8080"


def test_flag_beats_variable_beats_file(tmp_path: Path) -> None:
    """The nearer to the command line, the stronger."""
    file = tmp_path / "hub.toml"
    file.write_text('http = "1.1.1.1:1"\nmllp = "1.1.1.1:2"\nrole = "api"\nbody_limit = 5\n')
    environ = {"TRACKER_HUB_HTTP": "2.2.2.2:1", "TRACKER_HUB_MLLP": "2.2.2.2:2"}
    found = load({"http": "3.3.3.3:1", "mllp": None}, environ, file)
    assert (str(found.http), str(found.mllp), found.role, found.body_limit) == ("3.3.3.3:1", "2.2.2.2:2", "api", 5)


def test_file_is_found(tmp_path: Path) -> None:
    """The file may be named by a variable, or lie in the data folder."""
    (tmp_path / "hub.toml").write_text('role = "mllp"')
    assert load({"data": str(tmp_path)}, {}).role == "mllp"
    assert load({}, {"TRACKER_HUB_CONFIG": str(tmp_path / "hub.toml")}).role == "mllp"


def test_secret_from_a_file(tmp_path: Path) -> None:
    """NAME_FILE reads the value from a file, without the line end that editors leave."""
    (tmp_path / "secret").write_text("s3cret\n")
    assert load({}, {"TRACKER_HUB_ADMIN_PASSWORD_FILE": str(tmp_path / "secret")}).admin_password == "s3cret"


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("127.0.0.1:80", Address("127.0.0.1", 80)),
        ("[::1]:0", Address("::1", 0)),
        (":8080", Address("0.0.0.0", 8080)),
        ("8080", Address("127.0.0.1", 8080)),
        ("hub.example.org:1", Address("hub.example.org", 1)),
    ],
)
def test_addresses(text: str, address: Address) -> None:
    """An address may leave out its host."""
    assert load({"http": text}, {}).http == address


def test_addresses_are_shown_as_they_are_written() -> None:
    """An IPv6 host gets its brackets back."""
    assert str(Address("::1", 80)) == "[::1]:80"


@pytest.mark.parametrize(
    ("flags", "environ", "text"),
    [
        ({"http": "here:99999"}, {}, "--http: 'here:99999' is not HOST:PORT with a port from 0 to 65535"),
        ({"mllp": "2575x"}, {}, "--mllp: '2575x' is not HOST:PORT"),
        ({"role": "boss"}, {}, "--role: 'boss' is not one of all, api, mllp"),
        ({}, {"TRACKER_HUB_BODY_LIMIT": "0"}, "TRACKER_HUB_BODY_LIMIT: '0' is not a positive whole number"),
        ({}, {"TRACKER_HUB_DATABASE_URL": "mysql://x"}, "TRACKER_HUB_DATABASE_URL: 'mysql://x' is not a postgresql"),
        ({}, {"TRACKER_HUB_ADMIN_PASSWORD_FILE": "/no/file"}, "TRACKER_HUB_ADMIN_PASSWORD_FILE: cannot read /no/file"),
        ({}, {"TRACKER_HUB_CONFIG": "/no/file"}, "cannot read the configuration file /no/file: No such file"),
    ],
)
def test_wrong_values_name_their_source(flags: dict[str, str], environ: dict[str, str], text: str) -> None:
    """Whoever set a wrong value is told which one and why."""
    with pytest.raises(Malformed) as error:
        load(flags, environ)
    assert error.value.detail.startswith(text)


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("http = ", "cannot read the configuration file .*hub.toml: Invalid value"),
        ("htpp = '1:1'", "hub.toml: unknown key 'htpp'; known are admin_password, "),
        ("http = [1]", "hub.toml: http must be a text or a number"),
        ("role = true", "hub.toml: role must be a text or a number"),
        ("role = 'boss'", "hub.toml: role: 'boss' is not one of"),
    ],
)
def test_wrong_file_names_its_key(tmp_path: Path, content: str, text: str) -> None:
    """A wrong configuration file is told by name and key."""
    (tmp_path / "hub.toml").write_text(content)
    with pytest.raises(Malformed, match=text):
        load({}, {}, tmp_path / "hub.toml")


def test_description_lists_every_setting() -> None:
    """The help knows each variable."""
    text = describe()
    assert "TRACKER_HUB_ADMIN_PASSWORD" in text
    assert "TRACKER_HUB_HTTP                 where to serve HTTP, HOST:PORT [127.0.0.1:8080]" in text
