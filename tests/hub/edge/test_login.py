"""How long a login is remembered."""

import asyncio

import httpx
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from hub.edge import login, refusals
from tracker_core import users
from tracker_core.database import Pool, transaction


async def greet(scope: Scope, receive: Receive, send: Send) -> None:
    """Tell who is asking."""
    await PlainTextResponse(Request(scope).state.user.username)(scope, receive, send)


def test_a_disabled_account_is_out_within_seconds(pool: Pool) -> None:
    """A right login is taken for a few seconds without asking, a wrong password never, and then it is asked again."""
    with transaction(pool) as session:
        users.ensure_admin(session, "secret")
    now = [100.0]
    app = login.require_login(greet, refusals.refusals([]), pool, lambda _: False, lambda: now[0])

    async def ask(password: str) -> int:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://hub", auth=("admin", password)) as client:
            return (await client.get("/")).status_code

    assert asyncio.run(ask("secret")) == 200
    with transaction(pool) as session:
        session.execute("update user_account set disabled = true")
    now[0] += login.KNOWN_SECONDS - 1
    assert (asyncio.run(ask("secret")), asyncio.run(ask("other"))) == (200, 401)
    now[0] += 1
    assert asyncio.run(ask("secret")) == 401
