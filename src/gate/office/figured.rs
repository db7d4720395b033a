//! Answers that cost much, kept for a while: the same figures are not counted for each person who looks at them.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Mutex;

use crate::clock::monotonic;

/// What took some time is kept so many times as long: counting takes a twentieth of one thread at most.
const KEPT_TIMES: u32 = 20;
/// What took less is counted again each time.
const KEPT_FROM: Duration = Duration::from_millis(50);
/// And no longer than this.
const KEPT_MAX: Duration = Duration::from_secs(60);
/// Answers that are kept at a time.
const ANSWERS_MAX: usize = 32;

#[derive(Debug)]
struct Answer<K, V> {
    of: K,
    until: Instant,
    value: Arc<V>,
}

/// Answers by what was asked; one is counted at a time, and who asks for the same waits for it.
#[derive(Debug)]
pub(super) struct Figured<K, V>(Mutex<Vec<Answer<K, V>>>);

impl<K, V> Default for Figured<K, V> {
    fn default() -> Self {
        Self(Mutex::new(Vec::new()))
    }
}

impl<K: PartialEq, V> Figured<K, V> {
    /// The kept answer, or a new one.
    pub(super) async fn get<E>(
        &self,
        of: K,
        count: impl Future<Output = Result<V, E>>,
    ) -> Result<Arc<V>, E> {
        let mut answers = self.0.lock().await;
        let began = monotonic();
        answers.retain(|answer| began < answer.until);
        if let Some(kept) = answers.iter().find(|answer| answer.of == of) {
            return Ok(Arc::clone(&kept.value));
        }
        let value = Arc::new(count.await?);
        let (now, took) = (monotonic(), began.elapsed());
        if took < KEPT_FROM {
            return Ok(value);
        }
        let until = now.checked_add((took * KEPT_TIMES).min(KEPT_MAX)).unwrap_or(now);
        if answers.len() >= ANSWERS_MAX {
            answers.remove(0);
        }
        answers.push(Answer { of, until, value: Arc::clone(&value) });
        Ok(value)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[tokio::test]
    async fn what_takes_long_is_counted_once_for_all_who_ask_at_once() {
        let (figured, counted) = (Figured::<u8, u8>::default(), AtomicUsize::new(0));
        let ask = |of: u8| {
            figured.get(of, async {
                counted.fetch_add(1, Ordering::Relaxed);
                tokio::time::sleep(Duration::from_millis(100)).await;
                Ok::<u8, ()>(7)
            })
        };
        let (a, b, c) = tokio::join!(ask(1), ask(1), ask(2));
        assert_eq!((*a.unwrap(), *b.unwrap(), *c.unwrap()), (7, 7, 7));
        assert_eq!(counted.load(Ordering::Relaxed), 2, "once for each question");
        let failed = figured.get(3, async { Err::<u8, &str>("no") }).await;
        assert_eq!(failed.unwrap_err(), "no");
        assert_eq!(*figured.get(3, async { Ok::<u8, ()>(9) }).await.unwrap(), 9);
    }
}
