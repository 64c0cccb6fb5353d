"""The tables of types: complete in themselves, and what walking a document by them finds."""

import pytest

from tracker_core.metadata import schema
from tracker_core.metadata.schema import reading, tables


def test_the_tables_hold_together() -> None:
    """Every target is described, every mirror leads back, every enumeration has values."""
    every = tables._EVERY
    for type in every.values():
        for found in type.properties.values():
            where = f"{type.collection}.{found.name}"
            if found.kind in ("ref", "refs"):
                assert found.target in schema.TYPES, where
            if found.kind in ("part", "parts"):
                assert found.target in every, where
            if found.kind in ("enum", "enums"):
                assert found.values, where
            if found.mirror:
                back = every[found.target].properties[found.mirror]
                assert (back.target, back.owner) == (type.collection, True), where
            if isinstance(found.default, str) and found.kind == "enum":
                assert found.default in found.values, where


def test_types_within_others_are_parts_there() -> None:
    """The owner of a type that lives within another one names it, and the type has an identity."""
    inner = [type for type in schema.TYPES.values() if type.within]
    assert len(inner) >= 8
    for type in inner:
        assert type.within is not None
        owner, name = type.within
        assert schema.of(owner).properties[name].target == type.collection
        assert "id" in type.properties


def test_names_and_authorities() -> None:
    """A type goes by its collection, its singular and its class; authorities follow from one word."""
    program = schema.of("programs")
    assert schema.by_singular("program") is program
    assert (program.klass, program.name) == ("org.hisp.dhis.program.Program", "Program")
    assert program.authorities.public == ("F_PROGRAM_PUBLIC_ADD",)
    assert program.authorities.delete == ("F_PROGRAM_DELETE",)
    assert schema.of("users").authorities.private == ("F_USER_ADD", "F_USER_ADD_WITHIN_MANAGED_GROUP")
    assert program.data_shareable
    assert schema.of("categories").singular == "category"
    assert schema.by_singular("programs") is None


def test_the_hubs_own_types_are_apart() -> None:
    """They can be found to be imported, and are not among those that the API serves."""
    found = schema.find("bindings")
    assert found is not None
    assert found.own
    assert "bindings" not in schema.TYPES
    assert schema.find("expression") is None
    assert schema.find("programs") is schema.of("programs")


def test_properties_say_what_they_are() -> None:
    """Kinds, owners, bounds, defaults, bonds."""
    stages = schema.of("programStages").properties
    assert stages["program"].bond
    assert stages["autoGenerateEvent"].default is True
    assert not stages["displayName"].owner
    assert stages["programStageDataElements"].many
    assert schema.of("optionSets").properties["name"].unique
    name = schema.of("options").properties["name"]
    assert (name.required, name.low, name.high) == (True, 1, 230)
    assert not schema.of("options").properties["code"].unique
    assert schema.of("dataElements").properties["categoryCombo"].default == "default"
    assert not schema.of("dashboardItems").properties["name"].required


def test_references_are_found_wherever_they_stand() -> None:
    """In the object, in its lists, in the parts of its parts; what is no reference names no uid."""
    doc = {
        "id": "StVisit0000",
        "program": {"id": "PrMalaria00"},
        "displayName": "computed",
        "notificationTemplates": [{"id": "NtVisit0000"}, "NtOther0000", 7],
        "programStageDataElements": [{"dataElement": {"id": "DeFever0000"}}, "no part"],
        "attributeValues": [{"attribute": {"code": "A"}, "value": "1"}],
    }
    found = {reference.path: (reference.target, reference.uid) for reference in schema.references(STAGES, doc)}
    assert found == {
        ("program",): ("programs", "PrMalaria00"),
        ("notificationTemplates", 0): ("programNotificationTemplates", "NtVisit0000"),
        ("notificationTemplates", 1): ("programNotificationTemplates", "NtOther0000"),
        ("notificationTemplates", 2): ("programNotificationTemplates", ""),
        ("programStageDataElements", 0, "dataElement"): ("dataElements", "DeFever0000"),
        ("attributeValues", 0, "attribute"): ("attributes", ""),
    }


def test_parts_come_with_their_descriptions() -> None:
    """The document first, then what it holds."""
    doc = {"legends": [{"id": "LgLow000000"}], "sharing": {"owner": "UsAdmin0000"}}
    found = [(part.path, part.type.collection) for part in schema.parts(schema.of("legendSets"), doc)]
    assert found == [((), "legendSets"), (("sharing",), "sharing"), (("legends", 0), "legends")]


def test_who_refers_to_a_collection() -> None:
    """Every stored reference, with its type or part."""
    found = {(type.collection, found.name) for type, found in schema.referring("dataElements")}
    assert {("programStageDataElements", "dataElement"), ("programStages", "nextScheduleDate")} <= found
    assert ("optionSets", "options") not in found


@pytest.mark.parametrize(("kind", "item"), [("text", "two words"), ("colour", "name"), ("text", "(..)")])
def test_a_wrong_line_is_refused(kind: str, item: str) -> None:
    """What is no property stops the process at its start."""
    with pytest.raises(ValueError, match="no property"):
        reading._property(reading._Tables(), kind, item)


def test_a_wrong_block_is_refused() -> None:
    """A block that is neither an enumeration, a group, a part nor a type."""
    with pytest.raises(ValueError, match="a block starts with"):
        reading._read_block(reading._Tables(), ["klass", "programs"], [])


STAGES = schema.of("programStages")
