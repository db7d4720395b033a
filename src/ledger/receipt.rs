//! The proof that an entry is kept: the only thing with which the gate lets a message move.

use crate::ledger::entry::EntryId;

/// Says that an entry has the durability that was asked for. Only the ledger makes one, afterwards.
///
/// It cannot be made up:
///
/// ```compile_fail,E0451
/// let id = orgate::ledger::EntryId::new(jiff::Timestamp::UNIX_EPOCH);
/// let receipt = orgate::ledger::Receipt { id, seq: Some(1) };
/// ```
///
/// One receipt moves one message: it is neither copied nor cloned.
///
/// ```compile_fail,E0277
/// fn twice<T: Clone>() {}
/// twice::<orgate::ledger::Receipt>();
/// ```
///
/// ```compile_fail,E0382
/// fn spend(receipt: orgate::ledger::Receipt) -> (orgate::ledger::Receipt, orgate::ledger::Receipt) {
///     (receipt, receipt)
/// }
/// ```
#[derive(Debug, PartialEq, Eq)]
#[must_use = "a message may move only with its receipt"]
pub struct Receipt {
    id: EntryId,
    seq: Option<u64>,
}

impl Receipt {
    /// After fdatasync returned for the entry and everything before it.
    pub(in crate::ledger) fn on_disk(id: EntryId, seq: u64) -> Self {
        Self { id, seq: Some(seq) }
    }

    /// After the queue took the entry, for those that asked for no more.
    pub(in crate::ledger) fn queued(id: EntryId) -> Self {
        Self { id, seq: None }
    }

    /// The entry's id.
    pub fn id(&self) -> EntryId {
        self.id
    }

    /// The entry's place in the chain; `None` if the receipt was given before it had one
    /// ([`Durability::Soon`](crate::ledger::Durability::Soon)).
    pub fn seq(&self) -> Option<u64> {
        self.seq
    }
}
