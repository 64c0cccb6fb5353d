"""Who owns a tracked entity within a program, and who looked beyond what their org units let them see.

Revision ID: 0002
Revises: 0001
"""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

# A row comes with an enrollment, whose own keys have been checked: none of these refers to another table once more.
OWNERS = """
create table program_owner (
    entity bigint not null,
    program bigint not null,
    org_unit bigint not null,
    created timestamptz not null,
    updated timestamptz not null,
    updated_in bigint not null,
    primary key (entity, program)
);
create index program_owner_org_unit on program_owner (program, org_unit, entity);

insert into program_owner (entity, program, org_unit, created, updated, updated_in)
select distinct on (entity, program) entity, program, org_unit, created, created, created_in
from enrollment order by entity, program, pk;
"""

# With `until`: access that a user took with a reason (break the glass). Without: what a user of an audited program read
# outside of the capture units. Rows are only ever added: the table is also the log.
GLIMPSES = """
create table program_access (
    pk bigint generated always as identity primary key,
    entity bigint not null,
    program bigint not null,
    username text collate "C" not null,
    reason text,
    at timestamptz not null,
    until timestamptz
);
create index program_access_granted on program_access (username, program, entity, until) where until is not null;
create index program_access_entity on program_access (entity, pk);
"""


def upgrade() -> None:
    """Create the tables; of what is enrolled already, the first enrollment decides who owns it."""
    op.execute(OWNERS)
    op.execute(GLIMPSES)


def downgrade() -> None:
    """Refuse: a hub with data is restored from a backup, never by dropping its tables."""
    raise RuntimeError("ownership cannot be downgraded; restore a backup instead")
