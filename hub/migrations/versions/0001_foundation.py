"""The foundation: peers, messages, history, records, metadata, tracker rows, identity, aggregates, terminology.

Revision ID: 0001
Revises:
"""

from pathlib import Path

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

PARTS = (
    "peers",
    "messages",
    "history",
    "records",
    "metadata",
    "tracker",
    "identity",
    "aggregates",
    "terminology",
)


def upgrade() -> None:
    """Create every table of the foundation, in the order in which they refer to each other."""
    folder = Path(__file__).parent.parent / "sql"
    for part in PARTS:
        op.get_bind().exec_driver_sql((folder / f"{part}.sql").read_text("utf-8"))


def downgrade() -> None:
    """Refuse: a hub with data is restored from a backup, never by dropping its tables."""
    raise RuntimeError("the foundation cannot be downgraded; restore a backup instead")
