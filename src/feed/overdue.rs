//! Case reports that are late (MT 37), told once each, on the day they become so.
//!
//! They are derived, not entered: that a day has passed is no act of anybody, the report's state is derived from the
//! case index too, and `ENTRY-restricted-overdue` is stable all by itself. What must be kept is only the last day
//! that was told (`overdue.day`). Overdue overrides are entries (`escalated`), since whom they were escalated to
//! belongs into the file.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use jiff::civil::Date;
use serde_json::{Map, json};

use crate::feed::alert::Noticed;
use crate::feed::alert::kind::{AlertKind, Severity};
use crate::feed::cursor::replace;
use crate::feed::notices::Notices;

/// A report that has become late.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Late {
    /// The entry that opened it.
    pub entry: String,
    /// The techniques to be reported.
    pub techniques: Vec<String>,
    /// The operating day.
    pub day: Date,
    /// By when it should have been sent.
    pub due: Date,
    /// Who operated.
    pub surgeon: Option<String>,
    /// Department as written.
    pub department: Option<String>,
}

/// Tells late reports.
#[derive(Clone)]
pub struct Overdue {
    notices: Notices,
    path: PathBuf,
}

impl Overdue {
    /// Into `notices`; the day told last is kept in the folder of the feeds.
    pub fn new(notices: Notices, folder: &Path) -> Self {
        Self { notices, path: folder.join("overdue.day") }
    }

    /// The last day of which everything was told.
    pub fn told(&self) -> Option<Date> {
        fs::read_to_string(&self.path).ok()?.trim().parse().ok()
    }

    /// Tells those that have become late since [`told`](Self::told), and that `today` is done, once they are on disk.
    ///
    /// # Errors
    /// The disk does not take them, or the day: they will be told again, under the same ids.
    pub async fn tell(&self, late: Vec<Late>, today: Date, now: Timestamp) -> io::Result<()> {
        let own = self.clone();
        let writing = tokio::task::spawn_blocking(move || {
            for one in late {
                own.notices.tell(one.notice(now));
            }
            own.notices.written()?;
            replace(&own.path, today.to_string().as_bytes())
        });
        writing.await.unwrap_or_else(|_| Err(io::Error::other("the thread broke off")))
    }
}

impl Late {
    fn notice(self, now: Timestamp) -> Noticed {
        let Self { entry, techniques, day, due, surgeon, department } = self;
        let names = techniques.join(", ");
        let who = surgeon.as_deref().unwrap_or("?");
        let zh =
            format!("限制类技术逐例上报超期 · {names} · 术者 {who} · 手术日 {day} · 应报 {due}");
        let en =
            format!("case report overdue · {names} · surgeon {who} · operated {day} · due {due}");
        let mut data = Map::new();
        data.insert("techniques".to_owned(), json!(techniques));
        data.insert("surgeon".to_owned(), json!(surgeon));
        data.insert("day".to_owned(), json!(day.to_string()));
        data.insert("due".to_owned(), json!(due.to_string()));
        Noticed {
            id: format!("{entry}-restricted-overdue"),
            rule: "restricted-overdue".to_owned(),
            kind: AlertKind::RestrictedOverdue,
            severity: Severity::Medium,
            time: now,
            subject: entry,
            departments: department.into_iter().collect(),
            zh,
            en,
            data,
        }
    }
}
