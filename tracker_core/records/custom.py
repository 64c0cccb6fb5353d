"""Search parameters of the hub's own: every active SearchParameter record becomes one (FHIR R4 SearchParameter).

A parameter is compiled when its record is written, or refused. From then on every writer indexes by it; what was there
before is indexed by a worker (`reindexing`), and only when that has ended can it be searched by. Processes notice
by a version number: writers with every change set, readers within a second.
"""

import re
import time
from collections.abc import Iterable, Sequence
from threading import Lock
from typing import Any

from tracker_core.database import Session
from tracker_core.issues import Issue
from tracker_core.records import composites
from tracker_core.records.definitions import Parameter, extend, published, resource_types, type_names
from tracker_core.records.drafts import Draft
from tracker_core.records.entries import EMITTERS
from tracker_core.records.expressions import Path, compile_expression

_PUBLISHER = "http://hl7.org/fhir/SearchParameter/"
_UNIVERSAL = ("Resource", "DomainResource")
_CODE = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}\Z")
# What this process goes by: the database it was read from, its version, when that was last asked.
_state: dict[str, Any] = {"database": None, "version": 0, "asked": float("-inf")}
_refreshing = Lock()


def refresh(session: Session, seconds: float = 0) -> None:
    """Know the parameters as they are now; with `seconds`, as they were at most so long ago."""
    database = (session.info.host, session.info.port, session.info.dbname)
    if database == _state["database"] and time.monotonic() - _state["asked"] < seconds:
        return
    with _refreshing:
        row = session.execute("select version from search_parameter_version").fetchone()
        version = row[0] if row else 0
        if database == _state["database"] and version < _state["version"]:
            return  # another transaction saw more than this one does
        # A database without any is like another one without any: most hubs have none.
        if (version and database != _state["database"]) or version != _state["version"]:
            extend(_read(session))
        _state.update(database=database, version=version, asked=time.monotonic())


def _read(session: Session) -> dict[str, list[Parameter]]:
    out: dict[str, list[Parameter]] = {}
    names = type_names()
    for type_, code, number, kind, expression, targets, components, state in session.execute(
        "select type, code, number, kind, expression, targets, components, state from search_parameter"
        " where state <> 'retired' order by number"
    ):
        pairs = tuple((c, e) for c, _, e in (text.partition("|") for text in components))
        one = Parameter(code, number, kind, expression, tuple(targets), pairs, ready=state == "ready")
        out.setdefault(names[type_], []).append(one)
    return out


def problems(drafts: Iterable[Draft]) -> list[Issue]:
    """Return why the active SearchParameters among the drafts cannot be indexed, each at its element."""
    return [
        Issue(code, text, where=f"{draft.change.where or draft.change.type}.{element}", value=str(value)[:200])
        for draft in drafts
        if draft.change.type == "SearchParameter" and _is_own(draft.view)
        for element, code, text, value in _problems(draft.view)
    ]


def _is_own(view: dict[str, Any]) -> bool:
    """R4's own parameters may be stored like any record: they are there already."""
    return view.get("status") == "active" and not str(view.get("url", "")).startswith(_PUBLISHER)


def _problems(view: dict[str, Any]) -> list[tuple[str, str, str, Any]]:
    kind, code, expression = view.get("type"), view.get("code", ""), view.get("expression", "")
    if kind not in ("composite", *EMITTERS) or kind == "special":
        return [("type", "not-supported", "parameters of this type are not indexed", kind)]
    if not _CODE.match(code):
        return [("code", "value", "a code is letters, digits, - and _, 64 at most", code)]
    found = []
    for base in _bases(view):
        if base not in resource_types():
            found.append(("base", "not-supported", "R4 has no such type", base))
        elif code in published(base):
            found.append(("code", "duplicate", f"R4 has a parameter of this name for {base}", code))
        elif reason := _unreadable(base, _parameter(view, 0)):
            found.append(("expression", "not-supported", reason, expression))
    return found[:1]


def _unreadable(base: str, parameter: Parameter) -> str:
    """Return why the expression yields nothing that can be indexed, or empty."""
    try:
        paths = compile_expression(parameter.expression, base) if parameter.expression else ()
        fits = any(_indexable(base, parameter, path) for path in paths)
    except (ValueError, IndexError) as error:
        return f"the expression is not understood: {error}"
    return "" if fits else f"it yields nothing in {base} that a {parameter.type} is searched by"


def _indexable(base: str, parameter: Parameter, path: Path) -> bool:
    if parameter.type == "composite":
        return composites.emitter(base, parameter, path) is not None
    return path.kind in EMITTERS[parameter.type]


def _bases(view: dict[str, Any]) -> list[str]:
    bases = view.get("base", [])
    return list(resource_types()) if set(bases) & set(_UNIVERSAL) else list(dict.fromkeys(bases))


def _parameter(view: dict[str, Any], number: int) -> Parameter:
    components = [
        (str(one.get("definition", "")).rpartition("/")[2].partition("-")[2], str(one.get("expression", "")))
        for one in view.get("component", ())
    ]
    targets = tuple(view.get("target", ()))
    return Parameter(view["code"], number, view["type"], view.get("expression", ""), targets, tuple(components))


def follow(session: Session, drafts: Sequence[Draft]) -> None:
    """Take what the SearchParameters among written drafts say, and have older records indexed by it."""
    written = [d for d in drafts if d.change.type == "SearchParameter" and d.writes]
    changed = [_replace(session, draft) for draft in written]
    if any(changed):
        note_change(session)


def note_change(session: Session) -> None:
    """Let every process read the parameters anew; this one does so next time, what it has may still be undone."""
    session.execute("update search_parameter_version set version = version + 1")
    with _refreshing:
        _state.update(database=None, version=-1)


def _replace(session: Session, draft: Draft) -> bool:
    """Retire what the record stood for so far, and put what it stands for now in line; tell whether there was any."""
    retired = session.execute(
        "update search_parameter set state = 'retired' where record = %s and state <> 'retired'", (draft.pk,)
    ).rowcount
    session.execute(
        "update reindex set state = 'replaced' where record = %s and state in ('waiting', 'running')", (draft.pk,)
    )
    if draft.action == "deleted" or not _is_own(draft.view):
        return bool(retired)
    one = _parameter(draft.view, 0)
    types = [resource_types()[base] for base in _bases(draft.view)]
    session.execute(
        "insert into search_parameter (number, record, type, code, kind, expression, targets, components, state)"
        " overriding system value"
        " select n.number, %(record)s, t, %(code)s, %(kind)s, %(expression)s, %(targets)s, %(components)s, 'indexing'"
        " from (select nextval(pg_get_serial_sequence('search_parameter', 'number')) as number) n,"
        " unnest(%(types)b::smallint[]) t",
        {
            "record": draft.pk,
            "code": one.code,
            "kind": one.type,
            "expression": one.expression,
            "targets": list(one.targets),
            "components": [f"{code}|{expression}" for code, expression in one.components],
            "types": types,
        },
    )
    session.execute("insert into reindex (record, types) values (%s, %b)", (draft.pk, types))
    return True
