//! Answers that cost much, kept for a while: the same figures are not counted for each person who looks at them, and
//! who looks while they are counted anew sees those from before.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Mutex as Turn;

use crate::background;
use crate::clock::monotonic;

/// What took some time is kept so many times as long: each kind of answer takes a fiftieth of one thread at most.
const KEPT_TIMES: u32 = 50;
/// What took less is counted again each time.
const KEPT_FROM: Duration = Duration::from_millis(50);
/// And no longer than this: what takes half a minute to count, of millions of cases, is not asked for by the minute.
const KEPT_MAX: Duration = Duration::from_secs(600);
/// An answer that has been kept for its time is given for so many times as long while it is counted anew.
const GIVEN_TIMES: u32 = 1;
/// Answers that are kept at a time.
const ANSWERS_MAX: usize = 32;

#[derive(Debug)]
struct Answer<K, V> {
    of: K,
    /// Until then nobody counts it again; and until then it is given to who asks meanwhile.
    fresh: Instant,
    given: Instant,
    /// Somebody counts it anew.
    renewed: bool,
    value: Arc<V>,
}

/// Answers by what was asked; one is counted at a time, and who asks for the same for the first time waits for it. Who
/// asks for what is kept waits for nobody. Clones share everything.
#[derive(Debug)]
pub(super) struct Figured<K, V> {
    inner: Arc<Inner<K, V>>,
}

#[derive(Debug)]
struct Inner<K, V> {
    answers: Mutex<Vec<Answer<K, V>>>,
    counting: Turn<()>,
}

impl<K, V> Clone for Figured<K, V> {
    fn clone(&self) -> Self {
        Self { inner: Arc::clone(&self.inner) }
    }
}

impl<K, V> Default for Figured<K, V> {
    fn default() -> Self {
        let inner = Inner { answers: Mutex::new(Vec::new()), counting: Turn::new(()) };
        Self { inner: Arc::new(inner) }
    }
}

impl<K, V> Figured<K, V>
where
    K: Clone + PartialEq + Send + 'static,
    V: Send + Sync + 'static,
{
    /// The kept answer, or a new one. What is too old is counted anew in the background.
    pub(super) async fn get<E: Send + 'static>(
        &self,
        of: K,
        count: impl Future<Output = Result<V, E>> + Send + 'static,
    ) -> Result<Arc<V>, E> {
        if let Some((kept, renew)) = self.inner.kept(&of) {
            if renew {
                let inner = Arc::clone(&self.inner);
                background::handle().spawn(async move {
                    let _turn = inner.counting.lock().await;
                    // Who asks next counts it and is told what is wrong.
                    if inner.count(of.clone(), count).await.is_err() {
                        inner.hold().retain(|answer| answer.of != of);
                    }
                });
            }
            return Ok(kept);
        }
        let _turn = self.inner.counting.lock().await;
        // Somebody may have counted it meanwhile.
        if let Some((kept, _)) = self.inner.kept(&of) {
            return Ok(kept);
        }
        self.inner.count(of, count).await
    }
}

impl<K: PartialEq, V> Inner<K, V> {
    async fn count<E>(
        &self,
        of: K,
        count: impl Future<Output = Result<V, E>>,
    ) -> Result<Arc<V>, E> {
        let began = monotonic();
        let value = Arc::new(count.await?);
        let (now, took) = (monotonic(), began.elapsed());
        let mut answers = self.hold();
        answers.retain(|answer| answer.of != of);
        if took >= KEPT_FROM {
            let kept = (took * KEPT_TIMES).min(KEPT_MAX);
            let until = |times: u32| now.checked_add(kept * times).unwrap_or(now);
            if answers.len() >= ANSWERS_MAX {
                answers.remove(0);
            }
            let (fresh, given) = (until(1), until(1 + GIVEN_TIMES));
            answers.push(Answer { of, fresh, given, renewed: false, value: Arc::clone(&value) });
        }
        Ok(value)
    }

    /// What is kept, and whether it falls to who asked to count it anew.
    fn kept(&self, of: &K) -> Option<(Arc<V>, bool)> {
        let (mut answers, now) = (self.hold(), monotonic());
        answers.retain(|answer| now < answer.given);
        let answer = answers.iter_mut().find(|answer| answer.of == *of)?;
        let renew = now >= answer.fresh && !answer.renewed;
        answer.renewed |= renew;
        Some((Arc::clone(&answer.value), renew))
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

    /// Takes as long as what is kept.
    async fn slow(value: u8) -> Result<u8, ()> {
        tokio::time::sleep(KEPT_FROM * 2).await;
        Ok(value)
    }

    /// Lets what is kept be too old.
    fn age(figured: &Figured<u8, u8>) {
        figured.inner.hold().iter_mut().for_each(|answer| answer.fresh = monotonic());
    }

    #[tokio::test]
    async fn what_takes_long_is_counted_once_for_all_who_ask_at_once() {
        let (figured, counted) = (Figured::<u8, u8>::default(), Arc::new(AtomicUsize::new(0)));
        let ask = |of: u8| {
            let counted = Arc::clone(&counted);
            figured.get(of, async move {
                counted.fetch_add(1, Ordering::Relaxed);
                slow(7).await
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
        assert_eq!(*figured.get(1, slow(7)).await.unwrap(), 7);
        let other = figured.get(2, std::future::pending::<Result<u8, ()>>());
        let kept = figured.get(1, async { Err::<u8, ()>(()) });
        tokio::select! {
            biased;
            _ = other => panic!("it is never counted to its end"),
            kept = kept => assert_eq!(*kept.unwrap(), 7),
        }
    }

    #[tokio::test]
    async fn what_is_too_old_is_given_while_it_is_counted_anew_once() {
        let figured = Figured::<u8, u8>::default();
        assert_eq!(*figured.get(1, slow(7)).await.unwrap(), 7);
        age(&figured);
        assert_eq!(*figured.get(1, slow(8)).await.unwrap(), 7, "nobody waits");
        assert_eq!(*figured.get(1, slow(9)).await.unwrap(), 7, "and one count is enough");
        let renewed = async {
            while *figured.get(1, slow(9)).await.unwrap() == 7 {
                tokio::time::sleep(KEPT_FROM / 10).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), renewed).await.unwrap();
        assert_eq!(*figured.get(1, slow(9)).await.unwrap(), 8);
    }

    #[tokio::test]
    async fn what_cannot_be_counted_anew_is_not_given_for_ever() {
        let figured = Figured::<u8, u8>::default();
        assert_eq!(*figured.get(1, slow(7)).await.unwrap(), 7);
        age(&figured);
        let refused = async {
            while figured.get(1, async { Err::<u8, &str>("no") }).await.is_ok() {
                tokio::time::sleep(KEPT_FROM / 10).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), refused).await.unwrap();
    }
}
