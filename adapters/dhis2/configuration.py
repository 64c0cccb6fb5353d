"""`/api/configuration` and two-factor status: what settings pages and the login of apps ask (Web API 2.42)."""

from adapters.contract import Access
from adapters.dhis2.calls import Call, Reply, Routes
from tracker_core import settings
from tracker_core.errors import NotFound


def read_all(access: Access, _call: Call) -> Reply:
    """The configuration objects; none is set up but the id of the instance."""
    return Reply({"systemId": _system_id(access), "corsAllowlist": []})


def read_system_id(access: Access, _call: Call) -> Reply:
    """The id of this instance."""
    return Reply(_system_id(access))


def _system_id(access: Access) -> str:
    with access.session() as session:
        return settings.system_id(session)


def read_empty(_access: Access, _call: Call) -> Reply:
    """A list of what is allowed beyond the hub itself: nothing."""
    return Reply([])


def read_unset(_access: Access, call: Call) -> Reply:
    """A configured object that nobody has set."""
    raise NotFound(f"{call.path.rpartition('/')[2]} is not configured")


def read_two_factor(_access: Access, _call: Call) -> Reply:
    """Whether the user has a second factor: the hub offers none."""
    return Reply(body=False)


def read_two_factor_methods(_access: Access, _call: Call) -> Reply:
    """Which second factors are offered."""
    return Reply({"totp2faEnabled": False, "email2faEnabled": False})


ROUTES: Routes = (
    ("GET", "/configuration", read_all),
    ("GET", "/configuration/systemId", read_system_id),
    ("GET", "/configuration/corsWhitelist", read_empty),
    ("GET", "/configuration/corsAllowlist", read_empty),
    ("GET", "/configuration/twoFactorMethods", read_two_factor_methods),
    *(
        ("GET", f"/configuration/{name}", read_unset)
        for name in (
            "feedbackRecipients",
            "infrastructuralIndicators",
            "infrastructuralDataElements",
            "infrastructuralPeriodType",
            "offlineOrganisationUnitLevel",
            "facilityOrgUnitGroupSet",
            "facilityOrgUnitLevel",
            "selfRegistrationRole",
            "selfRegistrationOrgUnit",
            "remoteServerUrl",
        )
    ),
    ("GET", "/2fa/enabled", read_two_factor),
)
