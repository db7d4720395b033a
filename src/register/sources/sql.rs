//! The register as SQL tables: one set of statements for every database that sqlx reaches.
//!
//! Only BIGINT and TEXT columns, `$n` placeholders in order of first use: SQLite and PostgreSQL read
//! both alike. A row is fetched as one text, its cells joined (see `record.rs`).

use std::sync::Arc;

use sqlx::{Any, AnyConnection, AnyPool, AssertSqlSafe, Row, Transaction};

use crate::domain::calendar::Calendar;
use crate::domain::catalogue::Catalogue;
use crate::domain::consequence::Consequence;
use crate::domain::discussion::Discussion;
use crate::domain::indexed::storable;
use crate::domain::surgeon::{Surgeon, SurgeonId};
use crate::domain::technique::Lists;
use crate::register::error::RegisterError;
use crate::register::import::calendar::CALENDAR;
use crate::register::import::catalogue::CATALOGUE;
use crate::register::import::consequence;
use crate::register::import::dossiers::DOSSIERS;
use crate::register::import::grants::GRANTS;
use crate::register::import::roster::ROSTER;
use crate::register::import::surgeons::SURGEONS;
use crate::register::import::techniques::TECHNIQUES;
use crate::register::record::{Fields, SEPARATOR};
use crate::register::roster::Roster;
use crate::register::rows;
use crate::register::source::{
    About, Bearers, Fetch, Latest, Page, Reading, Sought, Source, Told, Touched, Update,
};
use crate::register::sources::postgres::News;
use crate::register::table::Table;

/// What differs between databases.
#[derive(Clone, Copy, Debug)]
pub struct Dialect {
    /// Starts a transaction that sees one snapshot.
    pub begin_read: &'static str,
    /// Starts a transaction that no other writer can overtake.
    pub begin_write: &'static str,
    /// Whether the database is inside this machine.
    pub local: bool,
    /// Compares with a pattern, whatever the case of Latin letters.
    pub like: &'static str,
}

/// A register in a database.
#[derive(Clone, Debug)]
pub struct SqlSource {
    pool: AnyPool,
    dialect: Dialect,
    news: Option<Arc<News>>,
    surgeon_by_id: Arc<str>,
    grants_of: Arc<str>,
}

/// The SELECT list that joins a table's cells with `$1`, as `row`.
pub fn joined(table: &Table) -> String {
    let names: Vec<String> = table.columns.iter().map(|c| format!("\"{}\"", c.name)).collect();
    names.join("||$1||")
}

/// The cell separator as a bind value.
pub fn separator() -> String {
    SEPARATOR.to_string()
}

/// The newest version.
///
/// # Errors
/// The source does not answer.
pub async fn newest_version(connection: &mut AnyConnection) -> Result<i64, RegisterError> {
    let row =
        sqlx::query("select coalesce(max(version), 0) from versions").fetch_one(connection).await?;
    Ok(row.try_get(0)?)
}

/// All current records of a table, by key.
///
/// # Errors
/// The source does not answer.
pub async fn current(
    connection: &mut AnyConnection,
    table: &'static Table,
) -> Result<Vec<String>, RegisterError> {
    let keys: Vec<String> = table.key.iter().map(|name| format!("\"{name}\"")).collect();
    let sql = format!(
        "select {} from {} where to_version is null order by {}",
        joined(table),
        table.name,
        keys.join(", ")
    );
    let rows = sqlx::query(AssertSqlSafe(sql)).bind(separator()).fetch_all(connection).await?;
    rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
}

/// All current rows of a table, as nouns.
async fn all<T>(
    connection: &mut AnyConnection,
    table: &'static Table,
    read: fn(&Fields<'_>) -> Result<T, RegisterError>,
) -> Result<Vec<T>, RegisterError> {
    let records = current(connection, table).await?;
    records.iter().map(|record| read(&Fields::split(table, record))).collect()
}

impl SqlSource {
    /// A register behind `pool`, whose tables exist.
    pub fn new(pool: AnyPool, dialect: Dialect) -> Self {
        let by_id = |table: &Table, order: &str| {
            let (list, name) = (joined(table), table.name);
            format!(
                "select {list} from {name} where \"surgeon_id\" = $2 and to_version is null {order}"
            )
            .into()
        };
        Self {
            pool,
            dialect,
            news: None,
            surgeon_by_id: by_id(&SURGEONS, ""),
            grants_of: by_id(&GRANTS, "order by \"code\", \"grade\", \"right\", \"valid_from\""),
        }
    }

    /// The same, where the database tells of its changes.
    pub fn told_by(self, news: Arc<News>) -> Self {
        Self { news: Some(news), ..self }
    }

    /// Compares with a pattern, whatever the case of Latin letters.
    pub fn like(&self) -> &'static str {
        self.dialect.like
    }

    /// A transaction that sees one snapshot.
    ///
    /// # Errors
    /// The source does not answer.
    pub async fn read(&self) -> Result<Transaction<'static, Any>, RegisterError> {
        Ok(self.pool.begin_with(self.dialect.begin_read).await?)
    }

    /// A transaction that may write.
    ///
    /// # Errors
    /// The source does not answer, or another import is under way for too long.
    pub async fn write(&self) -> Result<Transaction<'static, Any>, RegisterError> {
        Ok(self.pool.begin_with(self.dialect.begin_write).await?)
    }

    /// Every version made after `known`, oldest first.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn versions_after(&self, known: i64) -> Result<Vec<Version>, RegisterError> {
        let rows = sqlx::query(
            "select version, at, who, what from versions where version > $1 order by version",
        )
        .bind(known)
        .fetch_all(&self.pool)
        .await?;
        rows.iter()
            .map(|row| {
                Ok(Version {
                    version: row.try_get(0)?,
                    at: row.try_get(1)?,
                    who: row.try_get(2)?,
                    what: row.try_get(3)?,
                })
            })
            .collect()
    }

    /// What the versions made after `known` newly prohibit, stop or leave uncovered, each with its version.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn consequences_after(
        &self,
        known: i64,
    ) -> Result<Vec<(i64, Consequence)>, RegisterError> {
        let mut connection = self.pool.acquire().await?;
        consequence::stored_after(&mut connection, known).await
    }

    /// Waits until all connections are closed.
    pub async fn close(&self) {
        self.pool.close().await;
    }

    async fn read_surgeon(
        &self,
        id: &SurgeonId,
    ) -> Result<Reading<Option<Surgeon>>, RegisterError> {
        let id = storable(id.as_str()).into_owned();
        let mut transaction = self.read().await?;
        let version = newest_version(&mut transaction).await?;
        let found = sqlx::query(AssertSqlSafe(Arc::clone(&self.surgeon_by_id)))
            .bind(separator())
            .bind(id.clone())
            .fetch_optional(&mut *transaction)
            .await?;
        let Some(found) = found else {
            return Ok(Reading { version, value: None });
        };
        let held = sqlx::query(AssertSqlSafe(Arc::clone(&self.grants_of)))
            .bind(separator())
            .bind(id.clone())
            .fetch_all(&mut *transaction)
            .await?;
        transaction.rollback().await?;
        let mut grants = Vec::with_capacity(held.len());
        for row in &held {
            grants.push(rows::grant(&Fields::split(&GRANTS, row.try_get(0)?))?);
        }
        let surgeon = rows::surgeon(&Fields::split(&SURGEONS, found.try_get(0)?), grants)?;
        Ok(Reading { version, value: Some(surgeon) })
    }

    async fn read_version(&self) -> Result<i64, RegisterError> {
        let mut connection = self.pool.acquire().await?;
        newest_version(&mut connection).await
    }

    async fn read_since(&self, known: Option<i64>) -> Result<Update, RegisterError> {
        let mut transaction = self.read().await?;
        let version = newest_version(&mut transaction).await?;
        // A version lower than the one known: the database was put back from a copy.
        let known = known.filter(|known| *known <= version);
        let changes = Changes::read(&mut transaction, known).await?;
        let mut update = Update {
            version,
            catalogue: None,
            roster: None,
            lists: None,
            calendar: None,
            discussions: changes.discussions,
            order_rights_in_use: false,
            touched: changes.touched,
        };
        if changes.catalogue {
            let items = all(&mut transaction, &CATALOGUE, rows::procedure).await?;
            update.catalogue = Some(Catalogue::new(version, items));
        }
        if changes.roster {
            let shifts = all(&mut transaction, &ROSTER, rows::shift).await?;
            update.roster = Some(Roster::new(version, shifts));
        }
        if changes.lists {
            let techniques = all(&mut transaction, &TECHNIQUES, rows::technique).await?;
            let dossiers = all(&mut transaction, &DOSSIERS, rows::dossier).await?;
            update.lists = Some(Lists::new(version, techniques, dossiers));
        }
        if changes.calendar {
            let days = all(&mut transaction, &CALENDAR, rows::calendar_day).await?;
            update.calendar = Some(Calendar::new(days));
        }
        let order = sqlx::query(
            "select \"surgeon_id\" from grants \
             where to_version is null and \"right\" = 'order' limit 1",
        )
        .fetch_optional(&mut *transaction)
        .await?;
        transaction.rollback().await?;
        update.order_rights_in_use = order.is_some();
        Ok(update)
    }
}

struct Changes {
    catalogue: bool,
    roster: bool,
    lists: bool,
    calendar: bool,
    discussions: bool,
    touched: Touched,
}

impl Changes {
    async fn read(
        connection: &mut AnyConnection,
        known: Option<i64>,
    ) -> Result<Self, RegisterError> {
        let of_all = |whole| Self {
            catalogue: whole,
            roster: whole,
            lists: whole,
            calendar: whole,
            discussions: whole,
            touched: Touched::Everybody,
        };
        let Some(known) = known else {
            return Ok(of_all(true));
        };
        let mut changes = of_all(false);
        let found = sqlx::query("select distinct what, key from changes where version > $1")
            .bind(known)
            .fetch_all(connection)
            .await?;
        let (mut surgeons, mut names, mut everybody) = (Vec::new(), Vec::new(), false);
        for row in &found {
            let key: &str = row.try_get(1)?;
            match row.try_get::<&str, _>(0)? {
                "catalogue" => changes.catalogue = true,
                "roster" => changes.roster = true,
                "techniques" | "dossiers" => changes.lists = true,
                "calendar" => changes.calendar = true,
                "discussions" => changes.discussions = true,
                "surgeon" => surgeons.extend(SurgeonId::new(key)),
                "name" => names.push(key.to_owned()),
                // What this program does not know may touch anything.
                _ => everybody = true,
            }
        }
        if !everybody {
            changes.touched = Touched::Only { surgeons, names };
        }
        Ok(changes)
    }
}

impl Source for SqlSource {
    fn is_local(&self) -> bool {
        self.dialect.local
    }

    fn changed(&self) -> Told<'_> {
        match &self.news {
            Some(news) => Box::pin(news.next()),
            None => Box::pin(std::future::pending()),
        }
    }

    fn version(&self) -> Fetch<'_, i64> {
        Box::pin(self.read_version())
    }

    fn since(&self, known: Option<i64>) -> Fetch<'_, Update> {
        Box::pin(self.read_since(known))
    }

    fn surgeon<'a>(&'a self, id: &'a SurgeonId) -> Fetch<'a, Reading<Option<Surgeon>>> {
        Box::pin(self.read_surgeon(id))
    }

    fn page<'a>(&'a self, after: Option<&'a str>, most: u32) -> Fetch<'a, Reading<Page>> {
        Box::pin(self.read_page(after, most))
    }

    fn latest_discussions(&self, most: u32) -> Fetch<'_, Reading<Latest>> {
        Box::pin(self.read_latest_discussions(most))
    }

    fn bearers<'a>(&'a self, folded: &'a str) -> Fetch<'a, Reading<Bearers>> {
        Box::pin(self.read_bearers(folded))
    }

    fn discussions<'a>(&'a self, about: &'a About) -> Fetch<'a, Reading<Vec<Discussion>>> {
        Box::pin(self.read_discussions(about))
    }

    fn colleagues<'a>(
        &'a self,
        sought: &'a Sought,
    ) -> Fetch<'a, Reading<Vec<(SurgeonId, String)>>> {
        Box::pin(self.read_colleagues(sought))
    }
}

/// One version of the register: who made it, when, and what it did.
#[derive(Clone, Debug)]
pub struct Version {
    /// Its number.
    pub version: i64,
    /// When, as written.
    pub at: String,
    /// Who.
    pub who: String,
    /// What.
    pub what: String,
}
