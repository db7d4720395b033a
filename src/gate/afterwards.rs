//! Orders that passed while no gate stood in their way: judged afterwards, recorded, and not forwarded.

use std::sync::Arc;

use jiff::Timestamp;
use serde::Serialize;
use tokio::time::timeout;

use crate::domain::verdict::Verdict;
use crate::gate::memory::{Fingerprint, Remembered};
use crate::gate::pass::{Gate, LEDGER_WAIT, Message, Request};
use crate::gate::ruling::rule;
use crate::gate::stance::RouteStance;
use crate::ledger::{Draft, Durability, EntryId, Kind};
use crate::telemetry::events;

/// Who records what passed without a gate, and why there was none. Members in alphabetical order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Afterwards {
    /// Who.
    pub by: String,
    /// Why.
    pub reason: String,
}

/// What became of a message that is recorded afterwards.
#[derive(Clone, Debug)]
pub enum Recorded {
    /// The gate knows it: it has passed before, here or at another gate, or was recorded already.
    Already(String),
    /// Judged and entered.
    Entered(EntryId, Arc<Verdict>),
}

/// The ledger does not take it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the ledger cannot record it, run it again later: what is recorded already is left out then"
)]
pub struct Unrecorded;

impl Gate {
    /// Judges a message as of `at`, when it passed, and records the decision. Nothing moves on account of it, and
    /// nobody is answered; override files, reports and alerts follow from the entry as from any other.
    ///
    /// # Errors
    /// The ledger cannot record it.
    pub async fn record_afterwards(
        &self,
        mut request: Request,
        at: Timestamp,
        told: &Afterwards,
    ) -> Result<Recorded, Unrecorded> {
        let fingerprint = Fingerprint::new(&request.route, &request.message);
        let before = self.memory().recall(&fingerprint).map(|before| before.entry);
        if let Some(entry) = before.or_else(|| self.memory().elsewhere(&fingerprint)) {
            return Ok(Recorded::Already(entry));
        }
        request.stance = Arc::new(RouteStance::bypass());
        let attested_in = self.attested(&mut request.subject).await;
        let ruling =
            rule(self.knowledge(&request.terms), &|| at, (&request).into(), &request.stance).await;
        let message = Message {
            request: &request,
            ruling: &ruling,
            fingerprint: &fingerprint,
            retransmission_of: None,
            attested_in: &attested_in,
            inquiry: None,
            bypass: None,
            afterwards: Some(told),
        };
        let now = self.clock().now();
        let id = EntryId::new(now);
        let name = id.to_string();
        let body = self.body(&message, &name, None, None);
        let draft = Draft { id, time: now, kind: Kind::Decision, body };
        let appended = timeout(LEDGER_WAIT, self.append(draft, Durability::OnDisk)).await;
        let Ok(Ok(receipt)) = appended else { return Err(Unrecorded) };
        events::Judged {
            route: &request.route,
            decision: ruling.verdict.decision,
            stance: ruling.verdict.stance,
            entry: &name,
            verdict: &ruling.verdict,
        }
        .emit();
        self.memory().orders_checked(request.subject.orders());
        self.enter(&message, &ruling.verdict, &name, None, receipt.seq());
        self.memory().remember(fingerprint, Remembered { entry: name, refused: None });
        Ok(Recorded::Entered(id, Arc::new(ruling.verdict)))
    }
}
