//! The address of the shared database, and pools of connections to it.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use sqlx::any::{AnyConnectOptions, AnyPoolOptions};
use sqlx::migrate::{MigrateError, Migrator};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{AnyConnection, AnyPool, AssertSqlSafe, ConnectOptions, Connection, Row};
use tokio::time::timeout;

use crate::net::tls::ClientTls;
use crate::register::error::{RegisterError, told};
use crate::register::sources::postgres::address::{Protection, look_at};
use crate::register::sources::postgres::news::News;

/// How long a connection may be waited for. Callers bound their own wait, mostly shorter.
const ACQUIRE_WITHIN: Duration = Duration::from_secs(5);

/// How long a connection that was given back may take to answer; else it is closed, so that the pool does not run dry
/// of connections that hang.
const ANSWERS_WITHIN: Duration = Duration::from_secs(2);

/// How long [`Server::check`] waits: as long as a person.
const CHECK_WITHIN: Duration = Duration::from_secs(15);

/// What every connection is told first. A gate that vanishes must not keep its locks, and no question may take for ever.
const SESSION: &str = "set statement_timeout = '60s'; set lock_timeout = '30s'; \
     set tcp_keepalives_idle = 10; \
     set tcp_keepalives_interval = 5; set tcp_keepalives_count = 3; set tcp_user_timeout = '30s'; \
     set client_min_messages = warning";

/// Only one gate at a time makes tables ("orgate" as a number).
const MAKING: &str = "select pg_advisory_xact_lock(122541545125989)";

/// A part of the program in the shared database.
#[derive(Clone, Copy)]
pub struct Part {
    /// Its schema.
    pub schema: &'static str,
    /// Its tables.
    pub migrations: &'static Migrator,
    /// What else is made, in PostgreSQL's own words; may be run again.
    pub further: &'static [&'static str],
    /// Connections of one gate.
    pub max_connections: u32,
    /// How long a gate may say nothing within a transaction, in PostgreSQL's own words. A gate that hangs, or is cut off
    /// where nobody ends its connection, holds up the others with what it has locked for so long.
    pub silent_within: &'static str,
}

/// Where the shared database is. The address holds a password, so it does not print.
#[derive(Clone)]
pub struct Server {
    address: Arc<Address>,
}

struct Address {
    options: AnyConnectOptions,
    native: PgConnectOptions,
    protection: Protection,
    /// The files of its TLS, followed for the end of the gate's own certificate. sqlx reads them at each connection.
    tls: Option<ClientTls>,
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Server({self})")
    }
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let native = &self.address.native;
        let database = native.get_database().unwrap_or("its default database");
        match native.get_socket() {
            Some(socket) => write!(f, "{database} at {}", socket.display()),
            None => write!(f, "{database} at {}:{}", native.get_host(), native.get_port()),
        }
    }
}

impl Server {
    /// The server of an address, `postgres://user:password@host:5432/orgate?sslmode=verify-full`.
    ///
    /// # Errors
    /// In words that do not repeat the address.
    pub fn parse(url: &str) -> Result<Self, String> {
        const FORM: &str = "it must read postgres://user:password@host:5432/database";
        let url = url.trim();
        if !url.starts_with("postgres://") && !url.starts_with("postgresql://") {
            return Err(FORM.to_owned());
        }
        let options = AnyConnectOptions::from_str(url).map_err(|_| FORM)?;
        let native = PgConnectOptions::from_url(&options.database_url).map_err(|_| {
            "a part of it is not understood; it must read \
             postgres://user:password@host:5432/database?sslmode=verify-full"
        })?;
        let (protection, tls) = look_at(options.database_url.query_pairs(), &native)?;
        let (options, native) =
            (options.disable_statement_logging(), native.disable_statement_logging());
        Ok(Self { address: Arc::new(Address { options, native, protection, tls }) })
    }

    /// What keeps others from reading along, or from posing as the database.
    pub fn protection(&self) -> Protection {
        self.address.protection
    }

    /// The files of its TLS, if it has any.
    pub fn tls(&self) -> Option<&ClientTls> {
        self.address.tls.as_ref()
    }

    /// Connections to a part. Nothing is connected before it is asked; the tables are made then, if need be.
    ///
    /// # Errors
    /// None at present: an address that was parsed can be used.
    pub fn pool(&self, part: Part) -> Result<AnyPool, RegisterError> {
        sqlx::any::install_default_drivers();
        let ready = Arc::new(AtomicBool::new(false));
        Ok(AnyPoolOptions::new()
            .max_connections(part.max_connections)
            .acquire_timeout(ACQUIRE_WITHIN)
            .after_connect(move |connection, _| {
                let ready = Arc::clone(&ready);
                Box::pin(async move {
                    let made = ready.load(Ordering::Acquire);
                    prepare(connection, part, !made).await?;
                    ready.store(true, Ordering::Release);
                    Ok(())
                })
            })
            .after_release(|connection, _| {
                Box::pin(async move {
                    let answered = timeout(ANSWERS_WITHIN, connection.ping()).await;
                    answered.map_err(|_| sqlx::Error::PoolTimedOut)?.map(|()| true)
                })
            })
            .connect_lazy_with(self.address.options.clone()))
    }

    /// What is told on a channel of the database.
    ///
    /// # Errors
    /// None at present, as [`Server::pool`].
    pub fn news(&self, channel: &'static str) -> Result<News, RegisterError> {
        let pool = PgPoolOptions::new().max_connections(1).acquire_timeout(ACQUIRE_WITHIN);
        Ok(News::listen(pool.connect_lazy_with(self.address.native.clone()), channel))
    }

    /// Connects once and makes the tables of a part, to say what is wrong with the database.
    ///
    /// # Errors
    /// What is wrong.
    pub async fn check(&self, part: Part) -> Result<(), RegisterError> {
        sqlx::any::install_default_drivers();
        let unusable = |error: sqlx::Error| RegisterError::Server {
            server: self.to_string(),
            why: told(&error),
        };
        let work = async {
            let mut connection = AnyConnection::connect_with(&self.address.options).await?;
            prepare(&mut connection, part, true).await?;
            connection.close().await
        };
        match timeout(CHECK_WITHIN, work).await {
            Ok(done) => done.map_err(unusable),
            Err(_) => Err(RegisterError::Server {
                server: self.to_string(),
                why: format!("it has not answered within {} s", CHECK_WITHIN.as_secs()),
            }),
        }
    }
}

/// Brings a new connection to the schema of `part`; makes what is not there.
async fn prepare(
    connection: &mut AnyConnection,
    part: Part,
    make: bool,
) -> Result<(), sqlx::Error> {
    sqlx::raw_sql(SESSION).execute(&mut *connection).await?;
    let silent = format!("set idle_in_transaction_session_timeout = '{}'", part.silent_within);
    sqlx::raw_sql(AssertSqlSafe(silent)).execute(&mut *connection).await?;
    if make {
        make_schema(connection, part.schema).await?;
    }
    let path = format!("set search_path = {}", part.schema);
    sqlx::raw_sql(AssertSqlSafe(path)).execute(&mut *connection).await?;
    if !make {
        return Ok(());
    }
    let made = part.migrations.run_direct(None, &mut *connection, false).await;
    made.map_err(|error| match error {
        MigrateError::Execute(error) => error,
        other => sqlx::Error::Migrate(Box::new(other)),
    })?;
    if part.further.is_empty() {
        return Ok(());
    }
    let mut transaction = connection.begin().await?;
    sqlx::raw_sql(MAKING).execute(&mut *transaction).await?;
    for further in part.further {
        sqlx::raw_sql(*further).execute(&mut *transaction).await?;
    }
    transaction.commit().await
}

/// Makes the schema if it is not there. Only then: making needs a right that a gate may have lost since.
async fn make_schema(connection: &mut AnyConnection, schema: &str) -> Result<(), sqlx::Error> {
    let mut transaction = connection.begin().await?;
    sqlx::raw_sql(MAKING).execute(&mut *transaction).await?;
    let sql = "select count(*) from pg_catalog.pg_namespace where nspname = $1";
    let found = sqlx::query(sql).bind(schema).fetch_one(&mut *transaction).await?;
    if found.try_get::<i64, _>(0)? == 0 {
        let sql = format!("create schema {schema}");
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut *transaction).await?;
    }
    transaction.commit().await
}
