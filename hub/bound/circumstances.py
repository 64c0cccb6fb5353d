"""Of whom, where and as which diagnosis a record tells: what case definitions may ask beside the record itself."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from hub.bound.groups import Group, parse
from hub.bound.loading import Bound
from mappings.binding import Circumstances
from tracker_core import records
from tracker_core.aggregates.extraction import person
from tracker_core.database import Session
from tracker_core.metadata import Metadata
from tracker_core.records import Stored

_GENDERS = {"M": "male", "F": "female", "O": "other"}


@dataclass(frozen=True, slots=True)
class Persons:
    """Birth date and administrative gender of persons (pks), where a case definition asks for them."""

    known: dict[int, tuple[date | None, str]] = field(default_factory=dict)

    def circumstances(self, metadata: Metadata, group: Group, record: Stored, unit: str) -> Circumstances:
        """Return the circumstances of a record in its group, recorded at the org unit `unit` (uid)."""
        born, sex = self.known.get(group.person, (None, ""))
        return Circumstances(sex, born, _above(metadata, unit), _rank(group, record))


def load(session: Session, programs: Iterable[Bound], people: Iterable[int]) -> Persons:
    """Return what the Patient records say of these persons, or nothing where no definition asks for it."""
    if not any(case.sex or case.ages for bound in programs for case in bound.binding.cases):
        return Persons()
    documents: dict[int, list[dict[str, Any]]] = {}
    for record in records.of_subject(session, sorted(set(people)), ["Patient"]):
        documents.setdefault(record.subject or 0, []).append(parse(record))
    found = {pk: person(patients) for pk, patients in documents.items()}
    return Persons({pk: (born, _GENDERS.get(sex or "", "")) for pk, (born, sex) in found.items()})


def _above(metadata: Metadata, unit: str) -> frozenset[str]:
    found = metadata.org_units.get(unit)
    above = [metadata.org_units[uid] for uid in found.path.split("/")[1:] if uid in metadata.org_units] if found else []
    return frozenset(name for one in above for name in (one.uid, one.code, one.name) if name)


def _rank(group: Group, record: Stored) -> int | None:
    """Return the rank that the encounter gives a diagnosis (Encounter.diagnosis.rank)."""
    for encounter in group.documents.get("Encounter", ()):
        for diagnosis in encounter.get("diagnosis") or ():
            reference = str((diagnosis.get("condition") or {}).get("reference") or "").split("/_history/")[0]
            if reference == record.reference and isinstance(diagnosis.get("rank"), int):
                return int(diagnosis["rank"])
    return None
