"""Who may create, change and delete metadata: the authorities of a type, then an object's sharing (Web API 2.42)."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tracker_core.access.actor import Actor
from tracker_core.access.sharing import metadata_readable, metadata_writable
from tracker_core.metadata.schema import Type

Document = Mapping[str, Any]
Denial = tuple[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class Rights:
    """What one actor may do to metadata; the `Guard` of an import under that actor's name."""

    actor: Actor

    def denials(self, type: Type, stored: Document | None, doc: Document | None) -> Iterator[Denial]:
        """Yield why `stored` (None: nothing yet) may not become `doc` (None: nothing any more), as code and arguments.

        E3000 … E3002 where an authority lacks or sharing forbids it, E3008 for making an object public without the
        authority for that.
        """
        if stored is None:
            yield from self._creating(type, doc or {})
        elif doc is None:
            if not self._may(type.authorities.delete or type.authorities.public) or not self._shared(type, stored):
                yield "E3002", (self.actor.username, _called(stored))
        elif not self._may(_changing(type)) or not self._shared(type, stored):
            yield "E3001", (self.actor.username, _called(stored))

    def publishes(self, type: Type) -> bool:
        """Tell whether objects of `type` that the actor makes are public unless they say otherwise."""
        return self._may(type.authorities.public)

    def reads(self, doc: Document) -> bool:
        """Tell whether the actor may refer to the object `doc`."""
        return metadata_readable(self.actor, doc)

    def _creating(self, type: Type, doc: Document) -> Iterator[Denial]:
        if not self._may((*type.authorities.public, *type.authorities.private)):
            yield "E3000", (self.actor.username, type.name)
        elif type.shareable and not self.publishes(type) and "r" in _public(doc):
            yield "E3008", (self.actor.username, type.name)

    def _may(self, needed: Sequence[str]) -> bool:
        return not needed or self.actor.may(*needed)

    def _shared(self, type: Type, doc: Document) -> bool:
        return not type.shareable or metadata_writable(self.actor, doc)


def _changing(type: Type) -> Sequence[str]:
    return type.authorities.update or (*type.authorities.public, *type.authorities.private)


def _public(doc: Document) -> str:
    sharing = doc.get("sharing")
    return str(sharing.get("public") or "") if isinstance(sharing, Mapping) else ""


def _called(doc: Document) -> str:
    return str(doc.get("name") or doc.get("id"))
