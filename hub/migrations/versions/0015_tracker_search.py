"""Indexes along which lists of tracked entities and events are read: newest first, by date within a program.

Revision ID: 0015
Revises: 0014
"""

from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the indexes; each ends in the key, so that pages are stable and deep ones need no sort."""
    op.execute("create index tracked_entity_created on tracked_entity (created, pk)")
    op.execute("create index event_program on event (program, occurred_at, pk)")


def downgrade() -> None:
    """Drop them."""
    op.execute("drop index event_program")
    op.execute("drop index tracked_entity_created")
