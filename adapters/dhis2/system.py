"""Who is asking and what this instance is (Web API 2.42, "Users, settings, system")."""

from datetime import UTC, datetime
from typing import Any

from adapters.contract import Access
from adapters.dhis2.calls import Call, Reply, Routes
from adapters.dhis2.fields import parse_fields, select
from adapters.dhis2.lists import read_paging
from tracker_core import metadata, users
from tracker_core.database import Session
from tracker_core.errors import NotFound
from tracker_core.uids import new_uid

# What clients see and choose their behaviour by; the hub behaves as this release of DHIS2.
VERSION = "2.42.0"
_MOST_IDS = 10_000


def read_me(access: Access, call: Call) -> Reply:
    """The user who asks, in DHIS2's form."""
    fields = parse_fields(call.given.get("fields") or ":all")
    with access.session() as session:
        found = _me(session, call.user.username)
    return Reply(select(fields, found))


def _me(session: Session, username: str) -> dict[str, Any]:
    account = users.find(session, username)
    if account is None:
        raise NotFound(f"the user {username} does not exist any more")
    known = metadata.load(session)
    roots = [{"id": unit.uid, "path": unit.path, "name": unit.name} for unit in known.places.roots]
    first, last = str(account.doc.get("firstName", "")), str(account.doc.get("surname", ""))
    name = f"{first} {last}".strip() or account.username
    return {
        "id": account.uid,
        "username": account.username,
        "name": name,
        "displayName": name,
        "firstName": first,
        "surname": last,
        "email": account.doc.get("email"),
        "phoneNumber": account.doc.get("phoneNumber"),
        "authorities": list(account.authorities),
        "userRoles": account.doc.get("userRoles", []),
        "userGroups": account.doc.get("userGroups", []),
        "organisationUnits": account.doc.get("organisationUnits", roots),
        "dataViewOrganisationUnits": account.doc.get("dataViewOrganisationUnits", roots),
        "teiSearchOrganisationUnits": account.doc.get("teiSearchOrganisationUnits", roots),
        "programs": list(known.programs),
        "dataSets": list(known.objects.get("dataSets", {})),
        "settings": {"keyUiLocale": "en", "keyDbLocale": "en", "keyAnalysisDisplayProperty": "name"},
        "userCredentials": {"username": account.username},
    }


def read_info(_access: Access, call: Call) -> Reply:
    """What this instance is; `contextPath` is where the caller reached it."""
    base = call.url.partition("/api")[0]
    info = {
        "version": VERSION,
        "revision": "tracker-hub",
        "calendar": "iso8601",
        "dateFormat": "yyyy-MM-dd",
        "contextPath": base,
        "instanceBaseUrl": base,
        "serverDate": datetime.now(UTC),
        "serverTimeZoneId": "Etc/UTC",
        "serverTimeZoneDisplayName": "Coordinated Universal Time",
        "systemName": "Tracker Hub",
    }
    return Reply(select(parse_fields(call.given.get("fields") or ":all"), info))


def make_ids(_access: Access, call: Call) -> Reply:
    """Fresh UIDs, `limit` of them (1 unless said otherwise)."""
    limit = read_paging({"pageSize": call.given.get("limit", "1")}).size
    return Reply({"codes": [new_uid() for _ in range(min(limit, _MOST_IDS))]})


def ping(_access: Access, _call: Call) -> Reply:
    """`pong`."""
    return Reply(b"pong", content_type="text/plain")


ROUTES: Routes = (
    ("GET", "/me", read_me),
    ("GET", "/system/info", read_info),
    ("GET", "/system/id", make_ids),
    ("GET", "/system/ping", ping),
    ("GET", "/ping", ping),
)
