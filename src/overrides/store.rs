//! The tables of override files. Plain column types and `$n` placeholders; everything in them is derived.

use jiff::Timestamp;
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, AnyPool, AssertSqlSafe, Row};

use crate::overrides::act::Recorded;
use crate::overrides::error::OverridesError;
use crate::overrides::file::{FileId, Opened, Opening, OverrideFile};

/// Raised with every change of the tables: an index of another form is dropped and derived anew.
const FORM: i64 = 3;

const TABLES: &str = "
create table if not exists forms (name text primary key not null, form bigint not null);
create table if not exists override_files (
    entry text not null,
    nth bigint not null,
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
    entry text not null,
    seq bigint not null,
    at bigint not null,
    body text not null
);
create index if not exists override_acts_entry on override_acts (entry);
create table if not exists override_superseded (entry text primary key not null);
create table if not exists override_copies (
    entry text primary key not null,
    original text not null
);
";

const NAMES: [&str; 4] =
    ["override_files", "override_acts", "override_superseded", "override_copies"];

#[derive(Clone, Debug)]
pub(in crate::overrides) struct Store {
    pool: AnyPool,
    begin_write: &'static str,
}

impl Store {
    /// Makes the tables; whether they are empty since they were of another form or not there.
    pub(in crate::overrides) async fn open(
        pool: AnyPool,
        begin_write: &'static str,
    ) -> Result<(Self, bool), OverridesError> {
        let store = Self { pool, begin_write };
        let mut transaction = store.pool.begin_with(begin_write).await?;
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

    pub(in crate::overrides) async fn clear(&self) -> Result<(), OverridesError> {
        let mut transaction = self.pool.begin_with(self.begin_write).await?;
        for name in NAMES {
            let sql = AssertSqlSafe(format!("delete from {name}"));
            sqlx::query(sql).execute(&mut *transaction).await?;
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
        let mut transaction = self.pool.begin_with(self.begin_write).await?;
        let connection = &mut *transaction;
        let mut touched: Vec<&str> = Vec::new();
        for opening in openings {
            if let Some(entry) = &opening.supersedes {
                let sql =
                    "insert into override_superseded (entry) values ($1) on conflict do nothing";
                sqlx::query(sql).bind(entry.as_str()).execute(&mut *connection).await?;
                let sql = "delete from override_files where entry = $1";
                sqlx::query(sql).bind(entry.as_str()).execute(&mut *connection).await?;
            }
            let original = original(connection, opening).await?;
            for opened in &opening.files {
                if let Some(original) = &original
                    && is_open(connection, original, &opened.id).await?
                {
                    continue;
                }
                insert(connection, opened).await?;
                touched.push(&opened.id.entry);
            }
        }
        for (recorded, body) in acts.iter().zip(bodies) {
            let sql = "insert into override_acts (id, entry, seq, at, body) \
                       values ($1, $2, $3, $4, $5) on conflict do nothing";
            sqlx::query(sql)
                .bind(recorded.entry.as_str())
                .bind(recorded.of.as_str())
                .bind(i64::try_from(recorded.seq).unwrap_or(i64::MAX))
                .bind(recorded.at.as_microsecond())
                .bind(body.as_str())
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

/// The entry that a message came with first; copies of copies lead to it. `None`: with this one.
async fn original(
    connection: &mut AnyConnection,
    opening: &Opening,
) -> Result<Option<String>, OverridesError> {
    let (Some(before), Some(own)) = (&opening.copy_of, opening.files.first()) else {
        return Ok(None);
    };
    let sql = "select original from override_copies where entry = $1";
    let original = sqlx::query(sql).bind(before.as_str()).fetch_optional(&mut *connection).await?;
    let original: Option<String> = original.map(|row| row.try_get(0)).transpose()?;
    let original = original.unwrap_or_else(|| before.clone());
    let sql =
        "insert into override_copies (entry, original) values ($1, $2) on conflict do nothing";
    let query = sqlx::query(sql).bind(own.id.entry.as_str()).bind(original.as_str());
    query.execute(connection).await?;
    Ok(Some(original))
}

/// Whether the message has opened this case's file, when it came first or as a copy.
async fn is_open(
    connection: &mut AnyConnection,
    original: &str,
    id: &FileId,
) -> Result<bool, OverridesError> {
    let sql = "select count(*) from override_files where nth = $1 and (entry = $2 \
               or entry in (select entry from override_copies where original = $3))";
    let query = sqlx::query(sql).bind(i64::from(id.case)).bind(original).bind(original);
    Ok(query.fetch_one(connection).await?.try_get::<i64, _>(0)? > 0)
}

async fn insert(connection: &mut AnyConnection, opened: &Opened) -> Result<(), OverridesError> {
    let file = OverrideFile::new(opened.clone());
    let sql = "insert into override_files (entry, nth, at, state, due, surgeon, department, body) \
               select $1, $2, $3, $4, $5, $6, $7, $8 \
               where not exists (select 1 from override_superseded where entry = $9) \
               on conflict do nothing";
    sqlx::query(sql)
        .bind(opened.id.entry.as_str())
        .bind(i64::from(opened.id.case))
        .bind(opened.at.as_microsecond())
        .bind(file.state.as_str())
        .bind(file.due.as_microsecond())
        .bind(opened.surgeon.staff.as_deref().unwrap_or_default())
        .bind(opened.department.as_deref().unwrap_or_default())
        .bind(serde_json::to_string(opened).unwrap_or_default())
        .bind(opened.id.entry.as_str())
        .execute(connection)
        .await?;
    Ok(())
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
