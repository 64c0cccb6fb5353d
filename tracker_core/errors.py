"""The six ways a request or the world can be wrong, and what each is called in every protocol.

Wrong *data* is never raised: it is an `Issue` in a `Report` (see `issues.py`). Anything else that is raised is a bug.
"""

from dataclasses import dataclass


class HubError(Exception):
    """Base of the six; `detail` is safe to show to the caller, `where` names the place in the input."""

    def __init__(self, detail: str, where: str = "") -> None:
        super().__init__(detail)
        self.detail = detail
        self.where = where


class Malformed(HubError):
    """The bytes cannot be read as the format they claim to be."""


class Forbidden(HubError):
    """The caller may not do this."""


class NotFound(HubError):
    """The thing asked for does not exist, or the caller may not know that it does."""


class Conflict(HubError):
    """The request contradicts what is stored (version, uniqueness, state)."""


class Unsupported(HubError):
    """Understood, and not offered."""


class TooCostly(Unsupported):
    """Offered, but this request would take more time or memory than one request may."""


class Unavailable(HubError):
    """Something needed is away just now: the only error that is retried."""


@dataclass(frozen=True, slots=True)
class Wording:
    """One error in the words of each protocol."""

    http: int
    fhir: str
    ack: str
    retried: bool


WORDING: dict[type[HubError], Wording] = {
    Malformed: Wording(400, "structure", "AR", retried=False),
    Forbidden: Wording(403, "forbidden", "AR", retried=False),
    NotFound: Wording(404, "not-found", "AE", retried=False),
    Conflict: Wording(409, "conflict", "AE", retried=False),
    Unsupported: Wording(422, "not-supported", "AR", retried=False),
    TooCostly: Wording(403, "too-costly", "AR", retried=False),
    Unavailable: Wording(503, "transient", "AE", retried=True),
}
BUG = Wording(500, "exception", "AE", retried=False)


def wording(error: BaseException) -> Wording:
    """Return the words for `error`; anything that is not one of the six is a bug."""
    for kind in type(error).__mro__:
        if kind in WORDING:
            return WORDING[kind]
    return BUG
