"""MDM: documents, their contents and what became of them."""

from base64 import b64decode, b64encode

import pytest

from mappings import Mappings, Profile
from tests.mappings.talk import LAB, PATIENT, documents, read
from tests.mappings.talk import again as rendered

NOTE = (
    "PV1|1|I|||||||||||||||||V1",
    "TXA|1|DS^Discharge^HL70270|TX|20240302||20240302080000||||77^Kato^Ana||D1^LAB|||||LA|R|AV||||||Summary",
    "OBX|1|TX|1^Body^L||line one",
    "OBX|2|TX|1^Body^L||line two~line three",
    "OBX|3|ED|2^Scan^L||^AP^PDF^Base64^AAAA",
    "OBX|4|RP|3^Film^L||https://pacs.example/1^^IM^JPEG",
)


def test_a_document_with_text_data_and_a_link(tables: Mappings) -> None:
    """Lines of text are one content; data and links are others; TXA describes the whole."""
    changes, issues = read(tables, "MDM^T02", PATIENT, *NOTE)
    assert issues == []
    (document,) = documents(changes, "DocumentReference")
    text, scan, film = (content["attachment"] for content in document["content"])
    assert b64decode(text["data"]).decode() == "line one\nline two\nline three"
    assert (scan["contentType"], scan["data"], scan["title"]) == ("application/pdf", "AAAA", "Scan")
    assert film == {"contentType": "image/jpeg", "url": "https://pacs.example/1", "title": "Film"}
    assert (document["status"], document["docStatus"], document["description"]) == ("current", "final", "Summary")
    assert document["masterIdentifier"] == {"system": LAB, "value": "D1"}
    assert document["context"]["encounter"] == [{"reference": "#Encounter-1"}]


def test_a_document_is_found_by_its_own_number_alone(tables: Mappings) -> None:
    """A file name (TXA-16) is no identity where there is a document number."""
    changes, _ = read(tables, "MDM^T02", PATIENT, "TXA|1|DS|TX|||||||||D1^LAB||||report.txt")
    (match,) = [change.match for change in changes if change.type == "DocumentReference"]
    assert match == (f"identifier={LAB}|D1",)


@pytest.mark.parametrize(("event", "code"), [("T06", "appends"), ("T10", "replaces")])
def test_a_document_and_the_one_before_it(tables: Mappings, event: str, code: str) -> None:
    """TXA-13 names the document that this one adds to or replaces."""
    changes, _ = read(tables, f"MDM^{event}", PATIENT, "TXA|1|DS|TX|||||||||D2^LAB|D1^LAB")
    (relation,) = documents(changes, "DocumentReference")[0]["relatesTo"]
    assert relation == {"code": code, "target": {"identifier": {"system": LAB, "value": "D1"}}}


def test_a_cancelled_document(tables: Mappings) -> None:
    """MDM^T11 takes the document back."""
    changes, _ = read(tables, "MDM^T11", PATIENT, "TXA|1|DS|TX|||||||||D1^LAB|||||||CA")
    (document,) = documents(changes, "DocumentReference")
    assert document["status"] == "entered-in-error"
    assert document["_status"]["extension"][0]["valueCodeableConcept"]["coding"][0]["code"] == "CA"


def test_a_document_is_rendered_again(tables: Mappings) -> None:
    """Text goes as text, data as ED, a link as RP."""
    lines = rendered(tables, "MDM^T02", PATIENT, *NOTE)
    assert lines[-3:] == [
        "OBX|1|TX|^Body||line one~line two~line three",
        "OBX|2|ED|^Scan||^application^pdf^Base64^AAAA",
        "OBX|3|RP|^Film||https://pacs.example/1^^image^jpeg",
    ]


@pytest.mark.parametrize("type_", ["MDM^T02", "ORU^R01"])
def test_data_beyond_the_bound_are_not_kept(tables: Mappings, type_: str) -> None:
    """The record keeps their size and hash, and the sender is told."""
    data = b64encode(b"x" * 300).decode()
    content = ("TXA|1|DS|AP|||||||||D1^LAB",) if type_[0] == "M" else ("OBR|1||F1^LAB|1^a^L",)
    changes, issues = read(
        tables,
        type_,
        PATIENT,
        *content,
        f"OBX|1|ED|2^Scan^L||^AP^PDF^Base64^{data}",
        profile=Profile(domain="lis", attachment=100),
    )
    assert [issue.code for issue in issues] == ["attachment-size"]
    found = documents(changes, "DocumentReference") or documents(changes, "Observation")
    kept = found[0].get("content", [{}])[0].get("attachment") or found[0]["extension"][0]["valueAttachment"]
    assert kept["size"] == 300
    assert "data" not in kept


def test_other_encodings_are_told_and_kept_as_text(tables: Mappings) -> None:
    """Only Base64 is read as data."""
    changes, issues = read(tables, "MDM^T02", PATIENT, "TXA|1|DS|TX|||||||||D1^LAB", "OBX|1|ED|2^S^L||^TEXT^^A^words")
    assert [issue.code for issue in issues] == ["attachment-encoding"]
    (content,) = documents(changes, "DocumentReference")[0]["content"]
    assert b64decode(content["attachment"]["data"]).decode() == "^TEXT^^A^words"
