"""Standard codes in an EMR's own words: how an export knows them, and which had none."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from typing import TypeAlias

from mappings.codecs.own import NO_EQUIVALENT
from mappings.concepts import ANSWERS, Inverse
from mappings.scope import Profile, profile_from
from terminology import published
from terminology.translating import compile_map
from tracker_core.context import Peer
from tracker_core.database import Session
from tracker_core.issues import Issue

Untold: TypeAlias = Counter[tuple[str, str]]
"""(concept map, `system|code`) -> how often a row was written with the standard code, as the EMR has none for it."""
_SAME = ("equivalent", "equal")


def export_profile(session: Session, peer: Peer) -> Profile:
    """Return the profile of a peer for writing: what people answered to its codes is asked on the way back, too."""
    return replace(profile_from(peer.settings, peer.code), inverse=_answers(session, peer))


def count_untold(untold: Untold, issues: Iterable[Issue]) -> None:
    """Add the codes without an equivalent among the issues of writing a row."""
    untold.update((one.concept_map, one.value) for one in issues if one.code == NO_EQUIVALENT)


def report(untold: Untold) -> list[str]:
    """Return a line for each code that had no equivalent, the most frequent first."""
    return [f"{name} has no code for {code}: {count} written as it is" for (name, code), count in untold.most_common()]


def _answers(session: Session, peer: Peer) -> Inverse | None:
    prefix = f"{ANSWERS}:{peer.code}:"
    docs = [doc for _, doc in published.served(session, "ConceptMap", prefix)]
    maps = {str(doc["url"]).removeprefix(prefix): compile_map(doc) for doc in docs}
    if not maps:
        return None

    def inverse(concept_map: str, system: str, code: str) -> str | None:
        found = maps[concept_map].back(system, code) if concept_map in maps else ()
        best = sorted(found, key=lambda match: match.equivalence not in _SAME)
        return best[0].code if best and best[0].equivalence != "unmatched" else None

    return inverse
