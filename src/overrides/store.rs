//! The tables of override files. Plain column types and `$n` placeholders; everything in them is derived.

use jiff::Timestamp;
use sqlx::any::AnyRow;
use sqlx::{Any, AnyConnection, AnyPool, AssertSqlSafe, Row, Transaction};

use crate::domain::indexed::indexed;
use crate::overrides::act::Recorded;
use crate::overrides::copies::is_open;
use crate::overrides::error::OverridesError;
use crate::overrides::file::{FileId, Opened, Opening, OverrideFile};

/// Raised with every change of the tables: an index of another form is dropped and derived anew.
const FORM: i64 = 4;

/// The tables. Those of a shared index stay: a gate drops the rows of its own only.
pub const TABLES: &str = "
create table if not exists forms (name text primary key not null, form bigint not null);
create table if not exists override_files (
    entry text not null,
    nth bigint not null,
    node text not null,
    at bigint not null,
    state text not null,
    due bigint not null,
    surgeon text not null,
    department text not null,
    body text not null,
    primary key (entry, nth)
);
create index if not exists override_files_at on override_files (at);
create index if not exists override_files_open on override_files (due) where state = 'open';
create index if not exists override_files_surgeon on override_files (surgeon, at);
create table if not exists override_acts (
    id text primary key not null,
    node text not null,
    entry text not null,
    seq bigint not null,
    at bigint not null,
    body text not null
);
create index if not exists override_acts_entry on override_acts (entry);
create table if not exists override_superseded (
    entry text primary key not null,
    node text not null
);
create table if not exists override_copies (
    entry text primary key not null,
    node text not null,
    original text not null
);
create table if not exists override_messages (
    message text primary key not null,
    entry text not null,
    node text not null,
    at bigint not null
);
create table if not exists override_cursors (
    node text primary key not null,
    seq bigint not null
);
";

const NAMES: [&str; 6] = [
    "override_files",
    "override_acts",
    "override_superseded",
    "override_copies",
    "override_messages",
    "override_cursors",
];

/// Only one act at a time, whichever gate's console it is done at ("override" as a number).
const HOLD: &str = "begin; select pg_advisory_xact_lock(8031170)";

/// Openings are compared with those of other gates one batch after the other.
const SHARED_WRITE: &str = "begin; lock table override_files in share row exclusive mode";

#[derive(Clone, Debug)]
pub(in crate::overrides) struct Store {
    pool: AnyPool,
    writer: AnyPool,
    begin_write: &'static str,
    /// Whose ledger the rows are derived from.
    pub(in crate::overrides) node: String,
    pub(in crate::overrides) shared: bool,
}

impl Store {
    /// Makes the tables; whether they are empty since they were of another form or not there.
    pub(in crate::overrides) async fn open(
        pool: AnyPool,
        begin_write: &'static str,
    ) -> Result<(Self, bool), OverridesError> {
        let writer = pool.clone();
        let store = Self { pool, writer, begin_write, node: String::new(), shared: false };
        let mut transaction = store.writer.begin_with(begin_write).await?;
        sqlx::raw_sql(TABLES).execute(&mut *transaction).await?;
        let form = sqlx::query("select form from forms where name = 'overrides'");
        let form = form.fetch_optional(&mut *transaction).await?;
        let form: Option<i64> = form.map(|row| row.try_get(0)).transpose()?;
        let fresh = form != Some(FORM);
        if fresh {
            for name in NAMES {
                let sql = AssertSqlSafe(format!("drop table if exists {name}"));
                sqlx::query(sql).execute(&mut *transaction).await?;
            }
            sqlx::raw_sql(TABLES).execute(&mut *transaction).await?;
            let sql = "insert into forms (name, form) values ('overrides', $1) \
                       on conflict (name) do update set form = excluded.form";
            sqlx::query(sql).bind(FORM).execute(&mut *transaction).await?;
        }
        transaction.commit().await?;
        Ok((store, fresh))
    }

    /// Over tables of several gates, which whoever connects sees to.
    pub(in crate::overrides) fn over(pool: AnyPool, node: String) -> Self {
        Self { writer: pool.clone(), pool, begin_write: SHARED_WRITE, node, shared: true }
    }

    /// Written by connections of their own.
    pub(in crate::overrides) fn written_by(self, writer: AnyPool) -> Self {
        Self { writer, ..self }
    }

    /// Keeps other gates from acting until it is dropped.
    pub(in crate::overrides) async fn hold(
        &self,
    ) -> Result<Option<Transaction<'static, Any>>, OverridesError> {
        if !self.shared {
            return Ok(None);
        }
        Ok(Some(self.pool.begin_with(HOLD).await?))
    }

    /// Up to which entry the own ledger was taken into a shared index; `None` where whoever derives both knows.
    pub(in crate::overrides) async fn cursor(&self) -> Result<Option<u64>, OverridesError> {
        if !self.shared {
            return Ok(None);
        }
        let sql = "select seq from override_cursors where node = $1";
        let found = sqlx::query(sql).bind(self.node.as_str()).fetch_optional(&self.pool).await?;
        let seq: i64 = found.map_or(Ok(0), |row| row.try_get(0))?;
        Ok(Some(u64::try_from(seq).unwrap_or(0)))
    }

    /// Everything up to there was taken.
    pub(in crate::overrides) async fn advance(&self, seq: u64) -> Result<(), OverridesError> {
        if !self.shared {
            return Ok(());
        }
        let sql = "insert into override_cursors (node, seq) values ($1, $2) \
                   on conflict (node) do update set seq = excluded.seq";
        let seq = i64::try_from(seq).unwrap_or(i64::MAX);
        sqlx::query(sql).bind(self.node.as_str()).bind(seq).execute(&self.pool).await?;
        Ok(())
    }

    /// Where an act stands among those of its file: by the place in the ledger, and where there are several ledgers,
    /// by the time.
    fn place(&self, recorded: &Recorded) -> i64 {
        if self.shared {
            recorded.at.as_microsecond()
        } else {
            i64::try_from(recorded.seq).unwrap_or(i64::MAX)
        }
    }

    pub(in crate::overrides) async fn clear(&self) -> Result<(), OverridesError> {
        let mut transaction = self.writer.begin_with(self.begin_write).await?;
        for name in NAMES {
            let sql = AssertSqlSafe(format!("delete from {name} where node = $1"));
            sqlx::query(sql).bind(self.node.as_str()).execute(&mut *transaction).await?;
        }
        Ok(transaction.commit().await?)
    }

    /// Takes openings and acts in; those known stay as they are.
    pub(in crate::overrides) async fn take(
        &self,
        openings: &[Opening],
        acts: &[Recorded],
        bodies: &[String],
    ) -> Result<(), OverridesError> {
        let mut transaction = self.writer.begin_with(self.begin_write).await?;
        let connection = &mut *transaction;
        let mut touched: Vec<&str> = Vec::new();
        for opening in openings {
            if let Some(entry) = &opening.supersedes {
                let sql = "insert into override_superseded (entry, node) values ($1, $2) \
                           on conflict do nothing";
                let query = sqlx::query(sql).bind(entry.as_str()).bind(self.node.as_str());
                query.execute(&mut *connection).await?;
                let sql = "delete from override_files where entry = $1";
                sqlx::query(sql).bind(entry.as_str()).execute(&mut *connection).await?;
            }
            let original = self.original(connection, opening).await?;
            for opened in &opening.files {
                if let Some(original) = &original
                    && is_open(connection, original, &opened.id).await?
                {
                    continue;
                }
                self.insert(connection, opened).await?;
                touched.push(&opened.id.entry);
            }
        }
        for (recorded, body) in acts.iter().zip(bodies) {
            let sql = "insert into override_acts (id, entry, seq, at, body, node) \
                       values ($1, $2, $3, $4, $5, $6) on conflict do nothing";
            sqlx::query(sql)
                .bind(recorded.entry.as_str())
                .bind(recorded.of.as_str())
                .bind(self.place(recorded))
                .bind(recorded.at.as_microsecond())
                .bind(body.as_str())
                .bind(self.node.as_str())
                .execute(&mut *connection)
                .await?;
            touched.push(&recorded.of);
        }
        touched.sort_unstable();
        touched.dedup();
        for entry in touched {
            for file in of_entry(connection, entry).await? {
                stand(connection, &file).await?;
            }
        }
        Ok(transaction.commit().await?)
    }

    async fn insert(
        &self,
        connection: &mut AnyConnection,
        opened: &Opened,
    ) -> Result<(), OverridesError> {
        let file = OverrideFile::new(opened.clone());
        let sql = "insert into override_files \
                   (entry, nth, at, state, due, surgeon, department, body, node) \
                   select $1, $2, $3, $4, $5, $6, $7, $8, $9 \
                   where not exists (select 1 from override_superseded where entry = $10) \
                   on conflict do nothing";
        sqlx::query(sql)
            .bind(opened.id.entry.as_str())
            .bind(i64::from(opened.id.case))
            .bind(opened.at.as_microsecond())
            .bind(file.state.as_str())
            .bind(file.due.as_microsecond())
            .bind(indexed(opened.surgeon.staff.as_deref().unwrap_or_default()).into_owned())
            .bind(indexed(opened.department.as_deref().unwrap_or_default()).into_owned())
            .bind(serde_json::to_string(opened).unwrap_or_default())
            .bind(self.node.as_str())
            .bind(opened.id.entry.as_str())
            .execute(connection)
            .await?;
        Ok(())
    }

    /// The files of a decision entry.
    pub(in crate::overrides) async fn of_entry(
        &self,
        entry: &str,
    ) -> Result<Vec<OverrideFile>, OverridesError> {
        of_entry(&mut *self.pool.acquire().await?, entry).await
    }

    /// Files that a condition names, the newest first.
    pub(in crate::overrides) async fn list(
        &self,
        condition: &str,
        texts: &[String],
        numbers: &[i64],
        order: &str,
        limit: i64,
    ) -> Result<Vec<OverrideFile>, OverridesError> {
        let mut connection = self.pool.acquire().await?;
        let sql = format!(
            "select entry, nth, body from override_files where {condition} {order} limit {limit}"
        );
        let mut query = sqlx::query(AssertSqlSafe(sql));
        for text in texts {
            query = query.bind(text.as_str());
        }
        for number in numbers {
            query = query.bind(*number);
        }
        let rows = query.fetch_all(&mut *connection).await?;
        let mut files = Vec::with_capacity(rows.len());
        for row in &rows {
            let opened = opened(row)?;
            let acts = acts(&mut connection, &opened.id.entry).await?;
            files.push(OverrideFile::fold(opened, acts));
        }
        Ok(files)
    }

    /// How many files a condition names.
    pub(in crate::overrides) async fn count(
        &self,
        condition: &str,
        texts: &[String],
        numbers: &[i64],
    ) -> Result<u64, OverridesError> {
        let sql = format!("select count(*) from override_files where {condition}");
        let mut query = sqlx::query(AssertSqlSafe(sql));
        for text in texts {
            query = query.bind(text.as_str());
        }
        for number in numbers {
            query = query.bind(*number);
        }
        let count: i64 = query.fetch_one(&self.pool).await?.try_get(0)?;
        Ok(u64::try_from(count).unwrap_or(0))
    }
}

/// Writes where a file stands, for the lists.
async fn stand(connection: &mut AnyConnection, file: &OverrideFile) -> Result<(), OverridesError> {
    let sql = "update override_files set state = $1, due = $2 where entry = $3 and nth = $4";
    sqlx::query(sql)
        .bind(file.state.as_str())
        .bind(file.due.as_microsecond())
        .bind(file.opened.id.entry.as_str())
        .bind(i64::from(file.opened.id.case))
        .execute(connection)
        .await?;
    Ok(())
}

async fn of_entry(
    connection: &mut AnyConnection,
    entry: &str,
) -> Result<Vec<OverrideFile>, OverridesError> {
    let sql = "select entry, nth, body from override_files where entry = $1 order by nth";
    let rows = sqlx::query(sql).bind(entry).fetch_all(&mut *connection).await?;
    let acts = acts(connection, entry).await?;
    rows.iter().map(|row| Ok(OverrideFile::fold(opened(row)?, acts.clone()))).collect()
}

async fn acts(
    connection: &mut AnyConnection,
    entry: &str,
) -> Result<Vec<Recorded>, OverridesError> {
    let sql = "select id, seq, at, body from override_acts where entry = $1 order by seq";
    let rows = sqlx::query(sql).bind(entry).fetch_all(connection).await?;
    rows.iter()
        .map(|row| {
            let (id, seq, at): (String, i64, i64) =
                (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
            let (body, at) = (row.try_get::<String, _>(3)?, Timestamp::from_microsecond(at));
            let seq = u64::try_from(seq).unwrap_or(0);
            let read = Recorded::read(&id, seq, at.unwrap_or_default(), &body);
            read.ok_or(OverridesError::Row(id))
        })
        .collect()
}

fn opened(row: &AnyRow) -> Result<Opened, OverridesError> {
    let (entry, nth): (String, i64) = (row.try_get(0)?, row.try_get(1)?);
    let body: String = row.try_get(2)?;
    serde_json::from_str(&body).map_err(|_| {
        let case = u32::try_from(nth).unwrap_or(u32::MAX);
        OverridesError::Row(FileId { entry, case }.to_string())
    })
}
