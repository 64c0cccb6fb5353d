"""Shapes of org units as GeoJSON, out and in (RFC 7946; Web API 2.42, "Organisation units", "GeoJSON")."""

from collections.abc import Mapping
from typing import Any

from adapters.contract import Access
from adapters.dhis2.bodies import read_object
from adapters.dhis2.calls import Call, Reply, Routes
from adapters.dhis2.parameters import flag
from adapters.dhis2.webmessage import encode, web_message
from tracker_core import access as rights
from tracker_core import history, metadata, org_units
from tracker_core.context import User
from tracker_core.errors import Conflict, Malformed
from tracker_core.metadata import Metadata, Options
from tracker_core.metadata import org_units as stored
from tracker_core.metadata.compiling import reference
from tracker_core.org_units import Part

GEOJSON = "application/geo+json"
_KINDS = ("Point", "MultiPoint", "LineString", "MultiLineString", "Polygon", "MultiPolygon")
_KEYS = {"id": "id", "code": "code", "name": "name"}


def export_shapes(access: Access, call: Call) -> Reply:
    """The org units that have a shape, of a `level`, below a `parent`, or all, as features of one collection."""
    level, parent = call.given.get("level", ""), call.given.get("parent", "")
    if level and not (level.isascii() and level.isdigit()):
        raise Malformed(f"Value '{level}' is not valid for parameter level. It must be a level's number")
    with access.session() as session:
        known = metadata.load(session)
        within = [known.org_units[parent].path] if parent in known.org_units else None
        uids = org_units.find(session, Part(within=within, levels=[int(level)] if level else (), by_level=True))
        docs = stored.documents(session, uids)
    features = [_feature(known, doc) for doc in docs if doc.get("geometry")]
    return Reply(encode({"type": "FeatureCollection", "features": features}), content_type=GEOJSON)


def _feature(known: Metadata, doc: Mapping[str, Any]) -> dict[str, Any]:
    above = str(doc["path"]).split("/")[1:-1]
    return {
        "type": "Feature",
        "id": doc["id"],
        "geometry": doc["geometry"],
        "properties": {
            "code": doc.get("code"),
            "name": doc.get("name"),
            "level": str(doc["level"]),
            "parent": above[-1] if above else None,
            "parentGraph": "/" + "/".join(above) if above else "",
            "groups": [
                found.uid
                for found in known.objects.get("organisationUnitGroups", {}).values()
                if any(reference(unit) == doc["id"] for unit in found.doc.get("organisationUnits") or ())
            ],
        },
    }


def import_shapes(access: Access, call: Call) -> Reply:
    """Give org units the shapes of a feature collection. Features are matched by `orgUnitProperty` (id, code, name).

    Each feature that cannot be used is told and left out; `dryRun=true` only tells.
    """
    body = read_object(call)
    features = body.get("features")
    if body.get("type") != "FeatureCollection" or not isinstance(features, list):
        raise Conflict("The GeoJSON must be a FeatureCollection with a list of features")
    conflicts: list[dict[str, Any]] = []
    shapes: dict[str, Any] = {}
    with access.session() as session:
        actor, known = rights.load(session, call.user.username), metadata.load(session)
        actor.need("F_ORGANISATIONUNIT_ADD", "F_PERFORM_MAINTENANCE")
        for index, feature in enumerate(features):
            uid, fault = _read(known, call, feature)
            if fault:
                conflicts.append({"object": uid or str(index), "value": fault, "indexes": [index]})
            else:
                shapes[uid] = feature["geometry"]
        docs = [{**doc, "geometry": shapes[doc["id"]]} for doc in stored.documents(session, list(shapes))]
        context = history.open_change_set(session, actor.username)
        options = Options(user=User(actor.uid, actor.username, actor.authorities))
        report = metadata.import_objects(session, context, {stored.TYPE: docs}, options) if docs else None
        if report is not None and report.errors:
            raise Conflict(f"{report.errors[0].code} {report.errors[0].text}")
        if flag(call.given, "dryRun", default=False):
            session.rollback()
    changed = [outcome for outcome in report.outcomes if outcome.action == "updated"] if report else []
    counts = {"imported": 0, "updated": len(changed), "ignored": len(features) - len(changed), "deleted": 0}
    state = "OK" if not conflicts else "WARNING"
    response = {"responseType": "GeoJsonImportReport", "status": state, "importCount": counts, "conflicts": conflicts}
    return Reply(web_message(200, "Import successful", response=response, state=state))


def _read(known: Metadata, call: Call, feature: Any) -> tuple[str, str]:
    """Return the org unit that a feature means, and what is wrong with the feature."""
    if not isinstance(feature, dict):
        return "", "a feature must be an object"
    name = call.given.get("orgUnitIdProperty", "")
    inside = not flag(call.given, "geoJsonId", default=not call.given.get("geoJsonProperty"))
    holder = feature.get("properties") if inside else feature
    value = holder.get(call.given.get("geoJsonProperty", "id")) if isinstance(holder, dict) else None
    if not isinstance(value, str) or not value:
        return "", "the feature says no org unit"
    if name and name not in _KEYS:
        raise Malformed(f"Value '{name}' is not valid for parameter orgUnitIdProperty. Valid values are: {list(_KEYS)}")
    uid = known.uid_of(stored.TYPE, value) if name in ("code", "name") else value
    if uid not in known.org_units:
        return value, "there is no such org unit"
    geometry = feature.get("geometry")
    if not isinstance(geometry, dict) or geometry.get("type") not in _KINDS or "coordinates" not in geometry:
        return uid or "", "the geometry is missing, or of a kind that is not offered"
    return str(uid), ""


ROUTES: Routes = (
    ("GET", "/organisationUnits.geojson", export_shapes),
    ("POST", "/organisationUnits/geometry", import_shapes),
)
