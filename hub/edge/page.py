"""The front page: what this hub is, where its faces are, how it is."""

from collections.abc import Mapping
from html import escape
from pathlib import Path
from string import Template

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from hub import VERSION

_HERE = Path(__file__).parent


def page_route(links: Mapping[str, str]) -> Route:
    """Return the route `/`; `links` maps a path to what is found there."""
    rows = "\n".join(
        f'<tr><td><a href="{escape(path)}"><code>{escape(path)}</code></a></td><td>{escape(text)}</td></tr>'
        for path, text in links.items()
    )
    page = Template((_HERE / "page.html").read_text("utf-8")).substitute(rows=rows, version=VERSION)

    async def front(_: Request) -> Response:
        return HTMLResponse(page)

    return Route("/", front)
