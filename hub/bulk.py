"""Exports and imports of very many records: a worker does one piece after the other."""

import shutil
from datetime import datetime
from functools import partial

from adapters.contract import Accepted, Envelope
from adapters.fhir.bulk import exporting, importing
from adapters.fhir.bulk.http import FOLDER
from hub.access import HubAccess
from hub.runtime import Runtime
from tracker_core import users
from tracker_core.bulk import orders
from tracker_core.context import User
from tracker_core.database import transaction
from tracker_core.errors import Forbidden
from tracker_core.issues import Report


def turn(runtime: Runtime) -> int:
    """Do one piece of an export and one of an import; return how much. A process without a folder does none."""
    if runtime.files is None:
        return 0
    folder = runtime.files / FOLDER
    with transaction(runtime.pool) as session:
        done = exporting.advance(session, folder)
    with transaction(runtime.pool) as session:
        return done + importing.advance(session, folder, runtime.outside, partial(_accept, runtime))


def _accept(runtime: Runtime, raw: bytes, envelope: Envelope, owner: str) -> Accepted:
    """Write a batch of an import as if its owner had sent it."""
    with transaction(runtime.pool) as session:
        account = users.find(session, owner)
    if account is None:
        return Accepted(0, Report(rejected=True), b"", Forbidden(f"{owner} may not log in any more"))
    user = User(account.uid, account.username, peer=account.peer)
    return HubAccess(runtime).accept("fhir", raw, envelope, user)


def clear(runtime: Runtime, at: datetime | None = None) -> int:
    """Throw away the orders that have expired by now, or by `at`, and the files of none; return how many orders."""
    if runtime.files is None:
        return 0
    folder = runtime.files / FOLDER
    # Looked at before the orders are: a folder is made after its order.
    there = [path for path in folder.iterdir() if path.is_dir()] if folder.is_dir() else []
    with transaction(runtime.pool) as session:
        gone = orders.clear(session, at)
        known = orders.known(session, [path.name for path in there])
    for path in there:
        if path.name not in known:
            shutil.rmtree(path, ignore_errors=True)
    return gone
