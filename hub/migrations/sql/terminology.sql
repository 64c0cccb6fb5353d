-- Versions are immutable: a load writes a new one and then moves `current`; readers see either the old or the new.
create table code_system (
    pk bigint primary key default nextval('object_pk'),
    url text collate "C" not null,
    version text collate "C" not null default '',
    name text not null,
    source text not null default '',
    current boolean not null default false,
    concepts int not null default 0,
    created timestamptz not null default now(),
    unique (url, version)
);
create unique index code_system_current on code_system (url) where current;

create table concept (
    system bigint not null references code_system on delete cascade,
    code text collate "C" not null,
    position int not null,
    display text not null,
    parent text collate "C",
    kind text,
    properties jsonb,
    primary key (system, code)
);
create index concept_parent on concept (system, parent);

-- `doc` is the definition as FHIR writes it (`compose`), with ranges of codes as filters.
create table value_set (
    pk bigint primary key default nextval('object_pk'),
    url text collate "C" not null,
    version text collate "C" not null default '',
    name text not null,
    current boolean not null default false,
    doc jsonb not null,
    created timestamptz not null default now(),
    unique (url, version)
);
create unique index value_set_current on value_set (url) where current;
