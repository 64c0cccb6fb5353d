"""`/api/me`: the user who asks, and what is theirs to change (Web API 2.42, "Users")."""

from typing import Any

from adapters.contract import Access
from adapters.dhis2.bodies import read_object
from adapters.dhis2.calls import Call, Reply, Routes
from adapters.dhis2.objects.opening import open_view
from adapters.dhis2.objects.selection import selection
from adapters.dhis2.objects.view import USERS, Document, View, rendered
from adapters.dhis2.webmessage import web_message
from tracker_core import access as rights
from tracker_core import history, settings, users
from tracker_core.database import Session
from tracker_core.errors import Conflict, Malformed
from tracker_core.issues import Issue

# What users may say of themselves; roles, groups and org units are for others to give.
_OWN = frozenset(
    "firstName surname email phoneNumber gender birthday jobTitle employer education interests languages introduction"
    " nationality avatar skype telegram twitter whatsApp facebookMessenger".split()
)


def read_me(access: Access, call: Call) -> Reply:
    """The user who asks: account, authorities, groups, org units, settings, programs whose data they may read."""
    show = selection(USERS, call.given.get("fields") or ":all")
    with access.session() as session:
        view = open_view(session, call)
        return Reply(
            rendered(session, view, show, [_me(session, view)])[0], headers={"Cache-Control": "no-cache, private"}
        )


def _me(session: Session, view: View) -> Document:
    actor, known = view.actor, view.known
    (doc,) = users.documents(session, [actor.uid]) or [{}]
    readable = {
        type: [found.uid for found in known.objects.get(type, {}).values() if found.pk in actor.reads[type]]
        for type in ("programs", "dataSets")
    }
    return {
        **doc,
        "authorities": sorted(actor.authorities),
        "settings": settings.read_user(session, actor.username),
        "programs": readable["programs"],
        "dataSets": readable["dataSets"],
        "patTokens": [],
        "twoFactorType": "NOT_ENABLED",
        "userCredentials": {
            "id": actor.uid,
            "username": actor.username,
            "externalAuth": False,
            "twoFA": False,
            "disabled": False,
            "userRoles": doc.get("userRoles", []),
        },
    }


def change_me(access: Access, call: Call) -> Reply:
    """Change what users may say of themselves; anything else in the body is left alone."""
    given = {name: value for name, value in read_object(call).items() if name in _OWN}
    with access.session() as session:
        (doc,) = users.documents(session, [rights.load(session, call.user.username).uid])
        context = history.open_change_set(session, call.user.username)
        made = users.plan(session, [{**doc, **given}])
        raise_for(made.issues)
        users.write(session, context, made)
    return read_me(access, call)


def list_authorities(access: Access, call: Call) -> Reply:
    """The authorities of the user who asks."""
    with access.session() as session:
        return Reply(sorted(rights.load(session, call.user.username).authorities))


def has_authority(access: Access, call: Call) -> Reply:
    """Whether the user who asks has an authority."""
    with access.session() as session:
        return Reply(rights.load(session, call.user.username).may(call.captured["authority"]))


def read_dashboard(_access: Access, _call: Call) -> Reply:
    """How much is unread: the hub keeps no messages between users."""
    return Reply({"unreadInterpretations": 0, "unreadMessageConversations": 0})


def change_password(access: Access, call: Call) -> Reply:
    """Replace one's own password, knowing the old one."""
    given = read_object(call)
    old, new = _text(given, "oldPassword"), _text(given, "newPassword")
    with access.session() as session:
        if users.verify(session, call.user.username, old) is None:
            raise Conflict("OldPassword is incorrect")
        if old == new:
            raise Conflict("The new password must be another one than the old password")
        if text := users.fault(session, new, call.user.username):
            raise Conflict(text)
        users.set_password(session, call.user.username, new, call.user.username)
    return Reply(web_message(202, "Password changed"), 202)


def verify_password(access: Access, call: Call) -> Reply:
    """Whether a password is one's own."""
    password = _text(read_object(call), "password")
    with access.session() as session:
        return Reply({"isCorrectPassword": users.verify(session, call.user.username, password) is not None})


def validate_password(access: Access, call: Call) -> Reply:
    """Whether a password would do as one's own."""
    password = _text(read_object(call), "password")
    with access.session() as session:
        text = users.fault(session, password, call.user.username)
    return Reply({"isValidPassword": not text, **({"errorMessage": text} if text else {})})


def raise_for(issues: list[Issue]) -> None:
    """Raise `Conflict` with the first of `issues`, if there is one."""
    if issues:
        raise Conflict(f"{issues[0].code} {issues[0].text}")


def _text(given: dict[str, Any], name: str) -> str:
    value = given.get(name)
    if not isinstance(value, str) or not value:
        raise Malformed(f"{name} is needed")
    return value


ROUTES: Routes = (
    ("GET", "/me", read_me),
    ("PUT", "/me", change_me),
    ("GET", "/me/authorization", list_authorities),
    ("GET", "/me/authorization/{authority}", has_authority),
    ("GET", "/me/authorities", list_authorities),
    ("GET", "/me/authorities/{authority}", has_authority),
    ("GET", "/me/dashboard", read_dashboard),
    ("PUT", "/me/changePassword", change_password),
    ("POST", "/me/verifyPassword", verify_password),
    ("POST", "/me/validatePassword", validate_password),
)
