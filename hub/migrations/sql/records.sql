-- Head: one row per record, rewritten by each version. Version 0 is a record that others refer to and nobody has sent.
-- Change sets and peers are not foreign keys here: their checks would cost a fifth of an import, and both come from the
-- context that opened the transaction.
create table record (
    pk bigint primary key,
    type smallint not null,
    id text collate "C" not null,
    version int not null,
    updated timestamptz not null,
    deleted boolean not null default false,
    subject bigint,
    source int,
    created timestamptz not null,
    created_in bigint not null,
    updated_in bigint not null,
    tokens bigint[] not null default '{}'
) with (fillfactor = 85);
create unique index record_id on record (type, id);
create index record_recent on record (type, updated, pk);
create index record_subject on record (subject, type, pk);
create index record_tokens on record using gin (tokens) with (fastupdate = on);

-- Documents as received but for id, meta and references; append-only. The current one is (pk, version) of the head.
create table record_version (
    pk bigint not null,
    version int not null,
    updated timestamptz not null,
    deleted boolean not null default false,
    change_set bigint not null,
    doc bytea not null,
    primary key (pk, version)
);
create index record_version_change on record_version (change_set);

create table record_string (param smallint not null, value text collate "C" not null, pk bigint not null);
create index record_string_value on record_string (param, value, pk);
create index record_string_pk on record_string (pk);
create table record_date (param smallint not null, lo bigint not null, hi bigint not null, pk bigint not null);
create index record_date_value on record_date (param, lo, hi, pk);
create index record_date_pk on record_date (pk);
create table record_number (
    param smallint not null, unit bigint not null, value double precision not null, pk bigint not null
);
create index record_number_value on record_number (param, unit, value, pk);
create index record_number_pk on record_number (pk);
create table record_ranked (token bigint not null, at bigint not null, pk bigint not null);
create index record_ranked_value on record_ranked (token, at desc, pk);
create index record_ranked_pk on record_ranked (pk);
