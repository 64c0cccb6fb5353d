"""The front page: what this hub is, where its faces are, how it is."""

from collections.abc import Iterable
from dataclasses import dataclass
from html import escape
from pathlib import Path
from string import Template

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from hub import VERSION

_HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Line:
    """What the front page tells of a path: one line `about` it, and the address that `opens` in a browser, if any."""

    path: str
    about: str
    opens: str = ""


def page_route(lines: Iterable[Line]) -> Route:
    """Return the route `/`."""
    rows = "\n".join(f"<tr><td>{_shown(line)}</td><td>{escape(line.about)}</td></tr>" for line in lines)
    page = Template((_HERE / "page.html").read_text("utf-8")).substitute(rows=rows, version=VERSION)

    async def front(_: Request) -> Response:
        return HTMLResponse(page)

    return Route("/", front)


def _shown(line: Line) -> str:
    path = f"<code>{escape(line.path)}</code>"
    return f'<a href="{escape(line.opens)}">{path}</a>' if line.opens else path
