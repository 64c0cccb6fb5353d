"""What a hub is told at start: flags, then environment, then a TOML file, then defaults.

Each field of `Settings` is the variable `TRACKER_HUB_<NAME>`, the variable `TRACKER_HUB_<NAME>_FILE` naming a file that
holds the value (secrets), and the key `<name>` of the configuration file. `describe()` lists them for `--help`.
"""

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from adapters.outside import USUAL_PORTS, Network, read_networks, read_ports
from tracker_core.errors import Malformed

PREFIX = "TRACKER_HUB_"
MEBIBYTE = 2**20


@dataclass(frozen=True, slots=True)
class Address:
    """Where to listen."""

    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


def read_address(text: str) -> Address:
    """Read `HOST:PORT`, `[IPV6]:PORT`, `:PORT` (every interface) or `PORT` (this machine only); 0 is any free port."""
    host, colon, port = text.rpartition(":")
    if not port.isascii() or not port.isdigit() or int(port) > 65535:
        raise ValueError("is not HOST:PORT with a port from 0 to 65535")
    return Address(host.strip("[]") or ("0.0.0.0" if colon else "127.0.0.1"), int(port))  # noqa: S104 - asked for by ":PORT"


def read_count(text: str) -> int:
    """Read a positive whole number."""
    if not text.isascii() or not text.isdigit() or int(text) == 0:
        raise ValueError("is not a positive whole number")
    return int(text)


def read_mail_server(text: str) -> str:
    """Read `HOST:PORT` of a mail server."""
    if not read_address(text).port or not text.rpartition(":")[0]:
        raise ValueError("is not HOST:PORT")
    return text


def read_database_url(text: str) -> str:
    """Read a `postgresql://` URI."""
    if not text.startswith(("postgresql://", "postgres://")):
        raise ValueError("is not a postgresql:// URI")
    return "postgresql://" + text.partition("://")[2]


def read_redis_url(text: str) -> str:
    """Read a `redis://` URI, also over TLS or a socket of this machine."""
    if not text.startswith(("redis://", "rediss://", "redis+socket://")):
        raise ValueError("is not a redis:// URI")
    return text


def read_public_url(text: str) -> str:
    """Read `https://HOST[:PORT]` or `http://HOST[:PORT]`, without a path."""
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.path.strip("/") or not text.isascii():
        raise ValueError("is not https://HOST[:PORT]")
    return f"{parts.scheme}://{parts.netloc}"


def read_choice(*choices: str) -> Callable[[str], str]:
    """Return a reader of one of `choices`."""

    def read(text: str) -> str:
        if text not in choices:
            raise ValueError(f"is not one of {', '.join(choices)}")
        return text

    return read


def _told(read: Callable[[str], Any], help_: str) -> dict[str, Any]:
    return {"read": read, "help": help_}


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of one process; see `describe()`."""

    data: Path | None = field(default=None, metadata=_told(Path, "data folder: embedded PostgreSQL, watched folders"))
    files: Path | None = field(
        default=None,
        metadata=_told(Path, "folder of uploaded files, one for all processes that serve HTTP [<data>/files]"),
    )
    database_url: str | None = field(
        default=None, metadata=_told(read_database_url, "an external PostgreSQL (15 or newer) instead of the embedded")
    )
    database_password: str | None = field(
        default=None, metadata=_told(str, "password for the external PostgreSQL, when it is not in its URL")
    )
    redis_url: str | None = field(
        default=None, metadata=_told(read_redis_url, "leave background work to Celery workers, woken over this Redis")
    )
    http: Address = field(
        default=Address("127.0.0.1", 8080), metadata=_told(read_address, "where to serve HTTP, HOST:PORT")
    )
    mllp: Address = field(
        default=Address("127.0.0.1", 2575), metadata=_told(read_address, "where to serve HL7v2 over MLLP, HOST:PORT")
    )
    mllp_tls_certificate: Path | None = field(
        default=None, metadata=_told(Path, "certificate (PEM) of the MLLP server, which then speaks TLS only")
    )
    mllp_tls_key: Path | None = field(default=None, metadata=_told(Path, "its key, when that is not in the same file"))
    mllp_tls_ca: Path | None = field(
        default=None, metadata=_told(Path, "authorities (PEM): MLLP senders must show a certificate that they signed")
    )
    role: str = field(
        default="all", metadata=_told(read_choice("all", "api", "mllp"), "what this process serves: all, api or mllp")
    )
    admin_password: str | None = field(
        default=None, metadata=_told(str, "password of the user admin, who is created on an empty database")
    )
    public_url: str | None = field(
        default=None,
        metadata=_told(read_public_url, "the address clients use, https://HOST[:PORT]; else that of each request"),
    )
    trusted_proxies: str = field(
        default="127.0.0.1",
        metadata=_told(str, "proxies whose X-Forwarded-… headers count: addresses, networks, or *"),
    )
    database_pool: int = field(
        default=16,
        metadata=_told(read_count, "most database sessions of this process; reads of HTTP faces take up to 4 more"),
    )
    body_limit: int = field(
        default=16, metadata=_told(read_count, "largest request body or HL7v2 message, in MiB, unpacked")
    )
    upload_limit: int = field(default=256, metadata=_told(read_count, "largest uploaded file, in MiB, unpacked"))
    outside_networks: tuple[Network, ...] = field(
        default=(),
        metadata=_told(
            read_networks, "private networks that subscriptions and bulk imports may reach, as 10.1.0.0/16,10.2.3.4/32"
        ),
    )
    outside_ports: frozenset[int] = field(
        default=USUAL_PORTS, metadata=_told(read_ports, "ports that these may reach [80,443]")
    )
    smtp: str | None = field(
        default=None, metadata=_told(read_mail_server, "mail server for subscriptions by mail, HOST:PORT")
    )
    mail_from: str = field(default="tracker-hub@localhost", metadata=_told(str, "address that such mails come from"))
    audit: str = field(
        default="batched",
        metadata=_told(
            read_choice("batched", "synchronous", "off"),
            "who reads what is kept: batched (lost for 0.25 s by a crash), synchronous (before the answer), or off",
        ),
    )
    audit_days: int = field(default=730, metadata=_told(read_count, "days for which it is kept who read what"))
    log: str = field(
        default="auto",
        metadata=_told(read_choice("auto", "json", "text"), "log lines: json, text, or text on terminals"),
    )


def files_folder(settings: Settings) -> Path | None:
    """Return the folder of uploaded files; without one, and without a data folder, there is none."""
    return settings.files or (settings.data / "files" if settings.data else None)


def load(flags: Mapping[str, str | None], environ: Mapping[str, str], config: Path | None = None) -> Settings:
    """Merge the settings: a flag beats the environment, which beats the file.

    `flags` maps field names to texts, None where a flag was not given. The file is `config`, else the one in
    `TRACKER_HUB_CONFIG`, else `hub.toml` in the data folder when it exists.
    Raises `Malformed` naming the flag, variable or key that is wrong.
    """
    given = {name: (f"--{name.replace('_', '-')}", text) for name, text in flags.items() if text is not None}
    texts = _from_environment(environ) | given
    file = config or (Path(environ[f"{PREFIX}CONFIG"]) if f"{PREFIX}CONFIG" in environ else None)
    if file is None and "data" in texts and Path(texts["data"][1], "hub.toml").is_file():
        file = Path(texts["data"][1], "hub.toml")
    if file:
        texts = _from_file(file) | texts
    readers = {setting.name: setting.metadata["read"] for setting in fields(Settings)}
    return Settings(**{name: _read(readers[name], *pair) for name, pair in texts.items()})


def describe() -> str:
    """Return the settings as lines of text: variable, meaning, default."""
    lines = []
    for setting in fields(Settings):
        shown = isinstance(setting.default, str | int | Address) and setting.default != ""
        default = f" [{setting.default}]" if shown else ""
        lines.append(f"{PREFIX}{setting.name.upper():<20} {setting.metadata['help']}{default}")
    return "\n".join(lines)


def _read(read: Callable[[str], Any], source: str, text: str) -> Any:
    try:
        return read(text)
    except ValueError as error:
        raise Malformed(f"{source}: {text!r} {error}") from error


def _from_environment(environ: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    """Return field name -> (variable, text) of the variables that are set; an empty one counts as unset."""
    found = {}
    for setting in fields(Settings):
        variable = PREFIX + setting.name.upper()
        if path := environ.get(f"{variable}_FILE"):
            found[setting.name] = (f"{variable}_FILE", _read_secret(f"{variable}_FILE", Path(path)))
        elif text := environ.get(variable):
            found[setting.name] = (variable, text)
    return found


def _read_secret(variable: str, path: Path) -> str:
    try:
        return path.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise Malformed(f"{variable}: cannot read {path}: {error}") from error


def _from_file(path: Path) -> dict[str, tuple[str, str]]:
    try:
        content = tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise Malformed(f"cannot read the configuration file {path}: {reason}") from error
    known = {setting.name for setting in fields(Settings)}
    for name, value in content.items():
        if name not in known:
            raise Malformed(f"{path}: unknown key {name!r}; known are {', '.join(sorted(known))}")
        if not isinstance(value, str | int) or isinstance(value, bool):
            raise Malformed(f"{path}: {name} must be a text or a number")
    return {name: (f"{path}: {name}", str(value)) for name, value in content.items()}
