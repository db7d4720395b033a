-- The register of part 1. The same text serves SQLite and PostgreSQL: only BIGINT and TEXT.
-- Rows are never deleted: from_version is the register version that brought a row, to_version the one
-- that ended it; a row without to_version is current. Empty text means "not set".

create table versions (
    version bigint primary key not null,
    at text not null,
    who text not null,
    what text not null
);

-- What a version touched, so that a running gate drops exactly that from memory.
-- what: catalogue, roster, surgeon (key = surgeon_id), name (key = folded name), everything.
create table changes (
    version bigint not null,
    what text not null,
    key text not null
);
create index changes_version on changes (version);

create table catalogue (
    from_version bigint not null,
    to_version bigint,
    "code" text not null,
    "name" text not null,
    "grade" text not null,
    "code_system" text not null,
    "aliases" text not null,
    "reference_grade" text not null,
    "grade_document" text not null,
    "specialty" text not null,
    "status" text not null,
    "status_reason" text not null,
    "admission" text not null,
    "ethics" text not null,
    "valid_from" text not null,
    "valid_to" text not null
);
create unique index catalogue_current on catalogue ("code") where to_version is null;

create table surgeons (
    from_version bigint not null,
    to_version bigint,
    "surgeon_id" text not null,
    "name" text not null,
    "department" text not null,
    "status" text not null,
    "licence_to" text not null,
    "base" text not null,
    "name_folded" text not null
);
create unique index surgeons_current on surgeons ("surgeon_id") where to_version is null;
create index surgeons_name on surgeons ("name_folded") where to_version is null;

create table grants (
    from_version bigint not null,
    to_version bigint,
    "surgeon_id" text not null,
    "code" text not null,
    "grade" text not null,
    "right" text not null,
    "sites" text not null,
    "valid_from" text not null,
    "valid_to" text not null,
    "status" text not null,
    "document_no" text not null,
    "document_on" text not null,
    "evaluated_on" text not null,
    "trained_on" text not null,
    "supervision" text not null
);
create unique index grants_current
    on grants ("surgeon_id", "code", "grade", "right", "valid_from") where to_version is null;
create index grants_order on grants ("surgeon_id") where to_version is null and "right" = 'order';

create table roster (
    from_version bigint not null,
    to_version bigint,
    "surgeon_id" text not null,
    "from" text not null,
    "to" text not null,
    "site" text not null
);
create unique index roster_current on roster ("surgeon_id", "from") where to_version is null;
