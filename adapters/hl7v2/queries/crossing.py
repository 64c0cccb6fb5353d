"""Q23: under which numbers other domains know somebody (IHE PIX, ITI-9)."""

from adapters.hl7v2.queries import people
from adapters.hl7v2.queries.asked import Query
from adapters.hl7v2.queries.replies import Found
from tracker_core.database import Session
from tracker_core.errors import Malformed

# A name must stand in PID-5, and none was asked for: a blank one, then one of type S that is a pseudonym.
NO_NAME = "~^^^^^^S"


def answer(session: Session, query: Query) -> Found:
    """Answer Q23: one PID with the other numbers of the person in QPD-3, of the domains in QPD-4, or of all.

    Nothing found is no error. Raises `Malformed`, `NotFound` naming the field: QPD-3.1 for a number that nobody has,
    QPD-3.4 for its authority, QPD-4 for a domain that is not known.
    """
    numbers = query.repetitions(3)
    if len(numbers) != 1:
        raise Malformed("one number is needed", "QPD-3")
    systems = people.domains(session, query, 4)
    found = people.with_number(session, query, numbers[0], "QPD-3")
    asked = (query.system(numbers[0]), numbers[0][0][0])
    held = [one for document in people.patients(session, found).values() for one in document["identifier"]]
    others = [one for one in held if one.get("system") and (one["system"], one.get("value")) != asked]
    document = people.within({"resourceType": "Patient", "identifier": others}, systems)
    if not document["identifier"]:
        return Found()
    segment = people.pid(query, document, 1)
    segment += [""] * (6 - len(segment))
    segment[5] = NO_NAME.translate(str.maketrans("~^", (query.encoding.repetition or " ") + query.encoding.component))
    return Found([segment], 1, 1)
