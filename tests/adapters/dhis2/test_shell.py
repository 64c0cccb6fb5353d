"""What a shell asks: languages, apps, menu, periods, icons."""

from xml.etree import ElementTree as ET

import pytest

from tests.adapters.dhis2.conftest import Client


def test_login_config(client: Client) -> None:
    """The form learns the title, the language, and what passwords must be like."""
    found = client.get("/api/loginConfig").json()
    assert found["applicationTitle"] == "Tracker Hub"
    assert found["minPasswordLength"] == "8"
    assert found["oidcProviders"] == []
    assert {"countryFlag", "uiLocale", "loginPageLogo", "apiVersion", "selfRegistrationEnabled"} <= set(found)


def test_languages_apps_and_menu(client: Client) -> None:
    """Lists that header bars and settings pages show."""
    for path in ("/api/locales/ui", "/api/locales/db", "/api/locales/dbLocales"):
        assert {"locale": "fr", "name": "French", "displayName": "French"}.items() <= next(
            found for found in client.get(path).json() if found["locale"] == "fr"
        ).items()
    assert client.get("/api/apps").json()[0]["key"] == "capture"
    for path in ("/api/apps/menu", "/dhis-web-commons/menu/getModules.action"):
        module = client.get(path).json()["modules"][0]
        assert module["defaultAction"] == "http://hub.example/apps/capture"
        assert {"name", "namespace", "displayName", "icon", "description"} <= set(module)
    assert client.get("/api/staticContent/logo_banner").status_code == 404


def test_periods(client: Client) -> None:
    """Period types with their forms, and the names of relative periods."""
    types = {found["name"]: found for found in client.get("/api/periodTypes").json()["periodTypes"]}
    assert types["Monthly"]["isoFormat"] == "yyyyMM"
    assert types["SixMonthlyApril"]["displayName"] == "Six monthly april"
    assert "LAST_12_MONTHS" in client.get("/api/periodTypes/relativePeriodTypes").json()


def test_icons(client: Client) -> None:
    """The library by keyword, one icon, and a plain one for a name that is not in it."""
    found = client.get("/api/icons?keywords=vaccine&paging=false").json()["icons"]
    assert {icon["key"] for icon in found} == {f"syringe_{style}" for style in ("negative", "outline", "positive")}
    assert client.get("/api/icons?search=syringe&pageSize=2").json()["pager"]["total"] == 3
    assert "malaria" in client.get("/api/icons/keywords").json()
    icon = client.get("/api/icons/microscope_positive").json()
    assert icon["href"] == "http://hub.example/api/icons/microscope_positive/icon.svg"
    assert client.get("/api/icons/no..thing").status_code == 404
    assert client.get("/api/icons/no..thing/icon.svg").status_code == 404


@pytest.mark.parametrize("key", ["microscope_positive", "microscope_negative", "yes_outline", "nobody_knows"])
def test_a_picture(client: Client, key: str) -> None:
    """Each picture is an SVG."""
    answer = client.get(f"/api/icons/{key}/icon.svg")
    assert answer.headers["content-type"] == "image/svg+xml"
    assert ET.fromstring(answer.text).tag.endswith("svg")


def test_configuration(client: Client) -> None:
    """The id of the instance, the same each time; nothing else is set up, and there is no second factor."""
    known = client.get("/api/configuration/systemId").json()
    assert client.get("/api/configuration").json() == {"systemId": known, "corsAllowlist": []}
    assert client.get("/api/system/info?fields=systemId").json() == {"systemId": known}
    assert client.get("/api/configuration/corsAllowlist").json() == []
    assert client.get("/api/configuration/selfRegistrationRole").status_code == 404
    assert client.get("/api/2fa/enabled").json() is False
    assert client.get("/api/configuration/twoFactorMethods").json()["totp2faEnabled"] is False
