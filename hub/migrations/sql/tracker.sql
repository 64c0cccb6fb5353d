-- These tables refer to one another by foreign keys. What they hold of metadata, org units and change sets is checked by
-- the import itself and left without: those keys would halve the rate of imports (docs/adr/0401).
create table tracked_entity (
    pk bigint primary key,
    uid text collate "C" not null unique,
    type bigint not null,
    org_unit bigint not null,
    inactive boolean not null default false,
    potential_duplicate boolean not null default false,
    geometry jsonb,
    merged_into bigint references tracked_entity,
    deleted boolean not null default false,
    created_at_client timestamptz,
    updated_at_client timestamptz,
    created timestamptz not null,
    updated timestamptz not null,
    created_in bigint not null,
    updated_in bigint not null
);
create index tracked_entity_org_unit on tracked_entity (org_unit, pk);
create index tracked_entity_updated on tracked_entity (updated, pk);

-- `folded` is for search: lower case, without accents, cut to 200 characters. `unique_key` is filled for attributes that
-- are unique while their entity lives, so that of two concurrent registrations one waits, and then loses.
create table attribute_value (
    entity bigint not null references tracked_entity,
    attribute bigint not null,
    value text not null,
    folded text collate "C" not null,
    unique_key text collate "C",
    created timestamptz not null,
    updated timestamptz not null,
    updated_in bigint not null,
    primary key (entity, attribute)
);
create index attribute_value_search on attribute_value (attribute, folded, entity);
create unique index attribute_value_unique on attribute_value (attribute, unique_key) where unique_key is not null;

create table enrollment (
    pk bigint primary key,
    uid text collate "C" not null unique,
    entity bigint not null references tracked_entity,
    program bigint not null,
    org_unit bigint not null,
    status text not null default 'ACTIVE' check (status in ('ACTIVE', 'COMPLETED', 'CANCELLED')),
    enrolled_at timestamptz not null,
    occurred_at timestamptz,
    completed_at timestamptz,
    completed_by text,
    follow_up boolean not null default false,
    geometry jsonb,
    notes jsonb not null default '[]',
    origin bigint,
    deleted boolean not null default false,
    created_at_client timestamptz,
    updated_at_client timestamptz,
    created timestamptz not null,
    updated timestamptz not null,
    created_in bigint not null,
    updated_in bigint not null
);
create index enrollment_entity on enrollment (entity, program);
create index enrollment_program on enrollment (program, org_unit, enrolled_at);
create unique index enrollment_origin on enrollment (origin, program) where origin is not null and not deleted;

-- `data` maps data element uid -> value; `provided_elsewhere` lists those that the sender says another place captured.
create table event (
    pk bigint primary key,
    uid text collate "C" not null unique,
    enrollment bigint references enrollment,
    entity bigint references tracked_entity,
    program bigint not null,
    stage bigint not null,
    org_unit bigint not null,
    status text not null default 'ACTIVE'
        check (status in ('ACTIVE', 'COMPLETED', 'VISITED', 'SCHEDULE', 'OVERDUE', 'SKIPPED')),
    occurred_at timestamptz,
    scheduled_at timestamptz,
    completed_at timestamptz,
    completed_by text,
    attribute_option_combo text,
    assigned_user text,
    geometry jsonb,
    data jsonb not null default '{}',
    provided_elsewhere text[],
    notes jsonb not null default '[]',
    origin bigint,
    deleted boolean not null default false,
    created_at_client timestamptz,
    updated_at_client timestamptz,
    created timestamptz not null,
    updated timestamptz not null,
    created_in bigint not null,
    updated_in bigint not null
);
create index event_enrollment on event (enrollment, stage);
create index event_stage on event (stage, org_unit, occurred_at);
create index event_entity on event (entity);
create index event_due on event (scheduled_at) where status in ('SCHEDULE', 'OVERDUE') and not deleted;
create unique index event_origin on event (origin, stage, enrollment) where origin is not null and not deleted;

create table relationship (
    pk bigint primary key,
    uid text collate "C" not null unique,
    type bigint not null,
    from_kind text not null check (from_kind in ('trackedEntity', 'enrollment', 'event')),
    from_pk bigint not null,
    to_kind text not null check (to_kind in ('trackedEntity', 'enrollment', 'event')),
    to_pk bigint not null,
    deleted boolean not null default false,
    created_at_client timestamptz,
    created timestamptz not null,
    updated timestamptz not null,
    created_in bigint not null,
    updated_in bigint not null
);
create index relationship_from on relationship (from_pk);
create index relationship_to on relationship (to_pk);
create unique index relationship_once on relationship (type, from_pk, to_pk) where not deleted;
