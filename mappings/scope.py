"""What a row may know beside its own value: the other side's profile, the message's delimiters, and where issues go."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from mappings.concepts import ConceptMap, Inverse, Target, Translate
from mappings.er7 import Encoding
from mappings.places import Doc
from mappings.rows import Row
from tracker_core.issues import Issue, Severity

NO_MARK = "\x00"
ATTACHMENT_LIMIT = 16 * 2**20


class Unfit(ValueError):
    """A value that a codec cannot take. The row yields an issue and nothing else; the other rows go on.

    `untranslated` is the code that `concept_map` does not have, where that is what is wrong.
    """

    def __init__(self, reason: str, code: str = "bad-value", concept_map: str = "", untranslated: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.code = code
        self.concept_map = concept_map
        self.untranslated = untranslated

    def issue(self, severity: Severity, where: str, value: str, row: str) -> Issue:
        """Return the issue to tell of it; `value` is the text that the row met."""
        return Issue(self.code, self.reason, severity, where, (self.untranslated or value)[:200], row, self.concept_map)


@dataclass(frozen=True, slots=True)
class Profile:
    """The other side of an exchange, from the settings of its peer.

    `zone` is used for times that name no offset. `naming` maps what the sender calls an authority or a code system
    (namespace, OID, URI; `""` for identifiers without any) to its system. `domain` keeps names that nobody declared
    apart from the equal names of other senders. `translate`, when there is one, is asked before the maps' own files;
    `inverse` after them, on the way back.
    `attachment` is the number of bytes that a document inside a message may have to be kept in a record.
    """

    zone: tzinfo | None = None
    naming: Mapping[str, str] = field(default_factory=dict)
    domain: str = ""
    translate: Translate | None = None
    inverse: Inverse | None = None
    attachment: int = ATTACHMENT_LIMIT


def profile_from(settings: Mapping[str, Any], domain: str = "", translate: Translate | None = None) -> Profile:
    """Build the profile of a peer: `zone` (IANA name), `naming` (name -> system), its code as `domain`.

    `authorities` is the same the other way round, system -> every name it goes by; the system itself is one of them.
    `attachment_limit` is the greatest size in bytes of a document inside a record (16 MiB).
    Raises `ZoneInfoNotFoundError` (a `KeyError`) for a zone that does not exist.
    """
    zone = settings.get("zone")
    naming = dict(settings.get("naming", {}))
    for system, names in settings.get("authorities", {}).items():
        for name in (*names, *(f"urn:oid:{name}" for name in names if name.replace(".", "").isdigit()), system):
            naming.setdefault(name, system)
    limit = int(settings.get("attachment_limit", ATTACHMENT_LIMIT))
    return Profile(ZoneInfo(zone) if zone else None, naming, domain, translate, attachment=limit)


@dataclass(slots=True)
class Scope:
    """The state of one reading or writing. `marks` are the delimiters of repetition, component and subcomponent.

    `returning` says that what is written was read from the same side: a code that has not the side's own code beside
    it is then one that the side itself sent.
    """

    profile: Profile = field(default_factory=Profile)
    encoding: Encoding = field(default_factory=Encoding)
    offset: tzinfo | None = None
    version: str = "2.5.1"
    issues: list[Issue] = field(default_factory=list)
    refer: Callable[[str, Doc], Doc | None] = lambda _type, _record: None
    follow: Callable[[Doc], Doc | None] = lambda _reference: None
    clears: list[tuple[str, Doc]] = field(default_factory=list)
    where: str = ""
    row: Row | None = None
    quiet: bool = False
    marks: tuple[str, str, str, str] = ("~", "^", "&", NO_MARK)
    zone_told: bool = False
    keys: dict[str, str] = field(default_factory=dict)
    returning: bool = False

    def __post_init__(self) -> None:
        e = self.encoding
        self.marks = (e.repetition or NO_MARK, e.component, e.subcomponent or NO_MARK, NO_MARK)

    def translate(self, mapped: ConceptMap, code: str) -> Target | None:
        """Return what `code` is in a concept map: the answer of the profile's translation, else the file's."""
        ask = self.profile.translate
        found = ask(mapped.name, mapped.source, code) if ask else None
        return found or mapped.translate(code)

    def inverse(self, mapped: ConceptMap, system: str, code: str) -> str | None:
        """Return the preferred source code of a target: that of the map's file, else of the profile's inverse."""
        found = mapped.inverse(system, code)
        ask = self.profile.inverse
        return found if found is not None or ask is None else ask(mapped.name, system, code)

    def zone(self) -> tzinfo:
        """Return the zone of a time without offset: the message's, the sender's, else UTC, which is told once."""
        zone = self.offset or self.profile.zone
        if zone is None:
            if not self.zone_told:
                self.zone_told = True
                self.warn("no-time-zone", "a time without offset from a sender without zone was taken as UTC", "")
            return UTC
        return zone

    def warn(self, code: str, text: str, value: str, concept_map: str = "") -> None:
        """Add an issue about the row at work, which goes on. The reader of the row puts the place before it."""
        if not self.quiet:
            row = str(self.row) if self.row else ""
            self.issues.append(Issue(code, text, "warning", "", value[:200], row, concept_map))

    def locate(self, start: int, prefix: str) -> None:
        """Put `prefix` before the place of every issue from number `start` on."""
        self.issues[start:] = [replace(issue, where=prefix + issue.where) for issue in self.issues[start:]]
