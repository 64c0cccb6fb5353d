"""Versions of all records by time: what type and system history read.

Revision ID: 0005
Revises: 0004
"""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the index."""
    op.execute("create index record_version_updated on record_version (updated, pk, version)")


def downgrade() -> None:
    """Drop the index."""
    op.execute("drop index record_version_updated")
