-- A case report: what is counted, into which data elements. Submissions keep the document they were made with.
create table report_definition (
    pk bigint primary key default nextval('object_pk'),
    code text collate "C" not null unique,
    version int not null default 1,
    active boolean not null default true,
    doc jsonb not null,
    created timestamptz not null,
    updated timestamptz not null,
    created_in bigint not null references change_set,
    updated_in bigint not null references change_set
);

-- Derived from records, and always rebuildable from them: the coded diagnoses of live Condition records …
create table diagnosis (
    record bigint not null,
    code text collate "C" not null,
    subject bigint not null,
    encounter bigint,
    org_unit bigint references org_unit,
    day date not null,
    primary key (record, code)
);
create index diagnosis_place on diagnosis (day, org_unit);
create index diagnosis_subject on diagnosis (subject);

-- … and what of a person decides age group and sex.
create table report_person (
    subject bigint primary key,
    born date,
    sex text
);

-- Up to where the change log has been followed: every change set below it has been seen (a single row).
create table report_progress (horizon xid8 not null);
insert into report_progress values ('0');

create table aggregate_value (
    pk bigint primary key,
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
    definition bigint references report_definition,
    created timestamptz not null,
    updated timestamptz not null,
    created_in bigint not null references change_set,
    updated_in bigint not null references change_set,
    unique (data_element, period, org_unit, category_option_combo, attribute_option_combo)
);
create index aggregate_value_definition on aggregate_value (definition, period, org_unit) where definition is not null;

-- The facts that make a computed value: pk of an event, enrollment or record, and the person.
create table aggregate_fact (
    value bigint not null references aggregate_value,
    target bigint not null,
    subject bigint,
    primary key (value, target)
);
create index aggregate_fact_target on aggregate_fact (target);
create index aggregate_fact_subject on aggregate_fact (subject);
create index change_set_xid on change_set (xid);

-- Each computation of a report: `snapshot` tells later which changes it saw.
create table report_run (
    pk bigint primary key default nextval('object_pk'),
    definition bigint not null references report_definition,
    period text collate "C" not null,
    org_units bigint[],
    change_set bigint not null references change_set,
    snapshot pg_snapshot not null default pg_current_snapshot(),
    at timestamptz not null default clock_timestamp(),
    left_out jsonb not null
);
create index report_run_latest on report_run (definition, period, pk);

create table submission (
    pk bigint primary key default nextval('object_pk'),
    peer int not null references peer,
    report bigint not null references report_definition,
    run bigint not null references report_run,
    data_set text collate "C" not null,
    period text collate "C" not null,
    message bigint references message,
    definition jsonb not null,
    created timestamptz not null default clock_timestamp(),
    created_in bigint not null references change_set,
    answered timestamptz
);
create index submission_slice on submission (peer, report, period, pk);

-- What was sent of each cell (`sent` null: a deletion), made of which facts, and what the receiver said.
create table submission_value (
    submission bigint not null references submission,
    value bigint not null references aggregate_value,
    position int not null,
    sent text,
    facts bigint[] not null,
    state text not null default 'sent' check (state in ('sent', 'acknowledged', 'refused', 'owed')),
    reason text,
    primary key (submission, value)
);
create index submission_value_value on submission_value (value, submission);
