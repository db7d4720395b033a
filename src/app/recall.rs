//! Rebuilds the gate's memory from the ledger at start: retransmissions, the numbers of checked orders, and their
//! addresses on FHIR servers.

use std::collections::HashMap;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::app::configuration;
use crate::gate::memory::{Fingerprint, MESSAGES_FOR, Refused, Remembered};
use crate::gate::order_facts::OrderFacts;
use crate::gate::stance::RouteStance;
use crate::gate::stances::Stances;
use crate::gate::{Gate, KnownAs};
use crate::ledger::{Entry, Kind, LedgerError, Recovered};

/// Orders are changed and scheduled within weeks of being placed; an order number older than this
/// is known again as soon as its next message is checked.
const ORDERS_FOR: SignedDuration = SignedDuration::from_hours(30 * 24);

#[derive(Deserialize)]
struct Kept {
    answer: Option<String>,
    #[serde(default)]
    configuration: String,
    facts: Option<KeptFacts>,
    message_sha256: String,
    policy: Box<RawValue>,
    #[serde(default)]
    read_elsewhere: Vec<String>,
    register_version: i64,
    route: String,
    verdict: KeptVerdict,
}

#[derive(Deserialize)]
struct KeptDelivery {
    #[serde(default)]
    known_as: Vec<KnownAs>,
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
    stances: &Stances,
    now: Timestamp,
) -> Result<(), LedgerError> {
    let orders_since = now - ORDERS_FOR;
    let messages_since = now - SignedDuration::try_from(MESSAGES_FOR).unwrap_or(ORDERS_FOR);
    let policies = stances.all().into_iter().map(|(name, switch)| {
        let stance = switch.now();
        (name, (gate.policy_written(&stance), stance))
    });
    let policies: HashMap<Arc<str>, (String, Arc<RouteStance>)> = policies.collect();
    let digest = Arc::clone(&gate.terms().configuration.digest);
    let mut configurations: HashMap<String, String> = HashMap::new();
    for entry in recovered.recent(orders_since)? {
        let entry = entry?;
        match entry.kind {
            Kind::Decision => {}
            Kind::Delivery => {
                learn(gate, &entry);
                continue;
            }
            Kind::Bypass => {
                configurations.extend(configuration::told(&entry));
                continue;
            }
            kind => {
                let name = entry.id.to_string();
                gate.recall_attestation(kind, &name, entry.time, entry.body());
                continue;
            }
        }
        // What an older version wrote differently is not remembered; it is judged anew.
        let Ok(kept) = serde_json::from_str::<Kept>(entry.body()) else { continue };
        let facts = kept.facts.as_ref();
        for order in facts.iter().flat_map(|f| &f.orders).filter(|order| order.is_order()) {
            order.order_numbers().for_each(|number| gate.memory().order_checked(number));
        }
        // What was refused by other settings (an enforcing route that now observes) is judged anew, as a copy.
        let policy = policies.get(&*kept.route);
        let read_alike = configurations.get(&kept.configuration).is_some_and(|by| **by == *digest);
        let same = policy.filter(|(written, _)| read_alike && written == kept.policy.get());
        if entry.time >= messages_since {
            remember(gate, &entry, &kept, same.map(|(_, stance)| (stance, &digest)));
        }
    }
    Ok(())
}

/// `by` what it was decided, if that is in force.
fn remember(gate: &Gate, entry: &Entry, kept: &Kept, by: Option<(&Arc<RouteStance>, &Arc<str>)>) {
    let readable = kept.is_final();
    let Some(digest) = digest(&kept.message_sha256).filter(|_| readable) else { return };
    let refused = kept.verdict.stance == "enforce"
        && matches!(kept.verdict.decision.as_str(), "block" | "unavailable");
    let answer = || kept.answer.as_ref().and_then(|text| BASE64.decode(text).ok());
    let refused = by.filter(|_| refused).map(|(stance, by)| Refused {
        answer: answer().map(Bytes::from),
        day: gate.zone().to_datetime(entry.time).date(),
        register_version: kept.register_version,
        stance: Arc::clone(stance),
        digest: Arc::clone(by),
    });
    let fingerprint = Fingerprint { route: kept.route.as_str().into(), digest };
    gate.memory().remember(fingerprint, Remembered { entry: entry.id.to_string(), refused });
}

/// Where a FHIR server keeps an order.
fn learn(gate: &Gate, entry: &Entry) {
    let Ok(kept) = serde_json::from_str::<KeptDelivery>(entry.body()) else { return };
    for known in kept.known_as {
        gate.memory().order_known_as(&known.address, &known.order_no);
    }
}

impl Kept {
    /// Whether the same bytes would come out the same: a refusal for a gap that may be gone is not repeated, nor one
    /// that was read by what stands elsewhere.
    fn is_final(&self) -> bool {
        let refused = self.answer.is_some();
        self.verdict.gaps.iter().all(|gap| gap == "message-unreadable")
            && (!refused || self.read_elsewhere.is_empty())
    }
}

fn digest(text: &str) -> Option<[u8; 32]> {
    let mut out = [0; 32];
    hex::decode_to_slice(text, &mut out).ok()?;
    Some(out)
}
