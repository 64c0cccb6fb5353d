"""What can be wrong with terminology content. The edge gives each its words (`Malformed`, `Unsupported`)."""


class TerminologyError(Exception):
    """Base of the two; `detail` is safe to show, `where` names the place in the source (`line 12`, a code)."""

    def __init__(self, detail: str, where: str = "") -> None:
        super().__init__(f"{where}: {detail}" if where else detail)
        self.detail = detail
        self.where = where


class Refused(TerminologyError):
    """The content cannot be loaded; the version served before stays the current one."""


class NotInstalled(TerminologyError):
    """An optional package that holds the content is missing; `detail` says how to install it."""
