"""How far the hub has read each peer that it asks by itself.

Revision ID: 0024
Revises: 0023
"""

from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table: one row per peer that is asked."""
    op.get_bind().exec_driver_sql(
        """
        create table pull (
            peer int primary key references peer,
            cursor jsonb not null default '{}',
            due timestamptz not null default now(),
            lease_until timestamptz,
            pages bigint not null default 0,
            failures int not null default 0,
            error text,
            succeeded timestamptz
        );
        """
    )


def downgrade() -> None:
    """Refuse: a hub with data is restored from a backup."""
    raise RuntimeError("restore a backup instead")
