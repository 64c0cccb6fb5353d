-- One row per applied message (or local act): who, when, from which bytes. It is also the outbox.
create table change_set (
    id bigint generated always as identity primary key,
    xid xid8 not null default pg_current_xact_id(),
    at timestamptz not null default clock_timestamp(),
    actor text not null,
    peer int references peer,
    message bigint references message,
    dispatched boolean not null default false
);
create index change_set_outbox on change_set (id) where not dispatched;
create index change_set_message on change_set (message);

-- What changed in each object. For records the delta is the record_version row itself, so `delta` is null there.
create table change (
    id bigint generated always as identity primary key,
    change_set bigint not null references change_set,
    kind text not null,
    target bigint not null,
    subject bigint,
    action text not null check (action in ('create', 'update', 'delete', 'merge', 'unmerge')),
    delta jsonb
);
create index change_in on change (change_set);
create index change_target on change (target, id);
