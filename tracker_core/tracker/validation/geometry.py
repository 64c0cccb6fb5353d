"""Does a geometry fit a feature type? Shared by all kinds that may have one."""

from typing import Any

_SHAPES = {"POINT": "Point", "POLYGON": "Polygon", "MULTI_POLYGON": "MultiPolygon"}


def fits(geometry: Any, feature_type: str) -> bool:
    """Tell whether a GeoJSON geometry is of DHIS2's `feature_type` and is shaped as GeoJSON (RFC 7946, section 3.1)."""
    if not isinstance(geometry, dict) or geometry.get("type") != _SHAPES.get(feature_type):
        return False
    return _nested(geometry.get("coordinates"), {"POINT": 0, "POLYGON": 2, "MULTI_POLYGON": 3}[feature_type])


def _nested(value: Any, depth: int) -> bool:
    if not isinstance(value, list) or not value:
        return False
    if depth:
        return all(_nested(item, depth - 1) for item in value)
    return 2 <= len(value) <= 3 and all(isinstance(n, int | float) and not isinstance(n, bool) for n in value)
