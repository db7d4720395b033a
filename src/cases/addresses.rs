//! Where FHIR servers keep orders, as a gate has learnt it: told to the other gates, so that what refers to an order by
//! its address belongs to the same case wherever it comes.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use sqlx::{AnyConnection, AssertSqlSafe, Row};

use crate::cases::Cases;
use crate::cases::error::CasesError;
use crate::cases::store::Store;
use crate::domain::indexed::indexed;

/// Addresses that wait to be written; beyond, they are not told. Each gate has its own in its ledger.
const MOST: usize = 10_000;

/// An address and the number of the order there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownAt {
    /// `http://host/fhir/ServiceRequest/77`.
    pub address: String,
    /// The order's number.
    pub order_no: String,
    pub(in crate::cases) arrival: i64,
}

/// Those that wait.
#[derive(Debug)]
pub(in crate::cases) struct Addresses {
    waiting: Mutex<(VecDeque<KnownAt>, i64)>,
}

impl Addresses {
    /// The next to arrive has the number `arrivals`.
    pub(in crate::cases) fn new(arrivals: i64) -> Self {
        Self { waiting: Mutex::new((VecDeque::new(), arrivals)) }
    }

    fn lock(&self) -> MutexGuard<'_, (VecDeque<KnownAt>, i64)> {
        // Each critical section leaves its value whole, so a poisoned lock protects nothing.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn enter(&self, address: &str, order_no: &str) {
        let mut waiting = self.lock();
        let (queue, arrival) = &mut *waiting;
        if queue.len() < MOST {
            let (address, order_no) = (address.to_owned(), order_no.to_owned());
            queue.push_back(KnownAt { address, order_no, arrival: *arrival });
            *arrival += 1;
        }
    }

    pub(in crate::cases) fn waiting(&self) -> usize {
        self.lock().0.len()
    }

    pub(in crate::cases) fn batch(&self, most: usize) -> Vec<KnownAt> {
        self.lock().0.iter().take(most).cloned().collect()
    }

    pub(in crate::cases) fn written(&self, count: usize) {
        let mut waiting = self.lock();
        let count = count.min(waiting.0.len());
        waiting.0.drain(..count);
    }
}

impl Cases {
    /// Tells other gates, where there may be any, that the order of this number is found at `address`.
    pub fn known_at(&self, address: &str, order_no: &str) {
        let order_no = order_no.trim();
        // Found by the whole, so what cannot stand there whole is not told.
        let whole = indexed(address) == address && indexed(order_no) == order_no;
        if whole && !self.inner.config.local {
            self.inner.addresses.enter(address, order_no);
            self.inner.tell();
        }
    }
}

impl Store {
    pub(in crate::cases) async fn write_addresses(
        &self,
        connection: &mut AnyConnection,
        batch: &[KnownAt],
    ) -> Result<(), CasesError> {
        for known in batch {
            let sql = "insert into addresses (address, node, arrival, order_no) \
                       values ($1, $2, $3, $4) on conflict (address) do update \
                       set node = excluded.node, arrival = excluded.arrival, \
                       order_no = excluded.order_no";
            sqlx::query(sql)
                .bind(known.address.as_str())
                .bind(self.node.as_str())
                .bind(known.arrival)
                .bind(known.order_no.as_str())
                .execute(&mut *connection)
                .await?;
        }
        Ok(())
    }

    /// A gate's addresses after an arrival, in order.
    pub(in crate::cases) async fn addresses_after(
        &self,
        node: &str,
        after: i64,
        most: i64,
    ) -> Result<Vec<KnownAt>, CasesError> {
        let sql = "select address, order_no, arrival from addresses \
                   where node = $1 and arrival > $2 order by arrival limit $3";
        let query = sqlx::query(AssertSqlSafe(sql.to_owned())).bind(node).bind(after).bind(most);
        let rows = query.fetch_all(self.reader()).await?;
        rows.iter()
            .map(|row| {
                let (address, order_no) = (row.try_get(0)?, row.try_get(1)?);
                Ok(KnownAt { address, order_no, arrival: row.try_get(2)? })
            })
            .collect()
    }
}
