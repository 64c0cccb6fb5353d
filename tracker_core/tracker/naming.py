"""References of an import in other words than uids (Web API 2.42, "idScheme values"), turned into uids.

What names nothing, or more than one thing, stays as it is: the import then says that it could not find it.
"""

from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Any

from tracker_core.changes import UIDS, ChangeSet, Schemes
from tracker_core.database import Session
from tracker_core.metadata import Metadata
from tracker_core.metadata.compiling import reference

_UNITS = "organisationUnits"


class _Names:
    """What keys mean, per kind of reference; each kind is indexed when it is first asked for."""

    def __init__(self, session: Session, known: Metadata, schemes: Schemes) -> None:
        self._session, self._known, self._schemes = session, known, schemes

    def _index(self, type: str, scheme: str) -> Mapping[str, str]:
        return {} if scheme == "UID" else _index(self._session, self._known, type, scheme)

    @cached_property
    def units(self) -> Mapping[str, str]:
        """Org units."""
        return self._index(_UNITS, self._schemes.org_unit)

    @cached_property
    def programs(self) -> Mapping[str, str]:
        """Programs."""
        return self._index("programs", self._schemes.program)

    @cached_property
    def stages(self) -> Mapping[str, str]:
        """Program stages."""
        return self._index("programStages", self._schemes.stage)

    @cached_property
    def elements(self) -> Mapping[str, str]:
        """Data elements."""
        return self._index("dataElements", self._schemes.data_element)

    @cached_property
    def combos(self) -> Mapping[str, str]:
        """Category option combos."""
        return self._index("categoryOptionCombos", self._schemes.option_combo)

    @cached_property
    def options(self) -> Mapping[str, str]:
        """Category options."""
        return self._index("categoryOptions", self._schemes.option)

    @cached_property
    def types(self) -> Mapping[str, str]:
        """Tracked entity types."""
        return self._index("trackedEntityTypes", self._schemes.other)

    @cached_property
    def links(self) -> Mapping[str, str]:
        """Relationship types."""
        return self._index("relationshipTypes", self._schemes.other)

    @cached_property
    def attributes(self) -> Mapping[str, str]:
        """Tracked entity attributes."""
        return self._index("trackedEntityAttributes", self._schemes.other)


def name_by_uid(session: Session, known: Metadata, changes: ChangeSet) -> None:
    """Put uids in the place of what `changes.schemes` says the references are; the change set then says so."""
    if changes.schemes == UIDS:
        return
    names = _Names(session, known, changes.schemes)
    for entity in changes.entities:
        entity.type = names.types.get(entity.type, entity.type)
        entity.org_unit = names.units.get(entity.org_unit, entity.org_unit)
        entity.attributes = _renamed(entity.attributes, names.attributes)
    for enrolled in changes.enrollments:
        enrolled.program = names.programs.get(enrolled.program, enrolled.program)
        enrolled.org_unit = names.units.get(enrolled.org_unit, enrolled.org_unit)
        enrolled.attributes = _renamed(enrolled.attributes, names.attributes)
    for event in changes.events:
        event.program = names.programs.get(event.program, event.program)
        event.stage = names.stages.get(event.stage, event.stage)
        event.org_unit = names.units.get(event.org_unit, event.org_unit)
        event.data = _renamed(event.data, names.elements)
        _rename_fields(event.fields, names)
    for link in changes.relationships:
        link.type = names.links.get(link.type, link.type)
    changes.schemes = UIDS


def _renamed(values: dict[str, str | None], names: Mapping[str, str]) -> dict[str, str | None]:
    return {names.get(key, key): value for key, value in values.items()} if names else values


def _rename_fields(fields: dict[str, Any], names: _Names) -> None:
    if combo := fields.get("attributeOptionCombo"):
        fields["attributeOptionCombo"] = names.combos.get(combo, combo)
    if options := fields.get("attributeCategoryOptions"):
        fields["attributeCategoryOptions"] = [names.options.get(key, key) for key in options]
    if elsewhere := fields.get("providedElsewhere"):
        fields["providedElsewhere"] = {names.elements.get(key, key): yes for key, yes in elsewhere.items()}


def _index(session: Session, known: Metadata, type: str, scheme: str) -> Mapping[str, str]:
    """Map the identifiers of a scheme (`CODE`, `NAME`, `ATTRIBUTE:uid`) to uids, ambiguous ones left out."""
    index: dict[str, str] = {}
    twice: set[str] = set()
    for key, uid in _pairs(session, known, type, scheme):
        if index.setdefault(key, uid) != uid:
            twice.add(key)
    return {key: uid for key, uid in index.items() if key not in twice}


def _pairs(session: Session, known: Metadata, type: str, scheme: str) -> Iterable[tuple[str, str]]:
    members = known.org_units if type == _UNITS else known.objects.get(type, {})
    if scheme == "CODE":
        return ((one.code, one.uid) for one in members.values() if one.code)
    if scheme == "NAME":
        return ((one.name, one.uid) for one in members.values())
    attribute = scheme.partition(":")[2]
    if type == _UNITS:
        return session.execute(
            "select v ->> 'value', u.uid from org_unit u, jsonb_array_elements(u.doc -> 'attributeValues') as v"
            " where v -> 'attribute' ->> 'id' = %s",
            (attribute,),
        ).fetchall()
    return (
        (str(held.get("value")), one.uid)
        for one in known.objects.get(type, {}).values()
        for held in one.doc.get("attributeValues") or ()
        if reference(held.get("attribute")) == attribute
    )
