//! What the register holds and held, as rows for people: lists page by page, a row's past, what a version changed.

use sqlx::{AssertSqlSafe, Row};

use crate::domain::indexed::literal;
use crate::register::error::RegisterError;
use crate::register::sources::sql::{self, SqlSource, Version, joined, separator};
use crate::register::table::Table;

/// Rows of one answer at most.
pub const ROWS_MAX: u32 = 500;

/// Which current rows.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// A text that any of these columns holds.
    pub text: Option<(String, &'static [&'static str])>,
    /// A column that is one of these values.
    pub among: Option<(&'static str, Vec<String>)>,
    /// How many are left out before.
    pub offset: u32,
    /// How many, at most [`ROWS_MAX`].
    pub limit: u32,
}

/// Current rows.
#[derive(Debug)]
pub struct Listed {
    /// The register version they were read at.
    pub version: i64,
    /// The records, by key.
    pub records: Vec<String>,
    /// Whether there are further ones.
    pub more: bool,
}

/// A row as it was.
pub struct Past {
    /// The version that it began with.
    pub from: i64,
    /// The version that it ended with; absent = current.
    pub to: Option<i64>,
    /// Its record.
    pub record: String,
}

fn keys(table: &Table) -> String {
    let keys: Vec<String> = table.key.iter().map(|name| format!("\"{name}\"")).collect();
    keys.join(", ")
}

/// Lists current rows.
///
/// # Errors
/// The source does not answer.
pub async fn list(
    source: &SqlSource,
    table: &'static Table,
    wanted: &Wanted,
) -> Result<Listed, RegisterError> {
    let mut texts: Vec<String> = Vec::new();
    let mut bind = |text: String| {
        texts.push(text);
        format!("${}", texts.len() + 1)
    };
    let mut condition = String::from("to_version is null");
    if let Some((text, columns)) = &wanted.text {
        let either = columns.iter().map(|column| {
            let (like, place) = (source.like(), bind(format!("%{}%", literal(text.trim()))));
            format!("\"{column}\" {like} {place} escape '\\'")
        });
        let either: Vec<String> = either.collect();
        condition.push_str(&format!(" and ({})", either.join(" or ")));
    }
    if let Some((column, values)) = &wanted.among {
        let places: Vec<String> = values.iter().map(|value| bind(value.clone())).collect();
        condition.push_str(&format!(" and \"{column}\" in ({})", places.join(", ")));
    }
    let limit = wanted.limit.clamp(1, ROWS_MAX);
    let (list, name, order) = (joined(table), table.name, keys(table));
    let sql = format!(
        "select {list} from {name} where {condition} order by {order} limit {} offset {}",
        limit + 1,
        wanted.offset
    );
    let mut transaction = source.read().await?;
    let version = sql::newest_version(&mut transaction).await?;
    let mut query = sqlx::query(AssertSqlSafe(sql)).bind(separator());
    for text in &texts {
        query = query.bind(text.as_str());
    }
    let rows = query.fetch_all(&mut *transaction).await?;
    transaction.rollback().await?;
    let records: Result<Vec<String>, sqlx::Error> = rows.iter().map(|row| row.try_get(0)).collect();
    let mut records = records?;
    let wanted = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = records.len() > wanted;
    records.truncate(wanted);
    Ok(Listed { version, records, more })
}

/// The rows whose `column` is `value`: current ones, then past ones, the newest first, [`ROWS_MAX`] of each at most.
///
/// # Errors
/// The source does not answer.
pub async fn past(
    source: &SqlSource,
    table: &'static Table,
    column: &'static str,
    value: &str,
) -> Result<Vec<Past>, RegisterError> {
    let (list, name) = (joined(table), table.name);
    let mut transaction = source.read().await?;
    let mut all = Vec::new();
    // One after the other: current rows and past ones have indexes of their own.
    for state in ["null", "not null"] {
        let sql = format!(
            "select {list}, from_version, to_version from {name} \
             where \"{column}\" = $2 and to_version is {state} \
             order by from_version desc limit {ROWS_MAX}"
        );
        let query = sqlx::query(AssertSqlSafe(sql)).bind(separator()).bind(value);
        for row in query.fetch_all(&mut *transaction).await? {
            let (record, from, to) = (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
            all.push(Past { from, to, record });
        }
    }
    transaction.rollback().await?;
    Ok(all)
}

/// The newest versions below `before`, at most `limit`; the newest first.
///
/// # Errors
/// The source does not answer.
pub async fn versions(
    source: &SqlSource,
    before: i64,
    limit: u32,
) -> Result<Vec<Version>, RegisterError> {
    let sql = format!(
        "select version, at, who, what from versions where version < $1 \
         order by version desc limit {}",
        limit.clamp(1, ROWS_MAX)
    );
    let mut transaction = source.read().await?;
    let query = sqlx::query(AssertSqlSafe(sql)).bind(before);
    let rows = query.fetch_all(&mut *transaction).await?;
    transaction.rollback().await?;
    let version = |row: &sqlx::any::AnyRow| {
        Ok(Version {
            version: row.try_get(0)?,
            at: row.try_get(1)?,
            who: row.try_get(2)?,
            what: row.try_get(3)?,
        })
    };
    rows.iter().map(version).collect()
}

/// The rows of a table that ended and that began with a version, at most `limit` of each.
///
/// # Errors
/// The source does not answer.
pub async fn of_version(
    source: &SqlSource,
    table: &'static Table,
    version: i64,
    limit: u32,
) -> Result<(Vec<String>, Vec<String>), RegisterError> {
    let mut transaction = source.read().await?;
    let mut both = Vec::new();
    for end in ["to_version", "from_version"] {
        let (list, name, order) = (joined(table), table.name, keys(table));
        let limit = limit.clamp(1, ROWS_MAX);
        let sql =
            format!("select {list} from {name} where {end} = $2 order by {order} limit {limit}");
        let query = sqlx::query(AssertSqlSafe(sql)).bind(separator()).bind(version);
        let rows = query.fetch_all(&mut *transaction).await?;
        let records: Result<Vec<String>, sqlx::Error> =
            rows.iter().map(|row| row.try_get(0)).collect();
        both.push(records?);
    }
    transaction.rollback().await?;
    let began = both.pop().unwrap_or_default();
    Ok((both.pop().unwrap_or_default(), began))
}
