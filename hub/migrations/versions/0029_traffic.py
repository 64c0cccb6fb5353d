"""What operators look for: the patient of a message, what caused one out, paused peers, what is thrown away when.

Revision ID: 0029
Revises: 0028
"""

from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns, tables and indexes. Only new messages say their patient: old ones are found by person."""
    op.get_bind().exec_driver_sql(
        """
        alter table message add column patient text collate "C", add column note text,
            add column pruned timestamptz, add column discarded timestamptz;
        create index message_patient on message (patient, id) where patient is not null;
        create index message_type on message (type collate "C", id);
        create index message_created on message (created);
        create index message_dead on message (state, id) where state in ('parked', 'rejected');
        create index message_replays on message (replay_of) where replay_of is not null;
        create table message_cause (
            change_set bigint not null references change_set,
            message bigint not null references message,
            primary key (change_set, message)
        );
        create index message_cause_message on message_cause (message);
        alter table peer add column paused timestamptz, add column paused_by text;
        create table retention (
            code text primary key,
            peer int references peer,
            direction text check (direction in ('in', 'out')),
            type text not null default '',
            days int not null check (days > 0),
            updated timestamptz not null default now(),
            updated_by text not null,
            ran timestamptz
        );
        """
    )


def downgrade() -> None:
    """Refuse: a hub with data is restored from a backup."""
    raise RuntimeError("restore a backup instead")
