"""Messages to changes: records, merges, refusals."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from adapters.contract import Envelope, Reading, Sender
from adapters.hl7v2 import ADAPTER
from tests.adapters.hl7v2.wire import sample
from tracker_core.context import Peer
from tracker_core.errors import Unsupported


def read(raw: bytes, **settings: Any) -> Reading:
    """What the hub reads from `raw` of a clinic with these settings."""
    peer = Peer(1, "CLINIC|KIVU-HC", "Clinic", "hl7v2", None, settings)
    return ADAPTER.read(ADAPTER.parse(raw, Envelope()), Sender(peer, datetime(2026, 3, 5, tzinfo=UTC)))


def documents(reading: Reading, type: str) -> list[dict[str, Any]]:
    """The documents of one type, parsed."""
    return [change.document for change in reading.changes.records if change.type == type]  # type: ignore[misc]


def test_an_admission_is_patient_visit_and_what_hangs_on_it() -> None:
    """Each segment becomes its record, tied to the patient and the visit by local names."""
    reading = read(sample("adt_a01"))
    assert not reading.rejected
    patient, encounter, condition = (documents(reading, kind)[0] for kind in ("Patient", "Encounter", "Condition"))
    assert patient["name"] == [{"family": "Mbeki", "given": ["Amara", "Ruth"]}]
    assert encounter["status"] == "in-progress"
    assert encounter["period"]["start"] == "2026-03-05T08:10:00+02:00"
    assert condition["subject"] == encounter["subject"] == {"reference": "#Patient-1"}
    assert reading.changes.atomic


def test_results_keep_their_digits_and_their_report() -> None:
    """An ORU gives a report with its observations, numbers as they were written."""
    reading = read(sample("oru_r01"))
    (report,) = documents(reading, "DiagnosticReport")
    assert [result["reference"] for result in report["result"]] == [
        "#Observation-1",
        "#Observation-2",
        "#Observation-3",
    ]
    assert str(documents(reading, "Observation")[0]["valueQuantity"]["value"]) == "13.20"


def test_a_peer_has_its_own_rows(tmp_path: Path) -> None:
    """Rows of the peer's overlay are laid over the built-in ones; one that does not fit is a wrong setting."""
    folder = tmp_path / "hl7v2" / "segments"
    folder.mkdir(parents=True)
    (folder / "own.map").write_text("PID:Patient\n- PID-8 gender\n")
    (patient,) = documents(read(sample("adt_a01"), overlay=str(tmp_path)), "Patient")
    assert "gender" not in patient
    assert "gender" in documents(read(sample("adt_a01")), "Patient")[0]
    (folder / "own.map").write_text("PID:Patient\nPID-8 <-> gender nocodec\n")
    with pytest.raises(Unsupported, match=r"the mapping tables of CLINIC.KIVU-HC are not usable: .*/own:2 PID-8"):
        read(sample("adt_a01"), overlay=f"{tmp_path}/")


def test_two_quotes_delete() -> None:
    """A null in PID-13 asks for the phone number to go."""
    (patient,) = (change for change in read(sample("adt_a08")).changes.records if change.type == "Patient")
    assert patient.method == "merge"
    assert ("telecom", {"use": "home"}) in patient.clears


def test_a_merge_names_survivor_and_loser_by_their_identifiers() -> None:
    """ADT^A40 gives the surviving patient's record and one merge, both found as the feed would find them."""
    reading = read(sample("adt_a40"), naming={"KIVU-HC": "urn:kivu"})
    (merge,) = reading.changes.merges
    assert (merge.survivor, merge.loser) == ("identifier=urn:kivu|P-1001", "identifier=urn:kivu|P-0999")
    assert [change.match[0] for change in reading.changes.records] == [merge.survivor]


def test_a_message_may_merge_several_patients() -> None:
    """Each PID with its MRG is a merge of its own."""
    more = b"PID|1||P-7^^^KIVU-HC\rMRG|P-8^^^KIVU-HC\r"
    merges = read(sample("adt_a40") + more, naming={"KIVU-HC": "u"}).changes.merges
    assert [merge.loser for merge in merges] == ["identifier=u|P-0999", "identifier=u|P-8"]


def test_a_merge_without_loser_is_refused() -> None:
    """MRG and its identifier are required."""
    without = sample("adt_a40").split(b"MRG")[0]
    for raw in (without, without + b"MRG|\r"):
        reading = read(raw)
        assert reading.rejected
        assert reading.issues[0].where.startswith("MRG")


def test_a_message_about_nobody_is_refused() -> None:
    """Without a patient, or with one that could never be found again, nothing is applied."""
    lines = sample("adt_a01").split(b"\r")
    nobody = read(b"\r".join(line for line in lines if not line.startswith(b"PID")))
    assert nobody.rejected
    assert [issue.where for issue in nobody.issues if issue.severity == "error"] == ["PID"]
    nameless = read(b"\r".join([lines[0], b"PID|1||||Mbeki^Amara"]))
    assert nameless.rejected
    assert [issue.where for issue in nameless.issues if issue.severity == "error"] == ["PID-3"]


def test_a_batch_keeps_its_patients_apart() -> None:
    """The records of each message refer to their own patient, and stand alone."""
    reading = read(sample("batch"))
    assert [change.name for change in reading.changes.records] == ["#Patient-1", "#2-Patient-1"]
    assert not reading.changes.atomic
    two = read(sample("adt_a01") + sample("oru_r01"))
    subjects = [document["subject"]["reference"] for document in documents(two, "Encounter")]
    assert subjects == ["#Patient-1", "#2-Patient-1"]


def test_the_charset_of_the_peer_is_used_where_the_message_is_silent() -> None:
    """The profile says how bytes without MSH-18 are read; a message that says it itself is believed."""
    raw = sample("adt_a08_latin1").replace(b"||||||8859/1", b"")
    assert documents(read(raw, charset="8859/1"), "Patient")[0]["name"] == [{"family": "Élodie", "given": ["Noël"]}]
    assert (
        documents(read(sample("adt_a08_latin1"), charset="UNICODE UTF-8"), "Patient")[0]["name"][0]["family"]
        == "Élodie"
    )


def test_a_raw_line_break_is_told() -> None:
    """A text that breaks its line is read whole, with a warning."""
    reading = read(sample("oru_r01").replace(b"\\.br\\", b"\n"))
    assert [issue.code for issue in reading.issues] == ["structure-line-break"]
    notes = documents(reading, "Observation")[1]["note"]
    assert notes == [{"text": "Sample slightly hemolysed\nrepeat if needed"}]


@pytest.mark.parametrize("sequence", [rb"\C2842\ ", rb"\M244A41\ "])
def test_a_switch_of_the_character_set_is_told(sequence: bytes) -> None:
    r"""`\C..\` and `\M..\` stay in the text, with a warning; what merely looks like them says nothing."""
    reading = read(sample("adt_a01").replace(b"Amara", b"Am" + sequence.strip() + b"ra"))
    assert [(issue.code, issue.value) for issue in reading.issues] == [("charset-escape", sequence.decode().strip())]
    assert documents(reading, "Patient")[0]["name"][0]["given"][0] == "Am" + sequence.decode().strip() + "ra"
    assert read(sample("adt_a01").replace(b"Amara", rb"Am\C2\ra")).issues == []
