"""Indexes that hold what lists of the tracker ask of a row, so that finding a page reads no rows at all.

Revision ID: 0020
Revises: 0019
"""

from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

INDEXES = {
    "tracked_entity_created": ("tracked_entity (created, pk)", "deleted"),
    "enrollment_entity": ("enrollment (entity, program)", "pk, enrolled_at, status, deleted"),
    "event_entity": ("event (entity)", "pk, program, stage, occurred_at, deleted"),
    "event_program": ("event (program, occurred_at, pk)", "stage, entity, org_unit, deleted"),
}
KEY = "alter table program_owner drop constraint program_owner_pkey, add primary key (entity, program)"


def upgrade() -> None:
    """Make each index anew with the columns it lacks."""
    for name, (columns, more) in INDEXES.items():
        op.execute(f"drop index {name}")
        op.execute(f"create index {name} on {columns} include ({more})")
    op.execute("create index tracked_entity_known on tracked_entity (pk) include (created, deleted)")
    op.execute(f"{KEY} include (org_unit)")


def downgrade() -> None:
    """Make each index anew without them."""
    for name, (columns, _) in INDEXES.items():
        op.execute(f"drop index {name}")
        op.execute(f"create index {name} on {columns}")
    op.execute("drop index tracked_entity_known")
    op.execute(KEY)
