"""What searching keeps beside the index entries: texts behind tokens, words, and parameters of one's own.

Revision ID: 0007
Revises: 0006
"""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

# Displays, uris and units, each once (or a few times, when two writers met); parameter 0 is that of units.
TERMS = """
create table record_term (param smallint not null, value text collate "C" not null);
create index record_term_value on record_term (param, value);
"""

# Written by a worker, up to the (time, key) in the one row of the progress.
WORDS = """
create table record_words (
    pk bigint primary key,
    version int not null,
    narrative tsvector not null,
    content tsvector not null
);
create index record_words_narrative on record_words using gin (narrative);
create index record_words_content on record_words using gin (content);
create table record_words_progress (at timestamptz not null, pk bigint not null);
insert into record_words_progress values ('1970-01-01', 0);
"""

# Search parameters that are records of this hub. `number` is theirs for ever, as in the index entries; `began` is the
# transaction that made this state: once it and all before it have ended, every writer knows of it.
PARAMETERS = """
create table search_parameter (
    number smallint primary key generated always as identity (start with 20000),
    record bigint not null,
    type smallint not null,
    code text collate "C" not null,
    kind text not null,
    expression text not null,
    targets text[] not null,
    components text[] not null,
    state text not null check (state in ('indexing', 'ready', 'retired')),
    began xid8 not null default pg_current_xact_id(),
    unique (record, type)
);
create table search_parameter_version (version bigint not null);
insert into search_parameter_version values (0);
"""

# One walk over all records of some types, in the order of their keys.
REINDEX = """
create table reindex (
    pk bigint primary key generated always as identity,
    record bigint,
    types smallint[] not null,
    position bigint not null default 0,
    total bigint not null default 0,
    done bigint not null default 0,
    errors bigint not null default 0,
    examples text[] not null default '{}',
    state text not null default 'waiting' check (state in ('waiting', 'running', 'done', 'replaced')),
    began xid8 not null default pg_current_xact_id(),
    started timestamptz,
    finished timestamptz
);
-- Records of before were indexed without displays, units and some parameters.
insert into reindex (types)
select array_agg(distinct type) from record where version > 0 having count(*) > 0;
"""


def upgrade() -> None:
    """Create the tables of the search; records that are there are put in line to be indexed anew."""
    for statement in (TERMS, WORDS, PARAMETERS, REINDEX):
        op.get_bind().exec_driver_sql(statement)


def downgrade() -> None:
    """Refuse: a hub with data is restored from a backup, never by dropping its tables."""
    raise RuntimeError("the search tables cannot be downgraded; restore a backup instead")
