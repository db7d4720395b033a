//! What the gate remembers of messages it has judged: retransmissions, order numbers seen, and the addresses that FHIR
//! servers gave to orders.
//!
//! All are bounded, and rebuilt from the ledger at start; what other gates have judged is heard from the index they share.
//! Where one is full, what was not asked for longest makes room: never what is newest, which is what comes again.

use std::hash::Hash;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use jiff::civil::Date;
use moka::policy::EvictionPolicy;
use moka::sync::{Cache, CacheBuilder};
use ring::digest::{SHA256, digest};

use crate::domain::order::{Order, Stage};

use crate::gate::stance::RouteStance;

/// How many messages are remembered: 26 MiB, of which one in fourteen was refused; a busy hospital orders fewer in a week.
const MESSAGES_MAX: u64 = 50_000;
/// How many order numbers are remembered (a year of a large hospital's operations): 70 MiB.
const ORDERS_MAX: u64 = 200_000;
/// How many addresses of orders are remembered: about one for each order number, 94 MiB where all come by FHIR.
const ADDRESSES_MAX: u64 = 200_000;
/// How long a message counts as the same transmission. Interface engines retry for hours.
pub const MESSAGES_FOR: Duration = Duration::from_secs(24 * 3600);

/// Route and bytes of a message (its MSH-10 is among them).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Fingerprint {
    /// The route.
    pub route: Arc<str>,
    /// SHA-256 of the message.
    pub digest: [u8; 32],
}

impl Fingerprint {
    /// Of `message` on `route`.
    pub fn new(route: &Arc<str>, message: &[u8]) -> Self {
        let mut out = [0; 32];
        out.copy_from_slice(digest(&SHA256, message).as_ref());
        Self { route: Arc::clone(route), digest: out }
    }

    /// Of the name that documents bear: route and digest.
    pub fn of_name(name: &str) -> Option<Self> {
        let (route, text) = name.rsplit_once(' ')?;
        let mut digest = [0; 32];
        hex::decode_to_slice(text, &mut digest).ok()?;
        Some(Self { route: route.into(), digest })
    }

    /// The digest as the ledger writes it.
    pub fn hex(&self) -> String {
        hex::encode(self.digest)
    }
}

/// What became of a message.
#[derive(Clone, Debug)]
pub struct Remembered {
    /// Its ledger entry.
    pub entry: String,
    /// The refusal that may be repeated; `None` when it was forwarded, or refused by other settings.
    pub refused: Option<Refused>,
}

/// A refusal, and by what.
#[derive(Clone, Debug)]
pub struct Refused {
    /// What was sent; `None` where nothing might be.
    pub answer: Option<Bytes>,
    /// The day it was judged on, in the hospital's zone: grants and licences begin and end at midnight.
    pub day: Date,
    /// The register version it was judged at: a refusal holds only while the register stands still,
    /// since a grant given meanwhile must count at once.
    pub register_version: i64,
    /// What the route did with verdicts: a refusal does not outlive a change of it.
    pub stance: Arc<RouteStance>,
    /// The hash over the files of the configuration it was judged by: a refusal does not outlive a change of them.
    pub digest: Arc<str>,
}

/// The gate's memory.
#[derive(Debug)]
pub struct Memory {
    messages: Cache<Fingerprint, Remembered>,
    orders: Cache<String, ()>,
    addresses: Cache<String, String>,
    elsewhere: Cache<Fingerprint, String>,
}

impl Default for Memory {
    fn default() -> Self {
        Self::of_most(MESSAGES_MAX, ORDERS_MAX, ADDRESSES_MAX)
    }
}

/// The default of the cache would keep out what is new as long as it was asked for no more often than what it holds.
fn newest<K, V>(most: u64) -> CacheBuilder<K, V, Cache<K, V>>
where
    K: Hash + Eq + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    Cache::builder().max_capacity(most).eviction_policy(EvictionPolicy::lru())
}

impl Memory {
    /// For so many of each.
    fn of_most(messages: u64, orders: u64, addresses: u64) -> Self {
        Self {
            messages: newest(messages).time_to_live(MESSAGES_FOR).build(),
            orders: newest(orders).build(),
            addresses: newest(addresses).build(),
            elsewhere: newest(messages).time_to_live(MESSAGES_FOR).build(),
        }
    }

    /// What became of this message before.
    pub fn recall(&self, fingerprint: &Fingerprint) -> Option<Remembered> {
        self.messages.get(fingerprint)
    }

    /// Keeps what became of a message.
    pub fn remember(&self, fingerprint: Fingerprint, remembered: Remembered) {
        self.messages.insert(fingerprint, remembered);
    }

    /// Keeps that another gate has let this message through, under its entry.
    pub fn passed_elsewhere(&self, fingerprint: Fingerprint, entry: &str) {
        self.elsewhere.insert(fingerprint, entry.to_owned());
    }

    /// The entry under which another gate let this message through.
    pub fn elsewhere(&self, fingerprint: &Fingerprint) -> Option<String> {
        self.elsewhere.get(fingerprint)
    }

    /// Keeps the numbers of the orders that were checked: what follows them is surgical, whatever it says itself.
    pub fn orders_checked(&self, orders: &[Order]) {
        let checked = orders.iter().filter(|order| order.stage == Stage::Order);
        let groups = checked.flat_map(|order| &order.groups).filter(|group| group.action.checked());
        for order_no in groups.filter_map(|group| group.order_no.as_ref()) {
            self.order_checked(order_no.reveal());
        }
    }

    /// Keeps an order number as that of a checked order.
    pub fn order_checked(&self, order_no: &str) {
        self.orders.insert(order_no.trim().to_owned(), ());
    }

    /// Keeps that the order of this number is found at `address` (`http://host/fhir/ServiceRequest/77`): what later
    /// refers to it by its address belongs to the same case.
    pub fn order_known_as(&self, address: &str, order_no: &str) {
        self.addresses.insert(address.to_owned(), order_no.trim().to_owned());
    }

    /// The number of the order, notice or record at `address`.
    pub fn order_at(&self, address: &str) -> Option<String> {
        self.addresses.get(address)
    }

    /// Whether an order of this number was checked.
    pub fn knows_order(&self, order_no: &str) -> bool {
        self.orders.contains_key(order_no.trim())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_memory_holds_the_newest_however_much_has_gone_through_it() {
        const MOST: u64 = 1_000;
        let memory = Memory::of_most(MOST, MOST, MOST);
        let route: Arc<str> = "his".into();
        let print = |nth: u64| Fingerprint::new(&route, &nth.to_le_bytes());
        let (number, address) = (|nth: u64| format!("SQ{nth}"), |nth: u64| format!("S/{nth}"));
        for nth in 0..20 * MOST {
            // As the gate does it: asked for first.
            assert!(memory.recall(&print(nth)).is_none());
            assert!(!memory.knows_order(&number(nth)));
            let entry = number(nth);
            memory.remember(print(nth), Remembered { entry: entry.clone(), refused: None });
            memory.passed_elsewhere(print(nth), &entry);
            memory.order_checked(&entry);
            memory.order_known_as(&address(nth), &entry);
            // What comes again is a little older than the newest.
            let Some(lately) = nth.checked_sub(MOST / 4) else { continue };
            assert!(memory.recall(&print(lately)).is_some(), "message {lately} at {nth}");
            assert!(memory.elsewhere(&print(lately)).is_some(), "elsewhere, {lately} at {nth}");
            assert!(memory.knows_order(&number(lately)), "order {lately} at {nth}");
            let known = memory.order_at(&address(lately));
            assert_eq!(known, Some(number(lately)), "address {lately} at {nth}");
        }
    }
}
