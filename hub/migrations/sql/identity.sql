-- Identifier systems that several sources share (a national id): an equal value means the same person.
create table identifier_system (
    system text collate "C" primary key,
    shared boolean not null default true,
    updated timestamptz not null default now(),
    updated_by text not null default 'system'
);

-- The identifying facts of each Patient record, folded for comparison, and the person that the record belongs to.
create table person_facts (
    record bigint primary key,
    person bigint not null references tracked_entity,
    digest bigint not null,
    family text not null,
    given text not null,
    birth_date text not null,
    sex text not null,
    phones text[] not null
);
create index person_facts_person on person_facts (person);

-- Hashes under which records of one person are likely to meet: identifiers, phones, sounds of names, birth dates.
create table person_key (
    key bigint not null,
    record bigint not null,
    primary key (key, record)
);
create index person_key_record on person_key (record);

create table potential_duplicate (
    pk bigint primary key default nextval('object_pk'),
    uid text collate "C" not null unique,
    original bigint not null references tracked_entity,
    duplicate bigint not null references tracked_entity,
    status text not null default 'OPEN' check (status in ('OPEN', 'INVALID', 'MERGED')),
    score real not null,
    reasons jsonb not null,
    created timestamptz not null default now(),
    updated timestamptz not null default now(),
    created_in bigint not null references change_set,
    unique (original, duplicate)
);
create index potential_duplicate_duplicate on potential_duplicate (duplicate);

-- What a merge moved, so that it can be taken back.
create table merge (
    pk bigint primary key default nextval('object_pk'),
    survivor bigint not null references tracked_entity,
    loser bigint not null references tracked_entity,
    moved jsonb not null,
    undone boolean not null default false,
    created timestamptz not null default now(),
    created_in bigint not null references change_set
);
create index merge_loser on merge (loser) where not undone;
create index merge_survivor on merge (survivor) where not undone;
