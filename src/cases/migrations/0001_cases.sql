-- The case index. The same text serves SQLite and PostgreSQL: only BIGINT and TEXT. Everything but `marks`
-- is derived from the ledgers of the gates and may be dropped (`orgate ledger reindex`); `node` tells whose
-- ledger. Instants are microseconds since 1970. Empty text means "none".

create table documents (
    entry text not null,
    nth bigint not null,
    node text not null,
    at bigint not null,
    arrival bigint not null,
    day text not null,
    timed bigint not null,
    order_no text not null,
    patient text not null,
    supersedes text not null,
    reports bigint not null,
    body text not null,
    primary key (entry, nth)
);
create index documents_order on documents (order_no, at) where order_no <> '';
create index documents_patient on documents (patient, at) where patient <> '';
create index documents_at on documents (at, entry, nth);
create index documents_day on documents (day);
create index documents_supersedes on documents (supersedes) where supersedes <> '';
create index documents_reports on documents (at) where reports > 0;

create table bookings (
    entry text not null,
    nth bigint not null,
    booking bigint not null,
    node text not null,
    surgeon text not null,
    starts bigint not null,
    ends bigint not null,
    primary key (entry, nth, booking)
);
create index bookings_surgeon on bookings (surgeon, starts);

create table overrides (
    entry text not null,
    nth bigint not null,
    surgeon text not null,
    node text not null,
    at bigint not null,
    primary key (entry, nth, surgeon)
);
create index overrides_surgeon on overrides (surgeon, at);

-- Case reports that were sent to the platform. Told by people, so not derived and never dropped.
create table marks (
    entry text not null,
    subject text not null,
    at bigint not null,
    who text not null,
    primary key (entry, subject)
);

-- Up to which entry each gate's ledger has been taken over.
create table cursors (
    node text primary key not null,
    seq bigint not null
);
