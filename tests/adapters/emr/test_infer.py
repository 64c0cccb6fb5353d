"""Tables proposed from samples: four languages, values that speak for themselves, and what is not known."""

import random
from pathlib import Path

import pytest
from typer.testing import CliRunner

from adapters.emr.headers import means, plain
from adapters.emr.proposing import propose
from adapters.emr.sheet import read_sheet
from adapters.emr.tables import compile_layout
from adapters.emr.visits import read_with
from hub.cli import app
from tests.adapters.emr.conftest import emr

FRENCH = (
    "N° patient;N° visite;Date de visite;Nom;Prénom;Sexe;Date de naissance;Diagnostic;Température (°F);Poids (lb)"
    ";Couleur\n"
    "A100;V1;13/03/2024;Mbewe;Grâce;féminin;02/04/1990;B54;101,3;132;bleu\n"
    "A101;V2;14/03/2024;Phiri;Joe;masculin;25/12/1984;A09.9;98.6;154;vert\n"
)
PORTUGUESE = (
    "Processo,Data consulta,Apelido,Nome próprio,Sexo,Idade,CID10,Unidade sanitária\n"
    "7001,2024-03-13,Tembo,Ana,F,34,B54,HC1\n7002,2024-03-14,Zulu,Rui,M,8m,I10,HC1\n"
)
SPANISH = (
    "Historia clínica,Fecha,Apellidos,Nombres,Sexo,Fecha nacimiento,CIE10\n9,2024-03-13,Paz,Eva,mujer,1990-04-02,B54\n"
)


def documents(raw: str) -> dict[str, object]:
    """What the proposed table reads in the first row of its own sample, by record type."""
    text, _ = propose(read_sheet(raw.encode()), "sample")
    reading = read_with(read_sheet(raw.encode()), emr(), compile_layout(text, "sample"))
    assert [issue for issue in reading.issues if issue.severity == "error"] == []
    changes = reading.changes.records
    return {change.type: change.document for change in changes if change.where == "line 2" and change.document}


def test_a_french_file_is_understood() -> None:
    """Accents, dates day first, Fahrenheit and pounds by the header; the colour is said to be unknown."""
    found = documents(FRENCH)
    patient, observation = found["Patient"], found["Observation"]
    assert isinstance(patient, dict)
    assert isinstance(observation, dict)
    assert (patient["gender"], patient["birthDate"]) == ("female", "1990-04-02")
    assert patient["name"][0] == {"use": "official", "family": "Mbewe", "given": ["Grâce"]}
    assert observation["valueQuantity"]["code"] == "kg"
    assert str(observation["valueQuantity"]["value"]) == "59.87"
    text, lines = propose(read_sheet(FRENCH.encode()), "sample")
    assert "date:%d/%m/%Y" in text
    assert "quantity:Cel<[degF]" in text
    assert "ignore couleur" in text
    assert any(line.startswith("Couleur") and "not mapped" in line for line in lines)
    assert any(line.startswith("line 2: corrected") for line in lines)


def test_visits_without_number_are_known_by_patient_and_day() -> None:
    """A Portuguese file: ages, a facility, and no number of the visit."""
    found = documents(PORTUGUESE)
    encounter, patient = found["Encounter"], found["Patient"]
    assert isinstance(encounter, dict)
    assert isinstance(patient, dict)
    assert encounter["identifier"][0]["value"] == "7001/2024-03-13"
    assert encounter["serviceProvider"]["identifier"]["value"] == "HC1"
    assert patient["birthDate"] == "1990"


def test_a_spanish_file_is_understood() -> None:
    """Words for sex in Spanish; the diagnosis by its header."""
    found = documents(SPANISH)
    condition = found["Condition"]
    assert isinstance(condition, dict)
    assert condition["code"]["coding"][0]["code"] == "B54"


@pytest.mark.parametrize(
    ("raw", "line"),
    [
        ("mrn,date\nA1,03/04/2024\nA2,05/06/2024\n", "month first: these values do not tell"),
        ("mrn,date\nA1,13/04/2024\nA2,04/13/2024\n", "no one form fits"),
        ("mrn,when\nA1,2024-01-01\n", "no column is the visit date"),
        ("mrn,date,x9\nA1,2024-01-01,B54\nA2,2024-01-01,I10\nA3,2024-01-02,A09\n", "the values look so"),
        ("mrn,patient no,date\nA1,B1,2024-01-01\n", "mrn is the patient number already"),
        ("mrn,date,weight\nA1,2024-01-01,\n", "no values to tell by"),
        ("mrn,date,temperature\nA1,2024-01-01,98.6\n", "in [degF], kept in Cel"),
    ],
)
def test_what_cannot_be_told_is_said(raw: str, line: str) -> None:
    """Ambiguous dates, missing columns, doubles, empty columns: each is named in the report."""
    assert any(line in one for one in propose(read_sheet(raw.encode()), "sample")[1])


def test_headers() -> None:
    """Headers are compared without accents; a unit at the end, or a longer name, is seen through."""
    assert plain("Température (°C)") == "temperature_c"
    meaning, sure, unit = means("patient_weight_lb")
    assert (meaning and meaning.name, sure, unit) == ("weight", 0.4, "[lb_av]")
    assert means("colour") == (None, 0.0, "")


def test_command_writes_a_table_that_checks(tmp_path: Path) -> None:
    """`emr infer` writes what `mappings check` accepts; a spoiled one is refused with its line."""
    sample, table = tmp_path / "sample.csv", tmp_path / "clinic.map"
    sample.write_text(FRENCH)
    run = CliRunner()
    made = run.invoke(app, ["emr", "infer", str(sample), "--out", str(table)])
    assert made.exit_code == 0, made.output
    checked = run.invoke(app, ["mappings", "check", str(table)])
    assert (checked.exit_code, "all fit together" in checked.output) == (0, True)
    printed = run.invoke(app, ["emr", "infer", str(sample)])
    assert "quantity:kg<[lb_av]" in printed.output
    table.write_text(table.read_text().replace("code:sex", "code:sexes"))
    assert run.invoke(app, ["mappings", "check", str(table)]).exit_code != 0
    assert run.invoke(app, ["emr", "infer", str(tmp_path / "none.csv")]).exit_code != 0


@pytest.mark.parametrize(
    ("name", "raw", "reason"),
    [
        ("visits.csv", b"", "empty"),
        ("visits.csv", b"%PDF-1.7\n1 0 obj\n", "PDF"),
        ("visits.csv", random.Random(7).randbytes(4000), "not text"),
        ("visits.xlsx", b"PK\x03\x04 and no more", "no spreadsheet"),
    ],
)
def test_command_refuses_what_is_no_sample(tmp_path: Path, name: str, raw: bytes, reason: str) -> None:
    """`emr infer` says what is wrong with a file of another kind, and proposes nothing."""
    sample = tmp_path / name
    sample.write_bytes(raw)
    done = CliRunner().invoke(app, ["emr", "infer", str(sample)])
    assert done.exit_code != 0
    assert reason in str(done.exception)
    assert "<->" not in done.output
