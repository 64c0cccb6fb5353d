"""What this instance is (Web API 2.42, "Users, settings, system")."""

from datetime import UTC, datetime

from adapters.contract import Access
from adapters.dhis2.calls import Call, Reply, Routes
from adapters.dhis2.fields import parse_fields, select
from adapters.dhis2.lists import read_paging
from tracker_core import settings
from tracker_core.uids import new_uid

# What clients see and choose their behaviour by; the hub behaves as this release of DHIS2.
VERSION = "2.42.0"
# The day on which the hub learnt to behave so: it has no build of its own.
BUILT = datetime(2026, 11, 25, tzinfo=UTC)
_MOST_IDS = 10_000


def read_info(access: Access, call: Call) -> Reply:
    """What this instance is; `contextPath` is where the caller reached it. Who runs it sees more."""
    base = call.url.partition("/api")[0]
    now = datetime.now(UTC)
    with access.session() as session:
        title = settings.read_system(session)["applicationTitle"]
        system, server = settings.system_id(session), session.info.server_version
    info = {
        "version": VERSION,
        "revision": "tracker-hub",
        "buildTime": BUILT,
        "calendar": "iso8601",
        "dateFormat": "yyyy-MM-dd",
        "contextPath": base,
        "instanceBaseUrl": base,
        "serverDate": now,
        "serverTimeZoneId": "Etc/UTC",
        "serverTimeZoneDisplayName": "Coordinated Universal Time",
        "systemName": title,
        "systemId": system,
        "userAgent": call.headers.get("user-agent"),
        "isMetadataVersionEnabled": False,
        "isMetadataSyncEnabled": False,
        "emailConfigured": False,
        "encryption": False,
        "redisEnabled": False,
    }
    if "ALL" in call.user.authorities:
        info["databaseInfo"] = {
            "spatialSupport": False,
            "databaseVersion": f"PostgreSQL {server // 10000}",
            "time": now,
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
    ("GET", "/system/info", read_info),
    ("GET", "/system/id", make_ids),
    ("GET", "/system/ping", ping),
    ("GET", "/ping", ping),
)
