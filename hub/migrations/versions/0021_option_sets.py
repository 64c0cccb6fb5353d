"""Let the state of the terminology differ when metadata changed, too: option sets are code systems.

Revision ID: 0021
Revises: 0020
"""

from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the metadata version to the view."""
    op.get_bind().exec_driver_sql(
        """
        create or replace view terminology_state as
            select t.version, r.records, r.versions, m.version as metadata
            from terminology_version t, metadata_version m,
            (select count(*) as records, coalesce(sum(version), 0)::bigint as versions
             from record where type in (22, 27, 144)) r;
        """
    )


def downgrade() -> None:
    """Refuse: a hub with data is restored from a backup."""
    raise RuntimeError("restore a backup instead")
