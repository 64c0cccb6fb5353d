"""The keys under which records of one person meet, and the locks that make two messages take turns on them."""

from dataclasses import dataclass
from hashlib import blake2b

from tracker_core.database import Session
from tracker_core.identity.facts import PERSON_SYSTEM, PatientFacts
from tracker_core.identity.likeness import Folded
from tracker_core.identity.names import fold_name, fold_phone, name_sound, usable_identifier

# Advisory locks are striped: a bulk load takes at most this many, whatever its size.
_STRIPES = 1024
_LOCK_CLASS = 0x7E501


@dataclass(frozen=True, slots=True)
class Claim:
    """One Patient record as identity sees it: its facts, folded, and the keys it is found under.

    `identifiers` maps the key of each usable identifier to (system, value); `likeness` are the blocking keys;
    `person_uid` is the person that the record itself names.
    """

    facts: PatientFacts
    folded: Folded
    identifiers: dict[int, tuple[str, str]]
    likeness: tuple[int, ...]
    person_uid: str

    @property
    def keys(self) -> list[int]:
        """Every key of the record, identifiers first."""
        return [*self.identifiers, *self.likeness]

    @property
    def digest(self) -> int:
        """A hash over everything that identity remembers of the record."""
        folded = self.folded
        said = (folded.family, folded.given, folded.birth_date, folded.sex, *folded.phones)
        return hash_key("facts", *said, *map(str, sorted(self.keys)))


def claim(facts: PatientFacts) -> Claim:
    """Fold one record's facts and compute its keys."""
    folded = Folded(
        record=facts.record,
        person=facts.previous or 0,
        family=fold_name(facts.family),
        given=fold_name(facts.given),
        birth_date=facts.birth_date[:10],
        sex=facts.sex,
        phones=tuple(sorted({digits for phone in facts.phones if (digits := fold_phone(phone))})),
    )
    identifiers = {
        hash_key("identifier", system, value): (system, value)
        for system, value in facts.identifiers
        if system and system != PERSON_SYSTEM and usable_identifier(value)
    }
    named = [value for system, value in facts.identifiers if system == PERSON_SYSTEM]
    return Claim(facts, folded, identifiers, likeness_keys(folded), named[0] if named else "")


def likeness_keys(folded: Folded) -> tuple[int, ...]:
    """Return the blocking keys: any two records of one person should share one, even with a field missing or wrong."""
    family, given, birth = folded.family, folded.given, folded.birth_date
    sounds = [name_sound(family), name_sound(given)]
    keys = [hash_key("phone", phone) for phone in folded.phones]
    if family and given:
        keys.append(hash_key("names", family, given))
        keys.append(hash_key("sounds", *sorted(sounds)))
    if family and len(birth) >= 4:
        keys.append(hash_key("family", sounds[0], birth[:4]))
    if len(birth) == 10:
        keys.append(hash_key("born", birth[:4], *sorted((birth[5:7], birth[8:]))))
    return tuple(keys)


def hash_key(*parts: str) -> int:
    """Return a signed 64-bit hash of `parts`, the same in every process."""
    digest = blake2b("\x1f".join(parts).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)


def lock_keys(session: Session, keys: set[int]) -> None:
    """Wait until no other transaction is deciding about the same keys; held until this one ends.

    Stripes are taken in ascending order, so two bulk loads never wait for each other.
    """
    stripes = sorted({key % _STRIPES for key in keys})
    session.execute(
        "select pg_advisory_xact_lock(%s, stripe) from unnest(%b::int[]) as stripe", (_LOCK_CLASS, stripes)
    ).fetchall()
