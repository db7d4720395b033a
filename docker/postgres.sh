#!/bin/sh
# A PostgreSQL with an empty database `orgate` and a role of that name, made at the first start.
set -eu
bin=$(echo /usr/lib/postgresql/*/bin)
data=/var/lib/postgresql/data
: "${ORGATE_DB_PASSWORD:?is the password of the role orgate}"
if [ ! -s "$data/PG_VERSION" ]; then
    # The superuser has no password, so nobody comes in as it by the network.
    "$bin/initdb" --auth-local=peer --auth-host=scram-sha-256 --encoding=UTF8 --locale=C.UTF-8 --no-instructions -D "$data"
    echo 'host orgate orgate all scram-sha-256' >>"$data/pg_hba.conf"
    quoted=$(printf '%s' "$ORGATE_DB_PASSWORD" | sed "s/'/''/g")
    "$bin/postgres" --single -D "$data" postgres >/dev/null <<SQL
create role orgate login password '$quoted'
create database orgate owner orgate encoding 'UTF8'
SQL
fi
exec "$bin/postgres" -D "$data" -c listen_addresses='*' -c unix_socket_directories=/tmp
