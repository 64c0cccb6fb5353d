"""Exports and imports of very many records: a worker does one piece after the other."""

import shutil
from datetime import datetime

from adapters.fhir.bulk import exporting
from adapters.fhir.bulk.http import FOLDER
from hub.runtime import Runtime
from tracker_core.bulk import orders
from tracker_core.database import transaction


def turn(runtime: Runtime) -> int:
    """Do one piece of an open order, committed; return how much there was. A process without a folder does none."""
    if runtime.files is None:
        return 0
    with transaction(runtime.pool) as session:
        return exporting.advance(session, runtime.files / FOLDER)


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
