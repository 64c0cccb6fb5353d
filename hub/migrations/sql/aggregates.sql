create table aggregate_value (
    pk bigint primary key default nextval('object_pk'),
    data_set text collate "C",
    data_element text collate "C" not null,
    period text collate "C" not null,
    org_unit bigint not null references org_unit,
    category_option_combo text collate "C" not null default 'default',
    attribute_option_combo text collate "C" not null default 'default',
    value text not null,
    comment text,
    follow_up boolean not null default false,
    deleted boolean not null default false,
    created timestamptz not null,
    updated timestamptz not null,
    created_in bigint not null references change_set,
    updated_in bigint not null references change_set,
    unique (data_element, period, org_unit, category_option_combo, attribute_option_combo)
);

-- The facts that make a computed value: pk of an event, enrollment or record, and the person.
create table aggregate_fact (
    value bigint not null references aggregate_value,
    target bigint not null,
    subject bigint,
    primary key (value, target)
);
create index aggregate_fact_target on aggregate_fact (target);

create table submission (
    pk bigint primary key default nextval('object_pk'),
    peer int not null references peer,
    data_set text collate "C" not null,
    period text collate "C" not null,
    message bigint references message,
    definition jsonb not null,
    created timestamptz not null default now(),
    answered timestamptz
);
create table submission_value (
    submission bigint not null references submission,
    value bigint not null references aggregate_value,
    sent text not null,
    facts bigint[] not null,
    state text not null default 'sent' check (state in ('sent', 'acknowledged', 'refused', 'owed')),
    reason text,
    primary key (submission, value)
);
create index submission_value_value on submission_value (value, submission);
