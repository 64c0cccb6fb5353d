"""The list of tokens not yet in their index is kept short: every search for an identity reads all of it.

Revision ID: 0033
Revises: 0032
"""

from alembic import op

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Let the list hold 128 kB, not the server's 4 MB: writers of sets still sort their tokens in one go."""
    op.execute("alter index record_tokens set (gin_pending_list_limit = 128)")


def downgrade() -> None:
    """Refuse: a hub with data is restored from a backup."""
    raise RuntimeError("restore a backup instead")
