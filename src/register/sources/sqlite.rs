//! The embedded register: one SQLite file in the data folder.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use sqlx::any::{AnyConnectOptions, AnyPoolOptions};
use sqlx::migrate::Migrator;
use sqlx::{AnyPool, AssertSqlSafe, ConnectOptions};

use crate::background;
use crate::register::error::RegisterError;
use crate::register::sources::sql::{Dialect, SqlSource};

/// The tables, step by step. The same for every database.
pub static MIGRATIONS: Migrator = sqlx::migrate!("src/register/migrations");

/// Connections of a gate: the poll, and a few surgeons at once. SQLite reads them side by side.
const MAX_CONNECTIONS: u32 = 4;

/// Pages that a connection holds, in KiB.
const PAGES_KIB: u32 = 2_000;
/// Those that read what is written all day are worth nothing to the next statement: enough for the way to a row.
const READER_PAGES_KIB: u32 = 500;
/// And that which writes an index.
const INDEX_PAGES_KIB: u32 = 16_384;

/// How long a connection may be waited for. Callers bound their own wait, mostly shorter.
const ACQUIRE_WITHIN: Duration = Duration::from_secs(5);

/// Two programs that start at once may both want to make the tables; the loser looks again.
const MIGRATE_TRIES: u32 = 5;

const SQLITE: Dialect =
    Dialect { begin_read: "begin", begin_write: "begin immediate", local: true, like: "like" };

/// Opens the register in `file`, and makes the file, its folder and its tables if need be.
///
/// # Errors
/// The path cannot be used, the database cannot be opened, or is of a newer program.
pub async fn open(file: &Path) -> Result<SqlSource, RegisterError> {
    let pool = connect(file, Keeping::Full).await?;
    migrate(&pool).await?;
    Ok(SqlSource::new(pool, SQLITE))
}

/// What must survive a power cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keeping {
    /// Every committed transaction: each is synced.
    Full,
    /// A whole database, perhaps without its newest transactions: for what can be derived again.
    Whole,
    /// Likewise, for a large index: whoever writes it holds more of it in memory, and its threads give way to routes.
    Index,
}

/// Connections to the SQLite file `file`, made with its folder if need be; no tables.
///
/// # Errors
/// The path cannot be used, or the database cannot be opened.
pub async fn connect(file: &Path, keeping: Keeping) -> Result<AnyPool, RegisterError> {
    let pages_kib = if keeping == Keeping::Full { PAGES_KIB } else { READER_PAGES_KIB };
    pool(file, keeping, (MAX_CONNECTIONS, pages_kib)).await
}

/// The one connection by which an index is written. What another connection has written makes a connection forget the
/// pages that it holds: with a writer of its own, that which writes all day knows the pages that it writes.
///
/// # Errors
/// As [`connect`].
pub async fn writer(file: &Path, keeping: Keeping) -> Result<AnyPool, RegisterError> {
    let pages_kib = if keeping == Keeping::Index { INDEX_PAGES_KIB } else { PAGES_KIB };
    pool(file, keeping, (1, pages_kib)).await
}

async fn pool(
    file: &Path,
    keeping: Keeping,
    (most, pages_kib): (u32, u32),
) -> Result<AnyPool, RegisterError> {
    // A reader is not held up by a writer (WAL); a second writer waits for the first.
    let kept = match keeping {
        Keeping::Full => "pragma synchronous = full;",
        Keeping::Whole | Keeping::Index => {
            "pragma synchronous = normal; pragma wal_autocheckpoint = 4000;"
        }
    };
    let pragmas = format!(
        "pragma busy_timeout = 30000; pragma journal_mode = wal; {kept} pragma cache_size = -{pages_kib};"
    );
    sqlx::any::install_default_drivers();
    let options = AnyConnectOptions::from_str(&url(file)?)?.disable_statement_logging();
    let pool = AnyPoolOptions::new()
        .min_connections(1)
        .max_connections(most)
        .acquire_timeout(ACQUIRE_WITHIN)
        .after_connect(move |connection, _| {
            let pragmas = AssertSqlSafe(pragmas.clone());
            Box::pin(async move { sqlx::raw_sql(pragmas).execute(connection).await.map(|_| ()) })
        })
        .connect_with(options);
    // A connection's own thread is as nice as the one that opens it.
    let opened = if keeping == Keeping::Index {
        let broken = |_| sqlx::Error::PoolClosed;
        background::run(pool).await.map_err(broken).flatten()
    } else {
        pool.await
    };
    opened.map_err(|error| unusable(file, error.to_string()))
}

async fn migrate(pool: &AnyPool) -> Result<(), RegisterError> {
    let mut tries = 0;
    loop {
        tries += 1;
        match MIGRATIONS.run(pool).await {
            Ok(()) => return Ok(()),
            Err(error) if tries >= MIGRATE_TRIES => return Err(error.into()),
            Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
        }
    }
}

fn unusable(file: &Path, why: impl Into<String>) -> RegisterError {
    RegisterError::Path { path: file.to_owned(), why: why.into() }
}

/// The file as a URL, which is all that sqlx's Any driver takes: absolute, and every byte that could
/// mean something in a URL escaped.
fn url(file: &Path) -> Result<String, RegisterError> {
    let absolute = absolute(file)?;
    let path = absolute.to_str().ok_or_else(|| unusable(file, "its name is not UTF-8"))?;
    let mut url = String::from("sqlite://");
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'-' | b'_' | b'.') {
            url.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(url, "%{byte:02X}");
        }
    }
    url.push_str("?mode=rwc");
    Ok(url)
}

fn absolute(file: &Path) -> Result<PathBuf, RegisterError> {
    let name = file.file_name().ok_or_else(|| unusable(file, "it names no file"))?;
    let folder = match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    std::fs::create_dir_all(folder).map_err(|error| unusable(file, error.to_string()))?;
    let folder = folder.canonicalize().map_err(|error| unusable(file, error.to_string()))?;
    Ok(folder.join(name))
}
