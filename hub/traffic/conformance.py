"""What the messages of a peer break of its conformance profile, and a profile tried before it counts."""

from collections.abc import Iterator
from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, BaseModel, Field

from adapters.contract import Adapter, Envelope
from hub.runtime import Runtime
from tracker_core import messages, peers
from tracker_core.database import Session, transaction
from tracker_core.errors import Malformed, Unsupported
from tracker_core.issues import Issue
from tracker_core.messages import Message
from tracker_core.traffic import searching
from tracker_core.traffic.searching import Wanted
from tracker_core.traffic.violations import violations

AT_ONCE = 500
EXAMPLES = 5


class Trial(BaseModel):
    """A profile to try on the newest messages that a peer sent, of a type or of all."""

    profile: dict[str, Any]
    type: str = ""
    limit: int = Field(1000, ge=1, le=10_000)


def routes_for(runtime: Runtime) -> APIRouter:
    """Return the two routes."""
    router = APIRouter()

    @router.get("/peers/{code}/violations")
    def list_violations(
        code: str,
        prefix: str = "conformance",
        since: AwareDatetime | None = None,
        limit: Annotated[int, Query(ge=1, le=1000)] = 200,
    ) -> Any:
        """List what was wrong with the newest 20,000 messages of a peer, by code and place; `prefix=` lists all."""
        with transaction(runtime.pool) as session:
            peer = peers.read(session, code)
            return [asdict(one) for one in violations(session, peer.id, prefix, since, limit)]

    @router.post("/peers/{code}/conformance/try")
    def try_profile(code: str, body: Trial) -> Any:
        """Tell what a profile would find wrong with messages that are stored; nothing is changed."""
        with transaction(runtime.pool) as session:
            peer = peers.read(session, code)
            adapter = runtime.adapter(peer.format)
            if adapter.conform is None or adapter.check_settings is None:
                raise Unsupported(f"the format {peer.format} has no conformance profiles")
            adapter.check_settings({"conformance": body.profile})
            return tried(session, adapter, code, body)

    return router


def tried(session: Session, adapter: Adapter, code: str, body: Trial) -> dict[str, Any]:
    """Return how many messages were looked at, how many break a rule, and each broken rule with examples."""
    found: dict[tuple[str, str, str], dict[str, Any]] = {}
    looked = broken = 0
    for message in newest(session, code, body):
        issues = found_by(adapter, message, body.profile)
        looked += 1
        broken += bool(issues)
        for issue in issues:
            line = found.setdefault((issue.code, issue.severity, issue.text), {"count": 0, "messages": []})
            line["count"] += 1
            if len(line["messages"]) < EXAMPLES and message.id not in line["messages"]:
                line["messages"].append(message.id)
    rules = [{"code": c, "severity": s, "text": t, **line} for (c, s, t), line in found.items()]
    return {"messages": looked, "broken": broken, "rules": sorted(rules, key=lambda rule: -int(rule["count"]))}


def newest(session: Session, code: str, body: Trial) -> Iterator[Message]:
    """Yield the newest messages that a peer sent, with their bytes, a batch in memory at a time."""
    before, left = None, body.limit
    while left > 0:
        wanted = Wanted(peer=code, direction="in", type=body.type)
        page = searching.search(session, wanted, before, min(left, AT_ONCE))
        known = messages.by_ids(session, [one["id"] for one in page.messages])
        yield from (known[id] for id in sorted(known, reverse=True) if known[id].body is not None)
        left -= len(page.messages)
        before = page.next
        if before is None:
            return


def found_by(adapter: Adapter, message: Message, profile: dict[str, Any]) -> list[Issue]:
    """Return what a profile finds wrong with a message; bytes that are no message break nothing."""
    assert adapter.conform is not None
    try:
        return adapter.conform(message.body or b"", Envelope(**message.about), profile)
    except Malformed:
        return []
