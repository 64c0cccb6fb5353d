"""What belongs together after an import, whichever side said so: stages, options, links, option combos, versions."""

from typing import Any

import pytest

from tracker_core import metadata
from tracker_core.context import Context
from tracker_core.database import Session
from tracker_core.metadata import Metadata, Options

Payload = dict[str, Any]


def brought(session: Session, context: Context, payload: Payload) -> Metadata:
    """Import a payload, which is right, and return the metadata after it."""
    report = metadata.import_objects(session, context, payload)
    assert report.issues == []
    return metadata.load(session)


def doc_of(known: Metadata, collection: str, uid: str) -> Payload:
    """Return the document of an object that is there."""
    found = known.get(collection, uid)
    assert found is not None
    return found.doc


def ids(listed: Any) -> list[str]:
    """Return the uids of a list of references."""
    return [item["id"] for item in listed]


def test_an_option_may_name_its_set(session: Session, context: Context, metadata_here: Metadata) -> None:
    """The set lists it then, at its end, and has a new version; the payload tells nothing of the set."""
    before = doc_of(metadata_here, "optionSets", "OsResult000")
    option = {"id": "OpMaybe0001", "code": "MAYBE", "name": "Maybe", "sortOrder": 3, "optionSet": {"id": before["id"]}}
    report = metadata.import_objects(session, context, {"options": [option]})
    assert [(o.kind, o.action) for o in report.outcomes] == [("options", "created")]
    after = doc_of(metadata.load(session), "optionSets", "OsResult000")
    assert ids(after["options"]) == [*ids(before["options"]), "OpMaybe0001"]
    assert after["version"] == before.get("version", 0) + 1


def test_a_set_may_list_its_options(session: Session, context: Context, metadata_here: Metadata) -> None:
    """An option that is listed names its set; one that is left out names none any more."""
    del metadata_here
    options = [{"id": f"OpColour00{n}", "code": f"C{n}", "name": f"Colour {n}"} for n in range(3)]
    group = {"id": "OsColour001", "name": "Colour", "options": [{"id": o["id"]} for o in options]}
    known = brought(session, context, {"optionSets": [group], "options": options})
    assert all(doc_of(known, "options", str(o["id"]))["optionSet"] == {"id": "OsColour001"} for o in options)
    known = brought(session, context, {"optionSets": [{**group, "options": [{"id": "OpColour001"}]}]})
    assert "optionSet" not in doc_of(known, "options", "OpColour000")
    assert doc_of(known, "options", "OpColour001")["optionSet"] == {"id": "OsColour001"}
    assert list(known.option_sets["OsColour001"].options) == ["C1"]


def test_an_option_moves(session: Session, context: Context, metadata_here: Metadata) -> None:
    """When an option names another set, the one that it leaves lists it no more."""
    option = dict(doc_of(metadata_here, "options", "OpPos000000"))
    other = {"id": "OsOther0001", "name": "Other", "valueType": "TEXT"}
    known = brought(
        session, context, {"optionSets": [other], "options": [{**option, "optionSet": {"id": "OsOther0001"}}]}
    )
    assert ids(doc_of(known, "optionSets", "OsResult000")["options"]) == ["OpNeg000000"]
    assert ids(doc_of(known, "optionSets", "OsOther0001")["options"]) == ["OpPos000000"]


def test_a_stage_may_be_given_on_either_side(session: Session, context: Context, metadata_here: Metadata) -> None:
    """A stage that names its program is listed by it; a program's list without a stage does not take it away."""
    stage = {"id": "PsThird0000", "name": "Third", "program": {"id": "PrMalaria00"}, "sortOrder": 3}
    known = brought(session, context, {"programStages": [stage]})
    listed = ids(doc_of(known, "programs", "PrMalaria00")["programStages"])
    assert listed[-1] == "PsThird0000"
    program = dict(doc_of(known, "programs", "PrMalaria00"))
    known = brought(session, context, {"programs": [{**program, "programStages": [{"id": "PsVisit0000"}]}]})
    assert set(ids(doc_of(known, "programs", "PrMalaria00")["programStages"])) == set(listed)
    del program["programStages"]
    known = brought(session, context, {"programs": [{**program, "name": "Malaria, all cases"}]})
    assert set(ids(doc_of(known, "programs", "PrMalaria00")["programStages"])) == set(listed)
    assert metadata_here.version != known.version


@pytest.mark.parametrize(
    ("collection", "doc"),
    [
        ("programs", {"id": "PrMalaria00", "name": "Malaria"}),
        ("programStages", {"id": "PsVisit0000", "name": "First visit"}),
        ("programRules", {"id": "RuNew000001", "name": "Rule", "program": {"id": "PrMalaria00"}}),
        ("programIndicators", {"id": "PiNew000001", "name": "Cases", "program": {"id": "PrMalaria00"}}),
        (
            "programStageSections",
            {"id": "SeNew000001", "name": "Signs", "programStage": {"id": "PsVisit0000"}},
        ),
    ],
)
def test_a_program_has_a_new_version_after_every_change_below_it(
    session: Session, context: Context, metadata_here: Metadata, collection: str, doc: Payload
) -> None:
    """Higher by one, once per import, and not at all for one that changes nothing."""
    stored = metadata_here.get(collection, doc["id"])
    payload = {collection: [{**(stored.doc if stored else {}), **doc}]}
    before = doc_of(metadata_here, "programs", "PrMalaria00").get("version", 0)
    known = brought(session, context, payload)
    assert doc_of(known, "programs", "PrMalaria00")["version"] == before + 1
    assert doc_of(brought(session, context, payload), "programs", "PrMalaria00")["version"] == before + 1


def test_a_version_never_falls_back(session: Session, context: Context, metadata_here: Metadata) -> None:
    """A higher one that is given counts; a lower one is no change."""
    program = doc_of(metadata_here, "programs", "PrWater0000")
    known = brought(session, context, {"programs": [{**program, "version": 70}]})
    assert doc_of(known, "programs", "PrWater0000")["version"] == 70
    report = metadata.import_objects(session, context, {"programs": [{**program, "version": 3}]})
    assert [o.action for o in report.outcomes] == ["unchanged"]


def test_links_that_stand_alone_go_where_they_live(session: Session, context: Context, metadata_here: Metadata) -> None:
    """A stage's data element given in a list of its own is put into its stage; given again it is no change."""
    link = {
        "id": "PdNew000001",
        "programStage": {"id": "PsFollow000"},
        "dataElement": {"id": "DeParasites"},
        "compulsory": True,
    }
    report = metadata.import_objects(session, context, {"programStageDataElements": [link]})
    assert [(o.kind, o.action) for o in report.outcomes] == [("programStageDataElements", "created")]
    known = metadata.load(session)
    assert known.stages["PsFollow000"].elements["DeParasites"].compulsory
    assert known.version != metadata_here.version
    again = metadata.import_objects(session, context, {"programStageDataElements": [link]})
    assert [o.action for o in again.outcomes] == ["unchanged"]
    changed = {**link, "compulsory": False}
    assert metadata.import_objects(session, context, {"programStageDataElements": [changed]}).outcomes[0].action == (
        "updated"
    )


def test_a_link_without_its_owner_is_lost(session: Session, context: Context, metadata_here: Metadata) -> None:
    """It names a stage that is not there, or none at all."""
    del metadata_here
    for stage in ({"programStage": {"id": "Nowhere0001"}}, {}):
        link = {"id": "PdNew000001", "dataElement": {"id": "DeParasites"}, **stage}
        report = metadata.import_objects(session, context, {"programStageDataElements": [link]})
        assert {issue.code for issue in report.issues} == {"E5002"}


def test_parts_without_an_id_keep_the_one_they_got(session: Session, context: Context, metadata_here: Metadata) -> None:
    """A stage's links are known by their data element, legends by what they say."""
    stage = {**doc_of(metadata_here, "programStages", "PsWater0000")}
    stage["programStageDataElements"] = [{"dataElement": {"id": "DeNote00000"}}]
    legends = {"id": "LsAge000001", "name": "Age", "legends": [{"name": "Young", "startValue": 0, "endValue": 15}]}
    payload = {"programStages": [stage], "legendSets": [legends]}
    first = brought(session, context, payload)
    uid = doc_of(first, "programStages", "PsWater0000")["programStageDataElements"][0]["id"]
    assert {o.action for o in metadata.import_objects(session, context, payload).outcomes} == {"unchanged"}
    stage["programStageDataElements"] = [{"dataElement": {"id": "DeNote00000"}, "compulsory": True}]
    second = brought(session, context, payload)
    assert doc_of(second, "programStages", "PsWater0000")["programStageDataElements"][0]["id"] == uid


SEXES = {
    "categoryOptions": [{"id": f"CoSex00000{n}", "name": name, "shortName": name} for n, name in enumerate("FM")],
    "categories": [
        {"id": "CaSex000000", "name": "Sex", "categoryOptions": [{"id": "CoSex000000"}, {"id": "CoSex000001"}]}
    ],
    "categoryCombos": [{"id": "CcSex000000", "name": "Sex", "categories": [{"id": "CaSex000000"}]}],
}


def combos(known: Metadata, combo: str) -> list[str]:
    """Return the names of the option combos of a category combo."""
    held = known.objects["categoryOptionCombos"].values()
    return sorted(o.name for o in held if o.doc["categoryCombo"]["id"] == combo)


def test_option_combos_are_made(session: Session, context: Context, metadata_here: Metadata) -> None:
    """One per choice; those of the payload count, and a new option of a category adds what is missing."""
    del metadata_here
    given = {
        "id": "CoCombo0001",
        "name": "Women",
        "categoryCombo": {"id": "CcSex000000"},
        "categoryOptions": [{"id": "CoSex000000"}],
    }
    known = brought(session, context, {**SEXES, "categoryOptionCombos": [given]})
    assert combos(known, "CcSex000000") == ["M", "Women"]
    assert {o.action for o in metadata.import_objects(session, context, SEXES).outcomes} == {"unchanged"}
    third = {"id": "CoSex000002", "name": "X", "shortName": "X"}
    category = SEXES["categories"][0]
    wider = {**category, "categoryOptions": [*category["categoryOptions"], {"id": "CoSex000002"}]}
    known = brought(session, context, {"categoryOptions": [third], "categories": [wider]})
    assert combos(known, "CcSex000000") == ["M", "Women", "X"]


def test_two_categories_make_a_product(session: Session, context: Context, metadata_here: Metadata) -> None:
    """Named after their options, in the order of the categories."""
    del metadata_here
    ages = {
        "categoryOptions": [{"id": f"CoAge00000{n}", "name": name, "shortName": name} for n, name in enumerate("<>")],
        "categories": [
            {"id": "CaAge000000", "name": "Age", "categoryOptions": [{"id": "CoAge000000"}, {"id": "CoAge000001"}]}
        ],
        "categoryCombos": [
            {"id": "CcBoth00000", "name": "Sex and age", "categories": [{"id": "CaSex000000"}, {"id": "CaAge000000"}]}
        ],
    }
    both = {name: [*SEXES.get(name, []), *docs] for name, docs in ages.items()}
    assert combos(brought(session, context, both), "CcBoth00000") == ["F, <", "F, >", "M, <", "M, >"]


def test_older_forms_of_sharing_become_todays(session: Session, context: Context, metadata_here: Metadata) -> None:
    """What is said in lists is said in `sharing`; an update that says nothing leaves it as it is."""
    del metadata_here
    doc = {
        "id": "OsShared001",
        "name": "Shared",
        "publicAccess": "r-------",
        "user": {"id": "UsOwner0001"},
        "userAccesses": [{"id": "UsOther0001", "access": "rw------"}],
        "userGroupAccesses": [{"userGroupUid": "UgOther0001", "access": "r-------"}],
    }
    sharing = doc_of(brought(session, context, {"optionSets": [doc]}), "optionSets", "OsShared001")["sharing"]
    assert (sharing["public"], sharing["owner"]) == ("r-------", "UsOwner0001")
    assert sharing["users"] == {"UsOther0001": {"id": "UsOther0001", "access": "rw------"}}
    assert list(sharing["userGroups"]) == ["UgOther0001"]
    again = {"optionSets": [{"id": "OsShared001", "name": "Shared"}]}
    assert [o.action for o in metadata.import_objects(session, context, again).outcomes] == ["unchanged"]


def test_an_objects_codes_can_be_how_it_is_known(session: Session, context: Context, metadata_here: Metadata) -> None:
    """A payload's own uid for a known code gives way, also where the payload refers to it."""
    del metadata_here
    payload = {
        "optionSets": [{"id": "OsForeign01", "code": "RESULT", "name": "Malaria test result", "valueType": "TEXT"}],
        "dataElements": [
            {"id": "DeSecond001", "name": "Second", "valueType": "TEXT", "optionSet": {"id": "OsForeign01"}}
        ],
    }
    report = metadata.import_objects(session, context, payload, Options(identifier="AUTO"))
    assert report.issues == []
    element = metadata.load(session).data_elements["DeSecond001"]
    assert element.option_set is not None
    assert element.option_set.uid == "OsResult000"


def test_ten_thousand_options(session: Session, context: Context, metadata_here: Metadata) -> None:
    """A large option set comes in and compiles; the second time there is nothing to do."""
    del metadata_here
    options = [
        {"id": f"Op{n:09d}", "code": f"K{n}", "name": f"Option {n}", "sortOrder": n, "optionSet": {"id": "OsLarge0001"}}
        for n in range(10_000)
    ]
    payload = {"optionSets": [{"id": "OsLarge0001", "name": "Large", "valueType": "TEXT"}], "options": options}
    known = brought(session, context, payload)
    assert list(known.option_sets["OsLarge0001"].options) == [f"K{n}" for n in range(10_000)]
    assert {o.action for o in metadata.import_objects(session, context, payload).outcomes} == {"unchanged"}
