//! What the other gates of a shared database have entered: read behind them, in the order in which each wrote.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::Timestamp;
use sqlx::{AssertSqlSafe, Row};

use crate::cases::Cases;
use crate::cases::addresses::KnownAt;
use crate::cases::document::Document;
use crate::cases::error::CasesError;
use crate::cases::fold::Kept;
use crate::cases::store::{COLUMNS, Store, read};

/// Documents of one reading.
const PAGE: i64 = 500;

/// How far each other gate has been followed.
#[derive(Debug, Default)]
pub struct Others {
    arrivals: HashMap<String, i64>,
    addresses: HashMap<String, i64>,
}

/// What was heard of them.
#[derive(Debug, Default)]
pub struct Heard {
    /// What they have judged.
    pub documents: Vec<Document>,
    /// Where FHIR servers keep orders.
    pub addresses: Vec<KnownAt>,
}

impl Heard {
    /// Nothing new.
    pub fn nothing(&self) -> bool {
        self.documents.is_empty() && self.addresses.is_empty()
    }
}

impl Cases {
    /// The next documents of other gates, those judged since `since` when a gate is met first; empty when all are read.
    /// They stay in memory for whoever cannot wait for the database.
    ///
    /// # Errors
    /// The database does not answer; then they are read the next time.
    pub async fn of_others(
        &self,
        others: &mut Others,
        since: Timestamp,
    ) -> Result<Heard, CasesError> {
        let store = &self.inner.store;
        let mut heard = Heard::default();
        for node in store.other_nodes().await? {
            let after = match others.arrivals.get(&node) {
                Some(after) => *after,
                None => store.first_arrival(&node, since).await?.saturating_sub(1),
            };
            let read = store.after_arrival(&node, after, PAGE).await?;
            let after = read.last().map_or(after, |kept| kept.arrival);
            heard.documents.extend(read.iter().map(|kept| kept.document.clone()));
            self.inner.recent.keep(read);
            others.arrivals.insert(node.clone(), after);
            let after = others.addresses.get(&node).copied().unwrap_or(i64::MIN);
            let read = store.addresses_after(&node, after, PAGE).await?;
            let after = read.last().map_or(after, |known| known.arrival);
            heard.addresses.extend(read);
            others.addresses.insert(node, after);
        }
        Ok(heard)
    }
}

impl Store {
    /// Gates that have written here, but for this one.
    async fn other_nodes(&self) -> Result<Vec<String>, CasesError> {
        let sql = "select node from cursors where node <> $1";
        let rows = sqlx::query(sql).bind(self.node.as_str()).fetch_all(self.reader()).await?;
        rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
    }

    /// The arrival of a gate's first document that was judged since an instant; without any, the one behind its last.
    async fn first_arrival(&self, node: &str, since: Timestamp) -> Result<i64, CasesError> {
        let sql = "select coalesce((select min(arrival) from documents where node = $1 and at >= $2), \
                   (select max(arrival) + 1 from documents where node = $3), 0)";
        let query = sqlx::query(sql).bind(node).bind(since.as_microsecond()).bind(node);
        Ok(query.fetch_one(self.reader()).await?.try_get(0)?)
    }

    /// A gate's documents after an arrival, in order.
    async fn after_arrival(
        &self,
        node: &str,
        after: i64,
        most: i64,
    ) -> Result<Vec<Arc<Kept>>, CasesError> {
        let sql = format!(
            "select {COLUMNS} from documents where node = $1 and arrival > $2 \
             order by arrival limit $3"
        );
        let query = sqlx::query(AssertSqlSafe(sql)).bind(node).bind(after).bind(most);
        read(query.fetch_all(self.reader()).await?)
    }
}
