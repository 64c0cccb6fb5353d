"""Who last decided on a potential duplicate.

Revision ID: 0019
Revises: 0018
"""

from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; null stands for who, or what, filed the pair."""
    op.execute('alter table potential_duplicate add column updated_by text collate "C"')


def downgrade() -> None:
    """Refuse: a hub with data is restored from a backup, never by dropping its columns."""
    raise RuntimeError("potential duplicates cannot be downgraded; restore a backup instead")
