//! Documents, in the order in which they took effect → what stands. Pure.
//!
//! A [`Thread`] is one order, notice or record through its changes. The documents of a case may come in any
//! order and more than once, so what stands is always derived from all of them, never kept.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use jiff::Timestamp;

use crate::cases::document::{Belongs, Document};
use crate::domain::order::{Action, Redacted, Stage};

/// A document and its place in the order of arrival, which decides between equal instants.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::cases) struct Kept {
    pub(in crate::cases) document: Document,
    pub(in crate::cases) arrival: i64,
    pub(in crate::cases) seq: Option<u64>,
}

type Position = (Timestamp, i64, u32);

impl Kept {
    pub(in crate::cases) fn position(&self) -> Position {
        (self.document.at, self.arrival, self.document.nth)
    }
}

/// One order, notice or record through its changes.
#[derive(Debug)]
pub(in crate::cases) struct Thread {
    stage: Stage,
    order_no: Option<Redacted>,
    /// What was last said and not refused.
    pub(in crate::cases) accepted: Option<Arc<Kept>>,
    /// The last refused attempt.
    refused: Option<Arc<Kept>>,
    /// What is or was in force: for finding what belongs to it.
    face: Arc<Kept>,
    ended: Option<Position>,
    updated: Position,
}

impl Thread {
    /// The accepted document, else the refused one.
    pub(in crate::cases) fn standing(&self) -> Option<&Arc<Kept>> {
        self.accepted.as_ref().or(self.refused.as_ref())
    }

    /// Which case it belongs to; a number learnt once is kept.
    pub(in crate::cases) fn belongs(&self) -> Belongs<'_> {
        Belongs { order_no: self.order_no.as_ref(), ..self.face.document.belongs() }
    }

    fn apply(&mut self, kept: &Arc<Kept>) {
        let document = &kept.document;
        self.updated = kept.position();
        if self.order_no.is_none() {
            self.order_no.clone_from(&document.order_no);
        }
        match (document.action, document.refused) {
            (Action::New | Action::Change, false) => {
                self.accepted = Some(Arc::clone(kept));
                self.refused = None;
                self.ended = None;
            }
            (Action::New | Action::Change, true) => self.refused = Some(Arc::clone(kept)),
            (Action::Withdraw, _) => {
                self.accepted = None;
                self.refused = None;
                self.ended = Some(kept.position());
            }
            (Action::Other, _) => {}
        }
        if let Some(standing) = self.standing() {
            self.face = Arc::clone(standing);
        }
    }
}

/// Everything that stands or stood.
#[derive(Debug, Default)]
pub(in crate::cases) struct Threads {
    threads: Vec<Thread>,
    by_number: HashMap<(Stage, Redacted), usize>,
    by_patient: HashMap<Redacted, Vec<usize>>,
}

impl Threads {
    /// Of these documents. The result does not depend on their order, nor on copies among them.
    pub(in crate::cases) fn of(mut documents: Vec<Arc<Kept>>) -> Self {
        documents.sort_by_key(|kept| kept.position());
        let corrected = documents.iter().filter_map(|kept| kept.document.supersedes.clone());
        let corrected: HashSet<String> = corrected.collect();
        let mut known: HashSet<(&str, u32)> = HashSet::new();
        let mut moved: HashSet<(&str, u32)> = HashSet::new();
        let mut threads = Self::default();
        for kept in &documents {
            let document = &kept.document;
            if !known.insert((&document.entry, document.nth))
                || corrected.contains(&document.entry)
                || !counts(document)
            {
                continue;
            }
            // A copy of what already took effect changes nothing, whenever it comes.
            let copy = document.message.as_deref().map(|message| (message, document.nth));
            if copy.is_some_and(|copy| moved.contains(&copy)) {
                continue;
            }
            if !document.refused {
                moved.extend(copy);
            }
            threads.take(kept);
        }
        threads
    }

    fn take(&mut self, kept: &Arc<Kept>) {
        let document = &kept.document;
        let at = match self.find(document) {
            Some(at) => at,
            None if document.action == Action::Withdraw => return,
            None => {
                self.threads.push(Thread {
                    stage: document.stage,
                    order_no: None,
                    accepted: None,
                    refused: None,
                    face: Arc::clone(kept),
                    ended: None,
                    updated: kept.position(),
                });
                self.threads.len() - 1
            }
        };
        let Some(thread) = self.threads.get_mut(at) else { return };
        thread.apply(kept);
        if let Some(order_no) = thread.order_no.clone() {
            self.by_number.entry((document.stage, order_no)).or_insert(at);
        }
        if let Some(patient) = thread.face.document.patient.clone() {
            let of_patient = self.by_patient.entry(patient).or_default();
            if !of_patient.contains(&at) {
                of_patient.push(at);
            }
        }
    }

    /// The thread that a document goes on.
    fn find(&self, document: &Document) -> Option<usize> {
        let own = document.belongs();
        if let Some(at) = self.numbered(document.stage, own.order_no) {
            return Some(at);
        }
        let standing = self.of_patient(document.stage, &own);
        let standing = standing.filter(|(_, thread)| thread.standing().is_some());
        standing.max_by_key(|(_, thread)| thread.updated).map(|(at, _)| at)
    }

    fn numbered(&self, stage: Stage, order_no: Option<&Redacted>) -> Option<usize> {
        self.by_number.get(&(stage, order_no?.clone())).copied()
    }

    /// Threads of the case by patient, code and day, where one side has no number.
    fn of_patient<'t, 'o>(
        &'t self,
        stage: Stage,
        own: &'o Belongs<'o>,
    ) -> impl Iterator<Item = (usize, &'t Thread)> + use<'t, 'o> {
        let of_patient = own.patient.and_then(|patient| self.by_patient.get(patient));
        let indices = of_patient.into_iter().flatten().copied();
        let threads = indices.filter_map(|at| self.threads.get(at).map(|thread| (at, thread)));
        threads.filter(move |(_, thread)| thread.stage == stage && thread.belongs().with(own))
    }

    /// What stands of a case at a stage: by number, else an accepted one, else the latest.
    pub(in crate::cases) fn standing(&self, stage: Stage, own: &Belongs<'_>) -> Option<&Thread> {
        let numbered = self.numbered(stage, own.order_no).and_then(|at| self.threads.get(at));
        if let Some(thread) = numbered.filter(|thread| self.in_force(thread)) {
            return Some(thread);
        }
        let found = self.of_patient(stage, own).map(|(_, thread)| thread);
        let found = found.filter(|thread| self.in_force(thread));
        found.max_by_key(|thread| (thread.accepted.is_some(), thread.updated))
    }

    /// Order and notice of a case: each as the asker finds it, else as the other one does.
    pub(in crate::cases) fn story(&self, own: &Belongs<'_>) -> (Option<&Thread>, Option<&Thread>) {
        let order = self.standing(Stage::Order, own);
        let notice = self.standing(Stage::Notice, own);
        let by_notice = || self.standing(Stage::Order, &notice?.belongs());
        let by_order = || self.standing(Stage::Notice, &order?.belongs());
        (order.or_else(by_notice), notice.or_else(by_order))
    }

    /// Every thread of a stage that is in force.
    pub(in crate::cases) fn all(&self, stage: Stage) -> impl Iterator<Item = &Thread> {
        self.threads.iter().filter(move |t| t.stage == stage && self.in_force(t))
    }

    /// Not withdrawn; and, of a notice, its order not withdrawn after it.
    fn in_force(&self, thread: &Thread) -> bool {
        if thread.stage != Stage::Notice {
            return thread.standing().is_some();
        }
        let Some(accepted) = &thread.accepted else { return false };
        let belongs = thread.belongs();
        let numbered = self.numbered(Stage::Order, belongs.order_no);
        let numbered = numbered.and_then(|at| self.threads.get(at));
        let by_patient = self.of_patient(Stage::Order, &belongs).map(|(_, order)| order);
        let mut orders = numbered.into_iter().chain(by_patient).peekable();
        orders.peek().is_none()
            || orders.any(|order| order.ended.is_none_or(|ended| ended < accepted.position()))
    }
}

/// Whether a document says anything of what stands: a refused withdrawal or notice never arrived.
fn counts(document: &Document) -> bool {
    match document.action {
        Action::Other => false,
        Action::New | Action::Change => !document.refused || document.stage == Stage::Order,
        Action::Withdraw => !document.refused,
    }
}
