"""Exports of EMR layouts: who may have which, and the trail of who had what."""

from datetime import UTC, datetime
from pathlib import Path

from adapters.emr.exporting import Exported, Wanted, export_set
from tracker_core import audit, peers
from tracker_core.database import Session


def export_files(session: Session, peer: str, wanted: Wanted, folder: Path, actor: str, address: str = "") -> Exported:
    """Write the files of an export into `folder` and note in the audit trail who had what.

    The note is written first: what leaves is noted even when the writing fails half-way and is committed by the caller.
    Raises `NotFound` for an unknown peer, `Malformed` for a layout or column that is not there.
    """
    sender = peers.read(session, peer)
    about = f"emr/{peer}/{wanted.table}{' of everyone' if wanted.everyone else ''}"
    target = f"{about}{' disguised' if wanted.disguise else ''}"
    audit.write(session, [audit.Entry(datetime.now(UTC), actor, address, "export", target, 200)])
    return export_set(session, sender, wanted, folder)
