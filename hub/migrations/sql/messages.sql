-- Both directions, one lifecycle: waiting -> done | rejected | parked.
create sequence message_id as bigint;

create table message (
    id bigint primary key default nextval('message_id'),
    direction text not null check (direction in ('in', 'out')),
    peer int not null references peer,
    format text not null,
    type text not null default '',
    control_id text,
    dedup text collate "C",
    content_type text not null default '',
    body bytea,
    digest bytea,
    lane bigint,
    about jsonb,
    state text not null default 'waiting' check (state in ('waiting', 'done', 'rejected', 'parked')),
    attempts int not null default 0,
    due timestamptz not null default now(),
    lease_until timestamptz,
    leased_by text,
    actor text not null default 'system',
    answer bytea,
    report jsonb,
    error text,
    replay_of bigint references message,
    cause bigint,
    created timestamptz not null default clock_timestamp(),
    finished timestamptz
);
create unique index message_dedup on message (peer, direction, dedup) where dedup is not null;
create index message_waiting on message (direction, due, id) where state = 'waiting';
create index message_lane on message (lane, id) where state in ('waiting', 'parked') and lane is not null;
create index message_control on message (control_id) where control_id is not null;
create index message_browse on message (peer, direction, state, id);
-- At most one unsent message per peer and thing: deliver renders the current view, so quick edits coalesce.
create unique index message_about on message (peer, type, about)
    where direction = 'out' and state = 'waiting' and attempts = 0 and about is not null;
create index message_reminder on message ((about -> 'reminder')) where (about -> 'reminder') is not null;
