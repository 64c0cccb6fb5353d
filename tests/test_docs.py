"""The documents hold together: a link that leads nowhere is a document that went missing."""

import re
from pathlib import Path

ROOT = Path(__file__).parent.parent
LINK = re.compile(r"\]\(([^)#:]+)(?:#[^)]*)?\)")


def test_every_link_leads_to_a_file() -> None:
    """README, SECURITY and everything below docs/ link only to what is there."""
    documents = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
    links = [(page, target) for page in documents for target in LINK.findall(page.read_text("utf-8"))]
    assert len(links) > 10
    assert [f"{page.name} -> {target}" for page, target in links if not (page.parent / target).exists()] == []
