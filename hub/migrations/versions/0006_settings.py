"""System and user settings, the data stores, and the sessions of browsers.

Revision ID: 0006
Revises: 0005
"""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

# Only what was set: defaults are known to the code. Values are texts, read by the type of their key.
SETTINGS = """
create table system_setting (
    key text collate "C" primary key,
    value text not null,
    updated timestamptz not null default now(),
    updated_by text not null
);

create table user_setting (
    account bigint not null references user_account on delete cascade,
    key text collate "C" not null,
    value text not null,
    updated timestamptz not null default now(),
    primary key (account, key)
);
"""

# One table for both stores: without an owner an entry belongs to everybody, and its sharing says who may see it.
DATA_STORE = """
create table data_store_entry (
    pk bigint primary key default nextval('object_pk'),
    uid text collate "C" not null unique,
    owner bigint references user_account on delete cascade,
    namespace text collate "C" not null,
    key text collate "C" not null,
    value jsonb not null,
    encrypted boolean not null default false,
    sharing jsonb not null default '{}',
    created timestamptz not null default now(),
    updated timestamptz not null default now(),
    created_by text not null,
    updated_by text not null
);
create unique index data_store_key on data_store_entry (coalesce(owner, 0), namespace, key);
"""

# A browser that logged in; the cookie itself is known only by its digest.
SESSIONS = """
create table login_session (
    digest bytea primary key,
    account bigint not null references user_account on delete cascade,
    created timestamptz not null default now(),
    expires timestamptz not null
);
create index login_session_account on login_session (account);
create index login_session_expires on login_session (expires);
"""


def upgrade() -> None:
    """Create the tables."""
    op.execute(SETTINGS)
    op.execute(DATA_STORE)
    op.execute(SESSIONS)


def downgrade() -> None:
    """Refuse: a hub with data is restored from a backup, never by dropping its tables."""
    raise RuntimeError("settings cannot be downgraded; restore a backup instead")
