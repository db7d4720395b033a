-- Technique lists, dossiers, discussions, the working-day calendar, and what each version made impossible.
-- The same text serves SQLite and PostgreSQL: only BIGINT and TEXT. Rows are kept as in 0001.
-- changes.what gains: techniques, dossiers, discussions, calendar.

create table techniques (
    from_version bigint not null,
    to_version bigint,
    "item" text not null,
    "kind" text not null,
    "list" text not null,
    "name" text not null,
    "codes" text not null,
    "diagnoses" text not null,
    "valid_from" text not null,
    "valid_to" text not null,
    "document" text not null
);
create unique index techniques_current on techniques ("item", "list") where to_version is null;

create table dossiers (
    from_version bigint not null,
    to_version bigint,
    "item" text not null,
    "self_assessed_on" text not null,
    "ethics_approved_on" text not null,
    "first_case_on" text not null,
    "filed_on" text not null,
    "filing_no" text not null,
    "state" text not null
);
create unique index dossiers_current on dossiers ("item") where to_version is null;

create table discussions (
    from_version bigint not null,
    to_version bigint,
    "discussion_id" text not null,
    "patient_id" text not null,
    "held_on" text not null,
    "order_no" text not null,
    "codes" text not null,
    "disciplines" text not null,
    "contents" text not null,
    "conclusion" text not null
);
create unique index discussions_current on discussions ("discussion_id") where to_version is null;
create index discussions_patient on discussions ("patient_id") where to_version is null;
create index discussions_order on discussions ("order_no") where to_version is null and "order_no" <> '';

create table calendar (
    from_version bigint not null,
    to_version bigint,
    "date" text not null,
    "kind" text not null
);
create unique index calendar_current on calendar ("date") where to_version is null;

-- Who else may: colleagues are named in refusals.
create index grants_code on grants ("code") where to_version is null and "code" <> '';

-- What a version newly prohibits, stops or leaves uncovered, for the gates that see it.
create table consequences (
    version bigint not null,
    kind text not null,
    subject text not null,
    codes text not null,
    up_to_grade text not null,
    diagnoses text not null,
    surgeon_id text not null,
    from_day text not null,
    to_day text not null
);
create index consequences_version on consequences (version);
