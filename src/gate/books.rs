//! What the gate puts into the ledger besides decisions, and how it says that it can.

use crate::gate::entry::{Delivery, policy_json};
use crate::gate::pass::Gate;
use crate::gate::stance::RouteStance;
use crate::ledger::{Body, Draft, Durability, EntryId, Head, Kind, LedgerError, Receipt};

impl Gate {
    /// Puts an entry into the ledger.
    pub(super) async fn append(
        &self,
        draft: Draft,
        durability: Durability,
    ) -> Result<Receipt, LedgerError> {
        self.parts.ledger.append(draft, durability).await
    }

    /// The same without waiting: it is written when the ledger can.
    pub(super) fn append_later(&self, draft: Draft) {
        self.parts.ledger.append_later(draft);
    }

    /// Whether clean answers wait for the disk too.
    pub(super) fn sync_every(&self) -> bool {
        self.parts.sync_every
    }

    /// Records what the downstream system answered; never waited for.
    pub fn delivered(&self, delivery: &Delivery<'_>) {
        for known in &delivery.known_as {
            self.memory.order_known_as(&known.address, &known.order_no);
            self.parts.cases.known_at(&known.address, &known.order_no);
        }
        let now = self.parts.clock.now();
        let body = delivery.body();
        let id = EntryId::new(now);
        self.parts.ledger.append_later(Draft { id, time: now, kind: Kind::Delivery, body });
    }

    /// The settings that verdicts of a route go by, as an entry's `policy` holds them.
    pub fn policy_written(&self, stance: &RouteStance) -> String {
        serde_json::to_string(&policy_json(&self.terms().policy, stance)).unwrap_or_default()
    }

    /// The last entry that is on disk for sure.
    pub fn ledger_head(&self) -> Head {
        self.parts.ledger.head()
    }

    /// Whether the ledger can write.
    pub fn ledger_writes(&self) -> bool {
        self.parts.ledger.healthy()
    }

    /// Writes an entry of the program's own acts (a register import, say).
    pub fn note(&self, kind: Kind, body: Body) {
        let now = self.parts.clock.now();
        self.parts.ledger.append_later(Draft { id: EntryId::new(now), time: now, kind, body });
    }
}
