//! Work that is done once, whichever of several gates does it: a row with a time says whose duty it is.
//!
//! The time is the database's, so clocks of gates may differ. A gate that stops gives its duties back; those of one that
//! was killed are taken over when the time has run out.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use sqlx::{AnyPool, Row};
use tokio::time::timeout;

use crate::clock;
use crate::register::error::RegisterError;
use crate::register::sources::postgres::server::{Part, Server};

/// How long a duty is held without a word.
const LEASE: Duration = Duration::from_secs(15);
/// A duty is asked for again after this, well before it would be lost.
const RENEW: Duration = Duration::from_secs(4);
/// How long the database may take to answer; less than is left of a lease that is renewed in time.
const ANSWERS_WITHIN: Duration = Duration::from_secs(4);

/// The table.
pub const TABLE: &str = "
create table if not exists duties (
    name text primary key not null,
    node text not null,
    until bigint not null,
    done text not null
);
";

/// The duties of a gate. Clones share everything.
#[derive(Clone)]
pub struct Duties {
    shared: Option<Arc<Shared>>,
}

struct Shared {
    pool: AnyPool,
    node: String,
    held: Mutex<HashMap<&'static str, Held>>,
}

#[derive(Clone)]
struct Held {
    asked: Instant,
    done: String,
}

/// A duty that is this gate's for now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Duty {
    /// What whoever had it before has left word of; absent where nobody shares it.
    pub done: Option<String>,
}

impl Duties {
    /// Of a gate that shares nothing: all are its own.
    pub fn own() -> Self {
        Self { shared: None }
    }

    /// Of the gate `node`, in a part of `server` whose tables have [`TABLE`].
    ///
    /// # Errors
    /// The address cannot be used.
    pub fn shared(
        server: &Server,
        part: Part,
        node: impl Into<String>,
    ) -> Result<Self, RegisterError> {
        let (pool, node) = (server.pool(part)?, node.into());
        Ok(Self { shared: Some(Arc::new(Shared { pool, node, held: Mutex::default() })) })
    }

    /// Whether other gates may have them.
    pub fn are_shared(&self) -> bool {
        self.shared.is_some()
    }

    /// Takes or keeps a duty, or finds that another gate has it.
    ///
    /// # Errors
    /// The database does not answer, and the duty may be another's by now.
    pub async fn hold(&self, name: &'static str) -> Result<Option<Duty>, RegisterError> {
        let Some(shared) = &self.shared else { return Ok(Some(Duty { done: None })) };
        let now = clock::monotonic();
        let held = shared.held(name);
        if let Some(held) = held.filter(|held| now.duration_since(held.asked) < RENEW) {
            return Ok(Some(Duty { done: Some(held.done) }));
        }
        let asking = shared.ask(name);
        let answer = timeout(ANSWERS_WITHIN, asking).await;
        let done = answer.map_err(|_| RegisterError::Slow(ANSWERS_WITHIN)).flatten()?;
        // Counted from before the question, so that this gate lets go before the row does.
        shared.keep(name, done.clone().map(|done| Held { asked: now, done }));
        Ok(done.map(|done| Duty { done: Some(done) }))
    }

    /// Leaves word of what is done, for whoever has the duty next. None is left of a duty that is another's by now: that
    /// gate does it again.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn done(&self, name: &'static str, done: &str) -> Result<(), RegisterError> {
        let Some(shared) = &self.shared else { return Ok(()) };
        let sql = "update duties set done = $1 where name = $2 and node = $3";
        let query = sqlx::query(sql).bind(done).bind(name).bind(shared.node.as_str());
        query.execute(&shared.pool).await?;
        shared.keep(name, None);
        Ok(())
    }

    /// Gives all duties back: the gate stops.
    pub async fn give_back(&self) {
        let Some(shared) = &self.shared else { return };
        let sql = "update duties set until = 0 where node = $1";
        let giving = sqlx::query(sql).bind(shared.node.as_str()).execute(&shared.pool);
        // If it does not go through, time does it.
        let _ = timeout(ANSWERS_WITHIN, giving).await;
        shared.pool.close().await;
    }
}

impl Shared {
    fn held(&self, name: &'static str) -> Option<Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    fn keep(&self, name: &'static str, held: Option<Held>) {
        let mut all = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        match held {
            Some(held) => all.insert(name, held),
            None => all.remove(name),
        };
    }

    /// What was done, if the duty is this gate's.
    async fn ask(&self, name: &str) -> Result<Option<String>, RegisterError> {
        let now = "(extract(epoch from clock_timestamp()) * 1000000)::bigint";
        let sql = format!(
            "insert into duties (name, node, until, done) values ($1, $2, {now} + $3, '') \
             on conflict (name) do update set node = excluded.node, until = excluded.until \
             where duties.node = excluded.node or duties.until < {now} returning done"
        );
        let lease = i64::try_from(LEASE.as_micros()).unwrap_or(i64::MAX);
        let query = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(name).bind(self.node.as_str());
        let row = query.bind(lease).fetch_optional(&self.pool).await?;
        Ok(row.map(|row| row.try_get(0)).transpose()?)
    }
}
