"""From accounts to actors: authorities of roles, members of groups, org unit scopes and their fallbacks."""

import pytest

from tests.tracker_core.access.conftest import CLINIC, DISTRICT, GROUP, OTHER, PROGRAM, ROLE, ROOT, SECRET
from tracker_core import access, history, metadata, users
from tracker_core.context import Context
from tracker_core.database import Session
from tracker_core.errors import Conflict, NotFound
from tracker_core.metadata import Metadata

UNDER_ROOT = f"/{ROOT}/{DISTRICT}"


def test_scopes_are_the_highest_units_and_fall_back_to_capture(session: Session, world: Metadata) -> None:
    """A clinic below a district of the same scope adds nothing; empty search and view scopes are the capture scope."""
    amina = access.load(session, "amina")
    assert amina.capture == amina.search == amina.view == (UNDER_ROOT,)
    assert access.in_scope(amina, "capture", f"{UNDER_ROOT}/{CLINIC}")
    assert not access.in_scope(amina, "capture", f"/{ROOT}/{OTHER}")


def test_a_search_scope_of_its_own(session: Session, world: Metadata) -> None:
    """The search scope may be wider than the capture scope, and data of both may be seen."""
    doc = {"organisationUnits": [{"id": CLINIC}], "teiSearchOrganisationUnits": [{"id": OTHER}]}
    users.create(session, "wide", "enough-Secret1", doc=doc)
    wide = access.load(session, "wide")
    assert wide.search == (f"/{ROOT}/{OTHER}",)
    assert access.may_see_unit(wide, f"{UNDER_ROOT}/{CLINIC}")
    assert access.may_see_unit(wide, f"/{ROOT}/{OTHER}")
    assert not access.may_see_unit(wide, UNDER_ROOT)


def test_an_account_without_units_works_from_the_roots_and_one_with_none_nowhere(
    session: Session, world: Metadata
) -> None:
    """An account that was never given org units keeps the whole tree; an empty list takes everything away."""
    users.create(session, "machine", "enough-Secret1")
    users.create(session, "nowhere", "enough-Secret1", doc={"organisationUnits": []})
    assert access.in_scope(access.load(session, "machine"), "search", UNDER_ROOT)
    assert not access.in_scope(access.load(session, "nowhere"), "search", UNDER_ROOT)


def test_roles_give_authorities_and_groups_give_programs(session: Session, world: Metadata) -> None:
    """A role's authorities count beside the account's own; a group's sharing opens its program for reading only."""
    users.create(session, "clerk", "enough-Secret1", ["F_OWN"], doc={"userRoles": [{"id": ROLE}]})
    clerk, amina = access.load(session, "clerk"), access.load(session, "amina")
    assert clerk.authorities == {"F_OWN", "F_VIEW_EVENT_ANALYTICS"}
    assert clerk.may("F_OTHER", "F_OWN")
    assert not clerk.may("F_OTHER")
    assert amina.groups == {GROUP}
    open_pk, secret_pk = world.programs[PROGRAM].pk, world.programs[SECRET].pk
    assert access.data_pks(clerk, "programs") == [open_pk]
    assert access.data_pks(amina, "programs") == [open_pk, secret_pk]
    assert access.data_pks(amina, "programs", write=True) == [open_pk]


def test_a_superuser_and_the_system_may_do_everything_everywhere(session: Session, world: Metadata) -> None:
    """`ALL` passes every check; so does the hub itself."""
    users.create(session, "boss", "enough-Secret1", ["ALL"], doc={"organisationUnits": []})
    for actor in (access.load(session, "boss"), access.system(session), access.load(session, "mllp")):
        assert actor.superuser
        assert access.in_scope(actor, "capture", UNDER_ROOT)
        assert len(access.data_pks(actor, "programs", write=True)) == 2


def test_a_change_of_account_or_metadata_counts_at_once(session: Session, world: Metadata, context: Context) -> None:
    """The kept actor is dropped when the account's row or the metadata changes, within one transaction too."""
    first = access.load(session, "amina")
    assert access.load(session, "amina") is first
    session.execute("update user_account set authorities = '{F_NEW}' where username = 'amina'")
    assert access.load(session, "amina").authorities == {"F_NEW"}
    session.execute("update user_account set authorities = '{F_NEWER}' where username = 'amina'")
    assert access.load(session, "amina").authorities == {"F_NEWER"}
    payload = {"userGroups": [{"id": GROUP, "name": "Nurses", "users": []}]}
    metadata.import_objects(session, history.open_change_set(session, "tester"), payload)
    assert access.load(session, "amina").groups == frozenset()


def test_an_unknown_name(session: Session) -> None:
    """Nobody is behind a name that no account has."""
    with pytest.raises(NotFound):
        access.load(session, "nobody")


def test_scopes_in_sql(session: Session, world: Metadata) -> None:
    """The condition finds the units of a scope and no others: neighbours by name stay out."""
    condition = access.under("u.path")
    asked = f"select uid from org_unit u where {condition} order by path"
    amina, everywhere = access.load(session, "amina"), access.system(session)
    found = session.execute(asked, (access.paths(amina, "capture"),)).fetchall()
    assert [row[0] for row in found] == [DISTRICT, CLINIC]
    assert len(session.execute(asked, (access.paths(everywhere, "capture"),)).fetchall()) == 4
    assert session.execute(asked, ([],)).fetchall() == []


def test_the_hubs_own_names_are_nobody_elses(session: Session) -> None:
    """An account cannot take a name under which the hub itself acts."""
    with pytest.raises(Conflict):
        users.create(session, "mllp", "enough-Secret1")
