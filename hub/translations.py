"""What people answered to codes that no map had: a ConceptMap per peer and map, asked before the mapping's own."""

from collections.abc import Mapping
from threading import Lock
from typing import Any

from mappings.concepts import ANSWERS, Target, Translate
from terminology import published, store
from terminology.translating import ConceptMap, compile_map
from tracker_core import messages, peers, unmapped
from tracker_core.context import Peer
from tracker_core.database import Session
from tracker_core.errors import NotFound

SOURCE = "urn:tracker-hub:peer"
_known: dict[tuple[str, int, str], tuple[Any, Mapping[str, ConceptMap]]] = {}
_lock = Lock()


def url_of(peer: str, concept_map: str) -> str:
    """Return the url of the ConceptMap that holds the answers for one map of one peer."""
    return f"{ANSWERS}:{peer}:{concept_map}"


def of_peer(session: Session, peer: Peer) -> Translate | None:
    """Return what was answered for a peer, as mappings ask it; None when nothing was.

    One short query; the maps are read anew only after something of the terminology changed.
    """
    prefix = f"{ANSWERS}:{peer.code}:"
    mine = {url.removeprefix(prefix): one for url, one in _answers(session).items() if url.startswith(prefix)}
    if not mine:
        return None

    def translate(concept_map: str, _system: str, code: str) -> Target | None:
        found = mine[concept_map].translate(f"{SOURCE}:{peer.code}", code) if concept_map in mine else ()
        return Target(found[0].system, found[0].code, found[0].display) if found else None

    return translate


def outward(session: Session) -> Translate:
    """Return what a peer's own code tables ask when they name a ConceptMap by its url; each is read when first asked.

    Where the system of a code is not said (or is not that of the map), the code alone decides.
    """
    compiled: dict[str, ConceptMap | None] = {}

    def translate(url: str, system: str, code: str) -> Target | None:
        if url not in compiled:
            docs = published.served(session, "ConceptMap", url)
            compiled[url] = next((compile_map(doc) for _, doc in docs if doc.get("url") == url), None)
        known = compiled[url]
        if known is None:
            return None
        found = known.translate(system, code)
        found = found or next((match for (_, own), match in known.forward.items() if own == code), ())
        return Target(found[0].system, found[0].code, found[0].display) if found else None

    return translate


def _answers(session: Session) -> Mapping[str, ConceptMap]:
    database = (session.info.host, session.info.port, session.info.dbname)
    state = store.version(session)
    with _lock:
        known = _known.get(database)
    if known is None or known[0] != state:
        docs = published.served(session, "ConceptMap", ANSWERS)
        known = (state, {doc["url"]: compile_map(doc) for _, doc in docs})
        with _lock:
            _known[database] = known
    return known[1]


def answer(session: Session, id: int, target: Target, actor: str) -> int:
    """Answer an unmapped code by `target`: the ConceptMap gains an entry, and the messages that wait for it run again.

    Returns how many run again. Raises `NotFound` for an unknown code.
    """
    done = unmapped.answer(session, id, actor)
    if done is None:
        raise NotFound(f"unmapped code {id} is not known")
    peer, concept_map, code, waiting = done
    _add(session, peers.by_ids(session, [peer])[peer].code, concept_map, code, target)
    return messages.replay(session, waiting) if waiting else 0


def _add(session: Session, peer: str, concept_map: str, code: str, target: Target) -> None:
    """Put one entry into the peer's ConceptMap, in the place of an earlier answer."""
    url = url_of(peer, concept_map)
    store.touch(session)  # Two answers to one map wait for each other, so that neither is lost.
    held = published.versions(session, "ConceptMap", url).get("", {})
    source = f"{SOURCE}:{peer}"
    groups = [
        {**group, "element": [one for one in group["element"] if one["code"] != code]}
        for group in held.get("group", [])
    ]
    entry = {"code": target.code, "equivalence": "equivalent"}
    element = {"code": code, "target": [{**entry, **({"display": target.display} if target.display else {})}]}
    same = next((group for group in groups if group["target"] == target.system), None)
    if same is None:
        groups.append({"source": source, "target": target.system, "element": [element]})
    else:
        same["element"].append(element)
    name = f"Answers for {concept_map} of {peer}"
    head = {"resourceType": "ConceptMap", "url": url, "name": name, "status": "active"}
    published.save(session, [{**head, "group": [group for group in groups if group["element"]]}])
