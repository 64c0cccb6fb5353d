"""Uploaded files: what they are, and which value holds each.

Revision ID: 0011
Revises: 0010
"""

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

# `holder` is the pk of a tracked entity or event (`kind`), `field` the uid of its attribute or data element.
TABLE = """
create table file_resource (
    uid text collate "C" primary key,
    name text not null,
    content_type text not null,
    length bigint not null,
    md5 text not null,
    domain text not null,
    username text collate "C" not null,
    created timestamptz not null default now(),
    free_since timestamptz not null default now(),
    kind text check (kind in ('trackedEntity', 'event')),
    holder bigint,
    field text collate "C",
    check ((holder is null) = (kind is null) and (holder is null) = (field is null))
);
create index file_resource_orphan on file_resource (free_since) where holder is null and domain = 'DATA_VALUE';
"""


def upgrade() -> None:
    """Create the table."""
    op.execute(TABLE)


def downgrade() -> None:
    """Refuse: a hub with data is restored from a backup, never by dropping its tables."""
    raise RuntimeError("files cannot be downgraded; restore a backup instead")
