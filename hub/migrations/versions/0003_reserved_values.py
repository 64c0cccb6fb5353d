"""Generated attribute values: what is handed out and not used yet, and how far each sequence is.

Revision ID: 0003
Revises: 0002
"""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

# `key` is the attribute's pattern with everything but its generated segment resolved.
TABLES = """
create table reserved_value (
    attribute bigint not null,
    value text collate "C" not null,
    key text collate "C" not null,
    since timestamptz not null,
    until timestamptz not null,
    username text collate "C" not null,
    primary key (attribute, value)
);
create index reserved_value_until on reserved_value (attribute, key, until);

create table value_counter (
    attribute bigint not null,
    key text collate "C" not null,
    next bigint not null default 1,
    primary key (attribute, key)
);
"""


def upgrade() -> None:
    """Create the tables."""
    op.execute(TABLES)


def downgrade() -> None:
    """Refuse: a hub with data is restored from a backup, never by dropping its tables."""
    raise RuntimeError("reserved values cannot be downgraded; restore a backup instead")
