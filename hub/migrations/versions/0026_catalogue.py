"""The catalogue: which state of the metadata is shown as records, and the digest of each of them.

Revision ID: 0026
Revises: 0025
"""

from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create both tables."""
    op.get_bind().exec_driver_sql(
        """
        create table catalogue (state text not null);
        create table catalogue_record (
            type text not null,
            id text collate "C" not null,
            digest bigint not null,
            primary key (type, id)
        );
        """
    )


def downgrade() -> None:
    """Refuse: a hub with data is restored from a backup."""
    raise RuntimeError("restore a backup instead")
