"""What identity needs to know of one Patient record."""

from dataclasses import dataclass

# A Patient that carries this identifier names the person itself: its value is the tracked entity's uid.
PERSON_SYSTEM = "urn:tracker-hub:person"


@dataclass(frozen=True, slots=True)
class PatientFacts:
    """The identifying part of one Patient record, in FHIR's words.

    `record` is the record's pk, `source` the peer that sent it, `previous` the person it belonged to before
    (None for a new record). `birth_date` is a FHIR date of any precision (`1990`, `1990-04`, `1990-04-17`),
    `sex` a FHIR administrative gender, `phones` as written. Old names and identifiers (`use=old`) are left out.
    `org_unit` is the pk of the org unit that looks after the person, when the record names one.
    """

    record: int
    source: int | None = None
    previous: int | None = None
    identifiers: tuple[tuple[str, str], ...] = ()
    family: str = ""
    given: str = ""
    birth_date: str = ""
    sex: str = ""
    phones: tuple[str, ...] = ()
    org_unit: int | None = None
