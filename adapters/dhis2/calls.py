"""One HTTP request and its reply, as the functions that serve them see both."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeAlias

from adapters.contract import Access
from tracker_core.context import User

# The header of answers that must not be kept.
FRESH = {"Cache-Control": "no-store"}


@dataclass(frozen=True)
class Call:
    """A request. `captured` holds the parts of its path by name, `pairs` its query parameters in order.

    `headers` are found in any case of letters.
    """

    method: str
    path: str
    url: str
    pairs: tuple[tuple[str, str], ...]
    captured: Mapping[str, str]
    body: bytes
    content_type: str
    user: User
    headers: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def given(self) -> dict[str, str]:
        """The query parameters by name; of a repeated one the last."""
        return dict(self.pairs)


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer: a document (encoded as DHIS2 writes JSON) or finished bytes."""

    body: Any
    status: int = 200
    content_type: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)


Serve: TypeAlias = Callable[[Access, Call], Reply]
# Method, path below `/api` in Starlette's form, and the function that answers.
Routes: TypeAlias = tuple[tuple[str, str, Serve], ...]
