"""A metadata payload taken apart into the objects it holds."""

from dataclasses import dataclass, field
from typing import Any, Literal

from tracker_core.issues import Issue
from tracker_core.uids import is_uid

ORG_UNITS = "organisationUnits"


@dataclass(slots=True)
class Incoming:
    """One object of the payload. `stored` is its document in the database, `pk` its key there, if any."""

    type: str
    uid: str
    doc: dict[str, Any]
    pk: int = 0
    stored: dict[str, Any] | None = None

    @property
    def action(self) -> Literal["created", "updated", "unchanged"]:
        """What importing it comes to."""
        if self.stored is None:
            return "created"
        return "unchanged" if self.stored == self.doc else "updated"


@dataclass(slots=True)
class Package:
    """A payload taken apart: objects in document order, org units apart, and what was wrong with its shape."""

    objects: list[Incoming] = field(default_factory=list)
    units: list[dict[str, Any]] = field(default_factory=list)
    issues: list[Issue] = field(default_factory=list)


def take_apart(payload: dict[str, Any]) -> Package:
    """Split a payload into objects. Keys that hold no list (`system`, `package`) only inform and are skipped."""
    package = Package()
    for type, items in payload.items():
        if not isinstance(items, list):
            continue
        for index, doc in enumerate(items):
            where = f"{type}[{index}]"
            if not isinstance(doc, dict):
                package.issues.append(Issue("E5001", "An object was expected.", where=where, value=str(doc)[:100]))
            elif doc.get("id") is not None and not is_uid(str(doc["id"])):
                text = f"Invalid UID `{doc['id']}` for property `id`"
                package.issues.append(Issue("E4014", text, where=where, value=str(doc["id"])))
            elif type == ORG_UNITS:
                package.units.append(doc)
            else:
                package.objects.append(Incoming(type, str(doc.get("id") or ""), doc))
    return package
