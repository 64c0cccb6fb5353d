"""Bulk exports and imports: what was asked for, how far it has come, the files it made.

Revision ID: 0023
Revises: 0022
"""

from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

# `asked` is what is to be done, `position` where it goes on; files that are not `ended` are cut back to `bytes` then.
TABLES = """
create table bulk_order (
    uid text collate "C" primary key,
    kind text not null check (kind in ('export', 'import')),
    owner text collate "C" not null,
    request text not null,
    asked jsonb not null,
    state text not null default 'waiting' check (state in ('waiting', 'running', 'done', 'failed', 'cancelled')),
    as_of timestamptz,
    position jsonb not null default '{}',
    total bigint not null default 0,
    done bigint not null default 0,
    error text not null default '',
    due timestamptz not null default now(),
    created timestamptz not null default now(),
    finished timestamptz,
    expires timestamptz
);
create index bulk_order_open on bulk_order (kind, due) where state in ('waiting', 'running');
create table bulk_file (
    bulk text collate "C" not null references bulk_order on delete cascade,
    number int not null,
    kind text not null check (kind in ('output', 'deleted', 'error')),
    type text not null,
    lines bigint not null,
    bytes bigint not null,
    ended boolean not null default false,
    primary key (bulk, number)
);
create table bulk_member (
    bulk text collate "C" not null references bulk_order on delete cascade,
    person bigint not null,
    patients bigint[] not null,
    primary key (bulk, person)
);
"""


def upgrade() -> None:
    """Create the tables."""
    op.execute(TABLES)


def downgrade() -> None:
    """Refuse: a hub with data is restored from a backup, never by dropping its tables."""
    raise RuntimeError("bulk orders cannot be downgraded; restore a backup instead")
