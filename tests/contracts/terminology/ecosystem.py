"""Comparing answers with those of HL7's terminology ecosystem tests, by the rules of that suite.

An expected document may hold `$optional-properties$`, `$count-arrays$`, items marked `$optional$`, and strings that
stand for a shape (`$uuid$`), a choice (`$choice:a|b$`), or anything (`$$`, `$external:…$`).
"""

import json
import re
from pathlib import Path
from typing import Any

MODE = "general"
_SHAPES = {
    "id": r"[A-Za-z0-9\-.]{1,64}",
    "uuid": r"(urn:uuid:)?[0-9a-fA-F-]{36}",
    "url": r"\w+:.+",
    "token": r"\S+",
    "string": r"(?s).+",
    "date": r"\d{4}.*",
    "instant": r"\d{4}-\d\d-\d\dT.+",
    "semver": r"\d+\.\d+.*",
    "version": r".+",
}
_MARKS = ("$optional$", "$optional-properties$", "$count-arrays$")


def load(path: Path) -> Any:
    """Read a JSON file that may start with a byte order mark."""
    return json.loads(path.read_text("utf-8-sig"))


def differences(expected: Any, actual: Any, where: str = "") -> list[str]:
    """Return where `actual` is not as expected; an empty list means that it passes."""
    if isinstance(expected, dict):
        return _objects(expected, actual, where) if isinstance(actual, dict) else [f"{where}: no object"]
    if isinstance(expected, list):
        return _arrays(expected, actual, where) if isinstance(actual, list) else [f"{where}: no list"]
    if isinstance(expected, str) and isinstance(actual, str):
        return [] if _string(expected, actual) else [f"{where}: expected {expected!r}, got {actual!r}"]
    return [] if expected == actual else [f"{where}: expected {expected!r}, got {actual!r}"]


def _objects(expected: dict[str, Any], actual: dict[str, Any], where: str) -> list[str]:
    optional = expected.get("$optional-properties$", [])
    counted = expected.get("$count-arrays$", [])
    allowed = {*expected, *optional} if "*" not in optional else set(actual)
    found = [f"{where}.{k}: not expected, got {json.dumps(v)[:200]}" for k, v in actual.items() if k not in allowed]
    for name, value in expected.items():
        if name in _MARKS or (name not in actual and (name in optional or "*" in optional or _all_optional(value))):
            continue
        if name not in actual:
            found.append(f"{where}.{name}: missing, expected {json.dumps(value)[:200]}")
        elif name in counted:
            found += [] if len(value) == len(actual[name]) else [f"{where}.{name}: {len(actual[name])} items"]
        else:
            found += differences(value, actual[name], f"{where}.{name}")
    return found


def _all_optional(value: Any) -> bool:
    each = value if isinstance(value, list) else [value]
    return all(isinstance(one, dict) and _may_miss(one) for one in each)


def _may_miss(item: dict[str, Any]) -> bool:
    mark = item.get("$optional$")
    if isinstance(mark, str):
        if mark.startswith(("warning:", "version:")):
            return True
        return mark == MODE or (mark.startswith("!") and mark != f"!{MODE}")
    return bool(mark)


def _arrays(expected: list[Any], actual: list[Any], where: str) -> list[str]:
    at = 0
    for index, one in enumerate(expected):
        here = f"{where}[{index}]"
        found = differences(one, actual[at], here) if at < len(actual) else [f"{here}: missing {json.dumps(one)[:300]}"]
        if not found:
            at += 1
        elif not (isinstance(one, dict) and _may_miss(one)):
            return found
    return [f"{where}[{at}]: not expected, got {json.dumps(actual[at])[:300]}"] if at < len(actual) else []


def _string(expected: str, actual: str) -> bool:
    if expected == "$$" or expected.startswith("$external:"):
        return True
    if expected.startswith("$choice:"):
        return actual in expected[8:-1].split("|")
    if expected.startswith("$fragments:"):
        return all(part.lower() in actual.lower() for part in expected[11:-1].split("|"))
    if expected.startswith("$") and expected.endswith("$") and expected[1:-1] in _SHAPES:
        return re.fullmatch(_SHAPES[expected[1:-1]], actual) is not None
    return expected == actual


def tidy(doc: Any) -> Any:
    """Drop from an answer what is not compared, and sort what has no order."""
    if isinstance(doc, list):
        return [tidy(one) for one in doc]
    if not isinstance(doc, dict):
        return doc
    ignored = ("meta", "text", "diagnostics") if "resourceType" in doc else ("diagnostics",)
    made = {name: tidy(value) for name, value in doc.items() if name not in ignored}
    if made.get("resourceType") == "Parameters":
        made["parameter"] = sorted(made.get("parameter", []), key=lambda one: one["name"])
        for one in made["parameter"]:
            if one["name"] == "message":
                one["valueString"] = "; ".join(sorted(one["valueString"].split("; ")))
    if made.get("resourceType") == "OperationOutcome":
        made["issue"].sort(key=_issue_key)
    if "expansion" in made:
        made.pop("extension", None)
        _sort_expansion(made["expansion"])
    return made


def _issue_key(issue: dict[str, Any]) -> tuple[str, ...]:
    expression = issue.get("expression", [""])
    return (issue["severity"], issue["code"], expression[0], issue.get("details", {}).get("text", ""))


def _sort_expansion(expansion: dict[str, Any]) -> None:
    expansion.get("parameter", []).sort(key=lambda one: (one["name"], *(str(v) for k, v in one.items() if k != "name")))
    _sort_contains(expansion)


def _sort_contains(holder: dict[str, Any]) -> None:
    holder.get("contains", []).sort(key=lambda one: one["code"])
    for one in holder.get("contains", []):
        one.get("designation", []).sort(key=lambda said: (said.get("language", ""), said["value"]))
        one.get("property", []).sort(key=lambda prop: prop["code"])
        _sort_contains(one)
