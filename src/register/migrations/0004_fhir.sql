-- What a FHIR server states ([register.fhir]): the resources as they were read, the rows that they came to, and how far
-- pulls have come. The same text serves SQLite and PostgreSQL: only BIGINT and TEXT. No history: it stands in the
-- register's own tables.

create table fhir_resources (
    kind text not null,
    id text not null,
    -- Whose it is: a Practitioner's own id, or the one that a role names.
    practitioner text not null,
    -- The staff number of a Practitioner.
    staff text not null,
    facts text not null,
    primary key (kind, id)
);
create index fhir_resources_practitioner on fhir_resources (practitioner);
create index fhir_resources_staff on fhir_resources (staff) where staff <> '';

-- Each row as the server stated it last. What differs in the register's own table was changed here since.
create table fhir_rows (
    "table" text not null,
    key text not null,
    practitioner text not null,
    record text not null,
    primary key ("table", key)
);
create index fhir_rows_practitioner on fhir_rows (practitioner);

-- One row. seq: counts pulls, so that none is applied over a newer one; print: by what settings the resources were read;
-- times: microseconds since 1970 by the clock of the gate that pulled.
create table fhir_pulls (
    id bigint primary key not null,
    seq bigint not null,
    print text not null,
    pulled_at bigint not null,
    full_at bigint not null
);
