"""docker-compose.yml: valid, and as careful as it says. No Docker engine is needed."""

import re
import subprocess
import sys
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import yaml

from hub import VERSION
from hub.settings import PREFIX, Settings

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    """The parsed file."""
    loaded: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))
    return loaded


def test_valid_against_the_compose_specification() -> None:
    """The file holds to the JSON Schema of the Compose Specification."""
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec"]
    checked = subprocess.run([*command, ROOT / "docker-compose.yml"], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout


def test_every_part_is_there(compose: dict[str, Any]) -> None:
    """PostgreSQL, Redis, two API processes, MLLP, two workers, one clock, a proxy."""
    services = compose["services"]
    assert set(services) == {"proxy", "api1", "api2", "mllp", "worker", "beat", "postgres", "redis"}
    assert services["worker"]["deploy"]["replicas"] == 2
    assert "deploy" not in services["beat"]


def test_the_image_bears_our_version(compose: dict[str, Any]) -> None:
    """A new version is a new image: nothing runs an old one by its name."""
    ours = {service["image"] for service in compose["services"].values() if "build" in service}
    assert ours == {f"tracker-hub:{VERSION}"}


def test_every_service_is_watched_and_unprivileged(compose: dict[str, Any]) -> None:
    """Each service has a health check, a user that is not root, no capabilities, and comes back."""
    for name, service in compose["services"].items():
        assert service["healthcheck"]["test"][0] == "CMD", name
        assert service["user"].partition(":")[0] not in {"", "0", "root"}, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert service["restart"] == "unless-stopped", name


def test_secrets_come_by_file(compose: dict[str, Any]) -> None:
    """No password stands in the file; what a service reads from /run/secrets it was given."""
    for secret in compose["secrets"].values():
        assert set(secret) == {"file"}
    for name, service in compose["services"].items():
        given = set(service.get("secrets", []))
        assert given <= set(compose["secrets"])
        for variable, value in service.get("environment", {}).items():
            assert "PASSWORD" not in variable or variable.endswith("_FILE"), name
            if value.startswith("/run/secrets/"):
                assert value.removeprefix("/run/secrets/") in given, name
    assert "secrets/" in (ROOT / ".gitignore").read_text("utf-8").splitlines()


def test_only_the_proxy_is_reachable(compose: dict[str, Any]) -> None:
    """Ports are published by the proxy alone, and its configuration speaks TLS on each."""
    assert [name for name, service in compose["services"].items() if "ports" in service] == ["proxy"]
    assert compose["networks"]["inside"] == {"internal": True}
    served = (ROOT / "deploy" / "nginx.conf").read_text("utf-8")
    for port in compose["services"]["proxy"]["ports"]:
        assert f"listen {port.split(':')[1]} ssl;" in served


def test_sockets_pass_the_proxy() -> None:
    """What asks to become a websocket is handed on as that; other connections to the API stay open."""
    served = (ROOT / "deploy" / "nginx.conf").read_text("utf-8")
    for line in ("map $http_upgrade $connection_upgrade", "Upgrade $http_upgrade;", "Connection $connection_upgrade;"):
        assert line in served


def test_every_variable_is_a_setting(compose: dict[str, Any]) -> None:
    """Each variable that the stack and the image give a process is one that it reads."""
    known = {f"{PREFIX}{setting.name.upper()}" for setting in fields(Settings)}
    given = set(re.findall(rf"\b({PREFIX}[A-Z_]+)=", (ROOT / "Dockerfile").read_text("utf-8")))
    for service in compose["services"].values():
        given |= {name for name in service.get("environment", {}) if name.startswith(PREFIX)}
    assert {name.removesuffix("_FILE") for name in given - known} <= known
    assert f"{PREFIX}PUBLIC_URL" in given


def test_commands_are_ours(compose: dict[str, Any]) -> None:
    """Each of our services runs a command that the command line knows, and is watched by one."""
    for name in ("api1", "mllp", "worker", "beat"):
        service = compose["services"][name]
        for command in (service["command"], service["healthcheck"]["test"][2:]):
            shown = subprocess.run(
                [sys.executable, "-m", "hub", command[0], "--help"],
                capture_output=True,
                text=True,
                check=True,
                cwd=ROOT,
            ).stdout
            assert all(option in shown for option in command if option.startswith("--")), name
