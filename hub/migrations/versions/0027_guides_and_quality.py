"""Implementation guides that were loaded, and what validation found in each peer's documents.

Revision ID: 0027
Revises: 0026
"""

from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    op.get_bind().exec_driver_sql(
        """
        create table guide (
            name text not null,
            version text not null,
            loaded timestamptz not null default now(),
            loaded_by text not null,
            contents jsonb not null,
            primary key (name, version)
        );
        create table quality_finding (
            pk bigint primary key default nextval('object_pk'),
            peer int not null references peer,
            type text not null,
            path text not null,
            code text not null,
            severity text not null,
            text text not null,
            first timestamptz not null default now(),
            last timestamptz not null default now(),
            samples jsonb not null default '[]',
            unique (peer, type, path, code, severity, text)
        );
        create table quality_count (
            finding bigint not null references quality_finding,
            day date not null,
            count bigint not null,
            primary key (finding, day)
        );
        create table quality_total (
            peer int not null references peer,
            type text not null,
            day date not null,
            documents bigint not null,
            invalid bigint not null,
            primary key (peer, type, day)
        );
        """
    )


def downgrade() -> None:
    """Refuse: a hub with data is restored from a backup."""
    raise RuntimeError("restore a backup instead")
