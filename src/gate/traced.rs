//! What is told of a message's way through the gate, where it is traced. Words of the program's own, and numbers.

use std::time::Instant;

use jiff::Timestamp;

use crate::clock::monotonic;
use crate::domain::verdict::Verdict;
use crate::gate::Gate;
use crate::gate::pass::{Message, Request};
use crate::gate::ruling::Times;
use crate::gate::subject::Subject;
use crate::telemetry::trace::{Begun, Ending, Step, Told, Trace};

impl Gate {
    /// Begins the trace of a message that was read by now.
    pub fn trace(&self, begun: Begun<'_>) -> Trace {
        let (clock, since) = (self.parts.clock, begun.since);
        let trace = self.parts.tracer.begin(|| -> Timestamp { clock.now() }, begun);
        if trace.is_on() {
            trace.step(Step::Read, since, monotonic());
        }
        trace
    }
}

/// A refusal was repeated: nothing was judged.
pub(super) fn repeated(request: &Request) {
    request.trace.tell(|| Told { again: true, ..Told::default() });
}

/// What was decided, and how long it took to know and to judge.
pub(super) fn judged(message: &Message<'_>, verdict: &Verdict, entry: &str) {
    if let Some(Times { asked, known, judged }) = message.ruling.times {
        let trace = &message.request.trace;
        trace.step(Step::Facts, asked, known);
        trace.step(Step::Judge, known, judged);
    }
    told(message, verdict, entry);
}

/// What was decided in the end.
pub(super) fn told(message: &Message<'_>, verdict: &Verdict, entry: &str) {
    let Message { request, retransmission_of, .. } = message;
    request.trace.tell(|| {
        let mut rules: Vec<_> = verdict.findings().map(|(_, f)| f.rule.as_str()).collect();
        rules.sort_unstable();
        rules.dedup();
        Told {
            decision: verdict.decision.as_str(),
            stance: verdict.stance.as_str(),
            stage: verdict.stage.map(|stage| stage.as_str()),
            urgency: verdict.urgency.map(|urgency| urgency.as_str()),
            rules,
            gaps: verdict.gaps.iter().map(|gap| gap.as_str()).collect(),
            unreadable: match &request.subject {
                Subject::Orders(_) => None,
                Subject::Unreadable { why, .. } => Some(*why),
            },
            cases: verdict.cases.len(),
            again: retransmission_of.is_some(),
            entry: entry.to_owned(),
        }
    });
}

/// The entry is on the disk, or is not in time.
pub(super) fn appended(trace: &Trace, began: Instant, done: bool) {
    if trace.is_on() {
        let ending = Ending { failed: !done, ..Ending::default() };
        trace.ended(Step::Ledger, (began, monotonic()), ending);
    }
}
