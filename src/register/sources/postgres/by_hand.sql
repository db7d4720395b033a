-- Tells running gates of changes, and gives changes that are made by hand (psql) a version of their own, so that they
-- are in force as if orgate had made them. Run with the schema of the register as search path; may be run again.

create or replace function tell() returns trigger language plpgsql set search_path from current as $$
begin
    perform pg_notify('orgate_register', '');
    return null;
end
$$;

create or replace trigger told after insert or update or delete on versions
    for each statement execute function tell();

-- orgate sets orgate.writes for its own transactions, after locking `versions`. The lock is taken here likewise before
-- any row is touched, so that versions follow one another and nobody waits in a circle.
create or replace function by_hand() returns trigger language plpgsql set search_path from current as $$
declare
    made bigint;
begin
    if current_setting('orgate.writes', true) = 'on' then
        return null;
    end if;
    made := nullif(current_setting('orgate.by_hand', true), '')::bigint;
    if made is null then
        lock table versions in share row exclusive mode;
        insert into versions (version, at, who, what)
            select coalesce(max(version), 0) + 1,
                   to_char(now() at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
                   session_user,
                   'by hand: ' || tg_table_name
            from versions
            returning version into made;
        perform set_config('orgate.by_hand', made::text, true);
    end if;
    insert into changes (version, what, key)
        values (made, case when tg_table_name in ('grants', 'surgeons') then 'everything' else tg_table_name end, '');
    return null;
end
$$;

do $$
declare
    one text;
begin
    foreach one in array array['catalogue', 'techniques', 'dossiers', 'surgeons', 'grants', 'roster', 'discussions',
                               'calendar']
    loop
        execute format('create or replace trigger by_hand before insert or update or delete or truncate on %I '
                       'for each statement execute function by_hand()', one);
    end loop;
end
$$;
