//! Answers that cost much, kept for a while: the same figures are not counted for each person who looks at them.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Mutex as Turn;

use crate::clock::monotonic;

/// What took some time is kept so many times as long: counting takes a twentieth of one thread at most.
const KEPT_TIMES: u32 = 20;
/// What took less is counted again each time.
const KEPT_FROM: Duration = Duration::from_millis(50);
/// And no longer than this: what takes half a minute to count, of millions of cases, is not asked for by the minute.
const KEPT_MAX: Duration = Duration::from_secs(600);
/// Answers that are kept at a time.
const ANSWERS_MAX: usize = 32;

#[derive(Debug)]
struct Answer<K, V> {
    of: K,
    until: Instant,
    value: Arc<V>,
}

/// Answers by what was asked; one is counted at a time, and who asks for the same waits for it. Who asks for what is
/// kept waits for nobody.
#[derive(Debug)]
pub(super) struct Figured<K, V> {
    answers: Mutex<Vec<Answer<K, V>>>,
    counting: Turn<()>,
}

impl<K, V> Default for Figured<K, V> {
    fn default() -> Self {
        Self { answers: Mutex::new(Vec::new()), counting: Turn::new(()) }
    }
}

impl<K: PartialEq, V> Figured<K, V> {
    /// The kept answer, or a new one.
    pub(super) async fn get<E>(
        &self,
        of: K,
        count: impl Future<Output = Result<V, E>>,
    ) -> Result<Arc<V>, E> {
        if let Some(kept) = self.kept(&of) {
            return Ok(kept);
        }
        let _turn = self.counting.lock().await;
        // Somebody may have counted it meanwhile.
        if let Some(kept) = self.kept(&of) {
            return Ok(kept);
        }
        let began = monotonic();
        let value = Arc::new(count.await?);
        let (now, took) = (monotonic(), began.elapsed());
        if took >= KEPT_FROM {
            let until = now.checked_add((took * KEPT_TIMES).min(KEPT_MAX)).unwrap_or(now);
            let mut answers = self.hold();
            if answers.len() >= ANSWERS_MAX {
                answers.remove(0);
            }
            answers.push(Answer { of, until, value: Arc::clone(&value) });
        }
        Ok(value)
    }

    fn kept(&self, of: &K) -> Option<Arc<V>> {
        let (mut answers, now) = (self.hold(), monotonic());
        answers.retain(|answer| now < answer.until);
        answers.iter().find(|answer| answer.of == *of).map(|answer| Arc::clone(&answer.value))
    }

    fn hold(&self) -> MutexGuard<'_, Vec<Answer<K, V>>> {
        // Each critical section leaves the answers whole.
        self.answers.lock().unwrap_or_else(PoisonError::into_inner)
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
    #[tokio::test]
    async fn what_is_kept_is_given_while_something_else_is_counted() {
        let figured = Figured::<u8, u8>::default();
        let slow = async {
            tokio::time::sleep(KEPT_FROM * 2).await;
            Ok::<u8, ()>(7)
        };
        assert_eq!(*figured.get(1, slow).await.unwrap(), 7);
        let other = figured.get(2, std::future::pending::<Result<u8, ()>>());
        let kept = figured.get(1, async { Err::<u8, ()>(()) });
        tokio::select! {
            biased;
            _ = other => panic!("it is never counted to its end"),
            kept = kept => assert_eq!(*kept.unwrap(), 7),
        }
    }
}
