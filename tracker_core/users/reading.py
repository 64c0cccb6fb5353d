"""Reading users as metadata documents: the accounts that log in, without how they do it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from tracker_core.database import Session

UNITS = ("organisationUnits", "dataViewOrganisationUnits", "teiSearchOrganisationUnits")


def documents(session: Session, uids: Sequence[str] | None = None) -> list[dict[str, Any]]:
    """Return users (all, or those named) as DHIS2 documents, by name; nothing of how they log in but the name.

    An account that was never given org units shows the roots, as it works from there down.
    """
    where = "" if uids is None else "where u.uid = any(%b)"
    rows = session.execute(
        "select u.uid, u.username, u.disabled, u.created, u.updated, u.doc from user_account u"
        f" {where} order by u.username",
        () if uids is None else (list(uids),),
    )
    found = [_document(*row) for row in rows]
    if any("organisationUnits" not in doc for doc in found):
        tops = [{"id": row[0]} for row in session.execute("select uid from org_unit where parent is null order by uid")]
        found = [doc if "organisationUnits" in doc else {**doc, "organisationUnits": tops} for doc in found]
    return found


def uids_of(session: Session, names: Sequence[str]) -> dict[str, str]:
    """Return the uid of each account with one of these user names."""
    rows = session.execute("select username, uid from user_account where username = any(%b)", (list(names),))
    return dict(rows.fetchall())


def names_of(session: Session, uids: Sequence[str]) -> dict[str, str]:
    """Return the user name of each account with one of these uids."""
    rows = session.execute("select uid, username from user_account where uid = any(%b)", (list(uids),))
    return dict(rows.fetchall())


def _document(
    uid: str, username: str, disabled: bool, created: datetime, updated: datetime, doc: dict[str, Any]
) -> dict[str, Any]:
    name = f"{doc.get('firstName') or ''} {doc.get('surname') or ''}".strip() or username
    found: dict[str, Any] = {"id": uid, "username": username, "name": name, "displayName": name, "disabled": disabled}
    found |= {"created": _stamp(created), "lastUpdated": _stamp(updated)}
    found |= {name: [] for name in (*UNITS[1:], "userRoles", "translations", "attributeValues")}
    return {**found, "externalAuth": False, **doc}


def _stamp(at: datetime) -> str:
    return at.replace(tzinfo=None).isoformat(timespec="milliseconds")
