"""From documents to the snapshot's values. A reference may stand on either side of a bond, as packages do it."""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from tracker_core.metadata.model import (
    Attribute,
    CategoryOption,
    DataElement,
    EntityType,
    Object,
    OptionCombo,
    OptionSet,
    Program,
    ProgramAttribute,
    RelationshipSide,
    RelationshipType,
    Stage,
    StageElement,
)

Objects = Mapping[str, Mapping[str, Object]]
_SIDES = {
    "TRACKED_ENTITY_INSTANCE": "trackedEntity",
    "PROGRAM_INSTANCE": "enrollment",
    "PROGRAM_STAGE_INSTANCE": "event",
}


def reference(value: Any) -> str:
    """Return the uid that a DHIS2 reference (`{"id": uid}` or a bare uid) names, or the empty text."""
    if isinstance(value, dict):
        value = value.get("id")
    return value if isinstance(value, str) else ""


def option_sets(objects: Objects) -> dict[str, OptionSet]:
    """Compile option sets: the options a set lists, and those that name the set."""
    options = objects.get("options", {})
    members: dict[str, dict[str, Object]] = {}
    for group in objects.get("optionSets", {}).values():
        listed = (options.get(reference(item)) for item in group.doc.get("options") or ())
        members[group.uid] = {option.uid: option for option in listed if option}
    for option in options.values():
        owner = members.get(reference(option.doc.get("optionSet")))
        if owner is not None:
            owner.setdefault(option.uid, option)
    return {
        group.uid: OptionSet(
            group.pk, group.uid, group.code, group.name, {o.code: o.name for o in members[group.uid].values() if o.code}
        )
        for group in objects.get("optionSets", {}).values()
    }


def data_elements(objects: Objects, sets: Mapping[str, OptionSet]) -> dict[str, DataElement]:
    """Compile data elements."""
    return {
        o.uid: DataElement(
            pk=o.pk,
            uid=o.uid,
            code=o.code,
            name=o.name,
            value_type=str(o.doc.get("valueType", "TEXT")),
            option_set=sets.get(reference(o.doc.get("optionSet"))),
            domain=str(o.doc.get("domainType", "TRACKER")),
        )
        for o in objects.get("dataElements", {}).values()
    }


def attributes(objects: Objects, sets: Mapping[str, OptionSet]) -> dict[str, Attribute]:
    """Compile tracked entity attributes."""
    return {
        o.uid: Attribute(
            pk=o.pk,
            uid=o.uid,
            code=o.code,
            name=o.name,
            value_type=str(o.doc.get("valueType", "TEXT")),
            option_set=sets.get(reference(o.doc.get("optionSet"))),
            unique=bool(o.doc.get("unique")),
            org_unit_scope=bool(o.doc.get("orgunitScope")),
            pattern=str(o.doc.get("pattern") or "") if o.doc.get("generated") else "",
            confidential=bool(o.doc.get("confidential")),
        )
        for o in objects.get("trackedEntityAttributes", {}).values()
    }


def entity_types(objects: Objects) -> dict[str, EntityType]:
    """Compile tracked entity types."""
    links = _links(objects, "trackedEntityTypes", "trackedEntityTypeAttributes", "trackedEntityType")
    return {
        o.uid: EntityType(
            pk=o.pk,
            uid=o.uid,
            code=o.code,
            name=o.name,
            attributes={reference(a.get("trackedEntityAttribute")): bool(a.get("mandatory")) for a in links[o.uid]},
            feature_type=str(o.doc.get("featureType") or "NONE"),
        )
        for o in objects.get("trackedEntityTypes", {}).values()
    }


def stages(objects: Objects, elements: Mapping[str, DataElement]) -> dict[str, Stage]:
    """Compile program stages; one that names no program belongs to the program that lists it."""
    owners = {
        reference(item): program.uid
        for program in objects.get("programs", {}).values()
        for item in program.doc.get("programStages") or ()
    }
    links = _links(objects, "programStages", "programStageDataElements", "programStage")
    return {
        o.uid: _stage(o, reference(o.doc.get("program")) or owners.get(o.uid, ""), links[o.uid], elements)
        for o in objects.get("programStages", {}).values()
    }


def _stage(o: Object, program: str, links: Iterable[dict[str, Any]], elements: Mapping[str, DataElement]) -> Stage:
    return Stage(
        pk=o.pk,
        uid=o.uid,
        code=o.code,
        name=o.name,
        program=program,
        elements={
            uid: StageElement(
                elements[uid],
                compulsory=bool(link.get("compulsory")),
                provided_elsewhere=bool(link.get("allowProvidedElsewhere")),
                future_date=bool(link.get("allowFutureDate")),
            )
            for link in links
            if (uid := reference(link.get("dataElement"))) in elements
        },
        repeatable=bool(o.doc.get("repeatable")),
        auto_generate=bool(o.doc.get("autoGenerateEvent", True)),
        open_after_enrollment=bool(o.doc.get("openAfterEnrollment")),
        generated_by_enrollment_date=bool(o.doc.get("generatedByEnrollmentDate")),
        min_days_from_start=int(o.doc.get("minDaysFromStart") or 0),
        standard_interval=int(o.doc["standardInterval"]) if o.doc.get("standardInterval") else None,
        validate_always=o.doc.get("validationStrategy") == "ON_UPDATE_AND_INSERT",
        user_assignment=bool(o.doc.get("enableUserAssignment")),
        block_entry_form=bool(o.doc.get("blockEntryForm")),
        feature_type=str(o.doc.get("featureType") or "NONE"),
        sort_order=int(o.doc.get("sortOrder") or 0),
    )


def programs(
    objects: Objects,
    stages: Mapping[str, Stage],
    attributes: Mapping[str, Attribute],
    types: Mapping[str, EntityType],
) -> dict[str, Program]:
    """Compile programs with their stages (by sort order) and attributes."""
    links = _links(objects, "programs", "programTrackedEntityAttributes", "program")
    owned: dict[str, list[Stage]] = {}
    for stage in sorted(stages.values(), key=lambda stage: (stage.sort_order, stage.pk)):
        owned.setdefault(stage.program, []).append(stage)
    return {
        o.uid: _program(o, owned.get(o.uid, []), links[o.uid], attributes, types)
        for o in objects.get("programs", {}).values()
    }


def _program(
    o: Object,
    stages: Iterable[Stage],
    links: Iterable[dict[str, Any]],
    attributes: Mapping[str, Attribute],
    types: Mapping[str, EntityType],
) -> Program:
    return Program(
        pk=o.pk,
        uid=o.uid,
        code=o.code,
        name=o.name,
        registration=o.doc.get("programType", "WITH_REGISTRATION") == "WITH_REGISTRATION",
        entity_type=types.get(reference(o.doc.get("trackedEntityType"))),
        stages={stage.uid: stage for stage in stages},
        attributes={
            uid: ProgramAttribute(
                attributes[uid], mandatory=bool(link.get("mandatory")), future_date=bool(link.get("allowFutureDate"))
            )
            for link in links
            if (uid := reference(link.get("trackedEntityAttribute"))) in attributes
        },
        org_units=frozenset(reference(item) for item in o.doc.get("organisationUnits") or ()),
        category_combo=reference(o.doc.get("categoryCombo")),
        once=bool(o.doc.get("onlyEnrollOnce")),
        incident_date=bool(o.doc.get("displayIncidentDate")),
        future_enrollment=bool(o.doc.get("selectEnrollmentDatesInFuture")),
        future_incident=bool(o.doc.get("selectIncidentDatesInFuture")),
        feature_type=str(o.doc.get("featureType") or "NONE"),
        access_level=str(o.doc.get("accessLevel") or "OPEN"),
        expiry_period=str(o.doc.get("expiryPeriodType") or ""),
        expiry_days=int(o.doc.get("expiryDays") or 0),
        complete_expiry_days=int(o.doc.get("completeEventsExpiryDays") or 0),
        days_after_options=int(o.doc.get("openDaysAfterCoEndDate") or 0),
    )


def category_options(objects: Objects) -> dict[str, CategoryOption]:
    """Compile category options."""
    return {
        o.uid: CategoryOption(
            o.pk, o.uid, o.code, o.name, start=_day(o.doc.get("startDate")), end=_day(o.doc.get("endDate"))
        )
        for o in objects.get("categoryOptions", {}).values()
    }


def _day(value: Any) -> date | None:
    """Return the day of a date or date-time; None for anything else."""
    try:
        return date.fromisoformat(str(value)[:10])
    except ValueError:
        return None


def option_combos(objects: Objects) -> dict[str, OptionCombo]:
    """Compile category option combos."""
    return {
        o.uid: OptionCombo(
            pk=o.pk,
            uid=o.uid,
            code=o.code,
            name=o.name,
            combo=reference(o.doc.get("categoryCombo")),
            options=frozenset(reference(option) for option in o.doc.get("categoryOptions") or ()),
        )
        for o in objects.get("categoryOptionCombos", {}).values()
    }


def relationship_types(objects: Objects) -> dict[str, RelationshipType]:
    """Compile relationship types."""
    return {
        o.uid: RelationshipType(
            pk=o.pk,
            uid=o.uid,
            code=o.code,
            name=o.name,
            bidirectional=bool(o.doc.get("bidirectional")),
            source=_side(o.doc.get("fromConstraint") or {}),
            target=_side(o.doc.get("toConstraint") or {}),
        )
        for o in objects.get("relationshipTypes", {}).values()
    }


def _side(constraint: dict[str, Any]) -> RelationshipSide:
    return RelationshipSide(
        kind=_SIDES.get(str(constraint.get("relationshipEntity")), ""),
        entity_type=reference(constraint.get("trackedEntityType")),
        program=reference(constraint.get("program")),
        stage=reference(constraint.get("programStage")),
    )


def _links(objects: Objects, owner: str, collection: str, back: str) -> dict[str, list[dict[str, Any]]]:
    """Gather the link documents of each owner, embedded in it or standing alone, by `sortOrder`."""
    found: dict[str, list[dict[str, Any]]] = {}
    for o in objects.get(owner, {}).values():
        found[o.uid] = [link for link in o.doc.get(collection) or () if len(link) > 1]
    for link in objects.get(collection, {}).values():
        found.setdefault(reference(link.doc.get(back)), []).append(link.doc)
    for links in found.values():
        links.sort(key=lambda link: int(link.get("sortOrder") or 0))
    return found
