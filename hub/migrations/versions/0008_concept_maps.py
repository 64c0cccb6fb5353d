"""Concept maps and naming systems, stored like value sets.

Revision ID: 0008
Revises: 0007
"""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create one table per kind, with the columns of `value_set`."""
    for table in ("concept_map", "naming_system"):
        op.get_bind().exec_driver_sql(
            f"""
            create table {table} (
                pk bigint primary key default nextval('object_pk'),
                url text collate "C" not null,
                version text collate "C" not null default '',
                name text not null,
                current boolean not null default false,
                doc jsonb not null,
                created timestamptz not null default now(),
                unique (url, version)
            );
            create unique index {table}_current on {table} (url) where current;
            """
        )


def downgrade() -> None:
    """Refuse: a hub with data is restored from a backup."""
    raise RuntimeError("restore a backup instead")
