"""Which message tells a peer of what happened, where its route leaves that to the format."""

from collections.abc import Sequence

from adapters.contract import Adapter, Happened
from hub.bound import parse
from tracker_core import records, routes
from tracker_core.context import Peer
from tracker_core.database import Session
from tracker_core.history import Touched
from tracker_core.records import Stored
from tracker_core.routes import Due, Route

Chosen = tuple[str, Due]


def chosen(
    session: Session,
    adapter: Adapter,
    peer: Peer,
    route: Route,
    touched: Sequence[Touched],
    names: dict[int, str],
) -> list[Chosen]:
    """Return what a route is to send, each with its message type; what the format has no message for is left out.

    A route without a type leaves it to the format when the message is written.
    """
    if adapter.trigger is None:
        return [(route.type, due) for due in routes.matching(route, touched, names)]
    found = routes.matching(route, touched, names, merges=adapter.trigger(route.type, _MERGED, peer) != route.type)
    happened = _happened(session, found)
    typed = [(adapter.trigger(route.type, what, peer), due) for what, due in zip(happened, found, strict=True)]
    return [(type, due) for type, due in typed if type or not route.type]


_MERGED = Happened("person", "merge")


def _happened(session: Session, due: Sequence[Due]) -> list[Happened]:
    now = records.by_pk(session, [one.about["record"] for one in due if "record" in one.about])
    before = records.earlier(session, list(now.values()))
    return [
        Happened(
            next(iter(one.about)),
            one.action,
            _document(before.get(one.about.get("record", 0))),
            _document(now.get(one.about.get("record", 0))),
        )
        for one in due
    ]


def _document(record: Stored | None) -> dict[str, object] | None:
    return parse(record) if record is not None and not record.deleted else None
