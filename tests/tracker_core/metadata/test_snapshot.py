"""The compiled snapshot: what is found in it, and when it is read anew."""

from tracker_core import history, metadata
from tracker_core.database import Pool, Session, transaction
from tracker_core.metadata import Metadata


def test_programs_know_their_stages_attributes_and_units(metadata_here: Metadata) -> None:
    """A program's stages, stage data elements, attributes, option sets and org units are one step away."""
    program = metadata_here.programs["PrMalaria00"]
    assert [stage.name for stage in program.stages.values()] == ["Visit", "Follow-up"]
    visit = program.stages["PsVisit0000"]
    assert visit.repeatable
    result = visit.elements["DeResult000"]
    assert result.compulsory
    assert result.element.option_set is not None
    assert list(result.element.option_set.options) == ["POS", "NEG"]
    assert program.attributes["sB1IHYu2xQT"].mandatory
    assert program.entity_type is not None
    assert program.entity_type.name == "Person"
    assert program in metadata_here.programs_at("OuClinicA00")
    assert metadata_here.programs_at("OuNorth0000") == []


def test_event_programs_and_relationship_sides(metadata_here: Metadata) -> None:
    """An event program has no registration; a relationship's sides are named as tracker payloads name them."""
    assert not metadata_here.programs["PrWater0000"].registration
    sampled = metadata_here.relationship_types["RtSample000"]
    assert (sampled.source.kind, sampled.source.program) == ("enrollment", "PrMalaria00")
    assert (sampled.target.kind, sampled.target.stage) == ("event", "PsWater0000")


def test_keys_are_uids_codes_or_names(metadata_here: Metadata) -> None:
    """`uid_of` takes any of the three, for org units too, and nothing for a name that two objects share."""
    assert metadata_here.uid_of("programs", "MALARIA") == "PrMalaria00"
    assert metadata_here.uid_of("programs", "Malaria cases") == "PrMalaria00"
    assert metadata_here.uid_of("programs", "PrMalaria00") == "PrMalaria00"
    assert metadata_here.uid_of("organisationUnits", "CLINIC_B") == "OuClinicB00"
    assert metadata_here.uid_of("programs", "nothing") is None


def test_pks_lead_back_to_uids(metadata_here: Metadata) -> None:
    """`uids` serves both objects and org units."""
    assert metadata_here.uids[metadata_here.programs["PrWater0000"].pk] == "PrWater0000"
    assert metadata_here.uids[metadata_here.org_units["OuClinicC00"].pk] == "OuClinicC00"


def test_what_was_rolled_back_leaves_no_trace(pool: Pool) -> None:
    """A snapshot loaded inside a transaction that rolls back is not served to later ones."""
    with transaction(pool) as session:
        metadata.bootstrap(session)
    with transaction(pool) as session:
        context = history.open_change_set(session, actor="tester")
        metadata.import_objects(session, context, {"optionSets": [{"id": "OsGone00001", "name": "gone"}]})
        assert metadata.load(session).get("optionSets", "OsGone00001")
        session.rollback()
    with transaction(pool) as session:
        context = history.open_change_set(session, actor="tester")
        assert metadata.load(session).get("optionSets", "OsGone00001") is None
        metadata.import_objects(session, context, {"optionSets": [{"id": "OsKept00001", "name": "kept"}]})
        assert metadata.load(session).get("optionSets", "OsKept00001")


def test_bootstrap_is_safe_at_every_start(session: Session) -> None:
    """The first call creates defaults, persons and a root; the second finds everything there, edited or not."""
    first = metadata.bootstrap(session)
    assert {o.action for o in first.outcomes} == {"created"}
    loaded = metadata.load(session)
    assert loaded.entity_types["MCPQUTHX1Ze"].name == "Person"
    assert loaded.attributes["Ewi7FUfcHAD"].unique
    assert [unit.level for unit in loaded.org_units.values()] == [1]
    assert metadata.bootstrap(session).outcomes == []
    assert metadata.load(session) is loaded
