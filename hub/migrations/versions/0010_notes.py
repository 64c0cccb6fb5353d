"""Find a note by its uid: most enrollments and events have none, so the index costs imports next to nothing.

Revision ID: 0010
Revises: 0009
"""

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the indexes."""
    for table in ("enrollment", "event"):
        op.execute(f"create index {table}_notes on {table} using gin (notes jsonb_path_ops) where notes <> '[]'")


def downgrade() -> None:
    """Drop them again: no data is in them."""
    for table in ("enrollment", "event"):
        op.execute(f"drop index {table}_notes")
