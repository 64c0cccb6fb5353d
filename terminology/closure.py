"""ConceptMap `$closure` (R4 4.10.14): a client's table of which of the concepts it met lie above which others."""

from collections.abc import Iterable
from typing import Any

from terminology.composing import find_system
from terminology.library import Document, Library, Versions
from terminology.looking_up import known
from terminology.problems import Problem
from terminology.store import Session

# How many concepts one call may bring.
MOST = 1000


def grow(
    session: Session, library: Library, name: str, concepts: Iterable[dict[str, Any]], since: int | None
) -> Document:
    """Return the pairs that new concepts of table `name` bring, as a ConceptMap of `subsumes` relations.

    No concept and no `since` starts the table anew; `since` asks again for everything from that version on. The map's
    version is the one to say next time. Raises `Problem` for an unknown table, system or code.
    """
    new = [(one.get("system", ""), one.get("code", "")) for one in concepts]
    if len(new) > MOST:
        raise Problem.too_costly(name, MOST)
    session.execute("select pg_advisory_xact_lock(hashtext(%s))", (f"closure {name}",))
    if not new and since is None:
        session.execute("delete from closure_concept where name = %s", (name,))
        return _map(name, 0, [])
    held: list[tuple[str, str, int]] = session.execute(
        "select system, code, version from closure_concept where name = %s order by version for update", (name,)
    ).fetchall()
    version = max((one[2] for one in held), default=0)
    if since is not None:
        if since > version:
            raise Problem.bad_request(f"table {name} has no version {since}")
        fresh = [(system, code) for system, code, at in held if at > since]
        return _map(name, version, _pairs(library, [one[:2] for one in held], fresh))
    met = {one[:2] for one in held}
    fresh = [one for one in dict.fromkeys(new) if one not in met]
    found = _pairs(library, [*met, *fresh], fresh)
    session.execute(
        "insert into closure_concept (name, system, code, version) select %s, system, code, %s"
        " from unnest(%b::text[], %b::text[]) as n (system, code) on conflict do nothing",
        (name, version + 1, [system for system, _ in fresh], [code for _, code in fresh]),
    )
    return _map(name, version + 1 if fresh else version, found)


def _pairs(library: Library, every: list[tuple[str, str]], fresh: list[tuple[str, str]]) -> list[tuple[str, str, str]]:
    """Return (system, below, above) for every pair of which one is fresh."""
    found = []
    for url in dict.fromkeys(system for system, _ in fresh):
        system = find_system(library, Versions(), url)
        mine = [code for one, code in every if one == url]
        newer = {code for one, code in fresh if one == url}
        for code in newer:
            known(system, code)
        pairs = [pair for new in newer for other in mine if other != new for pair in ((new, other), (other, new))]
        found += [(url, low, high) for low, high in dict.fromkeys(pairs) if system.subsumes(high, low)]
    return found


def _map(name: str, version: int, pairs: list[tuple[str, str, str]]) -> Document:
    groups: dict[str, dict[str, list[Document]]] = {}
    for system, low, high in pairs:
        target = {"code": high, "equivalence": "subsumes"}
        groups.setdefault(system, {}).setdefault(low, []).append(target)
    return {
        "resourceType": "ConceptMap",
        "name": name,
        "version": str(version),
        "status": "active",
        "group": [
            {
                "source": system,
                "target": system,
                "element": [{"code": code, "target": targets} for code, targets in elements.items()],
            }
            for system, elements in groups.items()
        ],
    }
