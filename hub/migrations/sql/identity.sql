create table potential_duplicate (
    pk bigint primary key default nextval('object_pk'),
    uid text collate "C" not null unique,
    original bigint not null references tracked_entity,
    duplicate bigint not null references tracked_entity,
    status text not null default 'OPEN' check (status in ('OPEN', 'INVALID', 'MERGED')),
    score real not null,
    reasons jsonb not null,
    created timestamptz not null default now(),
    created_in bigint not null references change_set,
    unique (original, duplicate)
);

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
