"""Tokens by which a socket shows that it may hear of a subscription: each is good once, and for a few minutes."""

import secrets
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from tracker_core.database import Session

_LASTS = timedelta(minutes=10)


def give(session: Session, subscriptions: Sequence[int]) -> tuple[str, datetime]:
    """Return a new token for subscriptions (keys), and when it is over."""
    token, until = secrets.token_urlsafe(32), datetime.now(UTC) + _LASTS
    session.execute(
        "insert into subscription_token (token, subscriptions, expires) values (%s, %b::bigint[], %s)",
        (token, list(subscriptions), until),
    )
    return token, until


def take(session: Session, token: str) -> list[int]:
    """Return the subscriptions of a token, and use it up; none for one that is not good."""
    row = session.execute(
        "delete from subscription_token where token = %s returning subscriptions, expires > now()", (token,)
    ).fetchone()
    return list(row[0]) if row and row[1] else []
