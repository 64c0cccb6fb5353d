-- Any DHIS2 object type as a document, unknown properties kept; org units also as rows, because SQL walks their tree.
create table metadata_object (
    pk bigint primary key default nextval('object_pk'),
    type text not null,
    uid text collate "C" not null,
    code text,
    name text,
    doc jsonb not null,
    created timestamptz not null default now(),
    updated timestamptz not null default now(),
    created_in bigint not null references change_set,
    updated_in bigint not null references change_set
);
-- As in DHIS2, a uid is unique within its type. Codes of some types may repeat (options of different sets), so the
-- import checks them; imports wait for one another on the row of metadata_version.
create unique index metadata_uid on metadata_object (type, uid);
create index metadata_code on metadata_object (type, code) where code is not null;

create table org_unit (
    pk bigint primary key default nextval('object_pk'),
    uid text collate "C" not null unique,
    code text unique,
    name text not null,
    parent bigint references org_unit,
    path text collate "C" not null unique,
    level int not null,
    opening date not null default '1970-01-01',
    closed date,
    doc jsonb not null default '{}',
    created timestamptz not null default now(),
    updated timestamptz not null default now(),
    created_in bigint not null references change_set,
    updated_in bigint not null references change_set
);
create index org_unit_parent on org_unit (parent);

-- Set from object_pk by every metadata write, so that a version is never reused, not even after a rollback;
-- processes drop their compiled snapshot when it differs.
create table metadata_version (version bigint not null);
insert into metadata_version values (1);
