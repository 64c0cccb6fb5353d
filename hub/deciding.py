"""`/hub/decisions`: what case finding decided, and why."""

from typing import Any

from fastapi import APIRouter

from hub.runtime import Runtime
from tracker_core import records
from tracker_core.database import transaction
from tracker_core.errors import Malformed, NotFound
from tracker_core.tracker import decisions


def routes_for(runtime: Runtime) -> APIRouter:
    """Return the route; the router that includes it lets only administrators in."""
    router = APIRouter()

    @router.get("/decisions")
    def list_decisions(enrollment: str = "", record: str = "") -> Any:
        """List the decisions about an enrollment (its uid), or those that rest on a record (`Condition/id`)."""
        if bool(enrollment) == bool(record):
            raise Malformed("name either an enrollment or a record")
        with transaction(runtime.pool) as session:
            if enrollment:
                return {"decisions": decisions.of_enrollment(session, enrollment)}
            type, _, id = record.partition("/")
            found = records.read(session, [(type, id)]).get((type, id)) if id else None
            if found is None:
                raise NotFound(f"there is no record {record}")
            return {"decisions": decisions.of_record(session, found.pk)}

    return router
