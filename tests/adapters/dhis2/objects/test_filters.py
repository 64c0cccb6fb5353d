"""`filter`: every operator, paths through references and lists, and what is refused."""

import pytest

from adapters.dhis2.objects.candidates import candidates
from adapters.dhis2.objects.filters import parse_filter, passing
from adapters.dhis2.objects.operators import OPERATORS
from tests.adapters.dhis2.objects.world import view
from tracker_core.errors import Conflict

EYES, EVENTS = "PrEyes00001", "PrEvents001"
BOTH = [EVENTS, EYES]


def found(collection: str, *filters: str, any_of: bool = False) -> list[str]:
    """The uids of what passes `filters`."""
    seen = view()
    passes = passing([parse_filter(collection, text) for text in filters], any_of=any_of)
    return [doc["id"] for doc in candidates(seen, collection) if passes(seen, doc)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("name:eq:Eye care", [EYES]),
        ("name:EQ:eye care", []),
        ("name:ieq:eye care", [EYES]),
        ("name:!ieq:eye care", [EVENTS]),
        ("name:!eq:Eye care", [EVENTS]),
        ("name:ne:Eye care", [EVENTS]),
        ("name:neq:Eye care", [EVENTS]),
        ("name:like:care", [EYES]),
        ("name:like:CARE", []),
        ("name:ilike:CARE", [EYES]),
        ("name:!ilike:CARE", [EVENTS]),
        ("name:!like:care", [EVENTS]),
        ("name:$like:Eye", [EYES]),
        ("name:!$like:Eye", [EVENTS]),
        ("name:$ilike:EV", [EVENTS]),
        ("name:like$:care", [EYES]),
        ("name:!like$:care", [EVENTS]),
        ("name:ilike$:CARE", [EYES]),
        ("name:startsWith:eye", [EYES]),
        ("name:!startsWith:eye", [EVENTS]),
        ("name:endsWith:CARE", [EYES]),
        ("name:token:care eye", [EYES]),
        ("name:!token:care eye", [EVENTS]),
        ("id:in:[PrEyes00001,PrEvents001,Nothing0001]", BOTH),
        ("id:!in:[PrEyes00001]", [EVENTS]),
        ("id:in:[]", []),
        ("version:gt:1", [EYES]),
        ("version:ge:1", BOTH),
        ("version:lt:7", [EVENTS]),
        ("version:le:7", BOTH),
        ("version:eq:7", [EYES]),
        ("version:in:[7,9]", [EYES]),
        ("shortName:null", [EVENTS]),
        ("shortName:!null", [EYES]),
        ("shortName:empty", [EVENTS]),
        ("organisationUnits:!empty", [EYES]),
        ("programStages:eq:2", [EYES]),
        ("programStages:gt:0", [EYES]),
        ("programStages.id:eq:PsFirst0001", [EYES]),
        ("programStages.name:like:Second", [EYES]),
        ("programStages.programStageDataElements.dataElement.optionSet.name:eq:Colour", [EYES]),
        ("programTrackedEntityAttributes.mandatory:eq:true", [EYES]),
        ("style.color:ieq:#FF0000", [EYES]),
        ("access.data.read:in:[true]", BOTH),
        ("registration:eq:false", [EVENTS]),
        ("displayName:ilike:EVENT", [EVENTS]),
        ("created:gt:2024-03-01", [EYES]),
        ("created:lt:2024-03-02T09:00", []),
        ("created:ge:2024", [EYES]),
        ("created:eq:2024-03-02T10:00", [EYES]),
        ("identifiable:token:care", [EYES]),
        ("identifiable:eq:PrEvents001", [EVENTS]),
        ("categoryCombo.name:eq:default", [EYES]),
        ("programSections.id:eq:PsNothing01", []),
    ],
)
def test_filters(text: str, expected: list[str]) -> None:
    """Each operator on values, references and lists; operators in any case of letters."""
    assert found("programs", text) == expected


def test_filters_of_other_types() -> None:
    """Mirrored references, lists of words, custom attributes, org units and parts that have a collection."""
    assert found("dataElements", "dataElementGroups.id:in:[DgBody00001]") == ["DeColour001"]
    assert found("dataElements", "AtRegister1:eq:R-17") == ["DeColour001"]
    assert found("userRoles", "authorities:in:[F_B]") == ["UrClerk0001"]
    assert found("userRoles", "authorities:eq:2") == ["UrClerk0001"]
    assert found("organisationUnits", "level:gt:1", "parent.name:eq:Country") == ["OuNorth0000", "OuSouth0000"]
    assert found("organisationUnits", "path:like:OuNorth") == ["OuNorth0000"]
    assert found("programStageDataElements", "programStage.id:eq:PsFirst0001", "compulsory:eq:true") == ["PdColour001"]


def test_several_filters_all_hold_or_one_of_them() -> None:
    """AND, and OR with `rootJunction`."""
    assert found("programs", "version:gt:1", "name:like:events") == []
    assert found("programs", "version:gt:1", "name:like:events", any_of=True) == BOTH
    assert found("programs", any_of=True) == BOTH


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("name", "E7652"),
        ("", "E7652"),
        (":eq:1", "E7652"),
        ("name:almost:x", "E7653"),
        ("name:eq", "E7653"),
        ("colour:eq:red", "E7653"),
        ("programStages.colour:eq:red", "E7653"),
        ("name.first:eq:a", "E7653"),
    ],
)
def test_what_is_no_filter_is_refused(text: str, code: str) -> None:
    """A conflict with DHIS2's code: no filter at all, unknown operator, no value, unknown property."""
    with pytest.raises(Conflict, match=code):
        parse_filter("programs", text)


@pytest.mark.parametrize("operator", sorted(OPERATORS))
def test_operators_take_any_value(operator: str) -> None:
    """No kind of value makes an operator fail, and a negation is true exactly where its operator is not."""
    test = OPERATORS[operator]("2")
    for value in (None, True, 2, 2.5, "2", "b", [], ["2", 3], {}, {"id": "2"}):
        assert test(value) in (True, False)
        if operator.startswith("!"):
            assert test(value) is not OPERATORS[operator[1:]]("2")(value)
