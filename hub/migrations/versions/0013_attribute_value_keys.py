"""Let attribute values go without a foreign key: it was a look-up per value, a quarter of the time of an import.

Revision ID: 0013
Revises: 0012
"""

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Drop the key: values are only written with or onto an entity that the same transaction made or holds locked."""
    op.execute("alter table attribute_value drop constraint attribute_value_entity_fkey")


def downgrade() -> None:
    """Put the key back."""
    op.execute(
        "alter table attribute_value add constraint attribute_value_entity_fkey"
        " foreign key (entity) references tracked_entity"
    )
