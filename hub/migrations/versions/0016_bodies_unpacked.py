"""Message bodies and answers as they are: packing them took a fifth of the database's part of an import.

Revision ID: 0016
Revises: 0015
"""

from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

COLUMNS = ("body", "answer")


def upgrade() -> None:
    """Stop packing what is stored from now on."""
    for column in COLUMNS:
        op.execute(f"alter table message alter column {column} set storage external")


def downgrade() -> None:
    """Pack again."""
    for column in COLUMNS:
        op.execute(f"alter table message alter column {column} set storage extended")
