"""Sequence numbers of HL7 v2 links: the one that was taken last, by peer.

Revision ID: 0031
Revises: 0030
"""

from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None

TABLES = """
create table peer_sequence (
    peer int primary key references peer,
    last bigint
);
"""


def upgrade() -> None:
    """Create the table."""
    op.get_bind().exec_driver_sql(TABLES)


def downgrade() -> None:
    """Refuse: a hub with data is restored from a backup, never by dropping its tables."""
    raise RuntimeError("sequence numbers cannot be downgraded; restore a backup instead")
