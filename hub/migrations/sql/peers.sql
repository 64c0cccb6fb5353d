-- One number space for every object of the core: a change names its object by pk alone.
create sequence object_pk as bigint;

create table peer (
    id int generated always as identity primary key,
    code text collate "C" not null unique,
    name text not null,
    format text not null,
    address text,
    settings jsonb not null default '{}',
    secret text,
    active boolean not null default true,
    created timestamptz not null default now(),
    updated timestamptz not null default now(),
    created_by text not null default 'system',
    updated_by text not null default 'system'
);

create table user_account (
    pk bigint primary key default nextval('object_pk'),
    uid text collate "C" not null unique,
    username text collate "C" not null unique,
    password text not null,
    authorities text[] not null default '{}',
    peer int references peer,
    disabled boolean not null default false,
    doc jsonb not null default '{}',
    created timestamptz not null default now(),
    updated timestamptz not null default now(),
    created_by text not null default 'system',
    updated_by text not null default 'system'
);

-- Which changes go to which peer, and as what. `select` is a JSON selector (see tracker_core/routes.py).
create table route (
    id int generated always as identity primary key,
    code text collate "C" not null unique,
    peer int not null references peer,
    type text not null,
    selects jsonb not null default '{}',
    active boolean not null default true,
    created timestamptz not null default now(),
    updated timestamptz not null default now(),
    created_by text not null default 'system',
    updated_by text not null default 'system'
);

-- What a peer calls an object of ours.
create table link (
    peer int not null references peer,
    kind text not null,
    external_id text collate "C" not null,
    target bigint not null,
    created_in bigint not null,
    primary key (peer, kind, external_id)
);
create index link_target on link (target);
