"""From a call to the view its caller has of the metadata."""

from adapters.dhis2.calls import Call
from adapters.dhis2.objects.view import View
from adapters.dhis2.parameters import choice, flag
from tracker_core import access, metadata, settings
from tracker_core.database import Session
from tracker_core.metadata import snapshot


def open_view(session: Session, call: Call) -> View:
    """Return the caller's view, in the language of `locale` or of the user's settings; `translate=false` is in none."""
    actor = access.load(session, call.user.username)
    locale = ""
    if flag(call.given, "translate", default=True):
        locale = call.given.get("locale") or str(settings.read_user(session, actor.username)["keyDbLocale"] or "")
    return View(
        known=metadata.load(session),
        actor=actor,
        locale=locale,
        base=base_of(call),
        skip_defaults=choice(call.given, "defaults", {"INCLUDE": False, "EXCLUDE": True}),
    )


def open_for_writing(session: Session, call: Call) -> View:
    """Return the caller's view of metadata that nobody else changes before this transaction ends."""
    snapshot.lock(session)
    return open_view(session, call)


def base_of(call: Call) -> str:
    """Return the address of the API that the caller used, up to `/api`."""
    return call.url.partition("/api/")[0] + "/api"
