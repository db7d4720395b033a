//! Threads of low priority, for what people look at and for the indexes behind it: whatever they ask for, routes come
//! first. One set for the process.

use std::cell::Cell;
use std::future::Future;
use std::sync::LazyLock;

use rustix::process::setpriority_process;
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::task::{JoinError, JoinSet};

/// How nice these threads are: against a thread of a route, each gets about a tenth of a processor.
const NICENESS: i32 = 10;
/// Pages are made from what databases answer; two keep both of a small machine's processors busy, if they are free.
const THREADS: usize = 2;
/// Readings of files and tables that are written, at a time.
const BLOCKING_MAX: usize = 8;

thread_local! {
    static HERE: Cell<bool> = const { Cell::new(false) };
}

static RUNTIME: LazyLock<Option<Runtime>> = LazyLock::new(|| {
    let mut builder = Builder::new_multi_thread();
    builder.worker_threads(THREADS).max_blocking_threads(BLOCKING_MAX).thread_name("background");
    builder.on_thread_start(|| {
        // Linux sets the priority of the calling thread alone. Where it is not permitted, all are equal, as before.
        let _ = setpriority_process(None, NICENESS);
        HERE.set(true);
    });
    builder.enable_all().build().ok()
});

/// Where such work is spawned; the caller's own runtime if no threads can be had.
///
/// # Panics
/// Outside of a runtime, if no threads can be had.
pub fn handle() -> Handle {
    RUNTIME.as_ref().map_or_else(Handle::current, |runtime| runtime.handle().clone())
}

/// Whether this thread is one of them.
pub fn here() -> bool {
    HERE.get()
}

/// Runs a future there to its end, or until nobody waits for it any more.
///
/// # Errors
/// It panicked.
pub async fn run<T: Send + 'static>(
    future: impl Future<Output = T> + Send + 'static,
) -> Result<T, JoinError> {
    let mut set = JoinSet::new();
    set.spawn_on(future, &handle());
    match set.join_next().await {
        Some(done) => done,
        // A set of one task has one to join.
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn work_runs_on_threads_that_give_way() {
        let niceness = || rustix::process::getpriority_process(None).unwrap();
        let own = niceness();
        let there = run(async move { (niceness(), here()) }).await.unwrap();
        assert_eq!(there, (own + NICENESS, true));
        assert_eq!((niceness(), here()), (own, false), "and the others are as they were");
    }

    #[tokio::test]
    async fn what_nobody_waits_for_any_more_ends() {
        let (tell, mut told) = tokio::sync::mpsc::channel::<()>(1);
        let waiting = run(async move {
            let _held = tell;
            std::future::pending::<()>().await;
        });
        assert!(tokio::time::timeout(Duration::from_millis(50), waiting).await.is_err());
        assert_eq!(told.recv().await, None, "it let go of what it held");
    }
}
