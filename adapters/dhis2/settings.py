"""`/api/systemSettings` and `/api/userSettings` (Web API 2.42, "Settings")."""

from collections.abc import Mapping
from typing import Any

from adapters.contract import Access
from adapters.dhis2.bodies import read_object
from adapters.dhis2.calls import Call, Reply, Routes
from adapters.dhis2.parameters import flag
from adapters.dhis2.webmessage import web_message
from tracker_core import access as rights
from tracker_core import settings, users
from tracker_core.errors import Forbidden, Malformed, NotFound

PLAIN = "text/plain;charset=UTF-8"


def list_system(access: Access, call: Call) -> Reply:
    """Every system setting, or those that `key=` names."""
    with access.session() as session:
        found = settings.read_system(session)
    return Reply(_asked(call, found))


def read_system(access: Access, call: Call) -> Reply:
    """One system setting: `{key: value}`, or the bare value for who takes plain text only."""
    with access.session() as session:
        found = settings.read_system(session)
    return _one(call, found, "Setting does not exist or is marked as confidential")


def set_system(access: Access, call: Call) -> Reply:
    """Set one system setting to `value=` or the body."""
    key, value = call.captured["key"], _given_value(call)
    with access.session() as session:
        rights.load(session, call.user.username).need("F_SYSTEM_SETTING")
        settings.set_system(session, {key: value}, call.user.username)
    return Reply(web_message(200, f"System setting '{key}' set to value '{value}'."))


def import_system(access: Access, call: Call) -> Reply:
    """Set the system settings of a JSON object, all or none."""
    given = read_object(call)
    with access.session() as session:
        rights.load(session, call.user.username).need("F_SYSTEM_SETTING")
        settings.set_system(session, given, call.user.username)
    return Reply(web_message(200, "System settings imported"))


def clear_system(access: Access, call: Call) -> Reply:
    """Give a system setting its default back."""
    with access.session() as session:
        rights.load(session, call.user.username).need("F_SYSTEM_SETTING")
        settings.clear_system(session, call.captured["key"])
    return Reply(b"", 204)


def list_user(access: Access, call: Call) -> Reply:
    """The settings of the user who asks, or of `user=` for who may manage users."""
    with access.session() as session:
        found = settings.read_user(
            session, _whose(session, call), fallback=flag(call.given, "useFallback", default=True)
        )
    return Reply(_asked(call, found))


def read_user(access: Access, call: Call) -> Reply:
    """One setting of a user."""
    with access.session() as session:
        found = settings.read_user(session, _whose(session, call))
    return _one(call, found, "User setting not found for key")


def set_user(access: Access, call: Call) -> Reply:
    """Set one setting of a user to `value=` or the body."""
    with access.session() as session:
        settings.set_user(session, _whose(session, call), {call.captured["key"]: _given_value(call)})
    return Reply(web_message(200, "User setting saved"))


def clear_user(access: Access, call: Call) -> Reply:
    """Let a user have the system's value again."""
    with access.session() as session:
        settings.clear_user(session, _whose(session, call), call.captured["key"])
    return Reply(b"", 204)


def _asked(call: Call, found: Mapping[str, settings.Value]) -> dict[str, Any]:
    names = {value for name, value in call.pairs if name == "key"}
    return {name: value for name, value in found.items() if value is not None and (not names or name in names)}


def _one(call: Call, found: Mapping[str, settings.Value], unknown: str) -> Reply:
    key = call.captured["key"]
    if key not in found:
        raise NotFound(f"{unknown}: {key}")
    value = found[key]
    takes = call.headers.get("accept", "")
    if "text/plain" in takes and "json" not in takes:
        text = str(value).lower() if isinstance(value, bool) else "" if value is None else str(value)
        return Reply(text.encode(), content_type=PLAIN)
    return Reply({key: "" if value is None else value})


def _given_value(call: Call) -> str:
    if "value" in call.given:
        return call.given["value"]
    try:
        text = call.body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Malformed("the value is not UTF-8") from error
    if not text:
        raise Malformed("Value must be specified as query param or as payload")
    return text


def _whose(session: Any, call: Call) -> str:
    """Return the user whose settings are meant: oneself, or another for who may add users."""
    asked = call.given.get("user") or call.user.username
    if asked == call.user.username:
        return asked
    if not rights.load(session, call.user.username).may("F_USER_ADD", "F_USER_ADD_WITHIN_MANAGED_GROUP"):
        raise Forbidden("Access is denied: you may not see or change the settings of other users")
    if users.find(session, asked) is None:
        raise NotFound(f"User '{asked}' does not exist")
    return asked


ROUTES: Routes = (
    ("GET", "/systemSettings", list_system),
    ("POST", "/systemSettings", import_system),
    ("GET", "/systemSettings/{key}", read_system),
    ("POST", "/systemSettings/{key}", set_system),
    ("DELETE", "/systemSettings/{key}", clear_system),
    ("GET", "/userSettings", list_user),
    ("GET", "/userSettings/{key}", read_user),
    ("POST", "/userSettings/{key}", set_user),
    ("DELETE", "/userSettings/{key}", clear_user),
    ("GET", "/me/settings", list_user),
    ("GET", "/me/settings/{key}", read_user),
)
