"""How an import is to go: DHIS2's parameters (Web API 2.42, "Metadata import and export") and who stands behind it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from tracker_core.context import Context, User
from tracker_core.database import Session
from tracker_core.issues import Issue, Outcome
from tracker_core.metadata.schema import Type

Document = dict[str, Any]
Strategy = Literal["CREATE_AND_UPDATE", "CREATE", "UPDATE", "DELETE"]
Identifier = Literal["UID", "CODE", "AUTO"]


class Planned(Protocol):
    """What a store will do with its documents."""

    @property
    def issues(self) -> list[Issue]:
        """What is wrong with them."""

    @property
    def outcomes(self) -> list[Outcome]:
        """What becomes of each, in the order given."""


class Store(Protocol):
    """Keeps a type in rows of its own, as org units and users are kept."""

    def plan(self, session: Session, docs: list[Document]) -> Any:
        """Match documents with what is stored and check them; return what is `Planned`."""

    def write(self, session: Session, context: Context, made: Any) -> None:
        """Store what is planned, which has no issues."""


class Guard(Protocol):
    """What the one who imports may do."""

    def denials(self, type: Type, stored: Document | None, doc: Document | None) -> Iterable[tuple[str, Sequence[str]]]:
        """Say why `stored` (None: nothing yet) may not become `doc` (None: nothing any more): codes, with arguments."""

    def publishes(self, type: Type) -> bool:
        """Tell whether new objects of a type are public unless they say otherwise."""

    def reads(self, doc: Document) -> bool:
        """Tell whether new references to an object are allowed."""


@dataclass(frozen=True, slots=True)
class Options:
    """What an import may do.

    `identifier`: how objects and references are known. `AUTO` is by id, else by code. `atomic`: one error refuses
    everything, else only the objects that have one. `user` is stamped on what is written, and `guard` says what that
    user may not do; without them the hub itself imports. `creator` is who new objects are said to be from, if not
    `user`. `stores` keep the types that are not kept as documents.
    """

    strategy: Strategy = "CREATE_AND_UPDATE"
    identifier: Identifier = "UID"
    atomic: bool = True
    skip_sharing: bool = False
    skip_translation: bool = False
    skip_validation: bool = False
    user: User | None = None
    creator: str = ""
    guard: Guard | None = None
    stores: Mapping[str, Store] = field(default_factory=dict)
