"""A browser logs in to a running hub, works under its cookie, and logs out."""

import re
from html import unescape

import httpx

LOGIN = "/api/auth/login"
SCRIPT = {"X-Requested-With": "XMLHttpRequest"}


def browser(client: httpx.Client) -> httpx.Client:
    """A browser at the same hub, not logged in."""
    return httpx.Client(base_url=client.base_url, headers=SCRIPT)


def test_a_session_from_login_to_logout(client: httpx.Client) -> None:
    """What the login form needs is public; then the cookie alone opens the API, until it is closed."""
    with browser(client) as page:
        for path in ("/api/loginConfig", "/api/42/loginConfig.json", "/api/ping", "/api/locales/ui"):
            assert page.get(path).status_code == 200, path
        refused = page.get("/api/me")
        assert refused.status_code == 401
        assert refused.json()["httpStatusCode"] == 401
        assert "www-authenticate" not in refused.headers
        answer = page.post(LOGIN, json={"username": "admin", "password": "secret-enough"})
        assert answer.json() == {"loginStatus": "SUCCESS", "redirectUrl": "/"}
        assert {"HttpOnly", "SameSite=Lax"} <= set(answer.headers["set-cookie"].split("; "))
        assert page.get("/api/me?fields=username").json() == {"username": "admin"}
        kept = dict(page.cookies)
        assert page.post("/api/auth/logout").status_code == 200
        assert page.get("/api/me").status_code == 401
        users = {"username": "nurse", "password": "also-secret-enough"}
        assert page.post(LOGIN, json=users).status_code == 200
        assert page.cookies["JSESSIONID"] != kept["JSESSIONID"]


def test_wrong_logins(client: httpx.Client) -> None:
    """A wrong password, no password, no JSON, and a cookie that nobody gave out."""
    with browser(client) as page:
        wrong = page.post(LOGIN, json={"username": "admin", "password": "guess"})
        assert (wrong.status_code, wrong.json()["message"]) == (401, "Bad credentials")
        assert page.post(LOGIN, json={"username": "admin"}).status_code == 400
        assert page.post(LOGIN, content=b"{").status_code == 400
        assert page.get("/api/me", headers={"Cookie": "JSESSIONID=made-up"}).status_code == 401


def test_a_client_that_is_no_script_is_challenged(client: httpx.Client) -> None:
    """Without the header of scripts the answer names the way to log in."""
    with httpx.Client(base_url=client.base_url) as tool:
        assert tool.get("/api/me").headers["www-authenticate"].startswith("Basic")


def test_every_link_of_the_front_page_opens(client: httpx.Client) -> None:
    """Whoever follows a link of the front page, as a browser asks, finds something there."""
    links = re.findall(r'<a href="([^"]+)">', client.get("/").text)
    assert len(links) >= 5
    for link in links:
        answer = client.get(unescape(link), headers={"Accept": "text/html,application/xml;q=0.9,*/*;q=0.8"})
        assert answer.status_code == 200, link
