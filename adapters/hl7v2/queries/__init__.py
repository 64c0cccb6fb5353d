"""Queries (QBP) and their answers (RSP) from the hub's own data: HL7 v2.5.1 chapter 5, IHE PDQ and PIX, CDC's Z34."""

from adapters.contract import Sender
from adapters.hl7v2 import filters
from adapters.hl7v2.events import ASKED, check_taken, event_of
from adapters.hl7v2.format import Document
from adapters.hl7v2.queries import crossing, demographics, immunizations, replies
from adapters.hl7v2.queries.asked import read_query
from tracker_core.database import Session
from tracker_core.errors import Forbidden, HubError, Unavailable

ANSWERS = {
    "Q11": immunizations.answer,
    "Q21": demographics.answer_person,
    "Q22": demographics.answer_candidates,
    "Q23": crossing.answer,
}


def ask(session: Session, document: Document, sender: Sender) -> bytes | None:
    """Return the answer to a query; None for a document that asks nothing, as a batch never does.

    What is wrong with a query is told in its answer: AE in MSA and QAK, and an ERR naming the field. A query that the
    filters of its peer do not take is refused. Raises `Unavailable`, and `Unsupported` for one that is not offered.
    """
    if len(document.parts) != 1:
        return None
    message = document.parts[0].message
    kind, event = event_of(message)
    if kind not in ASKED:
        return None
    check_taken(message)
    if event not in ANSWERS:
        return replies.cancelled(message)
    try:
        verdict = filters.judge(message, sender.peer.settings)
        if verdict.then != "take":
            raise Forbidden(verdict.note, "MSH-9")
        query = read_query(message, sender)
        return replies.rendered(message, event, ANSWERS[event](session, query))
    except Unavailable:
        raise
    except HubError as error:
        return replies.refused(message, event, error)
