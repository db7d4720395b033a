//! What the database tells (LISTEN): a wake-up, never the news itself. Whoever is woken reads what has changed; whoever
//! is not, because the connection was lost, finds out by asking.

use std::sync::Arc;
use std::time::Duration;

use sqlx::postgres::PgListener;
use sqlx::{Executor, PgPool};
use tokio::sync::Notify;
use tokio::task::AbortHandle;
use tokio::time::timeout;

/// A connection that has told nothing for so long is asked whether it still stands.
const QUIET: Duration = Duration::from_secs(15);
/// How long it may take to answer.
const ANSWERS_WITHIN: Duration = Duration::from_secs(5);
/// A connection that was lost is sought again so often.
const RETRY: Duration = Duration::from_millis(500);

/// Listens until it is dropped.
#[derive(Debug)]
pub struct News {
    woken: Arc<Notify>,
    listening: AbortHandle,
}

impl News {
    /// Listens on `channel`, as soon as the database answers.
    pub(super) fn listen(pool: PgPool, channel: &'static str) -> Self {
        let woken = Arc::new(Notify::new());
        let told = Arc::clone(&woken);
        let listening = tokio::spawn(async move {
            loop {
                // Why it was lost is told by whoever asks the database.
                let _ = listen(&pool, channel, &told).await;
                tokio::time::sleep(RETRY).await;
            }
        });
        Self { woken, listening: listening.abort_handle() }
    }

    /// Waits for something new, or for a connection that may have missed it. Nothing told between two calls is lost.
    pub async fn next(&self) {
        self.woken.notified().await;
    }
}

impl Drop for News {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

async fn listen(pool: &PgPool, channel: &str, told: &Notify) -> Result<(), sqlx::Error> {
    let mut listener = PgListener::connect_with(pool).await?;
    listener.ignore_pool_close_event(true);
    listener.listen(channel).await?;
    // What was told while nobody listened was missed.
    told.notify_one();
    loop {
        match timeout(QUIET, listener.try_recv()).await {
            Ok(Ok(Some(_))) => told.notify_one(),
            Ok(Ok(None)) => return Ok(()),
            Ok(Err(error)) => return Err(error),
            Err(_) => {
                let asked = timeout(ANSWERS_WITHIN, listener.execute("select 1")).await;
                asked.map_err(|_| sqlx::Error::PoolTimedOut)??;
            }
        }
    }
}
