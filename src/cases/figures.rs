//! Supervision figures (SG 27 29, MQ 27): by month, checkpoint, department, surgeon and grade.

use std::collections::hash_map::DefaultHasher;
use std::collections::{BTreeMap, HashSet};
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::cases::Cases;
use crate::cases::document::{Document, Judged, Outcome};
use crate::cases::error::CasesError;
use crate::cases::fold::Kept;
use crate::cases::report::ReportState;
use crate::cases::store::{Scan, Span};
use crate::domain::order::Stage;
use crate::domain::procedure::Grade;
use crate::domain::surgeon::SurgeonId;
use crate::domain::verdict::Decision;

/// What figures are told apart by.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cell {
    /// The first day of the month in which the case was judged.
    pub month: Date,
    /// The checkpoint.
    pub stage: Stage,
    /// Department as written.
    pub department: Option<String>,
    /// The surgeon.
    pub surgeon: Option<SurgeonId>,
    /// The effective grade.
    pub grade: Option<Grade>,
}

/// Numbers of cases. `forwarded`, `flagged`, `overrides`, `blocked` and `unavailable` make up `checked`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// Judged, copies of a message once, where they come within 100,000 messages.
    pub checked: u64,
    /// Of these, on a route that only observes: what is said of them is what would have been done.
    pub observed: u64,
    /// Forwarded with nothing found.
    pub forwarded: u64,
    /// Forwarded with a finding.
    pub flagged: u64,
    /// Forwarded as an emergency override.
    pub overrides: u64,
    /// Of these, without a full attestation.
    pub unattested: u64,
    /// In a message that was refused.
    pub blocked: u64,
    /// In a message that was refused for a gap.
    pub unavailable: u64,
    /// Of a restricted technique.
    pub restricted: u64,
    /// Case reports opened.
    pub reports: u64,
    /// Of these, sent.
    pub reports_sent: u64,
    /// Of these, overdue.
    pub reports_overdue: u64,
}

/// The columns of an export: what cells are told apart by, then [`Figures::numbers`].
pub const COLUMNS: [&str; 17] = [
    "month",
    "stage",
    "department",
    "surgeon_id",
    "grade",
    "checked",
    "observed",
    "forwarded",
    "flagged",
    "overrides",
    "unattested",
    "blocked",
    "unavailable",
    "restricted",
    "reports",
    "reports_sent",
    "reports_overdue",
];

impl Figures {
    /// All of them, in the order of [`COLUMNS`].
    pub fn numbers(&self) -> [u64; 12] {
        [
            self.checked,
            self.observed,
            self.forwarded,
            self.flagged,
            self.overrides,
            self.unattested,
            self.blocked,
            self.unavailable,
            self.restricted,
            self.reports,
            self.reports_sent,
            self.reports_overdue,
        ]
    }

    /// Adds another cell's.
    pub fn add(&mut self, other: &Self) {
        self.checked += other.checked;
        self.observed += other.observed;
        self.forwarded += other.forwarded;
        self.flagged += other.flagged;
        self.overrides += other.overrides;
        self.unattested += other.unattested;
        self.blocked += other.blocked;
        self.unavailable += other.unavailable;
        self.restricted += other.restricted;
        self.reports += other.reports;
        self.reports_sent += other.reports_sent;
        self.reports_overdue += other.reports_overdue;
    }

    fn count(&mut self, document: &Document, case: &Judged) {
        self.checked += 1;
        self.observed += u64::from(!document.enforced);
        self.restricted += u64::from(case.restricted);
        let overridden = case.outcome == Outcome::Overridden;
        let of_outcome = match (document.decision, case.outcome) {
            (Decision::Block, _) => &mut self.blocked,
            (Decision::Unavailable, _) => &mut self.unavailable,
            (_, Outcome::Overridden) => &mut self.overrides,
            (_, Outcome::Clean) => &mut self.forwarded,
            (_, Outcome::Flagged | Outcome::Blocked) => &mut self.flagged,
        };
        *of_outcome += 1;
        let passed = !document.decision.refuses();
        self.unattested += u64::from(overridden && passed && case.unattested);
    }
}

impl Cases {
    /// The figures of the days `from ..= to` in `zone`, as of `today`.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn supervision(
        &self,
        from: Date,
        to: Date,
        zone: &TimeZone,
        today: Date,
        due_days: u32,
    ) -> Result<BTreeMap<Cell, Figures>, CasesError> {
        let start = |day: Date, otherwise| {
            zone.to_zoned_datetime(day.at(0, 0, 0, 0)).map_or(otherwise, |zoned| zoned.timestamp())
        };
        let span = Span {
            from: start(from, Timestamp::MIN),
            to: to.tomorrow().map_or(Timestamp::MAX, |day| start(day, Timestamp::MAX)),
        };
        let (seen, cells) = Default::default();
        let mut counting = Counting { zone, span, seen, cells };
        let waiting = self.inner.overlay.all();
        let mut last: Option<Arc<Kept>> = None;
        while let Some(page) = self.inner.store.page(Scan::At(span), last.as_deref()).await? {
            page.iter().for_each(|kept| counting.take(&kept.document));
            last = page.last().cloned();
        }
        waiting.iter().for_each(|kept| counting.take(&kept.document));
        for report in self.reports(span.from).await? {
            let cell = Cell {
                month: month(report.opened_at, zone),
                stage: report.stage,
                department: report.department.clone(),
                surgeon: report.surgeon.clone(),
                grade: report.grade,
            };
            let state = report.state(today, due_days);
            if report.opened_at >= span.to || state == ReportState::Withdrawn {
                continue;
            }
            let figures = counting.cells.entry(cell).or_default();
            figures.reports += 1;
            figures.reports_sent += u64::from(state == ReportState::Sent);
            figures.reports_overdue += u64::from(state == ReportState::Overdue);
        }
        Ok(counting.cells)
    }
}

struct Counting<'z> {
    zone: &'z TimeZone,
    span: Span,
    seen: Seen,
    cells: BTreeMap<Cell, Figures>,
}

impl Counting<'_> {
    fn take(&mut self, document: &Document) {
        let within = self.span.from <= document.at && document.at < self.span.to;
        if !within || !document.action.checked() || !self.first(document) {
            return;
        }
        for case in &document.cases {
            let cell = Cell {
                month: month(document.at, self.zone),
                stage: document.stage,
                department: document.department.clone(),
                surgeon: case.surgeon.clone(),
                grade: case.grade,
            };
            self.cells.entry(cell).or_default().count(document, case);
        }
    }

    /// Whether neither the document nor a copy of its message was counted.
    fn first(&mut self, document: &Document) -> bool {
        let mut hasher = DefaultHasher::new();
        match &document.message {
            // A message refused before and let through now was decided twice.
            Some(message) => (message, document.refused, document.nth).hash(&mut hasher),
            None => (&document.entry, document.nth).hash(&mut hasher),
        }
        self.seen.insert(hasher.finish())
    }
}

/// The newest messages that were counted, by their hashes: a chance of one in millions that one of a million is not
/// counted is no matter here. Bounded, and above what the gate itself knows again (`gate/memory.rs`): what comes again
/// later than that is judged as a message of its own, too.
#[derive(Default)]
struct Seen {
    newer: HashSet<u64>,
    older: HashSet<u64>,
}

/// So many at least, and at most twice as many.
const SEEN: usize = 100_000;

impl Seen {
    /// Whether it is new among them.
    fn insert(&mut self, hash: u64) -> bool {
        if self.older.contains(&hash) || !self.newer.insert(hash) {
            return false;
        }
        if self.newer.len() >= SEEN {
            std::mem::swap(&mut self.newer, &mut self.older);
            self.newer.clear();
        }
        true
    }
}

fn month(at: Timestamp, zone: &TimeZone) -> Date {
    zone.to_datetime(at).date().first_of_month()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_is_known_among_the_newest_messages_and_memory_is_bounded() {
        let (mut seen, so_many) = (Seen::default(), SEEN as u64);
        for nth in 0..5 * so_many {
            assert!(seen.insert(nth), "{nth} is new");
            let copy = nth.saturating_sub(so_many - 1);
            assert!(!seen.insert(copy), "{copy} was seen, {nth} is the newest");
            assert!(seen.newer.len() + seen.older.len() <= 2 * SEEN);
        }
        assert!(seen.insert(0), "long forgotten");
    }
}
