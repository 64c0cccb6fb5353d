create table code_system (
    pk bigint primary key default nextval('object_pk'),
    url text collate "C" not null,
    version text collate "C" not null default '',
    name text not null,
    current boolean not null default true,
    doc jsonb not null default '{}',
    created timestamptz not null default now(),
    unique (url, version)
);
create table concept (
    system bigint not null references code_system on delete cascade,
    code text collate "C" not null,
    display text not null,
    parent text collate "C",
    kind text,
    doc jsonb,
    primary key (system, code)
);
create index concept_parent on concept (system, parent);
