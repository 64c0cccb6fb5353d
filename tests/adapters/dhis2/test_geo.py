"""Shapes of org units, out and in."""

from typing import Any

import pytest

from tests.adapters.dhis2.conftest import Client

SHAPES, IMPORT = "/api/organisationUnits.geojson", "/api/organisationUnits/geometry"
NORTH, ALDER = "OuNorth0000", "OuClinicA00"
POINT = {"type": "Point", "coordinates": [36.8, -1.25]}


def feature(**more: Any) -> dict[str, Any]:
    """A feature with a point."""
    return {"type": "Feature", "geometry": POINT, **more}


def collection(*features: Any) -> dict[str, Any]:
    """A feature collection."""
    return {"type": "FeatureCollection", "features": list(features)}


def test_shapes_go_in_and_out(client: Client) -> None:
    """A shape is stored with its unit, and exported with what tells where the unit belongs."""
    answer = client.post(IMPORT, json=collection(feature(id=ALDER), feature(id="OuNowhere00"), "x", feature()))
    report = answer.json()["response"]
    assert report["importCount"] == {"imported": 0, "updated": 1, "ignored": 3, "deleted": 0}
    assert [conflict["indexes"] for conflict in report["conflicts"]] == [[1], [2], [3]]
    assert client.get(f"/api/organisationUnits/{ALDER}?fields=geometry").json() == {"geometry": POINT}
    exported = client.get(f"{SHAPES}?parent={NORTH}&level=3")
    assert exported.headers["content-type"] == "application/geo+json"
    assert exported.json()["features"] == [
        {
            "type": "Feature",
            "id": ALDER,
            "geometry": POINT,
            "properties": {
                "code": "CLINIC_A",
                "name": "Clinic Alder",
                "level": "3",
                "parent": NORTH,
                "parentGraph": f"/OuCountry00/{NORTH}",
                "groups": [],
            },
        }
    ]
    assert client.get(f"{SHAPES}?level=1").json()["features"] == []


def test_units_known_by_code(client: Client) -> None:
    """A property of the features may say the code of the unit; a dry run stores nothing."""
    body = collection(feature(properties={"place": "CLINIC_A"}))
    query = "geoJsonProperty=place&orgUnitIdProperty=code"
    assert client.post(f"{IMPORT}?{query}&dryRun=true", json=body).json()["response"]["importCount"]["updated"] == 1
    assert client.get(f"/api/organisationUnits/{ALDER}?fields=geometry").json() == {}
    assert client.post(f"{IMPORT}?{query}", json=body).status_code == 200
    assert client.get(f"/api/organisationUnits/{ALDER}?fields=geometry").json() == {"geometry": POINT}


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        (IMPORT, {"type": "Feature"}, 409),
        (f"{IMPORT}?orgUnitIdProperty=colour", collection(feature(id=ALDER)), 400),
    ],
)
def test_wrong_imports(client: Client, path: str, body: dict[str, Any], status: int) -> None:
    """What is no collection, or is matched by what org units have not."""
    assert client.post(path, json=body).status_code == status


def test_geometries_that_are_none(client: Client, limited: Client) -> None:
    """A feature without a usable geometry is told; nobody imports without the authority; a level is a number."""
    report = client.post(IMPORT, json=collection({**feature(id=ALDER), "geometry": {"type": "Circle"}})).json()
    assert report["status"] == "WARNING"
    assert limited.post(IMPORT, json=collection()).status_code == 403
    assert client.get(f"{SHAPES}?level=top").status_code == 400
