//! Orders and notices in force whose operation is still to come: what a change of the register may hit.

use std::collections::HashSet;
use std::sync::Arc;

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};

use crate::cases::Cases;
use crate::cases::ask::From;
use crate::cases::ask::{document_keys, since};
use crate::cases::document::{Document, masked};
use crate::cases::error::CasesError;
use crate::cases::fold::{Kept, Thread};
use crate::cases::store::Scan;
use crate::domain::consequence::Consequence;
use crate::domain::order::Stage;
use crate::domain::procedure::{Grade, ProcedureCode};
use crate::domain::surgeon::SurgeonId;

/// An order that states no time counts as to come for so long, unless its record has come.
const UNTIMED_DAYS: i64 = 30;

/// Documents looked up together.
const CHUNK: usize = 50;

/// Surgeons by whom open documents are sought one after the other; for more of them, all are read once.
const SOUGHT_MAX: usize = 4;

/// An order or notice in force, its operation to come. Holds nothing of the patient: it is for print.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenDocument {
    /// Order or notice.
    pub stage: Stage,
    /// Its ledger entry.
    pub entry: String,
    /// The order number, masked: tells one from another and no more.
    pub order: Option<String>,
    /// The operating day.
    pub day: Date,
    /// Every code, and the items they resolve to.
    pub codes: Vec<ProcedureCode>,
    /// The primary surgeons.
    pub surgeons: Vec<SurgeonId>,
    /// The highest effective grade when it was judged.
    pub grade: Option<Grade>,
    /// Department as written.
    pub department: Option<String>,
}

impl Cases {
    /// Every order and notice in force that one of the consequences hits and whose operating day is `today` or later, or
    /// not stated, by day. What is not hit is let go of as it is read: many are open, and few are hit.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn open_documents(
        &self,
        today: Date,
        now: Timestamp,
        consequences: &[Consequence],
    ) -> Result<Vec<OpenDocument>, CasesError> {
        let untimed = SignedDuration::from_hours(24 * UNTIMED_DAYS);
        let untimed = now.saturating_sub(untimed).unwrap_or(Timestamp::MIN);
        let wanted = |kept: &Kept| {
            let Document { day, timed, at, stage, codes, surgeons, grade, .. } = &kept.document;
            let coming = *day >= today || (!timed && *at >= untimed);
            let hit = |own: &Consequence| own.hits(codes, surgeons, *grade, *day);
            coming && *stage != Stage::Record && consequences.iter().any(hit)
        };
        let mut candidates = self.inner.overlay.all();
        candidates.retain(|kept| wanted(kept));
        let sought = sought(consequences);
        let scans = sought
            .iter()
            .flat_map(|of| [Scan::Coming(today, of.as_ref()), Scan::Untimed(untimed, of.as_ref())]);
        for scan in scans {
            let mut last: Option<Arc<Kept>> = None;
            while let Some(page) = self.inner.store.page(scan, last.as_deref()).await? {
                last = page.last().cloned();
                candidates.extend(page.into_iter().filter(|kept| wanted(kept)));
            }
        }
        let mut listed: HashSet<(String, u32)> = HashSet::new();
        let mut out = Vec::new();
        for chunk in candidates.chunks(CHUNK) {
            let keys = chunk.iter().flat_map(|kept| document_keys(&kept.document)).collect();
            let threads = self.threads(From::Index, keys, chunk.to_vec(), since(now)).await?;
            for thread in threads.all(Stage::Order).chain(threads.all(Stage::Notice)) {
                let performed = threads.standing(Stage::Record, &thread.belongs()).is_some();
                let Some(kept) = thread.accepted.as_ref().filter(|_| !performed) else { continue };
                let name = (kept.document.entry.clone(), kept.document.nth);
                if wanted(kept) && listed.insert(name) {
                    out.push(OpenDocument::new(kept, thread));
                }
            }
        }
        out.sort_by(|a, b| (a.day, &a.entry).cmp(&(b.day, &b.entry)));
        Ok(out)
    }

    /// All pages of a scan.
    pub(in crate::cases) async fn scan(
        &self,
        scan: Scan<'_>,
    ) -> Result<Vec<Arc<Kept>>, CasesError> {
        let mut all: Vec<Arc<Kept>> = Vec::new();
        while let Some(page) = self.inner.store.page(scan, all.last().map(|kept| &**kept)).await? {
            all.extend(page);
        }
        Ok(all)
    }
}

/// By which surgeons the database is asked: by each, where every consequence is of one and they are few; else by nobody in
/// particular.
fn sought(consequences: &[Consequence]) -> Vec<Option<SurgeonId>> {
    let mut sought: Vec<_> = consequences.iter().map(|own| own.surgeon.clone()).collect();
    sought.sort();
    sought.dedup();
    if sought.len() > SOUGHT_MAX || sought.contains(&None) {
        sought = vec![None];
    }
    sought
}

impl OpenDocument {
    fn new(kept: &Kept, thread: &Thread) -> Self {
        let document = &kept.document;
        Self {
            stage: document.stage,
            entry: document.entry.clone(),
            order: thread.belongs().order_no.map(masked),
            day: document.day,
            codes: document.codes.clone(),
            surgeons: document.surgeons.clone(),
            grade: document.grade,
            department: document.department.clone(),
        }
    }
}
