//! Case-by-case reports (MT 37, HN 三: 开展一例，上报一例; SZ 12): one for each case and technique.
//!
//! A report is opened by a forwarded order or a record; both are one report. An order that is withdrawn, or
//! changed to another technique, or whose record names another, leaves nothing to report.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use jiff::civil::Date;
use jiff::{Timestamp, ToSpan};

use crate::cases::Cases;
use crate::cases::ask::From;
use crate::cases::ask::{document_keys, since};
use crate::cases::document::{Belongs, Document, ReportKind, Reportable};
use crate::cases::error::CasesError;
use crate::cases::fold::{Kept, Threads};
use crate::cases::store::Scan;
use crate::domain::order::{Redacted, Stage};
use crate::domain::procedure::{Grade, ProcedureCode};
use crate::domain::surgeon::SurgeonId;

/// Default of `report_due_days`: calendar days after the operating day by which a case must be reported. The
/// articles name no number (逐例报送, without delay); deadlines of days are calendar days (rules.md §7).
pub const REPORT_DUE_DAYS: u32 = 3;

/// Reports looked up together.
const CHUNK: usize = 50;

/// How a report stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ReportState {
    /// To be sent.
    Open,
    /// Sent to the platform.
    Sent,
    /// To be sent, and late.
    Overdue,
    /// Nothing to report: withdrawn, or done otherwise.
    Withdrawn,
}

impl ReportState {
    /// The public name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Sent => "sent",
            Self::Overdue => "overdue",
            Self::Withdrawn => "withdrawn",
        }
    }
}

/// One technique of one case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The ledger entry that opened it; with the technique, its name for ever.
    pub entry: String,
    /// The checkpoint that opened it.
    pub stage: Stage,
    /// When.
    pub opened_at: Timestamp,
    /// The technique, as its list numbers it.
    pub technique: String,
    /// Why.
    pub kind: ReportKind,
    /// The order's number.
    pub order_no: Option<Redacted>,
    /// The patient's number.
    pub patient: Option<Redacted>,
    /// The operating day, as last told.
    pub day: Date,
    /// Who operates, as last told.
    pub surgeon: Option<SurgeonId>,
    /// The catalogue item or code, as last told.
    pub procedure: Option<ProcedureCode>,
    /// The effective grade.
    pub grade: Option<Grade>,
    /// Department as written.
    pub department: Option<String>,
    /// Whether a record tells that it was done.
    pub performed: bool,
    /// Whether there is nothing to report any more.
    pub withdrawn: bool,
    /// When it was sent.
    pub sent_at: Option<Timestamp>,
    documents: Vec<Arc<Kept>>,
}

impl Report {
    fn new(kept: &Arc<Kept>, reportable: &Reportable) -> Self {
        let document = &kept.document;
        let mut report = Self {
            entry: document.entry.clone(),
            stage: document.stage,
            opened_at: document.at,
            technique: reportable.technique.clone(),
            kind: reportable.kind,
            order_no: None,
            patient: None,
            day: document.day,
            surgeon: None,
            procedure: None,
            grade: None,
            department: None,
            performed: false,
            withdrawn: false,
            sent_at: None,
            documents: Vec::new(),
        };
        report.add(kept, reportable);
        report
    }

    fn add(&mut self, kept: &Arc<Kept>, reportable: &Reportable) {
        let document = &kept.document;
        self.day = document.day;
        self.order_no = self.order_no.take().or(document.order_no.clone());
        self.patient = document.patient.clone().or(self.patient.take());
        self.surgeon = reportable.surgeon.clone().or(self.surgeon.take());
        self.procedure = reportable.procedure.clone().or(self.procedure.take());
        self.grade = document.grade.or(self.grade);
        self.department = document.department.clone().or(self.department.take());
        self.documents.push(Arc::clone(kept));
    }

    fn is_of(&self, document: &Document) -> bool {
        let own = self.documents.iter().map(|kept| kept.document.belongs());
        let mut own = own.map(|own| Belongs { order_no: self.order_no.as_ref(), ..own });
        own.any(|own| own.with(&document.belongs()))
    }

    /// By when it must be sent.
    pub fn due(&self, due_days: u32) -> Date {
        self.day.saturating_add(i64::from(due_days).days())
    }

    /// How it stands on `today`.
    pub fn state(&self, today: Date, due_days: u32) -> ReportState {
        match (self.sent_at, self.withdrawn) {
            (Some(_), _) => ReportState::Sent,
            (None, true) => ReportState::Withdrawn,
            (None, false) if today > self.due(due_days) => ReportState::Overdue,
            (None, false) => ReportState::Open,
        }
    }

    /// Nothing is left to report when the record, else the order, no longer names the technique.
    fn settle(&mut self, threads: &Threads) {
        let Some(last) = self.documents.last() else { return };
        let belongs = Belongs { order_no: self.order_no.as_ref(), ..last.document.belongs() };
        if belongs.order_no.is_none() && belongs.patient.is_none() {
            self.performed = last.document.stage == Stage::Record;
            return;
        }
        let accepted = |stage| threads.standing(stage, &belongs)?.accepted.as_ref();
        let (record, order) = (accepted(Stage::Record), accepted(Stage::Order));
        self.performed = record.is_some();
        let names = |kept: &Arc<Kept>| {
            kept.document.reportable.iter().any(|own| own.technique == self.technique)
        };
        self.withdrawn = !record.or(order).is_some_and(names);
    }
}

impl Cases {
    /// The reports opened since `opened`, oldest first.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn reports(&self, opened: Timestamp) -> Result<Vec<Report>, CasesError> {
        let mut found = self.inner.overlay.all();
        let corrected = found.iter().filter_map(|kept| kept.document.supersedes.clone());
        let corrected: HashSet<String> = corrected.collect();
        found.extend(self.scan(Scan::Reports(opened)).await?);
        found.retain(|kept| {
            let document = &kept.document;
            document.took_effect()
                && document.stage != Stage::Notice
                && !document.reportable.is_empty()
                && document.at >= opened
                && !corrected.contains(&document.entry)
        });
        let mut reports = open(found);
        for chunk in reports.chunks_mut(CHUNK) {
            let documents: Vec<_> = chunk.iter().flat_map(|r| &r.documents).cloned().collect();
            let oldest = documents.iter().map(|kept| kept.document.at).min().unwrap_or_default();
            let keys = documents.iter().flat_map(|kept| document_keys(&kept.document)).collect();
            let threads = self.threads(From::Index, keys, documents, since(oldest)).await?;
            chunk.iter_mut().for_each(|report| report.settle(&threads));
        }
        let marks = self.inner.store.marks().await?;
        let marks: HashMap<(&str, &str), Timestamp> =
            marks.iter().map(|(entry, technique, at)| ((&**entry, &**technique), *at)).collect();
        for report in &mut reports {
            let entries = report.documents.iter().map(|kept| &*kept.document.entry);
            let sent = entries.filter_map(|entry| marks.get(&(entry, &*report.technique)));
            report.sent_at = sent.min().copied();
        }
        Ok(reports)
    }

    /// Marks reports as sent to the platform, by whom.
    ///
    /// # Errors
    /// The database does not answer; then none is marked.
    pub async fn mark_sent(
        &self,
        reports: &[Report],
        at: Timestamp,
        who: &str,
    ) -> Result<(), CasesError> {
        let names: Vec<(&str, &str)> =
            reports.iter().map(|report| (&*report.entry, &*report.technique)).collect();
        self.inner.store.mark(&names, at, who).await
    }
}

/// One report for each case and technique.
fn open(mut documents: Vec<Arc<Kept>>) -> Vec<Report> {
    documents.sort_by_key(|kept| kept.position());
    documents.dedup_by(|a, b| {
        (&a.document.entry, a.document.nth) == (&b.document.entry, b.document.nth)
    });
    let mut reports: Vec<Report> = Vec::new();
    let mut places: HashMap<(String, Redacted), Vec<usize>> = HashMap::new();
    for kept in &documents {
        let document = &kept.document;
        for reportable in &document.reportable {
            let names: Vec<_> = document.order_no.iter().chain(&document.patient).collect();
            let place = |name: &Redacted| (reportable.technique.clone(), name.clone());
            let near = names.iter().filter_map(|name| places.get(&place(name))).flatten().copied();
            let mut near: Vec<usize> = near.collect();
            near.sort_unstable();
            near.retain(|at| reports.get(*at).is_some_and(|report| report.is_of(document)));
            let at = match near.last().copied() {
                Some(at) => {
                    if let Some(report) = reports.get_mut(at) {
                        report.add(kept, reportable);
                    }
                    at
                }
                None => {
                    reports.push(Report::new(kept, reportable));
                    reports.len() - 1
                }
            };
            for name in names {
                places.entry(place(name)).or_default().push(at);
            }
        }
    }
    reports
}
