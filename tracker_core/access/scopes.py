"""The three org unit scopes of an actor, checked here and, for searches, in SQL."""

from typing import Literal

from tracker_core.access.actor import Actor

Scope = Literal["capture", "view", "search"]


def paths(actor: Actor, scope: Scope) -> list[str]:
    """Return the paths of the scope's highest org units, as `under` takes them; `/` when it is everywhere."""
    if actor.superuser:
        return ["/"]
    return list({"capture": actor.capture, "view": actor.view, "search": actor.search}[scope])


def in_scope(actor: Actor, scope: Scope, unit_path: str) -> bool:
    """Tell whether the org unit at `unit_path` (`/root/…/uid`) belongs to a scope of the actor."""
    tops = paths(actor, scope)
    return "/" in tops or any(unit_path == top or unit_path.startswith(f"{top}/") for top in tops)


def may_see_unit(actor: Actor, unit_path: str) -> bool:
    """Tell whether data at an org unit may be read at all: it is in the capture or in the search scope."""
    return in_scope(actor, "search", unit_path) or in_scope(actor, "capture", unit_path)


def under(column: str = "u.path") -> str:
    """Return a condition that holds for paths in `column` within those of one parameter, `paths(…)`, bound by `%b`.

    Written as ranges, because paths are compared byte by byte: `/` comes right before `0`.
    """
    return (
        f"exists (select from unnest(%b::text[]) as top (path) where top.path = '/' or {column} = top.path"
        f" or ({column} >= top.path || '/' and {column} < top.path || '0'))"
    )
