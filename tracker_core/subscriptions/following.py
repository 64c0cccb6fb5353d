"""Subscription and topic records as they are written: refused when they cannot be followed, else in effect at once."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import orjson

from tracker_core import peers
from tracker_core.context import Context
from tracker_core.database import Session
from tracker_core.errors import HubError
from tracker_core.issues import Issue
from tracker_core.records.drafts import Draft
from tracker_core.records.search import matching
from tracker_core.subscriptions import plans
from tracker_core.subscriptions.plans import Plan, Wrong

ACTOR = "subscriptions"
FORMAT = "subscription"
_KINDS = ("Subscription", "Basic")
_OFF = ("off", "entered-in-error")


def problems(session: Session, drafts: Sequence[Draft]) -> list[Issue]:
    """Return why Subscriptions and topics among the drafts cannot be followed, each at its element."""
    found = []
    mine = [d for d in drafts if d.change.type in _KINDS and not d.action and d.change.method != "delete"]
    urls = _urls(session) if any(d.change.type == "Subscription" for d in mine) else set()
    for draft in mine:
        try:
            for element, type_, query in _check(draft, urls):
                _try(session, element, type_, query)
        except Wrong as wrong:
            where = f"{draft.change.where or draft.change.type}.{wrong.element}"
            found.append(Issue(wrong.code, wrong.text, where=where, value=wrong.value))
    return found


def _check(draft: Draft, urls: set[str]) -> list[tuple[str, str, str]]:
    """Return the searches in a record, each with its element and type. Raises `Wrong`."""
    if draft.change.type == "Basic":
        if not plans.is_topic(draft.view):
            return []
        url, triggers = plans.read_topic(draft.view)
        urls.add(url)
        return [("extension", one.type, query) for one in triggers for query in (one.now, one.before) if query]
    if draft.view.get("status") in _OFF:
        return []
    plan = plans.read_subscription(draft.view)
    if plan.topic and plan.topic.partition("|")[0] not in urls:
        raise Wrong("criteria", "there is no topic of this url", plan.topic, "not-found")
    return [("criteria", type_, query) for type_, query in plan.filters] + [
        ("criteria", one.type, one.now) for one in plan.triggers
    ]


def _try(session: Session, element: str, type_: str, query: str) -> None:
    try:
        matching.check(session, type_, plans.conditions(element, type_, query))
    except HubError as error:
        raise Wrong(element, error.detail, query) from error


def _urls(session: Session) -> set[str]:
    return {row[0] for row in session.execute("select url from subscription_topic")}


def follow(session: Session, context: Context, drafts: Sequence[Draft]) -> None:
    """Take what written Subscriptions and topics say. What the hub itself notes in them is no new request."""
    if context.actor == ACTOR:
        return
    for draft in drafts:
        if draft.writes and draft.change.type == "Subscription":
            _follow_subscription(session, context, draft)
        elif draft.writes and draft.change.type == "Basic":
            _follow_topic(session, draft)


def _follow_topic(session: Session, draft: Draft) -> None:
    session.execute("delete from subscription_topic where record = %s", (draft.pk,))
    if draft.action != "deleted" and plans.is_topic(draft.view):
        url, triggers = plans.read_topic(draft.view)
        session.execute(
            "insert into subscription_topic (record, url, plan) values (%s, %s, %s::jsonb) on conflict (url)"
            " do update set record = excluded.record, plan = excluded.plan",
            (draft.pk, url, orjson.dumps(plans.stored(triggers)).decode()),
        )


def _follow_subscription(session: Session, context: Context, draft: Draft) -> None:
    if draft.action == "deleted" or draft.view.get("status") in _OFF:
        switch_off(session, [draft.pk], "")
        return
    plan = plans.read_subscription(draft.view)
    peer = peers.save(
        session,
        f"subscription-{draft.id}",
        FORMAT,
        name=draft.reference,
        address=plan.endpoint or None,
        settings=_settings(plan),
        secret=orjson.dumps(plan.headers).decode(),
        actor=context.actor,
    )
    session.execute(
        "insert into subscription as s (record, id, peer, owner, state, channel, topic, plan, heartbeat, until)"
        " values (%s, %s, %s, %s, 'requested', %s, %s, %s::jsonb, %s, %s) on conflict (record) do update set"
        " owner = excluded.owner, channel = excluded.channel, topic = excluded.topic, plan = excluded.plan,"
        " heartbeat = excluded.heartbeat, until = excluded.until, error = '', state = 'requested', shaken = null,"
        " noted = null",
        (
            draft.pk,
            draft.id,
            peer.id,
            context.actor,
            plan.channel,
            plan.topic.partition("|")[0],
            orjson.dumps(plans.stored(plan)).decode(),
            plan.heartbeat,
            _until(draft.view),
        ),
    )
    # What could not be delivered before it was switched off is sent now: nothing that was noted is lost.
    session.execute(
        "update message set state = 'waiting', attempts = 0, due = now(), error = null, lease_until = null,"
        " finished = null where peer = %s and direction = 'out' and state = 'parked'",
        (peer.id,),
    )


def _settings(plan: Plan) -> dict[str, Any]:
    settings: dict[str, Any] = {"channel": plan.channel, "timeout": plan.timeout}
    if plan.payload:
        settings["content_type"] = plan.payload
    return settings


def _until(view: dict[str, Any]) -> datetime | None:
    end = view.get("end")
    return datetime.fromisoformat(str(end)).astimezone(UTC) if end else None


def switch_off(session: Session, records: Sequence[int], error: str, *, give_up: bool = True) -> None:
    """Stop noting events of these subscriptions (keys). What waits to be sent is given up, or kept for another day."""
    rows = session.execute(
        "update subscription set state = 'off', begun = null, error = %s where record = any(%b::bigint[])"
        " returning peer",
        (error, list(records)),
    ).fetchall()
    if give_up:
        session.execute("update subscription set queued = events where record = any(%b::bigint[])", (list(records),))
        session.execute(
            "update message set state = 'rejected', error = %s, finished = now()"
            " where peer = any(%b) and direction = 'out' and state = 'waiting'",
            (error or "the subscription is off", [row[0] for row in rows]),
        )
