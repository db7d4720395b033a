//! What the gate notices by itself (a route that is down, a report that is late, a ledger that cannot write) and
//! that therefore has no ledger entry: a small log of its own, `data_dir/feeds/notices.jsonl`, which feeds follow
//! like the ledger. When the disk does not take a notice, it is kept in memory: the disk may be what it is about.

use std::collections::{HashMap, VecDeque};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::{Value, json};
use tokio::sync::watch;

use crate::feed::alert::Noticed;
use crate::feed::cursor::replace;
use crate::telemetry::feed as events;

/// Notices kept for feeds that have not had them: a route that flaps once a minute fills this in seven weeks.
/// Beyond it the oldest are given up, and that is told.
const KEPT: usize = 100_000;

/// The log. Clones share it.
#[derive(Clone)]
pub struct Notices {
    inner: Arc<Mutex<Inner>>,
    last: watch::Sender<u64>,
}

struct Inner {
    path: PathBuf,
    file: Option<File>,
    kept: VecDeque<(u64, Noticed)>,
    next: u64,
}

impl Notices {
    /// Opens the log in the folder of the feeds. `marks`: the last notice of each feed. What every feed has had is
    /// forgotten, except the last word on what is still down.
    ///
    /// # Errors
    /// The file cannot be read or written.
    pub fn open(folder: &Path, marks: &[u64]) -> io::Result<Self> {
        let path = folder.join("notices.jsonl");
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(error),
        };
        let mut kept: VecDeque<(u64, Noticed)> = text.lines().filter_map(read).collect();
        let newest = kept.back().map_or(0, |(number, _)| *number);
        let next = marks.iter().fold(newest, |last, mark| last.max(*mark)) + 1;
        let done = marks.iter().copied().min().unwrap_or(newest);
        let last: HashMap<String, u64> =
            kept.iter().map(|(number, noticed)| (noticed.subject.clone(), *number)).collect();
        kept.retain(|(number, noticed)| {
            *number > done || (noticed.rule == "down" && last.get(&noticed.subject) == Some(number))
        });
        let lines: String = kept.iter().map(line).collect();
        replace(&path, lines.as_bytes())?;
        let file = append_to(&path)?;
        let inner = Inner { path, file: Some(file), kept, next };
        Ok(Self { inner: Arc::new(Mutex::new(inner)), last: watch::Sender::new(next - 1) })
    }

    /// Adds one.
    pub(in crate::feed) fn tell(&self, noticed: Noticed) {
        let mut inner = self.lock();
        let number = inner.next;
        inner.next += 1;
        let one = (number, noticed);
        if let Err(error) = inner.write(&line(&one)) {
            events::NoticeUnwritten { error: error.kind() }.emit();
        }
        inner.kept.push_back(one);
        if inner.kept.len() > KEPT {
            inner.kept.pop_front();
            events::NoticesGivenUp {}.emit();
        }
        drop(inner);
        self.last.send_replace(number);
    }

    /// Those after `number`, at most `room`, with their numbers.
    pub(in crate::feed) fn after(&self, number: u64, room: usize) -> Vec<(u64, Noticed)> {
        let inner = self.lock();
        let from = inner.kept.partition_point(|(own, _)| *own <= number);
        inner.kept.iter().skip(from).take(room).cloned().collect()
    }

    /// The number of the last one; changes wake.
    pub(in crate::feed) fn last(&self) -> watch::Receiver<u64> {
        self.last.subscribe()
    }

    /// What was last told to be down and not yet to be up again, by subject.
    pub(in crate::feed) fn told_down(&self) -> Vec<String> {
        let inner = self.lock();
        let mut last: HashMap<&str, bool> = HashMap::new();
        for (_, noticed) in &inner.kept {
            if matches!(noticed.rule.as_str(), "down" | "up") {
                last.insert(&noticed.subject, noticed.rule == "down");
            }
        }
        last.into_iter().filter(|(_, down)| *down).map(|(subject, _)| subject.to_owned()).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Each critical section leaves the log whole.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn write(&mut self, line: &str) -> io::Result<()> {
        if self.file.is_none() {
            // After a fault the file may end within a line; what is in memory is written anew.
            let lines: String = self.kept.iter().map(self::line).collect();
            replace(&self.path, lines.as_bytes())?;
            self.file = Some(append_to(&self.path)?);
        }
        let Some(file) = &mut self.file else { return Ok(()) };
        let done = file.write_all(line.as_bytes()).and_then(|()| file.sync_data());
        if done.is_err() {
            self.file = None;
        }
        done
    }
}

fn append_to(path: &Path) -> io::Result<File> {
    OpenOptions::new().append(true).create(true).mode(0o600).open(path)
}

fn line((number, noticed): &(u64, Noticed)) -> String {
    format!("{}\n", json!({ "n": number, "notice": noticed.line() }))
}

fn read(line: &str) -> Option<(u64, Noticed)> {
    // A line that was torn by a crash is none.
    let line: Value = serde_json::from_str(line).ok()?;
    Some((line.get("n")?.as_u64()?, Noticed::read(line.get("notice")?)?))
}
