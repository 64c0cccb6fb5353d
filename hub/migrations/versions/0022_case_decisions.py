"""What case finding decided, about which enrollment, because of which record.

Revision ID: 0022
Revises: 0021
"""

from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the log; `enrollment` is null where a record was looked at and makes no case."""
    op.get_bind().exec_driver_sql(
        """
        create table case_decision (
            pk bigint primary key default nextval('object_pk'),
            program bigint not null,
            enrollment bigint references enrollment,
            record bigint,
            kind text not null,
            classification text not null,
            reason text not null,
            change_set bigint not null references change_set
        );
        create index case_decision_enrollment on case_decision (enrollment, pk);
        create index case_decision_record on case_decision (record, pk);
        """
    )


def downgrade() -> None:
    """Refuse: a hub with data is restored from a backup."""
    raise RuntimeError("restore a backup instead")
