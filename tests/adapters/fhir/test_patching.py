"""PATCH over HTTP and in transactions, and HL7's own patch cases."""

import base64
import json
import os
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest
from lxml import etree

from adapters.fhir import xml
from adapters.fhir.patching import JSON_PATCH, read_patch
from tests.adapters.fhir.test_bundles import bundle, entry, statuses
from tests.adapters.fhir.test_interactions import issue
from tracker_core.errors import HubError, Malformed, Unsupported
from tracker_core.issues import Issue
from tracker_core.records import documents

FHIR = "{http://hl7.org/fhir}"
PATCH = {"Content-Type": JSON_PATCH}
WEIGHT = (
    b'{"resourceType":"Observation","id":"w","status":"final","code":{"text":"weight"},'
    b'"valueQuantity":{"value":72.50,"unit":"kg"},"note":[{"text":"a"},{"text":"b"}]}'
)


def operation(type_: str, path: str, **parts: Any) -> dict[str, Any]:
    """One operation of a FHIRPath Patch; parts are `value={"valueCode": "x"}`, or plain numbers and texts."""
    plain = {"type": {"valueCode": type_}, "path": {"valueString": path}}
    for name, part in parts.items():
        held = part if isinstance(part, dict) else {"valueInteger" if isinstance(part, int) else "valueString": part}
        plain[name] = held
    return {"name": "operation", "part": [{"name": name, **value} for name, value in plain.items()]}


def parameters(*operations: dict[str, Any]) -> dict[str, Any]:
    """A FHIRPath Patch."""
    return {"resourceType": "Parameters", "parameter": list(operations)}


def test_a_json_patch_keeps_every_other_digit(client: httpx.Client) -> None:
    """Only what is patched changes; a patch that changes nothing makes no version."""
    client.put("/Observation/w", content=WEIGHT)
    done = client.patch(
        "/Observation/w", json=[{"op": "replace", "path": "/status", "value": "amended"}], headers=PATCH
    )
    assert (done.status_code, done.headers["etag"]) == (200, 'W/"2"')
    assert b'"value":72.50' in done.content
    assert done.json()["status"] == "amended"
    same = client.patch("/Observation/w", json=[{"op": "test", "path": "/status", "value": "amended"}], headers=PATCH)
    assert (same.status_code, same.headers["etag"]) == (200, 'W/"2"')


def test_a_fhirpath_patch(client: httpx.Client) -> None:
    """Parameters change a record too, the type of a choice included."""
    client.put("/Observation/w", content=WEIGHT)
    patch = parameters(
        operation("replace", "Observation.value", value={"valueString": "heavy"}),
        operation("insert", "Observation.note", index=1, value={"part": [{"name": "text", "valueMarkdown": "new"}]}),
        operation("delete", "Observation.note.where(text = 'a')"),
        operation("add", "Observation", name="method", value={"valueCodeableConcept": {"text": "scale"}}),
    )
    done = client.patch("/Observation/w", json=patch)
    assert done.status_code == 200, done.text
    assert (done.json()["valueString"], done.json()["method"]) == ("heavy", {"text": "scale"})
    assert [note["text"] for note in done.json()["note"]] == ["new", "b"]
    assert "valueQuantity" not in done.json()


def test_a_patch_that_does_not_fit_changes_nothing(client: httpx.Client) -> None:
    """What cannot be patched is said at its place, and the record stays as it was."""
    client.put("/Observation/w", content=WEIGHT)
    cases: list[tuple[Any, dict[str, str], int]] = [
        ([{"op": "test", "path": "/status", "value": "x"}], PATCH, 422),
        ([{"op": "remove", "path": "/nothing"}], PATCH, 422),
        ([{"op": "replace", "path": "/status", "value": "nonsense"}], PATCH, 400),
        ([{"op": "replace", "path": "/id", "value": "other"}], PATCH, 400),
        ([{"op": "replace", "path": "/resourceType", "value": "Patient"}], PATCH, 400),
        ([{"op": "replace", "path": "", "value": 3}], PATCH, 400),
        ([{"op": "grow", "path": "/status"}], PATCH, 400),
        ({"op": "add"}, PATCH, 400),
        (parameters(operation("delete", "Observation.note")), {}, 422),
        (parameters(operation("delete", "Observation")), {}, 422),
        (parameters(operation("replace", "Observation.descendants()", value={"valueCode": "x"})), {}, 422),
        (parameters(operation("add", "Observation", name="nothing", value={"valueCode": "x"})), {}, 422),
        (parameters(operation("add", "Observation", name="status", value={"valueCode": "x"})), {}, 422),
        (parameters(operation("move", "Observation.note", source=0, destination=7)), {}, 422),
        (parameters({"name": "other"}), {}, 400),
        ({"resourceType": "Observation"}, {}, 400),
        ([], {"Content-Type": "application/xml-patch+xml"}, 415),
    ]
    for patch, headers, status in cases:
        answer = client.patch("/Observation/w", json=patch, headers=headers)
        assert (answer.status_code, issue(answer)["severity"]) == (status, "error"), patch
    assert client.get("/Observation/w").headers["etag"] == 'W/"1"'
    assert client.patch("/Observation/none", json=[], headers=PATCH).status_code == 404
    late = client.patch("/Observation/w", json=[], headers=PATCH | {"If-Match": 'W/"7"'})
    assert late.status_code == 412


def test_a_conditional_patch(client: httpx.Client) -> None:
    """A patch finds its record by a search: exactly one."""
    for n in ("1", "2"):
        body = {"resourceType": "Patient", "identifier": [{"system": "urn:x", "value": n}], "gender": "male"}
        client.post("/Patient", json=body)
    patch = [{"op": "replace", "path": "/gender", "value": "female"}]
    assert client.patch("/Patient?identifier=urn:x|1", json=patch, headers=PATCH).json()["gender"] == "female"
    assert client.patch("/Patient?identifier=urn:x|9", json=patch, headers=PATCH).status_code == 404
    assert client.patch("/Patient?identifier=urn:x|1,urn:x|2", json=patch, headers=PATCH).status_code == 412


def test_patches_within_a_transaction(client: httpx.Client) -> None:
    """Clients on phones send their edits as Binary in a transaction: done together, or not at all."""
    client.put("/Patient/p1", json={"resourceType": "Patient", "id": "p1", "active": True})
    edit = json.dumps([{"op": "replace", "path": "/active", "value": False}]).encode()
    carried = {"resourceType": "Binary", "contentType": JSON_PATCH, "data": base64.b64encode(edit).decode()}
    pathed = parameters(operation("add", "Patient", name="gender", value={"valueCode": "other"}))
    posted = bundle(
        "transaction",
        entry("PATCH", "Patient/p1", carried, ifMatch='W/"1"'),
        entry("PUT", "Patient/p2", {"resourceType": "Patient", "id": "p2"}),
    )
    assert statuses(client.post("/", json=posted)) == ["200", "201"]
    assert client.get("/Patient/p1").json()["active"] is False
    assert statuses(client.post("/", json=bundle("batch", entry("PATCH", "Patient/p1", pathed)))) == ["200"]
    both = bundle("transaction", entry("PATCH", "Patient/p1", carried), entry("PATCH", "Patient?_id=p1", carried))
    refused = client.post("/", json=both)
    assert (refused.status_code, issue(refused)["code"]) == (400, "duplicate")
    carried["data"] = "!"
    broken = client.post("/", json=bundle("transaction", entry("PATCH", "Patient/p1", carried)))
    assert (broken.status_code, issue(broken)["expression"]) == (400, ["Bundle.entry[0].resource.data"])


def test_what_a_patch_may_be() -> None:
    """Bodies that are no patch are refused before any record is touched."""
    for body, kind, error in (
        (b"{", JSON_PATCH, Malformed),
        (b"[3]", JSON_PATCH, Malformed),
        (b'[{"op":"add","path":"a","value":1}]', JSON_PATCH, Malformed),
        (b'[{"op":"add","path":"/a"}]', JSON_PATCH, Malformed),
        (b'{"resourceType":"Parameters","parameter":{}}', "", Malformed),
        (b'{"resourceType":"Binary","contentType":"text/x","data":""}', "", Unsupported),
        (json.dumps(parameters(operation("move", "Patient.name"))).encode(), "", Malformed),
        (json.dumps(parameters(operation("grow", "Patient.name"))).encode(), "", Malformed),
        (json.dumps(parameters(operation("insert", "Patient.name", index="1", value="x"))).encode(), "", Malformed),
    ):
        with pytest.raises(error):
            read_patch(body, kind)


def test_json_patch_cases_of_hl7(corpora: Path) -> None:
    """All cases of RFC 6902's appendix, as HL7 keeps them, come out as they should."""
    cases = json.loads((corpora / "fhir/patch/json-patch-tests.json").read_text())
    failed = [case["comment"] for case in cases if _patched(case) != case.get("expected")]
    sys.stdout.write(f"JSON Patch: {len(cases) - len(failed)} of {len(cases)} cases of HL7 pass; failed: {failed}\n")
    assert not failed


def _patched(case: dict[str, Any]) -> Any:
    edited = read_patch(json.dumps(case["patch"]).encode(), JSON_PATCH)(json.dumps(case["doc"]).encode())
    return None if isinstance(edited, Issue) else json.loads(edited)


def test_fhirpath_patch_cases_of_hl7(corpora: Path) -> None:
    """HL7's cases of FHIRPath Patch come out as they should."""
    cases = etree.parse(os.fspath(corpora / "fhir/patch/fhir-patch-tests.xml")).getroot().findall("case")
    failed = {str(case.get("name")): found for case in cases if (found := _difference(case))}
    sys.stdout.write(
        f"FHIRPath Patch: {len(cases) - len(failed)} of {len(cases)} cases of HL7 pass; failed: {failed}\n"
    )
    assert not failed


def _difference(case: etree._Element) -> str:
    """Return what is wrong with the outcome of a case, or nothing."""
    before, patch = (_inner(case, name) for name in ("input", "diff"))
    try:
        edited = read_patch(patch, "")(before)
    except HubError as error:
        return error.detail
    wanted = case.find("output")
    if isinstance(edited, Issue) or wanted is None:
        return "" if isinstance(edited, Issue) and wanted is None else f"{edited!r}"
    same = documents.decode(edited) == documents.decode(_inner(case, "output"))
    return "" if same else edited.decode()


def _inner(case: etree._Element, name: str) -> bytes:
    found = case.find(name)
    assert found is not None
    return xml.read(etree.tostring(found[0]))


@pytest.mark.parametrize(
    ("operations", "left"),
    [
        ([{"op": "add", "path": "/a/-", "value": 3}], {"a": [1, 2, 3]}),
        ([{"op": "add", "path": "", "value": {"b": 1}}], {"b": 1}),
        ([{"op": "replace", "path": "", "value": {"b": 1}}], {"b": 1}),
        ([{"op": "replace", "path": "/a/0", "value": 9}], {"a": [9, 2]}),
        ([{"op": "copy", "from": "/a", "path": "/b"}], {"a": [1, 2], "b": [1, 2]}),
        ([{"op": "move", "from": "/a", "path": "/a"}], {"a": [1, 2]}),
        ([{"op": "test", "path": "/a", "value": [1, 2]}], {"a": [1, 2]}),
        ([{"op": "test", "path": "/a", "value": [1]}], None),
        ([{"op": "test", "path": "/a", "value": {}}], None),
        ([{"op": "test", "path": "/a/0", "value": True}], None),
        ([{"op": "move", "from": "/a", "path": "/a/0"}], None),
        ([{"op": "remove", "path": ""}], None),
        ([{"op": "remove", "path": "/a/2"}], None),
        ([{"op": "remove", "path": "/a/01"}], None),
        ([{"op": "add", "path": "/a/0/b", "value": 1}], None),
    ],
)
def test_json_patch_at_its_edges(operations: list[dict[str, Any]], left: dict[str, Any] | None) -> None:
    """Whole documents, ends of lists, moves onto themselves; what does not fit leaves nothing half done."""
    edited = read_patch(json.dumps(operations).encode(), JSON_PATCH)(b'{"a":[1,2]}')
    assert (None if isinstance(edited, Issue) else json.loads(edited)) == left


NAMED: dict[str, Any] = {
    "resourceType": "Patient",
    "name": [{"given": ["A", "B"], "_given": [None, {"id": "g"}]}, {"family": "F"}],
    "birthDate": "1990-01-01",
    "_birthDate": {"extension": [{"url": "urn:t", "valueTime": "10:00:00"}]},
    "contained": [{"resourceType": "Organization", "id": "o", "name": "O"}],
}


@pytest.mark.parametrize(
    ("asked", "path", "found"),
    [
        (operation("delete", "Patient.name[0].given[0]"), ("name", 0), {"given": ["B"], "_given": [{"id": "g"}]}),
        (
            operation("replace", "Patient.name[0].given[1]", value={"valueString": "C"}),
            ("name", 0, "given"),
            ["A", "C"],
        ),
        (operation("delete", "Patient.name.where(family = 'F').family"), ("name",), NAMED["name"][:1]),
        (
            operation("move", "Patient.name[0].given", source=0, destination=1),
            ("name", 0, "_given"),
            [{"id": "g"}, None],
        ),
        (operation("delete", "Patient.birthDate.extension('urn:t')"), ("_birthDate",), None),
        (operation("replace", "Patient.contained[0].name", value={"valueString": "N"}), ("contained", 0, "name"), "N"),
        (
            operation(
                "insert", "Patient.name[0].given", index=2, value={"valueString": "C", "_valueString": {"id": "c"}}
            ),
            ("name", 0, "_given"),
            [None, {"id": "g"}, {"id": "c"}],
        ),
        (
            operation("add", "Patient", name="deceased", value={"valueBoolean": True, "_valueBoolean": {"id": "d"}}),
            ("_deceasedBoolean",),
            {"id": "d"},
        ),
        (
            operation("add", "Patient", name="contained", value={"resource": {"resourceType": "Basic"}}),
            ("contained", 1),
            {"resourceType": "Basic"},
        ),
        (operation("delete", "Patient.photo"), ("birthDate",), "1990-01-01"),
    ],
)
def test_fhirpath_patch_at_its_edges(asked: dict[str, Any], path: tuple[str | int, ...], found: Any) -> None:
    """Primitives keep their extensions beside them, in lists too; contained records and choices are reached."""
    edited = read_patch(json.dumps(parameters(asked)).encode(), "")(json.dumps(NAMED).encode())
    assert not isinstance(edited, Issue), edited
    held = json.loads(edited)
    for step in path:
        held = held[step] if isinstance(step, int) else held.get(step)
    assert held == found


@pytest.mark.parametrize(
    "asked",
    [
        operation("insert", "Patient.name", index=9, value={"valueHumanName": {"family": "X"}}),
        operation("insert", "Patient.birthDate", index=0, value={"valueDate": "1990"}),
        operation("replace", "Patient", value={"valueString": "x"}),
        operation("replace", "Patient.name.where(", value={"valueString": "x"}),
        operation("replace", "Patient.name[x]", value={"valueString": "x"}),
        operation("replace", "Patient.name.single().family", value={"valueString": "x"}),
        operation("replace", "Patient.name.first() ?", value={"valueString": "x"}),
        operation("add", "Patient", name="contact", value={"part": [{"name": "wings", "valueCode": "x"}]}),
    ],
)
def test_fhirpath_patches_that_do_not_fit(asked: dict[str, Any]) -> None:
    """What names no place, or none that could take the value, is told and changes nothing."""
    edited = read_patch(json.dumps(parameters(asked)).encode(), "")(json.dumps(NAMED).encode())
    assert isinstance(edited, Issue)
    assert edited.code == "patch"
