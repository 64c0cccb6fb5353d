"""The start-up requests of Capture and of the Android app, sent to a running hub; every answer's shape is checked."""

from collections.abc import Iterator

import httpx
import orjson
import pytest

from tests.contracts.dhis2 import district, starting
from tests.contracts.dhis2.conftest import PASSWORD, Hub
from tests.contracts.dhis2.shapes import lacking
from tests.contracts.dhis2.starting import Ask

XHR = {"X-Requested-With": "XMLHttpRequest"}


@pytest.fixture(scope="module")
def nurse(hub: Hub) -> Iterator[httpx.Client]:
    """The nurse of Facility A, at a browser."""
    with hub.as_user("nurse") as client:
        client.headers.update(XHR)
        yield client


def test_the_shell(hub: Hub, nurse: httpx.Client) -> None:
    """3.01 to 3.12: the server, the user, settings, header bar; what may be missing is, and nothing else."""
    info = nurse.get("/api/system/info").json()
    assert info["version"].startswith("2.42.")
    assert info["contextPath"] == hub.url
    assert (info["dateFormat"], info["calendar"]) == ("yyyy-MM-dd", "iso8601")
    assert {"serverTimeZoneId", "serverTimeZoneDisplayName", "instanceBaseUrl", "systemName", "serverDate"} <= set(info)
    assert {"id", "username", "name", "settings"} <= set(nurse.get("/api/me").json())
    settings = nurse.get("/api/42/userSettings").json()
    assert {"keyUiLocale", "keyDbLocale", "keyAnalysisDisplayProperty"} <= set(settings)
    assert set(nurse.get("/api/42/me?fields=id").json()) == {"id"}
    for key in ("applicationTitle", "helpPageLink"):
        assert set(nurse.get(f"/api/42/systemSettings/{key}").json()) == {key}
    head = nurse.get("/api/42/me?fields=authorities,avatar,email,name,settings").json()
    assert (head["name"], head["authorities"]) == ("Nora Nurse", [])
    modules = nurse.get("/dhis-web-commons/menu/getModules.action").json()["modules"]
    assert {"name", "namespace", "defaultAction", "displayName", "icon", "description"} <= set(modules[0])
    unread = nurse.get("/api/42/me/dashboard").json()
    assert unread == {"unreadMessageConversations": 0, "unreadInterpretations": 0}
    me = nurse.get(f"/api/42/me?fields={starting.ME}").json()
    assert lacking(me, starting.ME) == []
    assert me["organisationUnits"] == [{"id": district.ONE, "path": f"/{district.ROOT}/{district.ONE}"}]
    short = nurse.get("/api/42/system/info?fields=dateFormat,serverTimeZoneId,calendar").json()
    assert set(short) == {"dateFormat", "serverTimeZoneId", "calendar"}
    assert nurse.get("/api/42/dataStore/capture/ruleEngine").status_code == 404
    assert nurse.get("/api/42/dataStore/capture").status_code == 404
    assert nurse.get("/api/42/apps").json()[0]["key"] == "capture"
    assert nurse.get("/api/42/staticContent/logo_banner").status_code == 404


def shaped(client: httpx.Client, ask: Ask) -> None:
    """Send one request, and check status, envelope and the fields of every item."""
    answer = client.get(f"/api/42/{ask.address}")
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert len(body[ask.items]) >= ask.least
    assert lacking(body[ask.items], ask.fields, ask.absent) == []
    paged = "paging=false" not in ask.query
    assert paged is ("pager" in body)
    if paged:
        pager = body["pager"]
        assert ("nextPage" in pager) is (pager["page"] < pager["pageCount"])
    plain = client.get(f"/api/{ask.address}").json()
    assert plain[ask.items] == orjson.loads(answer.text.replace("/api/42/", "/api/"))[ask.items]


@pytest.mark.parametrize("ask", starting.CAPTURE, ids=lambda ask: ask.address[:40])
def test_capture(nurse: httpx.Client, ask: Ask) -> None:
    """3.13 to 3.30, under `/api/42` and `/api` alike."""
    shaped(nurse, ask)


def test_what_captures_answers_hold(nurse: httpx.Client) -> None:
    """Values that the app stumbles over: types, computed names, plucked lists, versions of option sets."""
    outline = nurse.get(f"/api/42/programs?fields={starting.PROGRAM_OUTLINE}&pageSize=1000&page=1").json()["programs"]
    stages = {stage["id"]: stage for program in outline for stage in program["programStages"]}
    held = [link["dataElement"] for link in stages[district.BIRTH]["programStageDataElements"]]
    sets = {element["id"]: element.get("optionSet") for element in held}
    assert isinstance(sets[district.VACCINE_GIVEN]["version"], int)
    units = nurse.get(f"/api/42/programs/orgUnits?programs={district.PROGRAM},{district.EVENTS}").json()
    assert {key: sorted(uids) for key, uids in units.items()} == {
        district.PROGRAM: [district.ONE, district.TWO],
        district.EVENTS: [district.ONE, district.TWO],
    }
    rule = nurse.get(f"/api/42/programRules?fields={starting.RULES}").json()["programRules"][0]
    assert rule["programRuleActions"][0]["displayContent"] == "Is this weight right?"
    events = nurse.get(f"/api/42/programs/{district.EVENTS}?fields=trackedEntityType,categoryCombo[isDefault]").json()
    assert events == {"categoryCombo": {"isDefault": True}}
    option = nurse.get(f"/api/42/categoryOptions?fields={starting.CATEGORY_OPTIONS}").json()["categoryOptions"][0]
    assert option["categories"] == ["GLevLNI9wkl"]
    assert option["organisationUnits"] == []
    assert option["access"] == {"data": {"write": True}}
    unit = nurse.get(f"/api/42/organisationUnits?fields={starting.UNIT}&withinUserHierarchy=true&pageSize=2").json()
    assert unit["organisationUnits"] == [
        {"id": district.ONE, "name": "Facility A", "path": f"/{district.ROOT}/{district.ONE}"}
    ]


def test_the_org_unit_selector(nurse: httpx.Client) -> None:
    """4.01 to 4.07: names, sizes, children, search within the user's search scope."""
    units = "/api/42/organisationUnits"
    root = nurse.get(f"{units}/{district.ROOT}?fields=displayName,path,id").json()
    assert root == {"displayName": "River District", "path": f"/{district.ROOT}", "id": district.ROOT}
    assert nurse.get(f"{units}/{district.ROOT}?fields=path,children::size").json()["children"] == 2
    below = nurse.get(f"{units}/{district.ROOT}?fields=children[id,path,displayName]").json()["children"]
    assert [set(child) for child in below] == [{"id", "path", "displayName"}] * 2
    assert nurse.get(f"{units}/{district.ONE}?fields=path,children::size").json()["children"] == 0
    query = "fields=id,path&paging=true&query=Faci&withinUserSearchHierarchy=true&pageSize=15"
    found = nurse.get(f"{units}?{query}").json()
    assert [unit["id"] for unit in found["organisationUnits"]] == [district.ONE]
    assert "nextPage" not in found["pager"]


def test_the_warm_start(hub: Hub, nurse: httpx.Client) -> None:
    """12: a change of a rule raises the version of its program, by which the app asks for the program again."""

    def version() -> int:
        found = nurse.get("/api/42/programs?fields=id,version&pageSize=1000&page=1").json()["programs"]
        return next(int(each["version"]) for each in found if each["id"] == district.PROGRAM)

    before = version()
    rule = hub.admin.get("/api/programRules/prHeavyBaby?fields=:owner").json()
    answer = hub.admin.post("/api/metadata", json={"programRules": [{**rule, "condition": "#{weight} > 7"}]})
    assert answer.status_code == 200, answer.text
    assert version() > before


def test_android_logs_in(hub: Hub) -> None:
    """23.1: ping and login configuration without a login, then the user and the server."""
    with httpx.Client(base_url=hub.url) as phone:
        assert phone.get("/api/ping").text == phone.get("/api/system/ping").text == "pong"
        assert {"uiLocale", "applicationTitle"} <= set(phone.get("/api/loginConfig").json())
        assert phone.get("/api/me").status_code == 401
    with hub.as_user("nurse") as phone:
        user = (
            "username,id,code,name,displayName,created,lastUpdated,birthday,education,gender,jobTitle,surname,"
            "firstName,introduction,employer,interests,languages,email,phoneNumber,nationality,deleted,"
            "organisationUnits[id,path],teiSearchOrganisationUnits[id,path],userGroups[id],userRoles[id]"
        )
        kept = ("username", "id", "name", "displayName", "created", "lastUpdated", "surname", "firstName")
        found = phone.get(f"/api/me?fields={user}").json()
        assert set(kept) <= set(found)
        info = phone.get(
            "/api/system/info?fields=serverDate,dateFormat,version,contextPath,systemName,serverTimeZoneId"
        )
        assert len(info.json()) == 6


def test_androids_settings(nurse: httpx.Client) -> None:
    """23.2, 3: the settings asked for by key, and apps' settings that are not there."""
    keys = "keyFlag keyStyle keyCustomColorMobile keyDefaultBaseMap analyticsFinancialYearStart analyticsWeeklyStart"
    found = nurse.get("/api/systemSettings?" + "&".join(f"key={key}" for key in keys.split())).json()
    assert set(found) == set(keys.split()) - {"keyCustomColorMobile"}
    assert set(nurse.get("/api/userSettings?key=keyUiLocale&key=keyDbLocale").json()) == {"keyUiLocale", "keyDbLocale"}
    for key in ("info", "generalSettings", "synchronization", "appearance", "analytics", "customIntents", "versions"):
        assert nurse.get(f"/api/dataStore/ANDROID_SETTINGS_APP/{key}").status_code == 404
    assert nurse.get("/api/dataStore/USE_CASES/stockUseCases").status_code == 404
    assert nurse.get("/api/me/authorization").json() == []


@pytest.mark.parametrize("ask", starting.ANDROID, ids=lambda ask: ask.address[:40])
def test_android(nurse: httpx.Client, ask: Ask) -> None:
    """23.2, 5 to 20, in its order."""
    shaped(nurse, ask)


def test_androids_other_answers(nurse: httpx.Client) -> None:
    """Org units of category options, and only what changed since."""
    units = nurse.get("/api/categoryOptions/orgUnits?categoryOptions=xYerKDKCefk").json()
    assert units == {"xYerKDKCefk": []}
    later = nurse.get("/api/programs?filter=lastUpdated:gt:2999-01-01T00:00:00.000&paging=false").json()
    assert later == {"programs": []}


def test_a_program_of_a_group(hub: Hub) -> None:
    """A program shared with a group alone is in every start-up answer of its member, and in none of others."""
    group, hidden, role = "ugMidwivesA", "progHiddenA", "urMidwifeAa"
    sharing = {"public": "--------", "users": {}, "userGroups": {group: {"id": group, "access": "r-rw----"}}}
    rooted = {"organisationUnits": [{"id": district.ONE}], "categoryCombo": {"id": "bjDvmb4bfuf"}}
    program = {"id": hidden, "name": "Hidden", "shortName": "Hidden", "programType": "WITHOUT_REGISTRATION", **rooted}
    named = {"id": "usMidwifeAa", "username": "midwife", "firstName": "Mira", "surname": "Midwife"}
    midwife = {**named, "password": PASSWORD, "userRoles": [{"id": role}], "organisationUnits": [{"id": district.TWO}]}
    payload = {
        "userRoles": [{"id": role, "name": "Midwife", "authorities": ["F_VIEW_EVENT_ANALYTICS"]}],
        "users": [midwife],
        "userGroups": [{"id": group, "name": "Midwives", "users": [{"id": "usMidwifeAa"}]}],
        "programs": [{**program, "sharing": sharing}],
    }
    answer = hub.admin.post("/api/metadata", json=payload)
    assert answer.status_code == 200, answer.text
    asked = (
        "programs?fields=id",
        f"programs?filter=id:in:[{hidden}]&fields=id",
        f"programs/orgUnits?programs={hidden}",
        "me?fields=programs",
    )
    for username, sees in (("midwife", True), ("nurse", False)):
        with hub.as_user(username) as client:
            for path in asked:
                assert (f'"{hidden}"' in client.get(f"/api/42/{path}").text) is sees, (username, path)
            seen = client.get(f"/api/programs/{hidden}?fields=access[read,write,data]")
            assert seen.status_code == (200 if sees else 404)
            unit = client.get("/api/organisationUnits?fields=id&withinUserHierarchy=true").json()["organisationUnits"]
            assert unit == [{"id": district.TWO if sees else district.ONE}]
