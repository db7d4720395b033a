//! The permission to forward, and the duty to refuse. Only the gate makes them.
//!
//! Forwarding code takes a [`Passage`]; it cannot be made outside this folder:
//!
//! ```compile_fail,E0451
//! let (proof, verdict, trace) = (unimplemented!(), None, Default::default());
//! let passage = orgate::gate::passage::Passage { proof, verdict, trace };
//! ```

use std::sync::Arc;

use bytes::Bytes;

use crate::domain::verdict::Verdict;
use crate::ledger::{EntryId, Receipt};
use crate::telemetry::trace::Trace;

/// Permission to forward one message, byte for byte.
#[derive(Debug)]
pub struct Passage {
    proof: Proof,
    verdict: Option<Arc<Verdict>>,
    trace: Trace,
}

#[derive(Debug)]
enum Proof {
    /// Not surgical, or a reply: the short way, counted and not recorded.
    ShortWay,
    /// Recorded.
    Recorded(Receipt),
    /// The ledger was down, and the message may not wait for it: an emergency, a withdrawal, or a
    /// route that only observes. Counted, alarmed, entered under this id when the ledger is back.
    Unrecorded(EntryId),
}

impl Passage {
    pub(super) fn short_way() -> Self {
        Self { proof: Proof::ShortWay, verdict: None, trace: Trace::off() }
    }

    pub(super) fn recorded(receipt: Receipt, verdict: Arc<Verdict>) -> Self {
        Self { proof: Proof::Recorded(receipt), verdict: Some(verdict), trace: Trace::off() }
    }

    pub(super) fn unrecorded(entry: EntryId, verdict: Arc<Verdict>) -> Self {
        Self { proof: Proof::Unrecorded(entry), verdict: Some(verdict), trace: Trace::off() }
    }

    pub(super) fn traced(self, trace: &Trace) -> Self {
        Self { trace: trace.clone(), ..self }
    }

    /// What is told of the message's way.
    pub fn trace(&self) -> &Trace {
        &self.trace
    }

    /// The verdict, for a message that was judged.
    pub fn verdict(&self) -> Option<&Arc<Verdict>> {
        self.verdict.as_ref()
    }

    /// The ledger entry, for a message that was recorded.
    pub fn entry(&self) -> Option<EntryId> {
        match &self.proof {
            Proof::Recorded(receipt) => Some(receipt.id()),
            Proof::ShortWay | Proof::Unrecorded(_) => None,
        }
    }

    /// The entry that tells of the message, be it written already or only later: what becomes of it is told under that.
    pub fn told_under(&self) -> Option<EntryId> {
        match &self.proof {
            Proof::Recorded(receipt) => Some(receipt.id()),
            Proof::Unrecorded(entry) => Some(*entry),
            Proof::ShortWay => None,
        }
    }

    /// Whether the message moves without an entry although it was checked.
    pub fn is_unrecorded(&self) -> bool {
        matches!(self.proof, Proof::Unrecorded(_))
    }
}

/// The duty to refuse one message, with the answer to give.
#[derive(Debug)]
pub struct Refusal {
    /// What the sender is told; `None` where nothing may be sent (MSH-15/16).
    pub answer: Option<Bytes>,
    /// The verdict; `None` for an identical retransmission, which was judged before.
    pub verdict: Option<Arc<Verdict>>,
}

/// What the gate says of a message.
#[derive(Debug)]
pub enum Outcome {
    /// It passes.
    Forward(Passage),
    /// It does not.
    Refuse(Refusal),
}
