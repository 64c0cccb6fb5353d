"""Replays: bindings applied to records that were here before them, page by page.

Revision ID: 0032
Revises: 0031
"""

from alembic import op

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table."""
    op.get_bind().exec_driver_sql(
        """
        create table replay (
            pk bigint primary key default nextval('object_pk'),
            binding text not null,
            state text not null default 'waiting' check (state in ('waiting', 'running', 'done', 'cancelled')),
            total bigint not null,
            seen bigint not null default 0,
            after bigint not null default 0,
            counts jsonb not null default '{}',
            issues int not null default 0,
            examples text[] not null default '{}',
            actor text not null,
            ordered timestamptz not null default now(),
            finished timestamptz
        );
        create index replay_open on replay (pk) where state in ('waiting', 'running');
        """
    )


def downgrade() -> None:
    """Refuse: a hub with data is restored from a backup."""
    raise RuntimeError("restore a backup instead")
