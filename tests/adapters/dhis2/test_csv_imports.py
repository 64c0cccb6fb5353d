"""Events sent as CSV, and bodies sent packed."""

import gzip
import json
import zipfile
from io import BytesIO
from typing import Any

import pytest

from adapters.dhis2.csv_events import parse_events, parse_wkt
from adapters.dhis2.packed import unpack
from tests.adapters.dhis2.conftest import Client
from tests.adapters.dhis2.samples import person
from tracker_core.errors import Malformed

HEADER = "event,programStage,enrollment,orgUnit,occurredAt,status,dataElement,value,providedElsewhere"
ROWS = (
    "EvFirst0001,PsVisit0000,EnPerson001,OuClinicA00,2024-03-02,ACTIVE,DeTemp00000,38.50,false",
    "EvFirst0001,PsVisit0000,EnPerson001,OuClinicA00,2024-03-02,ACTIVE,DeResult000,POS,true",
    '"EvOther0001",PsVisit0000,EnPerson001,OuClinicA00,2024-03-03,ACTIVE,DeNote00000,"rash, and ""fever""",',
    ",PsVisit0000,EnPerson001,OuClinicA00,2024-03-04,ACTIVE,DeTemp00000,37,",
    ",PsVisit0000,EnPerson001,OuClinicA00,2024-03-05,ACTIVE,DeTemp00000,36,",
)
TABLE = "\n".join((HEADER, *ROWS)).encode()


def zipped(*files: bytes) -> bytes:
    """A zip archive of these files."""
    packed = BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for number, body in enumerate(files):
            archive.writestr(f"{number}.csv", body)
    return packed.getvalue()


@pytest.mark.parametrize("pack", [bytes, gzip.compress, zipped])
@pytest.mark.parametrize("content_type", ["text/csv", "application/csv; charset=utf-8"])
def test_events_come_as_csv(client: Client, pack: Any, content_type: str) -> None:
    """Rows of one event are one event; rows without a uid are one event each; packed bodies are unpacked."""
    assert client.post("/api/tracker", json={"trackedEntities": [person()]}, params={"async": "false"}).is_success
    headers = {"content-type": content_type}
    report = client.post("/api/tracker", content=pack(TABLE), params={"async": "false"}, headers=headers).json()
    assert (report["status"], report["stats"]["created"]) == ("OK", 4)
    first = client.get("/api/tracker/events/EvFirst0001").json()
    values = {v["dataElement"]: (v["value"], v["providedElsewhere"]) for v in first["dataValues"]}
    assert values == {"DeTemp00000": ("38.50", False), "DeResult000": ("POS", True)}
    other = client.get("/api/tracker/events/EvOther0001").json()
    assert [v["value"] for v in other["dataValues"]] == ['rash, and "fever"']


def test_columns_without_names_are_in_dhis2s_order() -> None:
    """`skipFirst=false`, or a first row of other names: the columns are those of the export."""
    row = "EvFirst0001,ACTIVE,PrWater0000,PsWater0000,,OuClinicA00,2024-03-02,,,-1.3,36.8"
    expected = {
        "event": "EvFirst0001",
        "status": "ACTIVE",
        "program": "PrWater0000",
        "programStage": "PsWater0000",
        "orgUnit": "OuClinicA00",
        "occurredAt": "2024-03-02",
        "dataValues": [],
        "geometry": {"type": "Point", "coordinates": [36.8, -1.3]},
    }
    assert parse_events(row.encode(), header=False) == {"events": [expected]}
    assert parse_events(b"a,b\n" + row.encode(), header=True) == {"events": [expected]}
    assert parse_events(b"", header=True) == {"events": []}
    assigned = parse_events(b"event,assignedUser,geometry\nEvFirst0001,nurse,POINT(1 2)\n", header=True)["events"]
    assert (assigned[0]["assignedUser"], assigned[0]["geometry"]["coordinates"]) == ({"username": "nurse"}, [1, 2])


@pytest.mark.parametrize(
    ("text", "shape"),
    [
        ("POINT (36.8 -1.3)", {"type": "Point", "coordinates": [36.8, -1.3]}),
        ("polygon ((0 0, 1 0, 1 1, 0 0))", {"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1], [0, 0]]]}),
        ("MULTIPOLYGON (((0 0, 1 0, 0 0)))", {"type": "MultiPolygon", "coordinates": [[[[0, 0], [1, 0], [0, 0]]]]}),
    ],
)
def test_well_known_text_is_a_geometry(text: str, shape: dict[str, Any]) -> None:
    """Points, polygons and multipolygons, in any case of letters."""
    assert parse_wkt(text) == shape


@pytest.mark.parametrize("text", ["LINESTRING (0 0, 1 1)", "POINT", "POINT (a b)", "POLYGON ((0 0, 1"])
def test_other_texts_are_none(text: str) -> None:
    """What is no geometry of these is refused."""
    with pytest.raises(Malformed, match="well-known text"):
        parse_wkt(text)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"\xff\xfe", "not CSV"),
        (b'event\n"open', "not CSV"),
        (b"event,value\na,b,c", "3 columns"),
        (b"event\nshort", "must be a UID"),
        (gzip.compress(TABLE)[:-9], "ends too early"),
        (b"\x1f\x8bnothing", "not gzip"),
        (zipped(), "exactly one file"),
        (zipped(b"a", b"b"), "exactly one file"),
        (b"PK\x03\x04nothing", "not a zip"),
    ],
)
def test_broken_tables_are_400(client: Client, body: bytes, words: str) -> None:
    """What is no CSV, no UID or no archive is refused, saying what."""
    answer = client.post("/api/tracker", content=body, params={"async": "false"}, headers={"content-type": "text/csv"})
    assert (answer.status_code, words in answer.text) == (400, True)


def test_json_may_be_packed_too(client: Client) -> None:
    """A gzipped payload whose content type says so is read, in a job as well."""
    body = gzip.compress(json.dumps({"trackedEntities": [person()]}).encode())
    headers = {"content-type": "application/json+gzip"}
    answer = client.post("/api/tracker", content=body, params={"async": "false"}, headers=headers)
    assert answer.json()["stats"]["created"] == 3
    assert unpack(b"plain") == b"plain"
