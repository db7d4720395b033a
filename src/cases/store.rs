//! The tables: batches in, documents out. Plain column types and `$n` placeholders, for every database.

use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::Date;
use sqlx::any::AnyRow;
use sqlx::migrate::Migrator;
use sqlx::{Any, AnyConnection, AnyPool, AssertSqlSafe, Row, Transaction};

use crate::background;
use crate::cases::error::CasesError;
use crate::cases::fold::Kept;
use crate::cases::overlay::Key;
use crate::cases::rows;
use crate::domain::indexed::indexed;
use crate::domain::order::Redacted;
use crate::domain::surgeon::SurgeonId;

/// The tables.
pub static MIGRATIONS: Migrator = sqlx::migrate!("src/cases/migrations");

/// Two programs that start at once may both want to make the tables; the loser looks again.
const MIGRATE_TRIES: u32 = 5;

/// Rows of one INSERT: SQLite finds each `$n` by walking through all before it.
const ROWS_PER_INSERT: usize = 8;

/// Documents under one number or of one patient that are looked at: the newest. A patient has a few a stay.
const DOCUMENTS_PER_KEY: i64 = 500;

/// Keys of one look-up.
const KEYS_PER_QUERY: usize = 32;

/// A booking longer than this is cut: it bounds how far back a look-up goes.
pub(in crate::cases) const LONGEST_BOOKING_US: i64 = 24 * 3600 * 1_000_000;

/// Longest list that a page of a scan holds in memory.
pub(in crate::cases) const PAGE: i64 = 2_000;

/// The case index in a database.
#[derive(Clone, Debug)]
pub(in crate::cases) struct Store {
    pool: AnyPool,
    writer: AnyPool,
    /// For whoever reads on threads that give way: a connection's own thread is as nice as the one that opens it.
    aside: AnyPool,
    begin_write: &'static str,
    pub(in crate::cases) node: String,
}

/// A surgeon's time that is asked for.
#[derive(Clone, Copy, Debug)]
pub(in crate::cases) struct Span {
    pub(in crate::cases) from: Timestamp,
    pub(in crate::cases) to: Timestamp,
}

/// Which documents a scan reads.
#[derive(Clone, Copy, Debug)]
pub(in crate::cases) enum Scan<'s> {
    /// Judged in a span.
    At(Span),
    /// Operated on or after a day; of those that name a surgeon anywhere, where one is sought.
    Coming(Date, Option<&'s SurgeonId>),
    /// Without a stated time, judged since an instant; likewise.
    Untimed(Timestamp, Option<&'s SurgeonId>),
    /// Those with something to report, judged since an instant.
    Reports(Timestamp),
}

impl Scan<'_> {
    /// A page of it. It begins in the index where the page before has ended ($1 to $3): what lies before is not read
    /// again. Corrected entries are left out.
    pub(in crate::cases) fn sql(self) -> String {
        let (key, which) = match self {
            Self::At(_) => ("at", " and at < $5"),
            Self::Coming(..) => ("day", ""),
            Self::Untimed(..) => ("at", " and timed = 0"),
            Self::Reports(_) => ("at", " and reports > 0"),
        };
        let naming = if self.naming().is_some() { " and body like $5 escape '\\'" } else { "" };
        format!(
            "select {COLUMNS} from documents d \
             where ({key}, entry, nth) > ($1, $2, $3){which}{naming} \
             and not exists (select 1 from documents s \
                             where s.supersedes = d.entry and s.supersedes <> '') \
             order by {key}, entry, nth limit $4"
        )
    }

    fn naming(self) -> Option<String> {
        let (Self::Coming(_, of) | Self::Untimed(_, of)) = self else { return None };
        of.map(rows::naming)
    }
}

/// What [`read`] reads.
pub(in crate::cases) const COLUMNS: &str = "entry, nth, at, arrival, body";

impl Store {
    pub(in crate::cases) async fn open(
        pool: AnyPool,
        begin_write: &'static str,
        node: String,
    ) -> Result<Self, CasesError> {
        let mut tries = 0;
        loop {
            tries += 1;
            match MIGRATIONS.run(&pool).await {
                Ok(()) => return Ok(Self::over(pool, begin_write, node)),
                Err(error) if tries >= MIGRATE_TRIES => return Err(error.into()),
                Err(_) => tokio::time::sleep(std::time::Duration::from_millis(100)).await,
            }
        }
    }

    /// Over tables that whoever connects sees to.
    pub(in crate::cases) fn over(pool: AnyPool, begin_write: &'static str, node: String) -> Self {
        Self { writer: pool.clone(), aside: pool.clone(), pool, begin_write, node }
    }

    /// Written by connections of their own, and read by others on threads that give way.
    pub(in crate::cases) fn apart(self, writer: AnyPool, aside: AnyPool) -> Self {
        Self { writer, aside, ..self }
    }

    /// By which connections this thread reads.
    pub(in crate::cases) fn reader(&self) -> &AnyPool {
        if background::here() { &self.aside } else { &self.pool }
    }

    pub(in crate::cases) async fn close(&self) {
        self.writer.close().await;
        self.aside.close().await;
        self.pool.close().await;
    }

    /// A transaction that no other writer can overtake.
    pub(in crate::cases) async fn begin(&self) -> Result<Transaction<'static, Any>, CasesError> {
        Ok(self.writer.begin_with(self.begin_write).await?)
    }

    /// The number of the next document to arrive.
    pub(in crate::cases) async fn arrivals(&self) -> Result<i64, CasesError> {
        let sql = "select coalesce(max(arrival), 0) + 1 from documents";
        Ok(sqlx::query(sql).fetch_one(self.reader()).await?.try_get(0)?)
    }

    /// Up to which entry the own ledger has been taken over; 0 = nothing.
    pub(in crate::cases) async fn cursor(&self) -> Result<u64, CasesError> {
        let found = sqlx::query("select seq from cursors where node = $1");
        let found = found.bind(self.node.as_str()).fetch_optional(self.reader()).await?;
        let seq: i64 = found.map_or(Ok(0), |row| row.try_get(0))?;
        Ok(u64::try_from(seq).unwrap_or(0))
    }

    /// Moves the cursor on; never back.
    pub(in crate::cases) async fn advance(
        &self,
        connection: &mut AnyConnection,
        seq: u64,
    ) -> Result<(), CasesError> {
        let sql = "insert into cursors (node, seq) values ($1, $2) \
                   on conflict (node) do update set seq = excluded.seq \
                   where excluded.seq > cursors.seq";
        let seq = i64::try_from(seq).unwrap_or(i64::MAX);
        sqlx::query(sql).bind(self.node.as_str()).bind(seq).execute(connection).await?;
        Ok(())
    }

    /// Drops everything derived from the own ledger.
    pub(in crate::cases) async fn drop_own(
        &self,
        connection: &mut AnyConnection,
    ) -> Result<(), CasesError> {
        for table in ["documents", "bookings", "overrides", "cursors"] {
            let sql = AssertSqlSafe(format!("delete from {table} where node = $1"));
            sqlx::query(sql).bind(self.node.as_str()).execute(&mut *connection).await?;
        }
        Ok(())
    }

    /// Writes documents; those already written stay as they are.
    pub(in crate::cases) async fn write(
        &self,
        connection: &mut AnyConnection,
        batch: &[Arc<Kept>],
    ) -> Result<(), CasesError> {
        for rows in batch.chunks(ROWS_PER_INSERT) {
            let sql = insert("documents", 12, rows.len());
            let mut query = sqlx::query(AssertSqlSafe(sql));
            for kept in rows {
                let d = &kept.document;
                query = query
                    .bind(d.entry.as_str())
                    .bind(i64::from(d.nth))
                    .bind(self.node.as_str())
                    .bind(d.at.as_microsecond())
                    .bind(kept.arrival)
                    .bind(d.day.to_string())
                    .bind(i64::from(d.timed))
                    .bind(column(d.order_no.as_ref()))
                    .bind(column(d.patient.as_ref()))
                    .bind(d.supersedes.as_deref().unwrap_or_default())
                    .bind(i64::try_from(d.reportable.len()).unwrap_or(i64::MAX))
                    .bind(rows::write(d));
            }
            query.execute(&mut *connection).await?;
        }
        for kept in batch {
            self.write_surgeons(connection, kept).await?;
        }
        Ok(())
    }

    async fn write_surgeons(
        &self,
        connection: &mut AnyConnection,
        kept: &Kept,
    ) -> Result<(), CasesError> {
        let document = &kept.document;
        for (nth, booked) in (0_i64..).zip(&document.bookings) {
            let from = booked.from.as_microsecond();
            let to = booked.to.as_microsecond().min(from.saturating_add(LONGEST_BOOKING_US));
            sqlx::query(AssertSqlSafe(insert("bookings", 7, 1)))
                .bind(document.entry.as_str())
                .bind(i64::from(document.nth))
                .bind(nth)
                .bind(self.node.as_str())
                .bind(indexed(booked.surgeon.as_str()).into_owned())
                .bind(from)
                .bind(to)
                .execute(&mut *connection)
                .await?;
        }
        for surgeon in document.overriding() {
            sqlx::query(AssertSqlSafe(insert("overrides", 5, 1)))
                .bind(document.entry.as_str())
                .bind(i64::from(document.nth))
                .bind(indexed(surgeon.as_str()).into_owned())
                .bind(self.node.as_str())
                .bind(document.at.as_microsecond())
                .execute(&mut *connection)
                .await?;
        }
        Ok(())
    }

    /// Documents under order numbers or of patients, judged since `since`; the newest, bounded.
    pub(in crate::cases) async fn find(
        &self,
        keys: &[Key],
        since: Timestamp,
    ) -> Result<Vec<Arc<Kept>>, CasesError> {
        let (mut numbers, mut patients) = (Vec::new(), Vec::new());
        for key in keys {
            match key {
                Key::Order(number) => numbers.push(column(Some(number))),
                Key::Patient(number) => patients.push(column(Some(number))),
                Key::Surgeon(_) => {}
            }
        }
        let mut found = Vec::new();
        for (column, texts) in [("order_no", numbers), ("patient", patients)] {
            for texts in texts.chunks(KEYS_PER_QUERY) {
                found.extend(self.find_in(column, texts, since).await?);
            }
        }
        Ok(found)
    }

    async fn find_in(
        &self,
        column: &str,
        texts: &[String],
        since: Timestamp,
    ) -> Result<Vec<Arc<Kept>>, CasesError> {
        // One key, or as many as fit: two statements to keep prepared, not one for every number of keys.
        let places = if texts.len() == 1 { 1 } else { KEYS_PER_QUERY };
        let list: Vec<String> = (1..=places).map(|place| format!("${place}")).collect();
        let list = list.join(",");
        // `<> ''` lets a database use the partial index.
        let sql = format!(
            "select {COLUMNS} from documents where {column} in ({list}) and {column} <> '' \
             and at >= ${} order by at desc, arrival desc limit ${}",
            places + 1,
            places + 2
        );
        let mut query = sqlx::query(AssertSqlSafe(sql));
        for text in texts.iter().chain(std::iter::repeat(&String::new())).take(places) {
            query = query.bind(text.clone());
        }
        let limit = DOCUMENTS_PER_KEY * i64::try_from(texts.len()).unwrap_or(1);
        read(query.bind(since.as_microsecond()).bind(limit).fetch_all(self.reader()).await?)
    }

    /// Notices that have booked a surgeon in a span, in force or not.
    pub(in crate::cases) async fn booking(
        &self,
        surgeon: &SurgeonId,
        span: Span,
    ) -> Result<Vec<Arc<Kept>>, CasesError> {
        let sql = format!(
            "select {COLUMNS} from documents where (entry, nth) in \
             (select entry, nth from bookings \
              where surgeon = $1 and starts > $2 and starts < $3 and ends > $4) \
             order by at desc limit $5"
        );
        let (from, to) = (span.from.as_microsecond(), span.to.as_microsecond());
        let query = sqlx::query(AssertSqlSafe(sql))
            .bind(indexed(surgeon.as_str()).into_owned())
            .bind(from.saturating_sub(LONGEST_BOOKING_US + 1))
            .bind(to)
            .bind(from)
            .bind(DOCUMENTS_PER_KEY);
        read(query.fetch_all(self.reader()).await?)
    }

    /// Documents with an override of a surgeon, opened since an instant; of very many, the newest.
    pub(in crate::cases) async fn overriding(
        &self,
        surgeon: &SurgeonId,
        since: Timestamp,
    ) -> Result<Vec<Arc<Kept>>, CasesError> {
        // The newest are chosen by the index: no document is read that is not of them.
        let sql = format!(
            "select {COLUMNS} from documents d where (entry, nth) in \
             (select entry, nth from overrides where surgeon = $1 and at >= $2 \
              order by at desc limit $3) \
             and not exists (select 1 from documents s \
                             where s.supersedes = d.entry and s.supersedes <> '')"
        );
        let query = sqlx::query(AssertSqlSafe(sql))
            .bind(indexed(surgeon.as_str()).into_owned())
            .bind(since.as_microsecond())
            .bind(DOCUMENTS_PER_KEY);
        read(query.fetch_all(self.reader()).await?)
    }

    /// One page of a scan, after a document; `None` when there are no more.
    pub(in crate::cases) async fn page(
        &self,
        scan: Scan<'_>,
        after: Option<&Kept>,
    ) -> Result<Option<Vec<Arc<Kept>>>, CasesError> {
        let query = sqlx::query(AssertSqlSafe(scan.sql()));
        let at = |from: Timestamp| after.map_or(from, |kept| kept.document.at).as_microsecond();
        let query = match scan {
            Scan::At(Span { from, .. }) | Scan::Untimed(from, _) | Scan::Reports(from) => {
                query.bind(at(from))
            }
            Scan::Coming(day, _) => {
                query.bind(after.map_or(day, |kept| kept.document.day).to_string())
            }
        };
        // Nothing is before an empty name: without a document, the first instant and the first day are of the page.
        let entry = after.map_or("", |kept| &kept.document.entry).to_owned();
        let nth = after.map_or(-1, |kept| i64::from(kept.document.nth));
        let query = query.bind(entry).bind(nth).bind(PAGE);
        let query = match (scan, scan.naming()) {
            (Scan::At(span), _) => query.bind(span.to.as_microsecond()),
            (_, Some(pattern)) => query.bind(pattern),
            (_, None) => query,
        };
        let page = read(query.fetch_all(self.reader()).await?)?;
        Ok((!page.is_empty()).then_some(page))
    }
}

/// A number as it stands in a column, empty where there is none. The document itself holds the whole.
fn column(text: Option<&Redacted>) -> String {
    text.map_or_else(String::new, |text| indexed(text.reveal()).into_owned())
}

/// A statement that inserts so many rows, but those that are there.
pub(in crate::cases) fn insert(table: &str, columns: usize, rows: usize) -> String {
    let row = |nth: usize| {
        let numbers: Vec<String> =
            (1..=columns).map(|c| format!("${}", nth * columns + c)).collect();
        format!("({})", numbers.join(","))
    };
    let values: Vec<String> = (0..rows).map(row).collect();
    format!("insert into {table} values {} on conflict do nothing", values.join(","))
}

/// Rows of [`COLUMNS`], as documents.
pub(in crate::cases) fn read(found: Vec<AnyRow>) -> Result<Vec<Arc<Kept>>, CasesError> {
    found
        .iter()
        .map(|row| {
            let (entry, nth): (String, i64) = (row.try_get(0)?, row.try_get(1)?);
            let body: &str = row.try_get(4)?;
            let document = rows::read(body).ok_or(CasesError::Row { entry, nth })?;
            Ok(Arc::new(Kept { document, arrival: row.try_get(3)?, seq: None }))
        })
        .collect()
}
