"""Each of the 27 value types: what it takes and what it refuses."""

from datetime import UTC, datetime

import pytest

from tracker_core.context import Context
from tracker_core.metadata import OrgUnit
from tracker_core.metadata.snapshot import compile_places, compile_snapshot
from tracker_core.tracker.validation.geometry import fits
from tracker_core.tracker.validation.value_types import ACCEPTS, accepts, in_options
from tracker_core.tracker.world import World

CASES: dict[str, tuple[list[str], list[str]]] = {
    "TEXT": (["a", "x" * 50_000], ["x" * 50_001]),
    "LONG_TEXT": (["x" * 60_000], []),
    "MULTI_TEXT": (["A,B"], ["x" * 50_001]),
    "LETTER": (["a", "É"], ["", "ab", "1"]),
    "PHONE_NUMBER": (["+254 700-123 (4)", "070012"], ["12345", "0700abc", "+ - . ( ) -"]),
    "EMAIL": (["a.b@example.org"], ["a@b", "a b@example.org", "@example.org", "a@-x.org"]),
    "BOOLEAN": (["true", "false"], ["True", "1", "yes"]),
    "TRUE_ONLY": (["true"], ["false", "1"]),
    "DATE": (["2024-02-29", "2024-02-29T00:00:00.000"], ["2023-02-29", "29-02-2024", "20240229", "2024-02-29x"]),
    "DATETIME": (["2024-02-29T10:00", "2024-02-29T10:00:00Z"], ["2024-02-29", "2024-02-29T25:00", "T"]),
    "TIME": (["00:00", "23:59"], ["24:00", "9:00", "10:00:00"]),
    "NUMBER": (["1", "-1.50", "+.5", "1e3", "1."], ["", "1,5", "one", "NaN", "1e9999"]),
    "UNIT_INTERVAL": (["0", "0.5", "1"], ["1.1", "-0.1", "x"]),
    "PERCENTAGE": (["0", "99.9", "100"], ["100.1", "-1", "5%"]),
    "INTEGER": (["0", "-7", "+7", "12"], ["07", "1.0", "", "--1"]),
    "INTEGER_POSITIVE": (["1", "+3"], ["0", "-1"]),
    "INTEGER_NEGATIVE": (["-1"], ["0", "1", "-0"]),
    "INTEGER_ZERO_OR_POSITIVE": (["0", "8"], ["-1"]),
    "USERNAME": (["nurse"], ["UsNurse0001", "nobody"]),
    "COORDINATE": (["[36.8,-1.3]"], ["[181,0]", "[0,91]", "36.8,-1.3", "[1]", "[1,2,3]", "{}", '["a","b"]']),
    "ORGANISATION_UNIT": (["OuClinicA00"], ["OuNowhere00"]),
    "REFERENCE": (["TePerson001"], ["short"]),
    "AGE": (["1990-01-31"], ["34"]),
    "URL": (["https://example.org/a?b=c", "HTTP://example.org"], ["example.org", "https://", "http://a b"]),
    "FILE_RESOURCE": (["FiForm00001", "FiImage0001"], ["form.pdf", "FiMissing00"]),
    "IMAGE": (["FiImage0001"], ["image.png", "FiForm00001", "FiMissing00"]),
    "GEOJSON": (['{"type":"Point","coordinates":[1,2]}'], ["[1,2]", "{", '{"type":"Point"}']),
}


@pytest.fixture(scope="module")
def world() -> World:
    """A world with one org unit, one user and two files."""
    day = datetime(2024, 1, 1, tzinfo=UTC)
    unit = OrgUnit(1, "OuClinicA00", None, "Alder", "/OuClinicA00", 1, day.date(), None)
    known = compile_snapshot(1, {}, compile_places(1, [unit]))
    world = World(known, Context(1, day, "tester", None, None), "create")
    world.usernames = {"nurse": "nurse", "UsNurse0001": "nurse"}
    world.files = {"FiForm00001": "application/pdf", "FiImage0001": "image/png"}
    return world


def test_all_27_types_have_cases() -> None:
    """The table and the types that name something stored are all tested here."""
    assert len(CASES) == 27
    assert {*ACCEPTS, "LONG_TEXT", "USERNAME", "ORGANISATION_UNIT", "FILE_RESOURCE", "IMAGE"} == CASES.keys()


@pytest.mark.parametrize("value_type", CASES)
def test_value_types(world: World, value_type: str) -> None:
    """Good values pass, bad ones do not."""
    good, bad = CASES[value_type]
    assert [text for text in good if not accepts(value_type, text, world)] == []
    assert [text for text in bad if accepts(value_type, text, world)] == []


def test_options_are_codes() -> None:
    """A value equals a code exactly; MULTI_TEXT may hold several."""
    options = {"A": "Alpha", "B": "Beta"}
    assert in_options("TEXT", options, "A")
    assert not in_options("TEXT", options, "a")
    assert not in_options("TEXT", options, "A,B")
    assert in_options("MULTI_TEXT", options, "A,B")
    assert not in_options("MULTI_TEXT", options, "A,C")


def test_geometries_fit_their_feature_type() -> None:
    """Type and nesting of the coordinates must be those of the feature type."""
    square = [[[0, 0], [1, 0], [1, 1], [0, 0]]]
    assert fits({"type": "Point", "coordinates": [1, 2.5]}, "POINT")
    assert fits({"type": "Polygon", "coordinates": square}, "POLYGON")
    assert fits({"type": "MultiPolygon", "coordinates": [square]}, "MULTI_POLYGON")
    wrong = [
        {"type": "Point", "coordinates": [1]},
        {"type": "Point", "coordinates": ["a", 1]},
        {"type": "Point", "coordinates": [True, False]},
        {"type": "Point"},
        {"type": "Polygon", "coordinates": square},
        "POINT (1 2)",
    ]
    assert [shape for shape in wrong if fits(shape, "POINT")] == []
    assert not fits({"type": "Polygon", "coordinates": [1, 2]}, "POLYGON")
