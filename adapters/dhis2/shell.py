"""What the shell around an app asks before anything else: log in form, header bar, apps, languages, period types."""

from typing import Any

from adapters.contract import Access
from adapters.dhis2.calls import Call, Reply, Routes
from adapters.dhis2.system import VERSION
from tracker_core import settings
from tracker_core.errors import NotFound

# The app that the hub is known to work with; what is installed beside it is served elsewhere.
_APPS = (("capture", "Capture", "dhis-web-capture"),)
_MODULE_ICON = "/icons/dhis-web-capture.svg"


def read_login_config(access: Access, _call: Call) -> Reply:
    """What a login form shows. Public."""
    with access.session() as session:
        found = settings.read_system(session)
    config: dict[str, Any] = {
        "apiVersion": VERSION,
        "applicationTitle": found["applicationTitle"],
        "applicationDescription": found["keyApplicationIntro"],
        "applicationNotification": found["keyApplicationNotification"],
        "applicationLeftSideFooter": found["keyApplicationFooter"],
        "applicationRightSideFooter": found["keyApplicationRightFooter"],
        "countryFlag": found["keyFlag"],
        "uiLocale": found["keyUiLocale"],
        "loginPageLogo": "/api/staticContent/logo_front",
        "loginPopup": found["loginPopup"],
        "useCustomLogoFront": found["keyUseCustomLogoFront"],
        "selfRegistrationEnabled": False,
        "selfRegistrationNoRecaptcha": found["keySelfRegistrationNoRecaptcha"],
        "emailConfigured": bool(found["keyEmailHostName"]),
        "allowAccountRecovery": found["keyAccountRecovery"],
        "minPasswordLength": str(found["minPasswordLength"]),
        "maxPasswordLength": str(found["maxPasswordLength"]),
        "recaptchaSite": found["recaptchaSite"],
        "oidcProviders": [],
        "loginPageLayout": "DEFAULT",
        "loginPageTemplate": None,
        "htmlTemplate": None,
    }
    return Reply({name: value for name, value in config.items() if value is not None})


def list_apps(_access: Access, call: Call) -> Reply:
    """The installed apps."""
    base = _base(call)
    apps = [
        {
            "key": key,
            "name": name,
            "short_name": key,
            "appType": "APP",
            "baseUrl": f"{base}/apps",
            "launchUrl": f"{base}/apps/{key}/index.html",
            "version": "",
            "core_app": True,
            "bundled": True,
            "folderName": key,
            "authorities": [],
            "icons": {},
            "activities": {"dhis": {"href": "*"}},
        }
        for key, name, _ in _APPS
    ]
    return Reply(apps)


def list_menu(_access: Access, call: Call) -> Reply:
    """The modules of the header bar's menu."""
    base = _base(call)
    modules = [
        {
            "name": module,
            "namespace": f"/{module}",
            "defaultAction": f"{base}/apps/{key}",
            "displayName": name,
            "icon": f"{base}{_MODULE_ICON}",
            "description": "",
        }
        for key, name, module in _APPS
    ]
    return Reply({"modules": modules})


def list_locales(_access: Access, _call: Call) -> Reply:
    """The languages that there are, each in its English name."""
    return Reply([_locale(code, name) for code, name in settings.LOCALES.items()])


def list_stored_locales(_access: Access, _call: Call) -> Reply:
    """The same languages as objects, as the maintenance of translations asks for them."""
    return Reply([{**_locale(code, name), "id": code, "code": code} for code, name in settings.LOCALES.items()])


def read_static(_access: Access, call: Call) -> Reply:
    """Nothing is uploaded: clients then show their own logo."""
    raise NotFound(f"Key does not exist: {call.captured['key']}")


def list_period_types(_access: Access, _call: Call) -> Reply:
    """The period types with how often they come and how an ISO period of each is written."""
    return Reply({"periodTypes": [_period_type(*row) for row in _PERIOD_TYPES]})


def list_relative_periods(_access: Access, _call: Call) -> Reply:
    """The names of relative periods."""
    return Reply(list(_RELATIVE_PERIODS))


def _locale(code: str, name: str) -> dict[str, Any]:
    return {"locale": code, "name": name, "displayName": name}


def _period_type(name: str, form: str, duration: str, order: int) -> dict[str, Any]:
    label = "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in name).strip().capitalize()
    return {
        "name": name,
        "displayName": label,
        "displayLabel": label,
        "isoDuration": duration,
        "isoFormat": form,
        "frequencyOrder": order,
        "label": label,
    }


def _base(call: Call) -> str:
    return call.url.partition("/api")[0].partition("/dhis-web-commons")[0]


_PERIOD_TYPES = (
    ("Daily", "yyyyMMdd", "P1D", 1),
    ("Weekly", "yyyyWn", "P7D", 7),
    ("WeeklyWednesday", "yyyyWedWn", "P7D", 7),
    ("WeeklyThursday", "yyyyThuWn", "P7D", 7),
    ("WeeklySaturday", "yyyySatWn", "P7D", 7),
    ("WeeklySunday", "yyyySunWn", "P7D", 7),
    ("BiWeekly", "yyyyBiWn", "P14D", 14),
    ("Monthly", "yyyyMM", "P1M", 30),
    ("BiMonthly", "yyyyMMB", "P2M", 61),
    ("Quarterly", "yyyyQn", "P3M", 91),
    ("QuarterlyNov", "yyyyNovQn", "P3M", 91),
    ("SixMonthly", "yyyySn", "P6M", 182),
    ("SixMonthlyApril", "yyyyAprilSn", "P6M", 182),
    ("SixMonthlyNov", "yyyyNovSn", "P6M", 182),
    ("Yearly", "yyyy", "P1Y", 365),
    ("FinancialApril", "yyyyApril", "P1Y", 365),
    ("FinancialJuly", "yyyyJuly", "P1Y", 365),
    ("FinancialOct", "yyyyOct", "P1Y", 365),
    ("FinancialNov", "yyyyNov", "P1Y", 365),
)

_RELATIVE_PERIODS = tuple(
    (
        "TODAY YESTERDAY LAST_3_DAYS LAST_7_DAYS LAST_14_DAYS LAST_30_DAYS LAST_60_DAYS LAST_90_DAYS LAST_180_DAYS"
        " THIS_MONTH LAST_MONTH THIS_BIMONTH LAST_BIMONTH THIS_QUARTER LAST_QUARTER THIS_SIX_MONTH LAST_SIX_MONTH"
        " WEEKS_THIS_YEAR MONTHS_THIS_YEAR BIMONTHS_THIS_YEAR QUARTERS_THIS_YEAR THIS_YEAR MONTHS_LAST_YEAR"
        " QUARTERS_LAST_YEAR LAST_YEAR LAST_5_YEARS LAST_10_YEARS LAST_12_MONTHS LAST_6_MONTHS LAST_3_MONTHS"
        " LAST_6_BIMONTHS LAST_4_QUARTERS LAST_2_SIXMONTHS THIS_FINANCIAL_YEAR LAST_FINANCIAL_YEAR"
        " LAST_5_FINANCIAL_YEARS LAST_10_FINANCIAL_YEARS THIS_WEEK LAST_WEEK THIS_BIWEEK LAST_BIWEEK LAST_4_WEEKS"
        " LAST_4_BIWEEKS LAST_12_WEEKS LAST_52_WEEKS"
    ).split()
)

ROUTES: Routes = (
    ("GET", "/loginConfig", read_login_config),
    ("GET", "/apps", list_apps),
    ("GET", "/apps/menu", list_menu),
    ("GET", "/locales/ui", list_locales),
    ("GET", "/locales/db", list_locales),
    ("GET", "/locales/dbLocales", list_stored_locales),
    ("GET", "/staticContent/{key}", read_static),
    ("GET", "/periodTypes", list_period_types),
    ("GET", "/periodTypes/relativePeriodTypes", list_relative_periods),
)
