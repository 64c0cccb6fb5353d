"""Codes that no concept map had, by peer, and the messages that held them.

Revision ID: 0018
Revises: 0017
"""

from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create both tables."""
    op.get_bind().exec_driver_sql(
        """
        create table unmapped_code (
            pk bigint primary key default nextval('object_pk'),
            peer int not null references peer,
            concept_map text not null,
            code text not null,
            first timestamptz not null default now(),
            last timestamptz not null default now(),
            answered timestamptz,
            answered_by text,
            unique (peer, concept_map, code)
        );
        create table unmapped_message (
            unmapped bigint not null references unmapped_code,
            message bigint not null references message,
            primary key (unmapped, message)
        );
        create index unmapped_message_message on unmapped_message (message);
        """
    )


def downgrade() -> None:
    """Refuse: a hub with data is restored from a backup."""
    raise RuntimeError("restore a backup instead")
