-- Who uses the console. The same text serves SQLite and PostgreSQL: only BIGINT and TEXT. Instants are microseconds
-- since 1970; empty text and 0 mean "none". No password and no session token stands here in the clear.

create table accounts (
    name text primary key not null,
    display text not null,
    staff text not null,
    roles text not null,
    departments text not null,
    password text not null,
    subject text not null,
    status text not null,
    vendor bigint not null,
    expires bigint not null,
    must_change bigint not null,
    failures bigint not null,
    locked_until bigint not null,
    created bigint not null,
    created_by text not null,
    last_login bigint not null
);
create unique index accounts_subject on accounts (subject) where subject <> '';

create table sessions (
    token text primary key not null,
    account text not null,
    began bigint not null,
    seen bigint not null
);
create index sessions_account on sessions (account);
