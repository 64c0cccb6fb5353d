"""Terminology: several parents of a concept, designations, definitions, and what a code system says of itself.

Revision ID: 0004
Revises: 0003
"""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Let a concept have several parents, and keep what FHIR's CodeSystem and ConceptMap say beside the codes."""
    op.get_bind().exec_driver_sql(
        """
        alter table code_system add traits jsonb not null default '{}';
        alter table concept add parents text[] not null default '{}', add definition text, add designations jsonb;
        update concept set parents = array[parent] where parent is not null;
        drop index concept_parent;
        alter table concept drop parent;
        create index concept_parents on concept using gin (parents);
        """
    )


def downgrade() -> None:
    """Refuse: a hub with data is restored from a backup."""
    raise RuntimeError("restore a backup instead")
