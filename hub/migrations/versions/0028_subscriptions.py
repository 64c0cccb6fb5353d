"""Subscriptions: who is told of which changes, and what there was to tell.

Revision ID: 0028
Revises: 0027
"""

from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

# `record` is the Subscription or Basic record that says so. A subscription notes what has happened since it has
# `begun` until it is off, whether that can be delivered or not; `events` is the number of the latest event,
# `queued` that of the latest one that a notice was queued for. `noted` is the state and error that the record says.
TABLES = """
create table subscription (
    record bigint primary key,
    id text collate "C" not null,
    peer int not null references peer,
    owner text collate "C" not null,
    state text not null check (state in ('requested', 'active', 'error', 'off')),
    begun timestamptz,
    channel text not null check (channel in ('rest-hook', 'websocket', 'email')),
    topic text collate "C" not null default '',
    plan jsonb not null,
    events bigint not null default 0,
    queued bigint not null default 0,
    heartbeat int,
    until timestamptz,
    shaken timestamptz,
    told timestamptz not null default now(),
    error text not null default '',
    noted text
);
create table subscription_event (
    subscription bigint not null references subscription on delete cascade,
    number bigint not null,
    record bigint not null,
    version int not null,
    at timestamptz not null,
    primary key (subscription, number)
);
create index subscription_event_age on subscription_event (at);
create table subscription_topic (
    record bigint primary key,
    url text collate "C" not null unique,
    plan jsonb not null
);
create table subscription_token (
    token text collate "C" primary key,
    subscriptions bigint[] not null,
    expires timestamptz not null
);
"""


def upgrade() -> None:
    """Create the tables."""
    op.execute(TABLES)


def downgrade() -> None:
    """Refuse: a hub with data is restored from a backup, never by dropping its tables."""
    raise RuntimeError("subscriptions cannot be downgraded; restore a backup instead")
