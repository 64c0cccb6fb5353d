"""Reads of metadata as Capture asks them, on invented metadata: 20 large programs, and 100,000 org units.

Run it as `python -m benchmarks.metadata_reads URL` on an empty database. Times are of whole answers, from the request
as the face sees it to the bytes of the body; the socket is not in them.
"""

import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

from adapters.dhis2.calls import Call
from adapters.dhis2.objects import listing, reading
from hub import migrations
from hub.access import HubAccess
from hub.runtime import Runtime
from tracker_core import history, metadata, users
from tracker_core.context import User
from tracker_core.database import Pool, open_pool, transaction

PROGRAMS, STAGES, ELEMENTS, ATTRIBUTES, UNITS_WIDE = 20, 6, 60, 15, (100, 1000)
ROUNDS = 20
ASKED = (
    "id,displayName,displayShortName,programType,style,displayFrontPageList,displayIncidentDateLabel,"
    "displayEnrollmentDateLabel,minAttributesRequiredToSearch,onlyEnrollOnce,featureType,accessLevel,"
    "dataEntryForm[id,htmlCode],displayIncidentDate,access[data[read,write]],trackedEntityType[id],"
    "categoryCombo[id,displayName,isDefault,categories[id,displayName]],programStages[id,access,autoGenerateEvent,"
    "repeatable,name,displayName,description,displayExecutionDateLabel,formType,featureType,validationStrategy,style,"
    "dataEntryForm[id,htmlCode],programStageSections[id,displayName,sortOrder,dataElements[id]],"
    "programStageDataElements[compulsory,displayInReports,renderOptionsAsRadio,allowFutureDate,renderType[*],"
    "dataElement[id,displayName,displayFormName,valueType,optionSet[id,version]]]],"
    "programSections[id, displayFormName, sortOrder, trackedEntityAttributes],"
    "programTrackedEntityAttributes[trackedEntityAttribute[id,displayName],displayInList,searchable,mandatory]"
)
OUTLINE = (
    "id,version,programTrackedEntityAttributes[trackedEntityAttribute[id,optionSet[id,version]]],"
    "programStages[id,programStageDataElements[dataElement[id,optionSet[id,version]]]]"
)


def uid(kind: str, number: int) -> str:
    """An invented uid."""
    return f"{kind}{number:0{11 - len(kind)}d}"


def payload() -> dict[str, list[dict[str, Any]]]:
    """Invented programs with their stages, elements and attributes, and a wide tree of org units."""
    elements = [
        {"id": uid("De", n), "name": f"Element {n}", "shortName": f"E {n}", "valueType": "TEXT", "formName": f"Ask {n}"}
        | {"domainType": "TRACKER", "aggregationType": "NONE"}
        for n in range(STAGES * ELEMENTS)
    ]
    attributes = [
        {"id": uid("Ta", n), "name": f"Attribute {n}", "shortName": f"A {n}", "valueType": "TEXT"}
        | {"aggregationType": "NONE"}
        for n in range(ATTRIBUTES)
    ]
    stages = [_stage(program, n) for program in range(PROGRAMS) for n in range(STAGES)]
    return {
        "dataElements": elements,
        "trackedEntityAttributes": attributes,
        "programStages": stages,
        "programs": [_program(n) for n in range(PROGRAMS)],
        "organisationUnits": list(_units()),
    }


def _stage(program: int, number: int) -> dict[str, Any]:
    own = program * STAGES + number
    placed = [
        {"id": uid("Pe", own * ELEMENTS + n), "dataElement": {"id": uid("De", number * ELEMENTS + n)}, "sortOrder": n}
        for n in range(ELEMENTS)
    ]
    program_id = {"id": uid("Pr", program)}
    return {
        "id": uid("Ps", own),
        "name": f"Stage {own}",
        "sortOrder": number,
        "program": program_id,
        "programStageDataElements": placed,
    }


def _program(number: int) -> dict[str, Any]:
    placed = [
        {"id": uid("Pt", number * ATTRIBUTES + n), "trackedEntityAttribute": {"id": uid("Ta", n)}, "sortOrder": n}
        for n in range(ATTRIBUTES)
    ]
    return {
        "id": uid("Pr", number),
        "name": f"Program {number}",
        "shortName": f"P {number}",
        "programType": "WITH_REGISTRATION",
        "trackedEntityType": {"id": "MCPQUTHX1Ze"},
        "programStages": [{"id": uid("Ps", number * STAGES + n)} for n in range(STAGES)],
        "programTrackedEntityAttributes": placed,
        "style": {"color": "#112233"},
    }


def _units() -> Any:
    root, (districts, clinics) = uid("Or", 0), UNITS_WIDE
    opened = {"openingDate": "2000-01-01"}
    yield {"id": root, "name": "Land", "shortName": "Land", **opened}
    for d in range(districts):
        district = uid("Od", d)
        yield {"id": district, "name": f"District {d}", "shortName": f"D {d}", "parent": {"id": root}, **opened}
        for c in range(clinics):
            own = d * clinics + c
            yield {"id": uid("Oc", own), "name": f"Clinic {own}", "shortName": f"C {own}", **opened} | {
                "parent": {"id": district}
            }


def ask(access: HubAccess, path: str, **params: str) -> Callable[[], int]:
    """Return what asks for `path` (`programs`, `programs/uid`) and tells the size of the answer."""
    collection, _, one = path.partition("/")
    pairs = tuple((name.rstrip("_"), value) for name, value in params.items())
    captured = {"type": collection, "uid": one}
    user = User("", "asker", frozenset({"ALL"}))
    call = Call("GET", f"/api/{path}", f"http://hub/api/{path}", pairs, captured, b"", "", user)
    serve = reading.read_object if one else listing.list_objects
    return lambda: len(serve(access, call).body)


def fill(pool: Pool) -> None:
    """Store the invented metadata, and somebody who asks."""
    with transaction(pool) as session:
        metadata.bootstrap(session)
        context = history.open_change_set(session, "benchmark")
        report = metadata.import_objects(session, context, payload())
        assert not report.errors, report.errors[:3]
        users.create(session, "asker", "secret", ["ALL"])


def measure(name: str, act: Callable[[], int]) -> None:
    """Print the first, the median and the 95th percentile of the times of `act`."""
    spent = []
    for _ in range(ROUNDS + 1):
        started = time.perf_counter()
        size = act()
        spent.append((time.perf_counter() - started) * 1000)
    first, rest = spent[0], sorted(spent[1:])
    p95 = rest[int(len(rest) * 0.95) - 1]
    print(f"{name:48} first {first:7.1f}  median {statistics.median(rest):7.1f}  p95 {p95:7.1f} ms  {size:10,} bytes")


def main() -> None:
    """Fill the database in the first argument, and measure."""
    migrations.upgrade(sys.argv[1])
    pool = open_pool(sys.argv[1])
    started = time.perf_counter()
    fill(pool)
    print(f"import {time.perf_counter() - started:.1f} s")
    access = HubAccess(Runtime(pool, {}))
    middle, clinic = uid("Od", 50), uid("Oc", 50_500)
    measure("programs, outline", ask(access, "programs", fields=OUTLINE, pageSize="1000"))
    measure("programs, as Capture asks", ask(access, "programs", fields=ASKED, pageSize="1000"))
    measure("one program, whole", ask(access, f"programs/{uid('Pr', 3)}"))
    measure("org units, a page", ask(access, "organisationUnits", fields="id,displayName,path", page="300"))
    measure("org units, by level", ask(access, "organisationUnits", filter="level:eq:2", fields="id,path"))
    measure("org units, by name", ask(access, "organisationUnits", filter="name:ilike:nic 777"))
    measure("org units, query", ask(access, "organisationUnits", query="Clinic 999", fields="id,path"))
    measure("org units, ordered", ask(access, "organisationUnits", order="level:desc,name:asc"))
    measure("org unit, size of children", ask(access, f"organisationUnits/{middle}", fields="path,children::size"))
    measure("org unit, children", ask(access, f"organisationUnits/{middle}", fields="children[id,path,displayName]"))
    measure(
        "org unit, ancestors",
        ask(access, f"organisationUnits/{clinic}", fields="displayName,ancestors[id,displayName]"),
    )
    pool.close()


if __name__ == "__main__":
    main()
