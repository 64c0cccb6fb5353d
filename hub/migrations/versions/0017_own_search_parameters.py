"""One number for a search parameter of the hub's own, whatever types it is for.

Revision ID: 0017
Revises: 0016
"""

from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

# A parameter that changed keeps its old rows as retired ones, so a record may have several per type.
KEY = """
alter table search_parameter drop constraint search_parameter_pkey, drop constraint search_parameter_record_type_key,
    add primary key (number, type);
create index search_parameter_record on search_parameter (record);
create index reindex_open on reindex (pk) where state in ('waiting', 'running');
"""


def upgrade() -> None:
    """Let several types share a number."""
    op.get_bind().exec_driver_sql(KEY)


def downgrade() -> None:
    """Refuse: a hub with data is restored from a backup, never by dropping its tables."""
    raise RuntimeError("the search tables cannot be downgraded; restore a backup instead")
