"""Who is asking: HTTP Basic (RFC 7617) on every face, or the session of a browser that logged in."""

import base64
import binascii
import hmac
import secrets
from collections.abc import Callable
from time import monotonic

from starlette.concurrency import run_in_threadpool
from starlette.requests import HTTPConnection, Request
from starlette.types import ASGIApp, Receive, Scope, Send

from hub.edge.refusals import Refuse
from tracker_core import access, users
from tracker_core.context import User
from tracker_core.database import Pool, reading

# A login that was right is taken for so long without asking the database: HTTP Basic sends it with every request.
KNOWN_SECONDS = 5.0
KNOWN_MOST = 10_000
CHALLENGE = {"WWW-Authenticate": 'Basic realm="Tracker Hub", charset="UTF-8"'}
NO_CHALLENGE: dict[str, str] = {}


def require_login(
    app: ASGIApp,
    refuse: Refuse,
    pool: Pool,
    is_public: Callable[[str], bool],
    clock: Callable[[], float] = monotonic,
) -> ASGIApp:
    """Let only known users in and leave them in `request.state.user`; `is_public(path)` needs none, nor does a socket.

    `request.state.logged_in` says that this process sees the login for the first time. Answers 401 before any of the
    body is read. A login that was right counts for `KNOWN_SECONDS`: so long it takes, at most, until a disabled account
    or a changed password shows. Raises `Unavailable` when the database cannot be asked.
    """
    known: dict[bytes, tuple[float, User]] = {}
    key = secrets.token_bytes(32)

    async def find(header: str, token: str) -> tuple[User | str, bool]:
        proof = hmac.digest(key, (header or f"cookie {token}").encode(), "sha256")
        until, user = known.get(proof, (0.0, None))
        if user is not None and until > clock():
            return user, False
        fresh = proof not in known
        found = await run_in_threadpool(_find, pool, header, token)
        if isinstance(found, User):
            if len(known) >= KNOWN_MOST:
                known.clear()
            known[proof] = (clock() + KNOWN_SECONDS, found)
        return found, fresh

    async def guarded(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            # Browsers cannot log in here: the conversation may show a token instead.
            connection = HTTPConnection(scope)
            sent = connection.headers.get("authorization", ""), connection.cookies.get(users.COOKIE, "")
            found, _ = await find(*sent) if any(sent) else ("", False)
            if isinstance(found, User):
                scope.setdefault("state", {})["user"] = found
            await app(scope, receive, send)
            return
        if scope["type"] != "http" or is_public(scope["path"]):
            await app(scope, receive, send)
            return
        request = Request(scope)
        found, fresh = await find(request.headers.get("authorization", ""), request.cookies.get(users.COOKIE, ""))
        if isinstance(found, User):
            request.state.user, request.state.logged_in = found, fresh
            await app(scope, receive, send)
            return
        # A script asks for itself: a challenge would open the browser's own dialog over its page.
        scripted = request.headers.get("x-requested-with", "").lower() == "xmlhttprequest"
        await refuse(request.url.path, 401, found, NO_CHALLENGE if scripted else CHALLENGE)(scope, receive, send)

    return guarded


def read_basic(header: str) -> tuple[str, str] | None:
    """Return user name and password of an Authorization header, or None when it is not Basic."""
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        name, colon, password = base64.b64decode(encoded.strip(), validate=True).decode("utf-8").partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return (name, password) if colon and "\0" not in name else None


def _find(pool: Pool, header: str, token: str) -> User | str:
    """Return the user whose name and password `header` carries, or whose session `token` is, else why there is none.

    Raises `Unavailable`.
    """
    credentials = read_basic(header)
    if credentials is None and not (token and not header):
        return "log in by HTTP Basic"
    with reading(pool) as session:
        account = users.verify(session, *credentials) if credentials else users.find_session(session, token)
        if account is None:
            return "wrong user name or password" if credentials else "the session has ended; log in again"
        authorities = access.load(session, account.username).authorities
    return User(account.uid, account.username, authorities, account.peer)
