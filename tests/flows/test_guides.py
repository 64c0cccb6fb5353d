"""Implementation guides: loaded by command and over HTTP, and in force from the next request on."""

import io
import json
import tarfile
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner, Result

from adapters.fhir.validating.worlds import world
from hub.guides.commands import fhir_app
from hub.guides.loading import load_guide
from hub.guides.packages import read_package
from hub.runtime import Runtime
from tests.tracker_core.profiles.structures import at, profile
from tracker_core.database import transaction
from tracker_core.errors import Malformed
from tracker_core.profiles import validate
from tracker_core.records import documents

NAMED = profile("named", "Patient", at("Patient.name", min=1), at("Patient.gender", min=1))
COLOURS = {
    "resourceType": "CodeSystem", "id": "colours", "url": "urn:colours", "name": "Colours", "status": "active",
    "content": "complete", "concept": [{"code": "red"}],
}  # fmt: skip
SHADES = {
    "resourceType": "ValueSet", "id": "shades", "url": "urn:shades", "name": "Shades", "status": "active",
    "compose": {"include": [{"system": "urn:colours"}]},
}  # fmt: skip
HAIR = {
    "resourceType": "SearchParameter", "id": "hair", "url": "urn:hair", "name": "hair", "status": "active",
    "description": "x", "code": "hair", "base": ["Patient"], "type": "string", "expression": "Patient.name.text",
}  # fmt: skip


def package(*resources: dict[str, Any], name: str = "test.guide", **more: Any) -> bytes:
    """A package with these resources."""
    about = {"name": name, "version": "1.0.0", **more}
    files = {"package/package.json": about, "package/example/Patient-x.json": {"resourceType": "Patient"}}
    files |= {f"package/{one['resourceType']}-{one['id']}.json": one for one in resources}
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for path, document in files.items():
            raw = json.dumps(document).encode()
            member = tarfile.TarInfo(path)
            member.size = len(raw)
            archive.addfile(member, io.BytesIO(raw))
    return out.getvalue()


def run(database_url: str, *arguments: str) -> Result:
    """Run one command of `fhir`."""
    return CliRunner().invoke(fhir_app, [*arguments, "--database-url", database_url])


def test_a_package_is_loaded_by_command(database_url: str, runtime: Runtime, tmp_path: Path) -> None:
    """It says what came, what was left out, and what it needs besides; loaded again, it replaces."""
    broken = profile("broken", "Patient", at("Patient.name", min=1), base="urn:nowhere")
    path = tmp_path / "guide.tgz"
    path.write_bytes(package(NAMED, COLOURS, SHADES, HAIR, broken, dependencies={"other.guide": "2.0"}))
    loaded = run(database_url, "load", str(path))
    assert loaded.output.splitlines() == [
        "test.guide 1.0.0 is loaded: 1 CodeSystem, 1 SearchParameter, 2 StructureDefinition, 1 ValueSet",
        "left out: StructureDefinition-broken.json: its base urn:nowhere is not known",
        "it refers to other.guide 2.0, which is not loaded",
    ]
    assert run(database_url, "load", str(path)).exit_code == 0
    listed = run(database_url, "list").output.splitlines()
    assert len(listed) == 1
    assert listed[0].startswith("test.guide  1.0.0  ")


def test_a_package_is_loaded_over_http(client: httpx.Client) -> None:
    """Profiles, codes and search parameters are in force at once; nurses may not load."""
    answer = client.post("/hub/guides", content=package(NAMED, COLOURS, SHADES, HAIR))
    assert answer.status_code == 200, answer.text
    assert answer.json()["counts"] == {"CodeSystem": 1, "SearchParameter": 1, "StructureDefinition": 1, "ValueSet": 1}
    assert [one["name"] for one in client.get("/hub/guides").json()] == ["test.guide"]
    body = {"resourceType": "Patient", "meta": {"profile": [NAMED["url"]]}, "name": [{"text": "x"}]}
    told = client.post("/fhir/Patient/$validate", json=body).json()["issue"]
    assert [one["diagnostics"] for one in told if one["severity"] == "error"] == ["gender is missing"]
    assert client.get("/fhir/StructureDefinition", params={"url": NAMED["url"]}).json()["entry"]
    expanded = client.get("/fhir/ValueSet/$expand", params={"url": "urn:shades"}).json()
    assert [one["code"] for one in expanded["expansion"]["contains"]] == ["red"]
    assert client.post("/hub/guides", content=b"x", auth=("nurse", "also-secret-enough")).status_code == 403
    assert client.post("/hub/guides", content=b"x").status_code == 400


def test_two_guides_with_one_id(runtime: Runtime) -> None:
    """A definition whose id is another one's gets an id of its own."""
    other = NAMED | {"url": "urn:profile:other", "differential": {"element": [at("Patient.photo", min=1)]}}
    with transaction(runtime.pool) as session:
        load_guide(session, package(NAMED), "tester")
        load_guide(session, package(other, name="second"), "tester")
    with transaction(runtime.pool) as session:
        used = world(session, stored=False)
        found = validate(used, [{"resourceType": "Patient"}], [NAMED["url"], "urn:profile:other"])[0]
    assert {one.text for one in found if one.severity == "error"} == {
        "name is missing", "gender is missing", "photo is missing",
    }  # fmt: skip


@pytest.mark.parametrize("raw", [b"", b"not a package", package(NAMED, name="")])
def test_what_is_no_package_is_refused(raw: bytes) -> None:
    """Bytes that are no package, and one without a name."""
    with pytest.raises(Malformed):
        read_package(raw)


def test_wrong_code_systems_refuse_the_package(runtime: Runtime) -> None:
    """A code that is there twice refuses all, with its place."""
    twice = COLOURS | {"concept": [{"code": "red"}, {"code": "red"}]}
    with pytest.raises(Malformed) as refused, transaction(runtime.pool) as session:
        load_guide(session, package(NAMED, twice), "tester")
    assert "CodeSystem-colours" in refused.value.where


def test_the_patient_summary(runtime: Runtime, ips_package: Path) -> None:
    """Every example of the International Patient Summary is valid; one that lacks what is required is not."""
    with transaction(runtime.pool) as session:
        brought = load_guide(session, ips_package.read_bytes(), "tester")
    assert brought.counts["StructureDefinition"] == 32
    with tarfile.open(ips_package) as archive:
        names = [one for one in archive.getnames() if one.startswith("package/example/") and one.endswith(".json")]
        files = {name: archive.extractfile(name) for name in names}
        examples = {name: documents.decode(file.read()) for name, file in files.items() if file}
    with transaction(runtime.pool) as session:
        used = world(session, stored=False)
        wrong = {
            name: [one for one in found if one.severity == "error"]
            for name, found in zip(examples, validate(used, examples.values()), strict=True)
        }
    assert {name: found for name, found in wrong.items() if found} == {}
    document = examples["package/example/Bundle-bundle-minimal.json"]
    del document["entry"][0]["resource"]["section"][0]
    with transaction(runtime.pool) as session:
        found = validate(world(session, stored=False), [document])[0]
    assert any("slice sectionProblems is missing" in one.text or one.code == "required" for one in found)
