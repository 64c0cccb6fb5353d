"""System and user settings over HTTP."""

from tests.adapters.dhis2.conftest import Client


def test_system_settings(client: Client) -> None:
    """All, those asked for, one as JSON and as text; set by parameter, by body, many at once, and cleared."""
    assert client.get("/api/systemSettings").json()["applicationTitle"] == "Tracker Hub"
    asked = client.get("/api/42/systemSettings?key=keyFlag&key=keyStyle&key=keyBingMapsApiKey").json()
    assert asked == {"keyFlag": "dhis2", "keyStyle": "light_blue/light_blue.css"}
    assert client.get("/api/systemSettings/applicationTitle").json() == {"applicationTitle": "Tracker Hub"}
    plain = client.get("/api/systemSettings/keyAccountRecovery", headers={"Accept": "text/plain"})
    assert (plain.text, plain.headers["content-type"]) == ("false", "text/plain;charset=UTF-8")
    answer = client.post("/api/systemSettings/applicationTitle?value=Health").json()
    assert answer["message"] == "System setting 'applicationTitle' set to value 'Health'."
    client.post("/api/systemSettings/keyFlag", content="kenya", headers={"Content-Type": "text/plain"})
    client.post("/api/systemSettings", json={"minPasswordLength": 10})
    found = client.get("/api/systemSettings").json()
    assert (found["applicationTitle"], found["keyFlag"], found["minPasswordLength"]) == ("Health", "kenya", 10)
    assert client.delete("/api/systemSettings/keyFlag").status_code == 204
    assert client.get("/api/systemSettings/keyFlag.json").json() == {"keyFlag": "dhis2"}


def test_wrong_settings(client: Client, limited: Client) -> None:
    """An unknown key is not found or in conflict; nothing without the authority; a value is needed."""
    assert client.get("/api/systemSettings/noSuchKey").status_code == 404
    assert client.get("/api/userSettings/noSuchKey").status_code == 404
    assert client.post("/api/systemSettings/noSuchKey?value=1").status_code == 409
    assert client.post("/api/systemSettings/keyFlag").status_code == 400
    assert client.post("/api/systemSettings/keyFlag", content=b"\xff").status_code == 400
    assert limited.post("/api/systemSettings/keyFlag?value=x").status_code == 403
    assert limited.post("/api/systemSettings", json={"keyFlag": "x"}).status_code == 403
    assert limited.delete("/api/systemSettings/keyFlag").status_code == 403
    assert client.get("/api/systemSettings/keyFlag").json() == {"keyFlag": "dhis2"}


def test_user_settings(client: Client, limited: Client) -> None:
    """A user chooses; others see it only when they may manage users."""
    assert limited.get("/api/userSettings").json()["keyUiLocale"] == "en"
    limited.post("/api/userSettings/keyUiLocale?value=fr")
    assert limited.get("/api/userSettings/keyUiLocale").json() == {"keyUiLocale": "fr"}
    assert limited.get("/api/me/settings").json()["keyUiLocale"] == "fr"
    assert client.get("/api/userSettings?user=limited").json()["keyUiLocale"] == "fr"
    assert limited.get("/api/userSettings?user=tester").status_code == 403
    assert client.get("/api/userSettings?user=nobody").status_code == 404
    limited.delete("/api/userSettings/keyUiLocale")
    assert limited.get("/api/userSettings?useFallback=false").json() == {}
