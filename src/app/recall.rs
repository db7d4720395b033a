//! Rebuilds the gate's memory from the ledger at start: retransmissions, and the numbers of checked orders.

use std::collections::HashMap;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::gate::Gate;
use crate::gate::memory::{Fingerprint, MESSAGES_FOR, Remembered};
use crate::gate::order_facts::OrderFacts;
use crate::inbound::mllp;
use crate::ledger::{Entry, Kind, LedgerError, Recovered};

/// Orders are changed and scheduled within weeks of being placed; an order number older than this
/// is known again as soon as its next message is checked.
const ORDERS_FOR: SignedDuration = SignedDuration::from_hours(30 * 24);

#[derive(Deserialize)]
struct Kept {
    answer: Option<String>,
    facts: Option<KeptFacts>,
    message_sha256: String,
    policy: Box<RawValue>,
    register_version: i64,
    route: String,
    verdict: KeptVerdict,
}

#[derive(Deserialize)]
struct KeptFacts {
    orders: Vec<OrderFacts>,
}

#[derive(Deserialize)]
struct KeptVerdict {
    decision: String,
    gaps: Vec<String>,
    stance: String,
}

/// Reads the last weeks of the ledger.
///
/// # Errors
/// When its files cannot be read.
pub(super) fn recall(
    gate: &Gate,
    recovered: &Recovered,
    routes: &[Arc<mllp::Config>],
    now: Timestamp,
) -> Result<(), LedgerError> {
    let orders_since = now - ORDERS_FOR;
    let messages_since = now - SignedDuration::try_from(MESSAGES_FOR).unwrap_or(ORDERS_FOR);
    let policies = routes.iter().map(|r| (&*r.name, gate.policy_written(&r.stance)));
    let policies: HashMap<&str, String> = policies.collect();
    for entry in recovered.recent(orders_since)? {
        let entry = entry?;
        if entry.kind != Kind::Decision {
            let name = entry.id.to_string();
            gate.recall_attestation(entry.kind, &name, entry.time, entry.body());
            continue;
        }
        // What an older version wrote differently is not remembered; it is judged anew.
        let Ok(kept) = serde_json::from_str::<Kept>(entry.body()) else { continue };
        let facts = kept.facts.as_ref();
        for order in facts.iter().flat_map(|f| &f.orders).filter(|order| order.is_order()) {
            order.order_numbers().for_each(|number| gate.memory().order_checked(number));
        }
        // What was decided by other settings (an enforcing route that now observes) is judged anew.
        let same = policies.get(&*kept.route).is_some_and(|policy| policy == kept.policy.get());
        if same && entry.time >= messages_since {
            remember(gate, &entry, &kept);
        }
    }
    Ok(())
}

fn remember(gate: &Gate, entry: &Entry, kept: &Kept) {
    let readable = kept.gaps_are_final();
    let Some(digest) = digest(&kept.message_sha256).filter(|_| readable) else { return };
    let refused = kept.verdict.stance == "enforce"
        && matches!(kept.verdict.decision.as_str(), "block" | "unavailable");
    let answer = kept.answer.as_ref().and_then(|text| BASE64.decode(text).ok()).map(Bytes::from);
    gate.memory().remember(
        Fingerprint { route: kept.route.as_str().into(), digest },
        Remembered {
            entry: entry.id.to_string(),
            refused: refused.then_some(answer),
            day: gate.zone().to_datetime(entry.time).date(),
            register_version: kept.register_version,
        },
    );
}

impl Kept {
    /// A refusal for a gap that may be gone is not repeated.
    fn gaps_are_final(&self) -> bool {
        self.verdict.gaps.iter().all(|gap| gap == "message-unreadable")
    }
}

fn digest(hex: &str) -> Option<[u8; 32]> {
    let mut out = [0; 32];
    for (index, byte) in out.iter_mut().enumerate() {
        *byte = u8::from_str_radix(hex.get(2 * index..2 * index + 2)?, 16).ok()?;
    }
    Some(out)
}
