"""Who read what: one row per audited request. What was written is in the change log already.

Revision ID: 0030
Revises: 0029
"""

from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None

# `about` holds keys of records and persons alike: they are of one number space. `mapping` names the edition of the
# tables that read a change set's message.
TABLES = """
create table audit_entry (
    id bigint generated always as identity primary key,
    at timestamptz not null,
    actor text,
    address text not null,
    event text not null,
    target text not null,
    status smallint not null,
    about bigint[] not null default '{}'
);
create index audit_entry_at on audit_entry (at, id);
create index audit_entry_actor on audit_entry (actor, at, id);
create index audit_entry_about on audit_entry using gin (about);
create index change_set_at on change_set (at, id);
create index change_set_actor on change_set (actor, at, id);
create index program_access_at on program_access (at, pk);
alter table change_set add column mapping text;
"""


def upgrade() -> None:
    """Create the table, and the indexes by which what was done is listed by time."""
    op.get_bind().exec_driver_sql(TABLES)


def downgrade() -> None:
    """Refuse: a hub with data is restored from a backup, never by dropping its tables."""
    raise RuntimeError("the audit trail cannot be downgraded; restore a backup instead")
