"""What an export must answer, computed the slow way from the payload: plain loops over plain documents."""

from collections.abc import Callable, Iterable
from datetime import date
from decimal import Decimal
from typing import Any

from tests.adapters.dhis2.exports.people import AGE, PARENTS, TEMPERATURE, WATER

Doc = dict[str, Any]
TODAY = date.today().isoformat()  # noqa: DTZ011 - only far past and far future days are compared with it
_NUMERIC = {AGE, TEMPERATURE}


class Model:
    """The payload, with what it says of owners; `sees` decides by the owning unit what the user may see."""

    def __init__(self, payload: Doc, sees: Callable[[str, str], bool]) -> None:
        self.persons: list[Doc] = payload["trackedEntities"]
        self.sees = sees
        self.enrollments = [{**n, "person": p} for p in self.persons for n in p["enrollments"]]
        nested = [{**v, "program": n["program"], "enrolled": n} for n in self.enrollments for v in n["events"]]
        self.events: list[Doc] = [*payload["events"], *nested]

    def entities(self, given: dict[str, str]) -> list[str]:
        """The uids that a list of tracked entities must have, in its order."""
        found = [p for p in self.persons if self._entity(p, given)]
        return [p["trackedEntity"] for p in _ordered(found, given, _entity_key)]

    def event_list(self, given: dict[str, str]) -> list[str]:
        """The uids that a list of events must have, in its order."""
        found = [v for v in self.events if self._event(v, given)]
        return [v["event"] for v in _ordered(found, given, _event_key)]

    def enrollment_list(self, given: dict[str, str]) -> list[str]:
        """The uids that a list of enrollments must have, in its order."""
        found = [n for n in self.enrollments if self._enrollment(n, given)]
        return [n["enrollment"] for n in _ordered(found, given, lambda n, name: n.get(name))]

    def _entity(self, p: Doc, given: dict[str, str]) -> bool:
        program = given.get("program")
        enrolled = [n for n in p["enrollments"] if n["program"] == program]
        if program and not any(_enrolled(n, given, "enrollmentEnrolled", "enrollmentStatus") for n in enrolled):
            return False
        owners = [(n["program"], n["orgUnit"]) for n in p["enrollments"] if program in (None, n["program"])]
        seen = any(self.sees(*owner) for owner in owners) if owners else self.sees("", p["orgUnit"])
        place = enrolled[0]["orgUnit"] if program else p["orgUnit"]
        flags = ("potentialDuplicate",)
        return (
            seen
            and _at(place, given)
            and (not given.get("trackedEntities") or p["trackedEntity"] in given["trackedEntities"].split(","))
            and all(str(p[name]).lower() == given.get(name, str(p[name]).lower()) for name in flags)
            and _meets(_attributes(p), given.get("filter", ""))
            and self._has_event(p, given)
        )

    def _has_event(self, p: Doc, given: dict[str, str]) -> bool:
        names = ("programStage", "assignedUserMode", "assignedUsers", "eventStatus")
        if not any(name in given for name in names):
            return True
        asked = {"assignedUserMode": given.get("assignedUserMode", ""), "programStage": given.get("programStage", "")}
        events = [v for n in p["enrollments"] if n["program"] == given["program"] for v in n["events"]]
        return any(
            (not asked["programStage"] or v["programStage"] == asked["programStage"])
            and _assigned(v, given)
            and _in_status_during(v, given)
            for v in events
        )

    def _enrollment(self, n: Doc, given: dict[str, str]) -> bool:
        return (
            (not given.get("program") or n["program"] == given["program"])
            and self.sees(n["program"], n["orgUnit"])
            and _at(n["orgUnit"], given)
            and (not given.get("trackedEntity") or n["person"]["trackedEntity"] == given["trackedEntity"])
            and _enrolled(n, given, "enrolled", "status")
        )

    def _event(self, v: Doc, given: dict[str, str]) -> bool:
        n = v.get("enrolled")
        owner = n["orgUnit"] if n else v["orgUnit"]
        asks_enrollment = any(name in given for name in ("enrollmentStatus", "followUp", "enrollmentEnrolledAfter"))
        data = {value["dataElement"]: value["value"] for value in v.get("dataValues", ())}
        return (
            (not given.get("program") or v["program"] == given["program"])
            and (not given.get("programStage") or v["programStage"] == given["programStage"])
            and self.sees(v["program"], owner)
            and _at(owner, given)
            and (
                not asks_enrollment or (n is not None and _enrolled(n, given, "enrollmentEnrolled", "enrollmentStatus"))
            )
            and _in_status(v, given.get("status", ""))
            and _during(v.get("occurredAt"), given, "occurred")
            and _during(v.get("scheduledAt"), given, "scheduled")
            and _assigned(v, given)
            and _meets(data, given.get("filter", ""), accents=True)
            and _meets(_attributes(n["person"]) if n else {}, given.get("filterAttributes", ""))
        )


def _attributes(p: Doc) -> dict[str, str]:
    held = [*p["attributes"], *(a for n in p["enrollments"] for a in n["attributes"])]
    return {a["attribute"]: a["value"] for a in held}


def _enrolled(n: Doc, given: dict[str, str], times: str, status: str) -> bool:
    return (
        given.get(status, n["status"]) == n["status"]
        and given.get("followUp", str(n["followUp"]).lower()) == str(n["followUp"]).lower()
        and _during(n["enrolledAt"], given, times)
    )


def _during(day: str | None, given: dict[str, str], name: str) -> bool:
    after, before = given.get(f"{name}After"), given.get(f"{name}Before")
    if not (after or before):
        return True
    return day is not None and (not after or day >= after) and (not before or day <= before)


def _above(unit: str) -> list[str]:
    """The unit and every one above it."""
    found = []
    while unit:
        found.append(unit)
        unit = PARENTS[unit]
    return found


def is_under(unit: str, tops: Iterable[str]) -> bool:
    """Whether a unit is one of `tops` or below."""
    return any(top in _above(unit) for top in tops)


def _at(unit: str, given: dict[str, str]) -> bool:
    asked, mode = given.get("orgUnits", given.get("orgUnit", "")).split(","), given.get("orgUnitMode", "")
    if mode in ("ACCESSIBLE", "ALL") or (asked == [""] and not mode):
        return True
    if mode == "CAPTURE":
        return is_under(unit, given["_capture"].split(","))
    if mode == "DESCENDANTS":
        return is_under(unit, asked)
    return unit in asked or (mode == "CHILDREN" and PARENTS[unit] in asked)


def _assigned(v: Doc, given: dict[str, str]) -> bool:
    user = (v.get("assignedUser") or {}).get("username")
    mode = given.get("assignedUserMode", "ALL")
    return {
        "ALL": True,
        "ANY": user is not None,
        "NONE": user is None,
        "CURRENT": user == given.get("_user"),
        "PROVIDED": user == "nurse",
    }[mode]


def _in_status(v: Doc, status: str) -> bool:
    if status == "OVERDUE":
        return v["status"] == "SCHEDULE" and v["scheduledAt"] < TODAY
    if status == "VISITED":
        return v["status"] == "ACTIVE"
    return status in ("", v["status"])


def _in_status_during(v: Doc, given: dict[str, str]) -> bool:
    status = given.get("eventStatus", "")
    if not status:
        return True
    times = {"After": given["eventOccurredAfter"], "Before": given["eventOccurredBefore"]}
    waiting = status in ("SCHEDULE", "OVERDUE", "SKIPPED")
    day = v.get("scheduledAt") if waiting else v.get("occurredAt")
    if status in ("SCHEDULE", "OVERDUE") and not (
        v["status"] == "SCHEDULE" and (v["scheduledAt"] < TODAY) == (status == "OVERDUE")
    ):
        return False
    if status in ("ACTIVE", "VISITED", "COMPLETED", "SKIPPED") and not _in_status(v, status):
        return False
    return _during(day, {f"x{name}": value for name, value in times.items()}, "x")


def _meets(values: dict[str, str], text: str, *, accents: bool = False) -> bool:
    return all(_one(values, *part, accents=accents) for part in conditions(text))


def conditions(text: str) -> list[tuple[str, str, str]]:
    """Read filters of one condition each, with their escapes."""
    found = []
    for part in filter(None, text.replace("//", "\1").replace("/,", "\2").replace("/:", "\3").split(",")):
        uid, written, *rest = part.split(":")
        operator = written.lower()
        value = rest[0] if rest else ""
        found.append((uid, operator, value.replace("\1", "/").replace("\2", ",").replace("\3", ":")))
    return found


def _fold(text: str, *, accents: bool) -> str:
    lowered = text.lower()
    return lowered if accents else lowered.replace("é", "e")


def _one(values: dict[str, str], uid: str, operator: str, operand: str, *, accents: bool) -> bool:
    held = values.get(uid)
    if operator in ("null", "!null"):
        return (held is None) == (operator == "null")
    if held is None:
        return False
    if operator == "in":
        return any(_one({uid: held}, uid, "eq", part, accents=accents) for part in operand.split(";") if part)
    if uid in _NUMERIC and operator in ("eq", "ieq", "ne", "neq", "nieq", "gt", "ge", "lt", "le"):
        return _compare(operator, Decimal(held), Decimal(operand))
    return _compare_text(operator, _fold(held, accents=accents), _fold(operand, accents=accents))


def _compare_text(operator: str, have: str, want: str) -> bool:
    if operator in ("like", "ilike", "nlike", "nilike"):
        return (want in have) == (not operator.startswith("n"))
    if operator in ("sw", "ew"):
        return have.startswith(want) if operator == "sw" else have.endswith(want)
    return _compare(operator, have, want)


def _compare(operator: str, have: Any, want: Any) -> bool:
    tests: dict[str, bool] = {
        "eq": have == want,
        "ieq": have == want,
        "gt": have > want,
        "ge": have >= want,
        "lt": have < want,
        "le": have <= want,
    }
    return tests.get(operator, have != want)


def _entity_key(p: Doc, name: str) -> Any:
    if name in p or name == "createdAtClient":
        return p.get(name)
    value = _attributes(p).get(name)
    if value is None:
        return None
    return Decimal(value) if name in _NUMERIC else _fold(value, accents=False)


def _event_key(v: Doc, name: str) -> Any:
    if name == "enrollmentStatus":
        return v["enrolled"]["status"] if v["program"] != WATER else None
    if name in ("occurredAt", "scheduledAt", "status", "event", "orgUnit", "programStage"):
        return v.get(name)
    value = {value["dataElement"]: value["value"] for value in v.get("dataValues", ())}.get(name)
    if value is None:
        return None
    return Decimal(value) if name in _NUMERIC else value.lower()


def _ordered(found: list[Doc], given: dict[str, str], key: Callable[[Doc, str], Any]) -> list[Doc]:
    """Sort by each key, what has none last; ties by their place, newest first unless the last key ascends."""
    keys = [(part.partition(":")[0], part.endswith(":desc")) for part in given.get("order", "").split(",") if part]
    ordered = list(found) if keys and not keys[-1][1] else list(reversed(found))
    for name, down in reversed(keys):
        have = [doc for doc in ordered if key(doc, name) is not None]
        have.sort(key=lambda doc: key(doc, name), reverse=down)
        ordered = have + [doc for doc in ordered if key(doc, name) is None]
    return ordered
