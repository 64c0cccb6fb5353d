"""The org unit tree has a version of its own, and is searched by name.

Revision ID: 0009
Revises: 0008
"""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Let a metadata write that touches no org unit leave the tree in memory as it is."""
    op.execute("alter table metadata_version add column units bigint not null default 1")
    op.execute("create index org_unit_name on org_unit (lower(name), uid)")
    op.execute("create index org_unit_level on org_unit (level)")


def downgrade() -> None:
    """Refuse: a hub with data is restored from a backup, never by dropping its tables."""
    raise RuntimeError("the tree's version cannot be downgraded; restore a backup instead")
