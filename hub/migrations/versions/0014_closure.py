"""The concepts that clients of `$closure` have met, by the name of their table.

Revision ID: 0014
Revises: 0013
"""

from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table."""
    op.get_bind().exec_driver_sql(
        """
        create table closure_concept (
            name text collate "C" not null,
            system text collate "C" not null,
            code text collate "C" not null,
            version int not null,
            primary key (name, system, code)
        );
        """
    )


def downgrade() -> None:
    """Refuse: a hub with data is restored from a backup."""
    raise RuntimeError("restore a backup instead")
