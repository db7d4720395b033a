//! The ledger counted, line by line, and everything else held against it.

use std::collections::{BTreeMap, HashSet};
use std::io::{BufRead, BufReader};
use std::path::Path;

use serde::Deserialize;

use crate::soak::book::Marks;
use crate::soak::traffic::read_control_id;
use crate::support::ledger::files;

/// What the ledger holds.
#[derive(Default)]
pub(super) struct Counted {
    /// Decisions to forward, and to refuse, by control id.
    pub(super) passed: Marks,
    pub(super) blocked: Marks,
    /// By route and decision.
    pub(super) decisions: BTreeMap<(String, String), u64>,
    /// Entries by kind.
    pub(super) kinds: BTreeMap<String, u64>,
    /// Configurations that were taken up.
    pub(super) configurations: u64,
    /// Types and entries of the alerts that are due.
    pub(super) due: HashSet<(String, String)>,
    /// Openings of override files: emergencies of a message that came once.
    pub(super) overrides: u64,
    /// Records and emergencies that did not wait for a ledger that was slow for a moment: what was entered late as well.
    pub(super) corrected: u64,
    /// Gaps, of any entry.
    pub(super) gaps: BTreeMap<String, u64>,
    pub(super) entries: u64,
}

#[derive(Deserialize)]
struct Entry {
    id: String,
    kind: String,
    body: Body,
}

#[derive(Deserialize)]
struct Body {
    route: Option<String>,
    control_id: Option<String>,
    act: Option<String>,
    retransmission_of: Option<String>,
    without_ledger: Option<WithoutLedger>,
    verdict: Option<Verdict>,
}

#[derive(Deserialize)]
struct WithoutLedger {
    supersedes: Option<String>,
}

#[derive(Deserialize)]
struct Verdict {
    decision: String,
    gaps: Vec<String>,
}

impl Counted {
    pub(super) fn of(data: &Path) -> Self {
        let mut counted = Self::default();
        for file in files(data) {
            let file = std::fs::File::open(file).expect("a ledger file can be read");
            let mut lines = BufReader::with_capacity(1 << 20, file);
            let mut line = Vec::new();
            while lines.read_until(b'\n', &mut line).expect("it can be read") > 0 {
                let entry = serde_json::from_slice(&line).expect("a ledger line is JSON");
                counted.count(entry);
                line.clear();
            }
        }
        counted
    }

    fn count(&mut self, entry: Entry) {
        let Entry { id, kind, body } = entry;
        let route = body.route.unwrap_or_default();
        self.entries += 1;
        *self.kinds.entry(kind.clone()).or_default() += 1;
        match kind.as_str() {
            "bypass" if body.act.as_deref() == Some("configuration") => self.configurations += 1,
            "decision" => {
                let Some(Verdict { decision, gaps }) = body.verdict else { return };
                for gap in gaps {
                    *self.gaps.entry(gap).or_default() += 1;
                }
                let told = match decision.as_str() {
                    "block" => Some("orgate.order.blocked"),
                    "forward-flagged" => Some("orgate.order.flagged"),
                    "override" => Some("orgate.override.opened"),
                    _ => None,
                };
                self.due.extend(told.map(|told| (told.to_owned(), id)));
                let again = body.retransmission_of.is_some();
                let place = read_control_id(body.control_id.unwrap_or_default().as_bytes());
                let marks = if decision == "block" { &self.blocked } else { &self.passed };
                let corrects = body.without_ledger.is_some_and(|done| done.supersedes.is_some());
                // What corrects stands behind what it corrects; neither records nor emergencies are sent twice.
                if corrects && place.is_some_and(|place| marks.holds(place)) {
                    self.corrected += 1;
                    return;
                }
                if let Some(place) = place {
                    marks.add(place);
                }
                self.overrides += u64::from(decision == "override" && !again);
                *self.decisions.entry((route, decision)).or_default() += 1;
            }
            _ => {}
        }
    }

    /// Decisions of a route.
    pub(super) fn decided(&self, route: &str, decision: &str) -> u64 {
        self.decisions.get(&(route.to_owned(), decision.to_owned())).copied().unwrap_or(0)
    }
}
