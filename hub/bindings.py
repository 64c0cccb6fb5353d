"""`/hub/bindings`: bindings read, checked, tried out, stored, removed and replayed; `/hub/catalogue`: what is shown."""

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Body, Query, Request, Response

from hub import bound, catalogue, replays
from hub.bound import Bound, Trial
from hub.runtime import Runtime
from mappings.binding import default_text
from tracker_core import history, metadata
from tracker_core import replays as stored
from tracker_core.database import transaction
from tracker_core.errors import Malformed, NotFound
from tracker_core.replays import Replay

Text = Annotated[str, Body(media_type="text/plain")]


def routes_for(runtime: Runtime) -> APIRouter:
    """Return the routes; the router that takes them in asks for an administrator."""
    router = APIRouter()
    _reading(router, runtime)
    _writing(router, runtime)
    _replaying(router, runtime)
    return router


def _reading(router: APIRouter, runtime: Runtime) -> None:
    @router.get("/bindings")
    def list_bindings() -> Any:
        """List the bindings with what the metadata does not have, and the programs that no file binds."""
        with transaction(runtime.pool) as session:
            known, origins = bound.current(session), bound.texts(session)
        given = [one for one in known if not one.derived]
        return {
            "bindings": [
                {"name": name, "origin": origin, **_described(one)}
                for (name, (_, origin)), one in zip(origins.items(), given, strict=True)
            ],
            "unbound": [_program(one) for one in known if one.derived],
        }

    @router.get("/bindings/{name}")
    def read_binding(name: str) -> Response:
        """Return the file of a binding, or, for the uid or code of a program, what one would begin with."""
        with transaction(runtime.pool) as session:
            found, known = bound.texts(session).get(name), metadata.load(session)
        if found is not None:
            return Response(found[0], media_type="text/plain; charset=utf-8")
        program = known.programs.get(known.uid_of("programs", name) or "")
        if program is None:
            raise NotFound(f"there is no binding {name}, and no program")
        return Response(default_text(program), media_type="text/plain; charset=utf-8")

    @router.get("/catalogue")
    def read_catalogue() -> Any:
        """Tell whether the metadata are shown as FHIR as they are now, and how many records there are to write."""
        with transaction(runtime.pool) as session:
            return asdict(catalogue.progress(session))


def _writing(router: APIRouter, runtime: Runtime) -> None:
    @router.put("/bindings/{name}")
    def save_binding(name: str, request: Request, text: Text) -> Any:
        """Store a program binding, in effect from the next message on."""
        with transaction(runtime.pool) as session:
            context = history.open_change_set(session, request.state.user.username)
            saved = bound.save(session, context, text, name)
        return {"name": name, "issues": [issue.as_json() for issue in saved.issues]}

    @router.delete("/bindings/{name}")
    def remove_binding(name: str, request: Request) -> Any:
        """Remove a stored binding: a shipped one of its name is in effect again."""
        with transaction(runtime.pool) as session:
            bound.remove(session, history.open_change_set(session, request.state.user.username), name)
        return {"name": name}

    @router.post("/bindings/{name}/trial")
    def try_binding(
        name: str, request: Request, text: Text = "", most: Annotated[int, Query(ge=1, le=1_000_000)] = 20_000
    ) -> Any:
        """Tell what a binding (the one sent, else the one that is here) would do to old records; nothing is stored."""
        with transaction(runtime.pool) as session:
            tied = bound.tie(session, text, name) if text.strip() else bound.find(session, name)
            if tied.program is None and not tied.person:
                raise Malformed(f"the binding {name} binds nothing that is here", "program")
            trial = bound.rehearse(session, tied, request.state.user.username, most)
        return _shown_trial(tied, trial)


def _replaying(router: APIRouter, runtime: Runtime) -> None:
    @router.post("/bindings/{name}/replay", status_code=202)
    def order_replay(name: str, request: Request) -> Any:
        """Put a replay over old records in line for the worker; one of this binding that has not ended is cancelled."""
        with transaction(runtime.pool) as session:
            ordered = replays.order(session, name, request.state.user.username)
        runtime.wake.set()
        return _shown_replay(ordered)

    @router.get("/replays")
    def list_replays() -> Any:
        """List the last hundred replays, newest first."""
        with transaction(runtime.pool) as session:
            return [_shown_replay(one) for one in stored.latest(session)]

    @router.get("/replays/{id}")
    def read_replay(id: int) -> Any:
        """Tell how far a replay has come, and what came of it."""
        with transaction(runtime.pool) as session:
            return _shown_replay(stored.read(session, id))

    @router.delete("/replays/{id}")
    def cancel_replay(id: int) -> Any:
        """Let a replay go no further; what it did stays."""
        with transaction(runtime.pool) as session:
            stored.cancel(session, id)
            return _shown_replay(stored.read(session, id))


def _described(one: Bound) -> dict[str, Any]:
    stages = {name: len(stage.elements) for name, stage in one.stages.items()}
    issues = [issue.as_json() for issue in one.issues]
    return {**(_program(one) if one.program else {}), "stages": stages, "issues": issues}


def _program(one: Bound) -> dict[str, Any]:
    assert one.program is not None
    return {"program": one.program.uid, "programName": one.program.name}


def _shown_trial(tied: Bound, trial: Trial) -> dict[str, Any]:
    return {
        "records": trial.seen,
        "complete": trial.complete,
        "counts": dict(sorted(trial.counts.items())),
        "samples": trial.samples,
        "issues": [issue.as_json() for issue in [*tied.issues, *trial.issues][:100]],
    }


def _shown_replay(one: Replay) -> dict[str, Any]:
    return {
        "id": one.pk,
        "binding": one.binding,
        "state": one.state,
        "total": one.total,
        "seen": one.seen,
        "counts": one.counts,
        "issues": one.issues,
        "examples": list(one.examples),
        "actor": one.actor,
        "ordered": one.ordered,
        "finished": one.finished,
    }
