//! What is kept of pulls in the register's database: resources as read, rows as stated, and how far pulls have come.

use std::collections::{BTreeMap, HashMap, HashSet};

use jiff::Timestamp;
use sqlx::{AnyConnection, Row};

use crate::register::error::RegisterError;
use crate::register::sources::fhir::facts::{Kind, Resource};

/// Rows of one INSERT, as in `import/apply.rs`.
const ROWS_PER_INSERT: usize = 12;

/// How far pulls have come.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct State {
    /// How many pulls were applied.
    pub seq: i64,
    /// By what settings the kept resources were read.
    pub print: String,
    /// When the last pull ended, by the clock of the gate that pulled; none: never.
    pub pulled_at: Option<Timestamp>,
    /// The same of the last full one.
    pub full_at: Option<Timestamp>,
}

/// Which resources are known, by a digest of what they say.
pub(super) type Known = HashMap<(Kind, String), [u8; 32]>;

/// A row as the server stated it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stated {
    pub(super) table: &'static str,
    pub(super) key: String,
    pub(super) practitioner: String,
    pub(super) record: String,
}

pub(super) fn digest(text: &str) -> [u8; 32] {
    let mut out = [0; 32];
    out.copy_from_slice(ring::digest::digest(&ring::digest::SHA256, text.as_bytes()).as_ref());
    out
}

/// How far pulls have come; the default where there was none.
///
/// # Errors
/// The source does not answer.
pub async fn state(connection: &mut AnyConnection) -> Result<State, RegisterError> {
    let sql = "select seq, print, pulled_at, full_at from fhir_pulls where id = 1";
    let Some(row) = sqlx::query(sql).fetch_optional(connection).await? else {
        return Ok(State::default());
    };
    let time = |micros: i64| {
        (micros > 0).then(|| Timestamp::from_microsecond(micros)).and_then(Result::ok)
    };
    Ok(State {
        seq: row.try_get(0)?,
        print: row.try_get(1)?,
        pulled_at: time(row.try_get(2)?),
        full_at: time(row.try_get(3)?),
    })
}

pub(super) async fn set_state(
    connection: &mut AnyConnection,
    state: &State,
) -> Result<(), RegisterError> {
    let micros = |time: Option<Timestamp>| time.map_or(0, |time| time.as_microsecond());
    sqlx::query(
        "insert into fhir_pulls (id, seq, print, pulled_at, full_at) values (1, $1, $2, $3, $4) \
         on conflict (id) do update set seq = excluded.seq, print = excluded.print, \
         pulled_at = excluded.pulled_at, full_at = excluded.full_at",
    )
    .bind(state.seq)
    .bind(state.print.as_str())
    .bind(micros(state.pulled_at))
    .bind(micros(state.full_at))
    .execute(connection)
    .await?;
    Ok(())
}

/// Every known resource.
pub(super) async fn known(connection: &mut AnyConnection) -> Result<Known, RegisterError> {
    use futures_util::TryStreamExt as _;
    let mut known = Known::new();
    let mut rows = sqlx::query("select kind, id, facts from fhir_resources").fetch(connection);
    while let Some(row) = rows.try_next().await? {
        let (kind, facts): (&str, &str) = (row.try_get(0)?, row.try_get(2)?);
        if let Some(kind) = Kind::of(kind) {
            known.insert((kind, row.try_get(1)?), digest(facts));
        }
    }
    Ok(known)
}

/// What is kept of a resource.
pub(super) async fn facts(
    connection: &mut AnyConnection,
    kind: Kind,
    id: &str,
) -> Result<Option<String>, RegisterError> {
    let sql = "select facts from fhir_resources where kind = $1 and id = $2";
    let row = sqlx::query(sql).bind(kind.as_str()).bind(id).fetch_optional(connection).await?;
    Ok(row.map(|row| row.try_get(0)).transpose()?)
}

/// How many resources of each kind are known.
pub(super) async fn held(
    connection: &mut AnyConnection,
) -> Result<BTreeMap<Kind, i128>, RegisterError> {
    let sql = "select kind, count(*) from fhir_resources group by kind";
    let mut held = BTreeMap::new();
    for row in sqlx::query(sql).fetch_all(connection).await? {
        if let Some(kind) = Kind::of(row.try_get(0)?) {
            held.insert(kind, i128::from(row.try_get::<i64, _>(1)?));
        }
    }
    Ok(held)
}

/// Whose the kept resource is.
pub(super) async fn practitioner_of(
    connection: &mut AnyConnection,
    kind: Kind,
    id: &str,
) -> Result<Option<String>, RegisterError> {
    let sql = "select practitioner from fhir_resources where kind = $1 and id = $2";
    let row = sqlx::query(sql).bind(kind.as_str()).bind(id).fetch_optional(connection).await?;
    Ok(row.map(|row| row.try_get(0)).transpose()?)
}

/// Everybody of whom anything is kept.
pub(super) async fn practitioners(
    connection: &mut AnyConnection,
) -> Result<Vec<String>, RegisterError> {
    let sql = "select distinct practitioner from fhir_resources where practitioner <> ''";
    let rows = sqlx::query(sql).fetch_all(connection).await?;
    rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
}

/// The kept resources of a practitioner.
pub(super) async fn resources_of(
    connection: &mut AnyConnection,
    practitioner: &str,
) -> Result<Vec<Resource>, RegisterError> {
    let sql = "select kind, id, facts from fhir_resources where practitioner = $1";
    let rows = sqlx::query(sql).bind(practitioner).fetch_all(connection).await?;
    let mut all = Vec::with_capacity(rows.len());
    for row in &rows {
        let kind = Kind::of(row.try_get(0)?);
        let kept =
            kind.and_then(|kind| Resource::kept(kind, row.try_get(1).ok()?, row.try_get(2).ok()?));
        all.push(kept.ok_or(RegisterError::Row { table: "fhir_resources", column: "facts" })?);
    }
    Ok(all)
}

/// Who bears a staff number.
pub(super) async fn bearers(
    connection: &mut AnyConnection,
    staff: &str,
) -> Result<Vec<String>, RegisterError> {
    let sql = "select id from fhir_resources where staff = $1 and staff <> ''";
    let rows = sqlx::query(sql).bind(staff).fetch_all(connection).await?;
    rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
}

/// The rows that the server stated last of a practitioner.
pub(super) async fn stated_of(
    connection: &mut AnyConnection,
    practitioner: &str,
) -> Result<Vec<Stated>, RegisterError> {
    let sql = "select \"table\", key, record from fhir_rows where practitioner = $1";
    let rows = sqlx::query(sql).bind(practitioner).fetch_all(connection).await?;
    let mut stated = Vec::with_capacity(rows.len());
    for row in &rows {
        let table = crate::register::import::table(row.try_get(0)?);
        let table = table.ok_or(RegisterError::Row { table: "fhir_rows", column: "table" })?.name;
        let (key, record) = (row.try_get(1)?, row.try_get(2)?);
        stated.push(Stated { table, key, practitioner: practitioner.to_owned(), record });
    }
    Ok(stated)
}

/// How many rows of each table the server stated.
pub(super) async fn counts(
    connection: &mut AnyConnection,
) -> Result<BTreeMap<String, u64>, RegisterError> {
    let sql = "select \"table\", count(*) from fhir_rows group by \"table\"";
    let rows = sqlx::query(sql).fetch_all(connection).await?;
    rows.iter()
        .map(|row| {
            let count: i64 = row.try_get(1)?;
            Ok((row.try_get(0)?, u64::try_from(count).unwrap_or_default()))
        })
        .collect()
}

/// Keeps resources as they are now, and forgets those that are gone.
pub(super) async fn put(
    connection: &mut AnyConnection,
    changed: &[Resource],
    gone: &[(Kind, String)],
) -> Result<(), RegisterError> {
    let delete = "delete from fhir_resources where kind = $1 and id = $2";
    let replaced = changed.iter().map(|own| (own.kind(), own.id.as_str()));
    for (kind, id) in replaced.chain(gone.iter().map(|(kind, id)| (*kind, id.as_str()))) {
        sqlx::query(delete).bind(kind.as_str()).bind(id).execute(&mut *connection).await?;
    }
    for chunk in changed.chunks(ROWS_PER_INSERT) {
        let sql = insert("fhir_resources (kind, id, practitioner, staff, facts)", 5, chunk.len());
        let mut query = sqlx::query(sqlx::AssertSqlSafe(sql));
        for own in chunk {
            query = query
                .bind(own.kind().as_str())
                .bind(own.id.as_str())
                .bind(own.practitioner())
                .bind(own.staff())
                .bind(own.written());
        }
        query.execute(&mut *connection).await?;
    }
    Ok(())
}

/// Keeps rows as they are stated now, and forgets those of these keys besides.
pub(super) async fn put_stated(
    connection: &mut AnyConnection,
    now: &[&Stated],
    forgotten: &HashSet<(&'static str, String)>,
) -> Result<(), RegisterError> {
    let delete = "delete from fhir_rows where \"table\" = $1 and key = $2";
    for (table, key) in forgotten {
        sqlx::query(delete).bind(*table).bind(key.as_str()).execute(&mut *connection).await?;
    }
    for chunk in now.chunks(ROWS_PER_INSERT) {
        let sql = insert("fhir_rows (\"table\", key, practitioner, record)", 4, chunk.len());
        let mut query = sqlx::query(sqlx::AssertSqlSafe(sql));
        for own in chunk {
            query = query
                .bind(own.table)
                .bind(own.key.as_str())
                .bind(own.practitioner.as_str())
                .bind(own.record.as_str());
        }
        query.execute(&mut *connection).await?;
    }
    Ok(())
}

fn insert(into: &str, width: usize, rows: usize) -> String {
    let row = |nth: usize| {
        let places = (1..=width).map(|at| format!("${}", nth * width + at));
        format!("({})", places.collect::<Vec<_>>().join(", "))
    };
    let rows: Vec<String> = (0..rows).map(row).collect();
    format!("insert into {into} values {}", rows.join(", "))
}
