//! The tables of the search index: SQLite's own form, since they never leave this gate. All of it is derived.

use jiff::Timestamp;
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, AnyPool, AssertSqlSafe, Row as _};

use crate::search::error::SearchError;
use crate::search::row::{Found, Row, Term};

/// Raised with every change of the tables or of what rows hold.
const FORM: i64 = 1;

const TABLES: &str = "
create table if not exists forms (name text primary key not null, form bigint not null);
create table if not exists search_entries (
    seq integer primary key not null,
    entry text not null,
    at bigint not null,
    kind text not null,
    file text not null,
    place bigint not null,
    terms text not null,
    summary text not null
);
create unique index if not exists search_entries_entry on search_entries (entry);
create index if not exists search_entries_at on search_entries (at);
create table if not exists search_postings (
    term bigint not null,
    seq bigint not null,
    primary key (term, seq)
) without rowid;
create table if not exists search_cursor (nought bigint primary key not null, seq bigint not null);
";

const NAMES: [&str; 3] = ["search_entries", "search_postings", "search_cursor"];

/// Rows of one INSERT: SQLite finds each `$n` by walking through all before it.
const ROWS_PER_INSERT: usize = 4;

/// Postings of one INSERT, written as numbers: no `$n` to find.
const POSTINGS_PER_INSERT: usize = 500;

const COLUMNS: &str = "e.seq, e.entry, e.at, e.kind, e.file, e.place, e.summary, e.terms";

#[derive(Clone, Debug)]
pub(in crate::search) struct Store {
    pool: AnyPool,
    writer: AnyPool,
    begin_write: &'static str,
}

/// Entries from a number, and below another.
#[derive(Clone, Copy, Debug)]
pub(in crate::search) struct Range {
    pub(in crate::search) from: u64,
    pub(in crate::search) below: u64,
}

impl Range {
    fn bounds(self) -> (i64, i64) {
        (number(self.from), number(self.below))
    }
}

fn number(seq: u64) -> i64 {
    i64::try_from(seq).unwrap_or(i64::MAX)
}

impl Store {
    pub(in crate::search) async fn open(
        pool: AnyPool,
        begin_write: &'static str,
    ) -> Result<Self, SearchError> {
        let store = Self { writer: pool.clone(), pool, begin_write };
        let mut transaction = store.writer.begin_with(begin_write).await?;
        sqlx::raw_sql(TABLES).execute(&mut *transaction).await?;
        let form = sqlx::query("select form from forms where name = 'search'");
        let form = form.fetch_optional(&mut *transaction).await?;
        let form: Option<i64> = form.map(|row| row.try_get(0)).transpose()?;
        if form != Some(FORM) {
            for name in NAMES {
                let sql = AssertSqlSafe(format!("drop table if exists {name}"));
                sqlx::query(sql).execute(&mut *transaction).await?;
            }
            sqlx::raw_sql(TABLES).execute(&mut *transaction).await?;
            let sql = "insert into forms (name, form) values ('search', $1) \
                       on conflict (name) do update set form = excluded.form";
            sqlx::query(sql).bind(FORM).execute(&mut *transaction).await?;
        }
        transaction.commit().await?;
        Ok(store)
    }

    /// Written by connections of their own.
    pub(in crate::search) fn written_by(self, writer: AnyPool) -> Self {
        Self { writer, ..self }
    }

    pub(in crate::search) async fn close(&self) {
        self.writer.close().await;
        self.pool.close().await;
    }

    pub(in crate::search) async fn cursor(&self) -> Result<u64, SearchError> {
        let row = sqlx::query("select seq from search_cursor").fetch_optional(&self.pool).await?;
        let seq: i64 = row.map_or(Ok(0), |row| row.try_get(0))?;
        Ok(u64::try_from(seq).unwrap_or(0))
    }

    pub(in crate::search) async fn clear(&self) -> Result<(), SearchError> {
        let mut transaction = self.writer.begin_with(self.begin_write).await?;
        for name in NAMES {
            let sql = AssertSqlSafe(format!("delete from {name}"));
            sqlx::query(sql).execute(&mut *transaction).await?;
        }
        Ok(transaction.commit().await?)
    }

    pub(in crate::search) async fn take(&self, rows: &[Row], seq: u64) -> Result<(), SearchError> {
        let mut transaction = self.writer.begin_with(self.begin_write).await?;
        for rows in rows.chunks(ROWS_PER_INSERT) {
            let values: Vec<String> = (0..rows.len()).map(values).collect();
            let values = values.join(",");
            let sql = format!(
                "insert into search_entries (seq, entry, at, kind, file, place, terms, summary) \
                 values {values} on conflict do nothing"
            );
            let mut query = sqlx::query(AssertSqlSafe(sql));
            for row in rows {
                let terms: Vec<String> = row.terms.iter().map(Term::written).collect();
                query = query
                    .bind(number(row.seq))
                    .bind(row.entry.as_str())
                    .bind(row.at.as_microsecond())
                    .bind(row.kind)
                    .bind(row.file.as_str())
                    .bind(number(row.offset))
                    .bind(terms.join("\n"))
                    .bind(row.summary.as_str());
            }
            query.execute(&mut *transaction).await?;
        }
        let postings = rows.iter().flat_map(|row| {
            row.terms.iter().map(move |term| format!("({},{})", term.number(), row.seq))
        });
        let postings: Vec<String> = postings.collect();
        for postings in postings.chunks(POSTINGS_PER_INSERT) {
            let sql = format!(
                "insert into search_postings (term, seq) values {} on conflict do nothing",
                postings.join(",")
            );
            sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut *transaction).await?;
        }
        let sql = "insert into search_cursor (nought, seq) values (0, $1) \
                   on conflict (nought) do update set seq = excluded.seq \
                   where excluded.seq > search_cursor.seq";
        sqlx::query(sql).bind(number(seq)).execute(&mut *transaction).await?;
        Ok(transaction.commit().await?)
    }

    /// The entries of a span of time, roughly: times may run back a little. `None`: there are none.
    pub(in crate::search) async fn range(
        &self,
        since: Option<Timestamp>,
        until: Option<Timestamp>,
        before: Option<u64>,
    ) -> Result<Option<Range>, SearchError> {
        let mut range = Range { from: 0, below: before.unwrap_or(u64::MAX) };
        if let Some(since) = since {
            let sql = "select seq from search_entries where at >= $1 order by at, seq limit 1";
            match self.seq(sql, since).await? {
                Some(first) => range.from = first,
                None => return Ok(None),
            }
        }
        if let Some(until) = until {
            let sql =
                "select seq from search_entries where at < $1 order by at desc, seq desc limit 1";
            match self.seq(sql, until).await? {
                Some(last) => range.below = range.below.min(last.saturating_add(1)),
                None => return Ok(None),
            }
        }
        Ok((range.from < range.below).then_some(range))
    }

    async fn seq(&self, sql: &'static str, at: Timestamp) -> Result<Option<u64>, SearchError> {
        let query = sqlx::query(sql).bind(at.as_microsecond());
        let row = query.fetch_optional(&self.pool).await?;
        let seq: Option<i64> = row.map(|row| row.try_get(0)).transpose()?;
        Ok(seq.and_then(|seq| u64::try_from(seq).ok()))
    }

    /// How many entries bear a term, counted up to `most`.
    pub(in crate::search) async fn count(
        &self,
        term: i64,
        range: Range,
        most: u32,
    ) -> Result<i64, SearchError> {
        let sql = "select count(*) from (select 1 from search_postings \
                   where term = $1 and seq >= $2 and seq < $3 limit $4)";
        let (from, below) = range.bounds();
        let query = sqlx::query(sql).bind(term).bind(from).bind(below).bind(i64::from(most));
        Ok(query.fetch_one(&self.pool).await?.try_get(0)?)
    }

    /// The entry at which a scan of `most` stops; `None` when it reaches the end.
    pub(in crate::search) async fn floor(
        &self,
        term: Option<i64>,
        range: Range,
        most: u32,
    ) -> Result<Option<u64>, SearchError> {
        let (from, below) = range.bounds();
        let query = match term {
            Some(term) => sqlx::query(
                "select seq from search_postings where term = $1 and seq >= $2 and seq < $3 \
                 order by seq desc limit 1 offset $4",
            )
            .bind(term),
            None => sqlx::query(
                "select seq from search_entries where seq >= $1 and seq < $2 \
                 order by seq desc limit 1 offset $3",
            ),
        };
        let query = query.bind(from).bind(below).bind(i64::from(most));
        let row = query.fetch_optional(&self.pool).await?;
        let seq: Option<i64> = row.map(|row| row.try_get(0)).transpose()?;
        Ok(seq.and_then(|seq| u64::try_from(seq).ok()))
    }

    /// Entries that bear every term, the newest first; without terms, decisions.
    pub(in crate::search) async fn find(
        &self,
        terms: &[i64],
        range: Range,
        most: u32,
    ) -> Result<Vec<Found>, SearchError> {
        let (from, below) = range.bounds();
        let sql = if terms.is_empty() {
            format!(
                "select {COLUMNS} from search_entries e where e.seq >= $1 and e.seq < $2 \
                 and e.kind = 'decision' order by e.seq desc limit $3"
            )
        } else {
            let further = (1..terms.len()).map(|nth| {
                format!(
                    " and exists (select 1 from search_postings q \
                     where q.term = ${} and q.seq = p.seq)",
                    nth + 4
                )
            });
            let further: String = further.collect();
            // A cross join is walked through in the order written: postings first.
            format!(
                "select {COLUMNS} from search_postings p cross join search_entries e \
                 where e.seq = p.seq and p.seq >= $1 and p.seq < $2 and p.term = $4{further} \
                 order by p.seq desc limit $3"
            )
        };
        let query = sqlx::query(AssertSqlSafe(sql)).bind(from).bind(below).bind(i64::from(most));
        let query = terms.iter().fold(query, |query, term| query.bind(*term));
        let rows = query.fetch_all(&self.pool).await?;
        rows.iter().map(read).collect()
    }

    pub(in crate::search) async fn entry(&self, id: &str) -> Result<Option<Found>, SearchError> {
        let mut connection = self.pool.acquire().await?;
        entry(&mut connection, id).await
    }
}

async fn entry(connection: &mut AnyConnection, id: &str) -> Result<Option<Found>, SearchError> {
    let sql = format!("select {COLUMNS} from search_entries e where e.entry = $1");
    let row = sqlx::query(AssertSqlSafe(sql)).bind(id).fetch_optional(connection).await?;
    row.as_ref().map(read).transpose()
}

fn read(row: &AnyRow) -> Result<Found, SearchError> {
    let seq: i64 = row.try_get(0)?;
    let at = Timestamp::from_microsecond(row.try_get(2)?).map_err(|_| SearchError::Row(seq))?;
    let whole = |number: i64| u64::try_from(number).map_err(|_| SearchError::Row(seq));
    Ok(Found {
        seq: whole(seq)?,
        entry: row.try_get(1)?,
        at,
        kind: row.try_get(3)?,
        file: row.try_get(4)?,
        offset: whole(row.try_get(5)?)?,
        summary: row.try_get(6)?,
        terms: row.try_get(7)?,
    })
}

/// `($1,…,$8)` of the nth row.
fn values(nth: usize) -> String {
    let places: Vec<String> = (1..=8).map(|place| format!("${}", nth * 8 + place)).collect();
    format!("({})", places.join(","))
}
