"""`/api/auth/login`: a browser's session (Web API 2.42, "Authentication")."""

from typing import Any

from starlette.requests import cookie_parser

from adapters.contract import Access
from adapters.dhis2.bodies import read_object
from adapters.dhis2.calls import Call, Reply, Routes
from adapters.dhis2.webmessage import web_message
from tracker_core import users
from tracker_core.errors import Malformed


def log_in(access: Access, call: Call) -> Reply:
    """Check name and password, and open a session under a cookie. Public."""
    given = read_object(call)
    name, password = given.get("username"), given.get("password")
    if not isinstance(name, str) or not isinstance(password, str):
        raise Malformed("username and password are needed")
    with access.session() as session:
        account = users.verify(session, name, password)
        token = users.open_session(session, account) if account else ""
    if not token:
        return Reply(web_message(401, "Bad credentials"), 401)
    return Reply({"loginStatus": "SUCCESS", "redirectUrl": "/"}, headers={"Set-Cookie": _cookie(call, token)})


def log_out(access: Access, call: Call) -> Reply:
    """End the session of the cookie that comes along."""
    token = cookie_parser(call.headers.get("cookie", "")).get(users.COOKIE, "")
    with access.session() as session:
        users.close_session(session, token)
    gone = f"{users.COOKIE}=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax"
    found: dict[str, Any] = web_message(200, "Logged out")
    return Reply(found, headers={"Set-Cookie": gone})


def _cookie(call: Call, token: str) -> str:
    secure = "; Secure" if call.url.startswith("https:") else ""
    return f"{users.COOKIE}={token}; Path=/; Max-Age={users.HOURS * 3600}; HttpOnly; SameSite=Lax{secure}"


ROUTES: Routes = (
    ("POST", "/auth/login", log_in),
    ("POST", "/auth/logout", log_out),
)
