create table tracked_entity (
    pk bigint primary key,
    uid text collate "C" not null unique,
    type bigint not null references metadata_object,
    org_unit bigint not null references org_unit,
    inactive boolean not null default false,
    potential_duplicate boolean not null default false,
    geometry jsonb,
    merged_into bigint references tracked_entity,
    deleted boolean not null default false,
    created_at_client timestamptz,
    updated_at_client timestamptz,
    created timestamptz not null,
    updated timestamptz not null,
    created_in bigint not null references change_set,
    updated_in bigint not null references change_set
);
create index tracked_entity_org_unit on tracked_entity (org_unit, pk);
create index tracked_entity_updated on tracked_entity (updated, pk);

create table attribute_value (
    entity bigint not null references tracked_entity,
    attribute bigint not null references metadata_object,
    value text not null,
    folded text collate "C" not null,
    created timestamptz not null,
    updated timestamptz not null,
    updated_in bigint not null references change_set,
    primary key (entity, attribute)
);
create index attribute_value_search on attribute_value (attribute, folded, entity);

create table enrollment (
    pk bigint primary key,
    uid text collate "C" not null unique,
    entity bigint not null references tracked_entity,
    program bigint not null references metadata_object,
    org_unit bigint not null references org_unit,
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
    created_in bigint not null references change_set,
    updated_in bigint not null references change_set
);
create index enrollment_entity on enrollment (entity, program);
create index enrollment_program on enrollment (program, org_unit, enrolled_at);

create table event (
    pk bigint primary key,
    uid text collate "C" not null unique,
    enrollment bigint references enrollment,
    entity bigint references tracked_entity,
    program bigint not null references metadata_object,
    stage bigint not null references metadata_object,
    org_unit bigint not null references org_unit,
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
    notes jsonb not null default '[]',
    origin bigint,
    deleted boolean not null default false,
    created_at_client timestamptz,
    updated_at_client timestamptz,
    created timestamptz not null,
    updated timestamptz not null,
    created_in bigint not null references change_set,
    updated_in bigint not null references change_set
);
create index event_enrollment on event (enrollment, stage);
create index event_stage on event (stage, org_unit, occurred_at);
create index event_entity on event (entity);
create index event_due on event (scheduled_at) where status in ('SCHEDULE', 'OVERDUE') and not deleted;
create index event_origin on event (origin) where origin is not null;

create table relationship (
    pk bigint primary key,
    uid text collate "C" not null unique,
    type bigint not null references metadata_object,
    from_kind text not null,
    from_pk bigint not null,
    to_kind text not null,
    to_pk bigint not null,
    deleted boolean not null default false,
    created_at_client timestamptz,
    created timestamptz not null,
    updated timestamptz not null,
    created_in bigint not null references change_set,
    updated_in bigint not null references change_set
);
create index relationship_from on relationship (from_pk);
create index relationship_to on relationship (to_pk);
