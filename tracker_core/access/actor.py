"""The actor: a user as every check reads it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from tracker_core.errors import Forbidden

ALL = "ALL"
# What the hub itself is called when no user stands behind an act; no account may have one of these names.
SYSTEM = "system"
MACHINES = frozenset({SYSTEM, "mllp", "inbox", "convert", "subscriptions"})


@dataclass(frozen=True, slots=True)
class Actor:
    """A user who asks for something.

    `authorities` are those of all roles; `superuser` has `ALL` and passes every check. `capture`, `view` and `search`
    are the paths of the highest org units of each scope, none below another. `reads` and `writes` give, per data-shared
    type, the pks whose data the actor may read and write.
    """

    uid: str
    username: str
    authorities: frozenset[str]
    roles: frozenset[str]
    groups: frozenset[str]
    capture: tuple[str, ...]
    view: tuple[str, ...]
    search: tuple[str, ...]
    reads: Mapping[str, frozenset[int]] = field(default_factory=dict)
    writes: Mapping[str, frozenset[int]] = field(default_factory=dict)

    @property
    def superuser(self) -> bool:
        """Whether every check passes."""
        return ALL in self.authorities

    def may(self, *authorities: str) -> bool:
        """Tell whether the actor has one of `authorities`, or all there are."""
        return self.superuser or not self.authorities.isdisjoint(authorities)

    def need(self, *authorities: str) -> None:
        """Raise `Forbidden` unless the actor has one of `authorities`."""
        if not self.may(*authorities):
            raise Forbidden(f"Access is denied: the authority {authorities[0]} is needed")
