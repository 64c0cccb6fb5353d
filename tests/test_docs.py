"""The documents hold together: links lead somewhere, commands and settings that they name exist."""

import re
from dataclasses import fields
from pathlib import Path
from typing import Any

from typer.main import get_command

from hub.cli import app
from hub.settings import PREFIX, Settings

ROOT = Path(__file__).parent.parent
LINK = re.compile(r"\]\(([^)#:]+)(?:#[^)]*)?\)")


def test_every_link_leads_to_a_file() -> None:
    """README, SECURITY and everything below docs/ link only to what is there."""
    documents = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
    links = [(page, target) for page in documents for target in LINK.findall(page.read_text("utf-8"))]
    assert len(links) > 10
    assert [f"{page.name} -> {target}" for page, target in links if not (page.parent / target).exists()] == []


def pages() -> dict[str, str]:
    """The texts of the documents, by name."""
    return {page.name: page.read_text("utf-8") for page in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]}


def test_every_command_is_one() -> None:
    """What the documents tell to type is known to the command line and the Makefile."""
    top: Any = get_command(app)
    targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
    unknown = []
    for name, text in pages().items():
        for first, second in re.findall(r"(?:^|`|/bin/)tracker-hub ([a-z0-9]+)(?: ([a-z0-9]+))?", text, re.MULTILINE):
            known = top.commands.get(first)
            if known is None or (second and hasattr(known, "commands") and second not in known.commands):
                unknown.append(f"{name}: tracker-hub {first} {second}")
        unknown += [f"{name}: make {word}" for word in re.findall(r"`make ([a-z]+)", text) if word not in targets]
    assert unknown == []


def test_every_variable_is_a_setting() -> None:
    """Each TRACKER_HUB_… of the documents is read by the hub, itself or as the name of a file."""
    known = {f"{PREFIX}{setting.name.upper()}" for setting in fields(Settings)} | {f"{PREFIX}CONFIG"}
    told = {(name, one) for name, text in pages().items() for one in re.findall(rf"{PREFIX}[A-Z_]+[A-Z]", text)}
    assert len(told) > 10
    assert [f"{name}: {one}" for name, one in sorted(told) if one.removesuffix("_FILE") not in known] == []
