"""What a format offers to the hub: one `Adapter` value per folder, made of plain functions."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from starlette.routing import BaseRoute

from mappings.concepts import Translate
from tracker_core.changes import ChangeSet
from tracker_core.context import Peer, User
from tracker_core.database import AsyncPool, Session
from tracker_core.errors import Unavailable
from tracker_core.issues import Issue, Report


@dataclass(frozen=True, slots=True)
class Envelope:
    """What came with the bytes: kept beside them, so that a replay sees the same request.

    `method` and `target` are the request line (`POST`, `/fhir/Patient?x=1`) or empty for MLLP and files;
    `parameters` are decoded query parameters; `headers` only those that change the meaning (lower case).
    """

    content_type: str = ""
    method: str = ""
    target: str = ""
    parameters: dict[str, str] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Identity:
    """What the bytes say of themselves before they are parsed.

    `type` is the message type in the format's own words (`ADT^A01`, `transaction`, `tracker`, `visits`).
    `dedup` makes a message unique per peer: equal key and equal bytes are answered from the first one,
    equal key and other bytes are a conflict. Empty means every arrival is its own message.
    `lane` names the person in the sender's words: messages of one lane are applied in their order of arrival.
    `asks` says that the sender waits for an answer which only processing can give.
    """

    type: str = ""
    control_id: str = ""
    dedup: str = ""
    lane: str = ""
    asks: bool = False


@dataclass(frozen=True, slots=True)
class Sender:
    """The other side, as a mapping needs it: its profile, and when the message arrived (for zones and defaults).

    `translate` knows what people answered to codes of this peer that no map had.
    """

    peer: Peer
    received: datetime
    parameters: dict[str, str] = field(default_factory=dict)
    translate: Translate | None = None


@dataclass(slots=True)
class Reading:
    """What a mapping read: the changes, and every issue it met on the way (rows that failed, unknown codes).

    `mapping` is the edition of the tables that read it, empty where none did. `receipts` are answers to messages of
    ours that came as messages of their own: control id -> receipt. `extra` goes into the report, for the answer.
    `rejected` refuses the whole document although parts of it could be read; `dry_run` asks for the report of an
    import that is then undone (DHIS2 `importMode=VALIDATE`).
    """

    changes: ChangeSet = field(default_factory=ChangeSet)
    issues: list[Issue] = field(default_factory=list)
    rejected: bool = False
    dry_run: bool = False
    mapping: str = ""
    receipts: dict[str, "Receipt"] = field(default_factory=dict)
    extra: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class View:
    """The current state of something, loaded at send time.

    `kind`: `person` (documents: Patient first, then what hangs on it; values: `trackedEntity`, the tracker's side),
    `record` (the document, then its Patient and Encounter), `report` (values: one aggregate submission), `reminder`
    (values: who, when, where, language), `notification` (values: a subscription and events of it). `names` is what the
    receiver calls those of the documents that it has from us, `theirs` those that came from it, `own_patients` its
    own Patient records of the same persons.
    """

    kind: str
    type: str
    documents: list[dict[str, Any]] = field(default_factory=list)
    values: dict[str, Any] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    theirs: frozenset[str] = frozenset()
    own_patients: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Happened:
    """What a route is to tell of: `action` `create`, `update`, `delete` or `merge` of `about` (`person`, `record`).

    Of a record, `before` and `after` are its documents around the change, None where there was or is none.
    """

    about: str
    action: str
    before: dict[str, Any] | None = None
    after: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A rendered message on its way: bytes, their content type, and what the receiver may use to recognise a repeat."""

    body: bytes
    content_type: str
    control_id: str
    type: str


@dataclass(slots=True)
class Receipt:
    """What the receiver answered. `accepted` false is final (the message is rejected); `answer` is kept as received.

    `items` holds the receiver's verdict per item where it gives one: key of the item -> reason, empty when accepted.
    `names` is what the receiver calls records of ours: our reference (`Patient/1`) -> its name.
    A receiver that is away raises `Unavailable` instead and is asked again.
    """

    accepted: bool
    answer: bytes = b""
    issues: list[Issue] = field(default_factory=list)
    items: dict[str, str] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)


class Interrupted(Unavailable):
    """The receiver went away in the middle: `names` is what it has made of our records until then."""

    def __init__(self, detail: str, names: dict[str, str]) -> None:
        super().__init__(detail)
        self.names = names


@dataclass(frozen=True, slots=True)
class Pulled:
    """What a peer answered when it was asked for news: bytes to keep as one message, and the cursor behind them.

    Without bytes there was nothing to keep on the way to the cursor. The cursor is JSON of the adapter's own making.
    """

    raw: bytes
    cursor: dict[str, Any]
    envelope: Envelope = field(default_factory=Envelope)


@dataclass(frozen=True, slots=True)
class Accepted:
    """What became of a message that was stored and processed within the request.

    `answer` is the adapter's reply; `error` is the exception when processing raised: its wording gives the status.
    """

    message: int
    report: Report
    answer: bytes
    error: BaseException | None = None


class Access(Protocol):
    """What an HTTP face is given by the hub: the way in for writes, and sessions for reads.

    The hub's middleware authenticates and leaves the `User` in `request.state.user`.
    `direct` gives sessions in the event loop, for the reads that are asked most; None where there are none.
    """

    @property
    def direct(self) -> AsyncPool | None:
        """Sessions in the event loop."""
        ...

    def accept(self, format_: str, raw: bytes, envelope: Envelope, user: User, peer: str = "") -> Accepted:
        """Store the bytes, process them, and return the end of it. Blocks; never raises for what the bytes hold.

        They count as sent by the peer called `peer`, else by the user's own peer, else by the one named as the format.
        Raises `Unavailable` when they could not be stored, `Forbidden` when the peer is switched off.
        """
        ...

    def queue(self, format_: str, raw: bytes, envelope: Envelope, user: User, control_id: str) -> int:
        """Store the bytes for a worker to process and return their message at once: the caller asks for the end later.

        They are found again under `control_id`. A worker that dies in the middle leaves nothing half-applied, and
        another one starts over. Raises as `accept` does.
        """
        ...

    def import_files(self, paths: Sequence[Path], envelope: Envelope, user: User, peer: str) -> int:
        """Cut EMR files of any size into messages for workers and return the import's number (`tracker_core.imports`).

        The files are not needed any more then; the same ones again give the same import. Raises as `accept` does, and
        Malformed or Unsupported for what is no such file.
        """
        ...

    @property
    def files(self) -> Path | None:
        """The folder of uploaded files, shared by all processes that serve HTTP; None when there is none."""
        ...

    def reading(self) -> AbstractContextManager[Session]:
        """Return a session for reads that need no common view: each statement sees what is committed when it starts.

        The cheapest way to read. Raises `Unavailable` when the database is away.
        """
        ...

    def session(self) -> AbstractContextManager[Session]:
        """Return a session for reading; raises `Unavailable` when the database is away."""
        ...


@dataclass(frozen=True, slots=True)
class Face:
    """The HTTP side of a format: what it serves below `prefix` (`/fhir`), and one line `about` it for the front page.

    routes(access) -> Starlette routes with their whole paths (`/fhir`, `/fhir/{type}`)
    refuse(status, text) -> (body, content type)
        in the face's own words, what the hub refuses before the face is reached (401, 404, 413, 503) or after it
        failed (500)
    `public` are the paths that need no login (`/fhir/metadata`); `files_at` are beginnings
    of paths at which the larger size limit counts.
    Reads of paths that begin as one of `audited` go into the audit trail, but for those with a step in `unaudited`. A
    face may leave keys of the records and persons that it showed in `request.state.seen`.
    `opens` is what the front page links to, where a browser can open something.
    """

    prefix: str
    about: str
    routes: Callable[[Access], Sequence[BaseRoute]]
    refuse: Callable[[int, str], tuple[bytes, str]]
    public: frozenset[str] = frozenset()
    files_at: tuple[str, ...] = ()
    audited: tuple[str, ...] = ()
    unaudited: frozenset[str] = frozenset()
    opens: str = ""


@dataclass(frozen=True, slots=True)
class Adapter:
    """One format. `name` is what peers and messages carry in `format`.

    identify(raw, envelope) -> Identity   cheap, never raises
    parse(raw, envelope) -> document      raises Malformed or Unsupported
    read(document, sender) -> Reading     pure
    ask(session, document, sender) -> bytes | None
        the reply to a query, from what the hub has; None for a document that asks nothing
    answer(raw, envelope, report, error) -> bytes
        the reply in the caller's protocol; `error` is the exception when processing raised, else None
    write(view, sender, control_id) -> document    pure; raises Unsupported for a view it cannot express
    render(document, sender) -> bytes
    send(outgoing, peer) -> Receipt       raises Unavailable
    pull(peer, cursor, ours) -> Iterator[Pulled]
        what the peer has that is new since `cursor` (`{}` at first), in an order that may be broken off after any;
        `ours(names)` tells which of its objects it has from the hub. Raises Unavailable
    trigger(type, happened, peer) -> str
        the message type by which a route of this type (`ADT`) tells of what happened (`ADT^A28`), empty for none
    check_settings(settings)
        raises Malformed, with the place, for settings of a peer that cannot be meant
    conform(raw, envelope, profile) -> issues
        what a conformance profile finds wrong with a body; raises Malformed for a profile that is none
    show(raw, envelope) -> JSON-able object
        the body as a person reads it; raises as `parse` does. JSON bodies need none
    face    its HTTP routes, where it has any: the hub mounts them behind authentication and size limits
    heeded  settings of a peer that `parse` and `answer` need: they are put among the envelope's parameters, and a
        replay sees what was seen the first time
    """

    name: str
    content_types: tuple[str, ...]
    identify: Callable[[bytes, Envelope], Identity]
    parse: Callable[[bytes, Envelope], Any]
    read: Callable[[Any, Sender], Reading]
    answer: Callable[[bytes, Envelope, Report, BaseException | None], bytes]
    ask: Callable[[Session, Any, Sender], bytes | None] | None = None
    write: Callable[[View, Sender, str], Any] | None = None
    render: Callable[[Any, Sender], bytes] | None = None
    send: Callable[[Outgoing, Peer], Receipt] | None = None
    pull: Callable[[Peer, dict[str, Any], Callable[[Sequence[str]], set[str]]], Iterator[Pulled]] | None = None
    face: Face | None = None
    heeded: tuple[str, ...] = ()
    show: Callable[[bytes, Envelope], Any] | None = None
    check_settings: Callable[[Mapping[str, Any]], None] | None = None
    conform: Callable[[bytes, Envelope, Mapping[str, Any]], list[Issue]] | None = None
    trigger: Callable[[str, Happened, Peer], str] | None = None
