//! What was made of files, and is made anew when they change. Connections keep what they began with.

use std::fmt;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;

use crate::net::tls::facts::Facts;
use crate::net::tls::files::TlsError;

/// A configuration and the own certificate in it.
pub(super) struct Made<C> {
    pub(super) config: Arc<C>,
    pub(super) own: Option<Facts>,
}

/// How a configuration is made of files.
type Make<C> = Box<dyn Fn() -> Result<Made<C>, TlsError> + Send + Sync>;

/// By what a change of a file is seen; `None`: it is not there.
type Stamp = Vec<Option<(u64, u64, u64, i64, i64)>>;

/// A configuration that follows its files.
pub(super) struct Kept<C> {
    files: Vec<PathBuf>,
    make: Make<C>,
    now: ArcSwap<Made<C>>,
    looked: Mutex<Looked>,
}

struct Looked {
    /// The files as they were when they were last used, or found unusable.
    used: Stamp,
    /// As they were at the last look.
    last: Stamp,
}

/// What a look at the files came to.
#[derive(Debug)]
pub enum Look {
    /// Nothing has changed, or it is still changing.
    Same,
    /// New files are in use.
    New,
    /// The new files cannot be used; what was goes on.
    Unusable(TlsError),
}

/// What follows its files, whatever it is.
pub trait Follows: Send + Sync {
    /// Looks at the files, and takes them into use when they have changed and were the same at the look before: who
    /// writes certificate and key one after the other is not met between. Reads files: not for the threads that serve.
    fn look(&self) -> Look;
    /// The own certificate, if there is one.
    fn own(&self) -> Option<Facts>;
    /// The private key's file, if there is one.
    fn key_file(&self) -> Option<&Path>;
}

impl<C> Kept<C> {
    /// Makes it for the first time.
    pub(super) fn new(files: Vec<PathBuf>, make: Make<C>) -> Result<Self, TlsError> {
        let used = stamp(&files);
        let now = ArcSwap::from_pointee(make()?);
        let looked = Mutex::new(Looked { last: used.clone(), used });
        Ok(Self { files, make, now, looked })
    }

    /// What is in use now.
    pub(super) fn now(&self) -> Arc<Made<C>> {
        self.now.load_full()
    }

    pub(super) fn look(&self) -> Look {
        let seen = stamp(&self.files);
        // Each critical section leaves it whole.
        let mut looked = self.looked.lock().unwrap_or_else(PoisonError::into_inner);
        let settled = looked.last == seen;
        looked.last.clone_from(&seen);
        if looked.used == seen || !settled {
            return Look::Same;
        }
        looked.used = seen;
        match (self.make)() {
            Ok(made) => {
                self.now.store(Arc::new(made));
                Look::New
            }
            Err(error) => Look::Unusable(error),
        }
    }
}

impl<C> fmt::Debug for Kept<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Kept").field("files", &self.files).finish_non_exhaustive()
    }
}

fn stamp(files: &[PathBuf]) -> Stamp {
    let one = |file: &PathBuf| {
        let about = std::fs::metadata(file).ok()?;
        Some((about.dev(), about.ino(), about.len(), about.mtime(), about.mtime_nsec()))
    };
    files.iter().map(one).collect()
}
