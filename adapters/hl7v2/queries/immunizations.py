"""Q11: the immunisation history of a person (Z34), or candidates for who is meant (CDC implementation guide 2.5.1).

| Answer (MSH-21) | When |
|---|---|
| Z32 | the person is certain: by a number, or as the only one by everything else |
| Z31 | some may be meant: a PID each, to ask again with a number |
| Z33 | nobody (NF), too many to choose from (TM), or an error |

A request for an evaluated history with a forecast (Z44) is refused: the hub forecasts nothing, and a Z42 without a
forecast would say that nothing is due.
"""

from typing import Any

import mappings
from adapters.hl7v2.queries import people
from adapters.hl7v2.queries.asked import Query
from adapters.hl7v2.queries.replies import Found
from mappings import er7
from mappings.er7 import Message, Segment
from tracker_core import records
from tracker_core.database import Session
from tracker_core.errors import Malformed, NotFound, Unsupported
from tracker_core.identity.matching import candidates
from tracker_core.records.documents import decode
from tracker_core.records.patients import facts

Doc = dict[str, Any]
# Field of QPD -> field of PID: number, name, mother's maiden name, birth, sex, address, phone.
FIELDS = {3: 3, 4: 5, 5: 6, 6: 7, 7: 8, 8: 11, 9: 13}
LIKELY = "probable"


def answer(session: Session, query: Query) -> Found:
    """Answer Z34; see above. Raises `Unsupported` for Z44 and other queries, `Malformed` where nobody is named."""
    if query.text(1) != "Z34":
        text = "a forecast is not offered; Z34 asks for the history" if query.text(1) == "Z44" else "Z34 is offered"
        raise Unsupported(f"{query.text(1) or 'a query without a name'} is not answered: {text}", "QPD-1")
    certain, likely = meant(session, query)
    if len(certain) == 1:
        return history(session, query, certain[0])
    several = sorted(certain or likely)
    if len(several) > query.quantity:
        return Found(status="TM", profile="Z33^CDCPHINVS")
    known = people.patients(session, several)
    pids = [people.pid(query, document, place) for place, document in enumerate(known.values(), 1)]
    return Found(pids, len(pids), len(pids), profile="Z31^CDCPHINVS" if pids else "Z33^CDCPHINVS")


def meant(session: Session, query: Query) -> tuple[list[int], list[int]]:
    """Return who is certainly meant, and who may be: by the numbers that are known, else by likeness."""
    for number in query.repetitions(3):
        try:
            return people.with_number(session, query, number, "QPD-3"), []
        except (NotFound, Malformed):
            continue  # a registry is asked with numbers that it may not have; the rest says who is meant
    document = described(query)
    if not document.get("name") and not document.get("identifier"):
        raise Malformed("neither a number nor a name says who is meant", "QPD-3")
    (found,) = candidates(session, [facts(document, 0, None, None)], 100)
    certain = {one.person for one in found if one.grade == "certain"}
    return sorted(certain), sorted({one.person for one in found if one.grade == LIKELY} - certain)


def described(query: Query) -> Doc:
    """Return the Patient that the fields of QPD describe, as the tables read those of a PID."""
    segment: Segment = ["PID", "1", *[""] * 12]
    for asked, place in FIELDS.items():
        segment[place] = er7.get(query.qpd, asked)
    header = ["MSH", query.encoding.field, query.encoding.characters, *[""] * 6]
    header.append(query.encoding.component.join(["ADT", "A01", "ADT_A01"]))
    changes, _ = mappings.read_message(query.tables, Message(query.encoding, [header, segment]), query.profile)
    return next((one.document for one in changes if isinstance(one.document, dict) and one.type == "Patient"), {})


def history(session: Session, query: Query, person: int) -> Found:
    """Return the PID of a person and every immunisation, the oldest first; one that says so where there is none."""
    patient = people.patients(session, [person])[person]
    given = [decode(one.doc) for one in records.of_subject(session, [person], ["Immunization"])]
    given.sort(key=lambda one: str(one.get("occurrenceDateTime", "")))
    segments = query.written("VXU_V04", [patient, *given])
    if not given:
        segments = [people.pid(query, patient, 1), *none_given(query)]
    return Found(segments, 1, 1, profile="Z32^CDCPHINVS")


def none_given(query: Query) -> list[Segment]:
    """Return the order and administration that say: no vaccine was given (CVX 998, RXA-20 NA)."""
    code = query.encoding.component.join(["998", "No vaccine administered", "CVX"])
    rxa = ["RXA", "0", "1", "", "", code, "999", *[""] * 13, "NA"]
    return [["ORC", "RE"], rxa]
