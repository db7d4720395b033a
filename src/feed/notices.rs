//! What the gate notices by itself (a route that is down, a report that is late, a ledger that cannot write) and
//! that therefore has no ledger entry: a small log of its own, `data_dir/feeds/notices.jsonl`, which feeds follow
//! like the ledger. When the disk does not take a notice, it is kept in memory: the disk may be what it is about.
//!
//! Whoever tells one only puts it into memory, where feeds see it at once: messages wait for whoever tells. One
//! thread writes what is in memory and not yet on disk.

use std::collections::{HashMap, VecDeque};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::watch;

use crate::feed::alert::Noticed;
use crate::feed::cursor::{self, replace};
use crate::telemetry::feed as events;

/// Notices kept for feeds that have not had them: a route that flaps once a minute fills this in seven weeks.
/// Beyond it the oldest are given up, and that is told.
const KEPT: usize = 100_000;

/// Whoever drops the log waits so long for what is not yet on disk: a disk that hangs must not hold up the end.
const FAREWELL: Duration = Duration::from_secs(2);

/// The log. Clones share it.
#[derive(Clone)]
pub struct Notices {
    kept: Arc<Mutex<Kept>>,
    last: watch::Sender<u64>,
    writer: Arc<Writer>,
}

struct Kept {
    notices: VecDeque<(u64, Noticed)>,
    next: u64,
}

/// Whom to tell when everything is on disk; `None` = nobody.
type Wake = Option<mpsc::Sender<Result<(), io::ErrorKind>>>;

/// The thread that writes; it ends when the last log is dropped.
struct Writer {
    wake: mpsc::Sender<Wake>,
}

/// Where notices are written.
pub(in crate::feed) trait Disk: Send + 'static {
    /// Adds lines, durably.
    fn append(&mut self, lines: &str) -> io::Result<()>;
    /// Writes all of them instead of what is there: after a fault that may end within a line.
    fn anew(&mut self, lines: &str) -> io::Result<()>;
}

struct LogFile {
    path: PathBuf,
    file: File,
}

impl Notices {
    /// Opens the log in the folder of the feeds. `marks`: the last notice of each feed. What every feed has had is
    /// forgotten, except the last word on what is still down.
    ///
    /// # Errors
    /// The file cannot be read or written.
    pub fn open(folder: &Path, marks: &[u64]) -> io::Result<Self> {
        let path = folder.join("notices.jsonl");
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(error),
        };
        // What was torn by a crash may end within a character.
        let text = String::from_utf8_lossy(&text);
        let mut kept: VecDeque<(u64, Noticed)> = text.lines().filter_map(read).collect();
        let newest = kept.back().map_or(0, |(number, _)| *number);
        // Behind every cursor that lies here, also of feeds that may be taken up again: to those, no number is old.
        let had = cursor::notices(folder)?;
        let next = marks.iter().chain(&had).fold(newest, |last, mark| last.max(*mark)) + 1;
        let done = marks.iter().copied().min().unwrap_or(newest);
        let last: HashMap<String, u64> =
            kept.iter().map(|(number, noticed)| (noticed.subject.clone(), *number)).collect();
        kept.retain(|(number, noticed)| {
            *number > done || (noticed.rule == "down" && last.get(&noticed.subject) == Some(number))
        });
        let lines: String = kept.iter().map(line).collect();
        replace(&path, lines.as_bytes())?;
        let file = append_to(&path)?;
        Self::over(LogFile { path, file }, Kept { notices: kept, next })
    }

    /// With nothing kept, over another disk.
    ///
    /// # Errors
    /// No thread can be started.
    #[cfg(test)]
    pub(in crate::feed) fn on(disk: impl Disk) -> io::Result<Self> {
        Self::over(disk, Kept { notices: VecDeque::new(), next: 1 })
    }

    fn over(disk: impl Disk, kept: Kept) -> io::Result<Self> {
        let last = kept.next - 1;
        let kept = Arc::new(Mutex::new(kept));
        let (wake, wakes) = mpsc::channel();
        let source = Arc::clone(&kept);
        let written = last;
        thread::Builder::new()
            .name("notices".to_owned())
            .spawn(move || write(&source, written, disk, &wakes))?;
        Ok(Self { kept, last: watch::Sender::new(last), writer: Arc::new(Writer { wake }) })
    }

    /// Adds one. Never waits for the disk.
    pub(in crate::feed) fn tell(&self, noticed: Noticed) {
        let mut kept = lock(&self.kept);
        let number = kept.next;
        kept.next += 1;
        kept.notices.push_back((number, noticed));
        if kept.notices.len() > KEPT {
            kept.notices.pop_front();
            events::NoticesGivenUp {}.emit();
        }
        // Under the lock, so that the number never goes back.
        self.last.send_replace(number);
        drop(kept);
        let _ = self.writer.wake.send(None);
    }

    /// Waits until everything told so far is on disk.
    ///
    /// # Errors
    /// As the disk reports.
    pub(in crate::feed) fn written(&self) -> io::Result<()> {
        let (told, outcome) = mpsc::channel();
        let _ = self.writer.wake.send(Some(told));
        outcome.recv().unwrap_or(Err(io::ErrorKind::Other)).map_err(io::Error::from)
    }

    /// Those after `number`, at most `room`, with their numbers.
    pub(in crate::feed) fn after(&self, number: u64, room: usize) -> Vec<(u64, Noticed)> {
        let kept = lock(&self.kept);
        kept.after(number).take(room).cloned().collect()
    }

    /// The number of the last one; changes wake.
    pub(in crate::feed) fn last(&self) -> watch::Receiver<u64> {
        self.last.subscribe()
    }

    /// What was last told to be down and not yet to be up again, by subject.
    pub(in crate::feed) fn told_down(&self) -> Vec<String> {
        let kept = lock(&self.kept);
        let mut last: HashMap<&str, bool> = HashMap::new();
        for (_, noticed) in &kept.notices {
            if matches!(noticed.rule.as_str(), "down" | "up") {
                last.insert(&noticed.subject, noticed.rule == "down");
            }
        }
        last.into_iter().filter(|(_, down)| *down).map(|(subject, _)| subject.to_owned()).collect()
    }
}

impl Kept {
    fn after(&self, number: u64) -> impl Iterator<Item = &(u64, Noticed)> {
        let from = self.notices.partition_point(|(own, _)| *own <= number);
        self.notices.iter().skip(from)
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        let (told, outcome) = mpsc::channel();
        let _ = self.wake.send(Some(told));
        let _ = outcome.recv_timeout(FAREWELL);
    }
}

impl Disk for LogFile {
    fn append(&mut self, lines: &str) -> io::Result<()> {
        self.file.write_all(lines.as_bytes())?;
        self.file.sync_data()
    }

    fn anew(&mut self, lines: &str) -> io::Result<()> {
        replace(&self.path, lines.as_bytes())?;
        self.file = append_to(&self.path)?;
        Ok(())
    }
}

/// Writes what is kept and not yet on disk whenever woken, holding nothing meanwhile.
fn write(kept: &Mutex<Kept>, mut written: u64, mut disk: impl Disk, wakes: &mpsc::Receiver<Wake>) {
    let mut whole = true;
    while let Ok(first) = wakes.recv() {
        let waiting: Vec<_> = std::iter::once(first).chain(wakes.try_iter()).flatten().collect();
        let (lines, newest) = {
            let kept = lock(kept);
            let from = if whole { written } else { 0 };
            (kept.after(from).map(line).collect::<String>(), kept.next - 1)
        };
        let done = match (whole, newest > written) {
            (false, _) => disk.anew(&lines),
            (true, true) => disk.append(&lines),
            (true, false) => Ok(()),
        };
        whole = done.is_ok();
        let outcome = done.map_err(|error| error.kind());
        match outcome {
            Ok(()) => written = newest,
            Err(error) => events::NoticeUnwritten { error }.emit(),
        }
        for one in waiting {
            let _ = one.send(outcome);
        }
    }
}

fn lock(kept: &Mutex<Kept>) -> MutexGuard<'_, Kept> {
    // Each critical section leaves the log whole.
    kept.lock().unwrap_or_else(PoisonError::into_inner)
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
