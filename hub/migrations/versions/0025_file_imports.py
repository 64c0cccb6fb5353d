"""Imports of large files: cut into messages, applied chunk by chunk.

Revision ID: 0025
Revises: 0024
"""

from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table, and the way from an import to its chunks."""
    op.get_bind().exec_driver_sql(
        """
        create table file_import (
            id bigint primary key default nextval('object_pk'),
            peer int not null references peer,
            name text not null,
            digest bytea not null,
            parts int not null,
            cut timestamptz,
            rows bigint not null default 0,
            chunks int not null default 0,
            created timestamptz not null default now(),
            actor text not null,
            unique (peer, digest)
        );
        create table file_chunk (
            import bigint not null references file_import,
            part int not null,
            number int not null,
            file int not null,
            rows int not null,
            message bigint not null references message,
            primary key (import, part, number)
        );
        """
    )


def downgrade() -> None:
    """Refuse: a hub with data is restored from a backup."""
    raise RuntimeError("restore a backup instead")
