"""One row that differs whenever anything of the terminology changed: what processes compiled of it is then made anew.

Revision ID: 0012
Revises: 0011
"""

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Count the loads, and the versions of the records of CodeSystems (22), ConceptMaps (27) and ValueSets (144)."""
    op.get_bind().exec_driver_sql(
        """
        create table terminology_version (version bigint not null);
        insert into terminology_version values (1);
        create view terminology_state as
            select t.version, r.records, r.versions from terminology_version t,
            (select count(*) as records, coalesce(sum(version), 0)::bigint as versions
             from record where type in (22, 27, 144)) r;
        """
    )


def downgrade() -> None:
    """Refuse: a hub with data is restored from a backup."""
    raise RuntimeError("restore a backup instead")
