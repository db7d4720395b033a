//! Follows the source: sees a new version when it is told of it, or within `poll`, reloads what changed, and tells who is no
//! longer known. A revoked grant must stop the next order.

use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::time::timeout;

use crate::clock;
use crate::domain::surgeon::PersonKey;
use crate::register::Inner;
use crate::register::error::RegisterError;
use crate::register::source::Touched;

/// Longest time for reading what changed. Longer than an order may wait: nobody waits for this.
const READ_WITHIN: Duration = Duration::from_secs(30);

/// Runs until the register is dropped.
pub async fn follow(register: Weak<Inner>, poll: Duration) {
    loop {
        let Some(source) = register.upgrade().map(|register| Arc::clone(&register.source)) else {
            return;
        };
        tokio::select! {
            () = tokio::time::sleep(poll) => {}
            () = source.changed() => {}
        }
        drop(source);
        let Some(register) = register.upgrade() else { return };
        let outcome = register.catch_up().await;
        register.answers_now(outcome.err());
    }
}

impl Inner {
    /// Takes over what has changed since the version known; returns the version now.
    ///
    /// # Errors
    /// The source does not answer in time; the state stays as it was.
    pub async fn catch_up(&self) -> Result<i64, RegisterError> {
        let _turn = self.catching_up.lock().await;
        let began = clock::monotonic();
        let (known, read) = {
            let state = self.state.load();
            (state.version, state.read)
        };
        let version = bounded(self.config.wait, self.source.version()).await?;
        if version != known || !read {
            let restored = version < known;
            let since = (!restored && read).then_some(known);
            let update = bounded(READ_WITHIN, self.source.since(since)).await?;
            let touched: Vec<PersonKey> = match &update.touched {
                Touched::Everybody => Vec::new(),
                Touched::Only { surgeons, names } => {
                    let ids = surgeons.iter().cloned().map(PersonKey::Id);
                    ids.chain(names.iter().cloned().map(PersonKey::Name)).collect()
                }
            };
            let next = self.state.load().after(update);
            self.state.store(Arc::new(next));
            // Only now: who reads them before finds their old floor, and keeps what is never found again.
            self.warm.touched(touched);
            if restored {
                self.answers.forget();
                self.warm.forget();
            }
        }
        self.checked.store(Arc::new(began));
        let version = self.state.load().version;
        self.told.send_if_modified(|state| {
            let news = state.version != Some(version);
            state.version = Some(version);
            news
        });
        Ok(version)
    }

    fn answers_now(&self, error: Option<RegisterError>) {
        self.told.send_if_modified(|state| {
            let news = state.answers == error.is_some();
            if news {
                state.answers = error.is_none();
                state.why = error.map(|error| error.to_string().into());
            }
            news
        });
    }
}

/// Waits for `future` no longer than `limit`.
///
/// # Errors
/// Its own, or [`RegisterError::Slow`].
pub async fn bounded<T>(
    limit: Duration,
    future: impl Future<Output = Result<T, RegisterError>>,
) -> Result<T, RegisterError> {
    timeout(limit, future).await.map_err(|_| RegisterError::Slow(limit)).flatten()
}
