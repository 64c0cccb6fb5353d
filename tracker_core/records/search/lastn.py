"""`Observation/$lastn`: the newest observations of each code (FHIR R4 Observation operations)."""

from collections.abc import Sequence

from psycopg import sql

from tracker_core.database import Session
from tracker_core.errors import Malformed
from tracker_core.records import custom
from tracker_core.records.definitions import resource_types
from tracker_core.records.search import criteria, frequencies, running
from tracker_core.records.search.conditions import condition
from tracker_core.records.search.pages import MOST_COUNT, Arm, Page
from tracker_core.records.search.searching import refuse_wrong
from tracker_core.records.search.tokens import Codes, no_codes
from tracker_core.records.stored import by_pk


def lastn(session: Session, pairs: Sequence[tuple[str, str]], *, codes: Codes = no_codes) -> Page:
    """Return, of the observations that the other parameters find, the `max` (1) newest of each code, by code.

    A code is `system|code` of any coding, or the text where there is none. At most 1,000 observations are returned.
    Raises as `search` does.
    """
    custom.refresh(session, seconds=1)
    frequencies.refresh(session)
    most = dict(pairs).get("max", "1")
    if not most.isascii() or not most.isdigit() or not 0 < int(most[:9]) <= MOST_COUNT:
        raise Malformed(f"max is a number from 1 to {MOST_COUNT}, not {most!r}", where="max")
    reading = criteria.read("Observation", [(key, value) for key, value in pairs if key != "max"])
    refuse_wrong([reading])
    parts = [condition(session, "Observation", one, codes) for one in reading.criteria]
    query = sql.SQL(
        "select pk from (select r.pk, k.token, k.at,"
        " row_number() over (partition by k.token order by k.at desc, r.pk desc) as place"
        " from record r join record_ranked k on k.pk = r.pk where {where}) found where place <= {most}"
        " group by pk order by min(token), max(at) desc, pk desc limit {limit}"
    ).format(
        where=Arm((resource_types()["Observation"],), tuple(parts)).live,
        most=sql.Literal(int(most)),
        limit=sql.Literal(MOST_COUNT),
    )
    pks = [row[0] for row in running.rows(session, query)]
    documents = by_pk(session, pks)
    return Page(matches=[documents[pk] for pk in pks if pk in documents], issues=reading.issues)
