//! What the gate remembers of messages it has judged: retransmissions, order numbers seen, and the addresses that FHIR
//! servers gave to orders.
//!
//! All are bounded, and rebuilt from the ledger at start; what other gates have judged is heard from the index they share.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use jiff::civil::Date;
use moka::sync::Cache;
use ring::digest::{SHA256, digest};

use crate::domain::order::{Order, Stage};

use crate::gate::stance::RouteStance;

/// How many messages are remembered. At 300 bytes each some 15 MB; a busy hospital orders fewer in a week.
const MESSAGES_MAX: u64 = 50_000;
/// How many order numbers are remembered (a year of a large hospital's operations).
const ORDERS_MAX: u64 = 200_000;
/// How many addresses of orders are remembered: about one for each order number.
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
        Self {
            messages: Cache::builder()
                .max_capacity(MESSAGES_MAX)
                .time_to_live(MESSAGES_FOR)
                .build(),
            orders: Cache::builder().max_capacity(ORDERS_MAX).build(),
            addresses: Cache::builder().max_capacity(ADDRESSES_MAX).build(),
            elsewhere: Cache::builder()
                .max_capacity(MESSAGES_MAX)
                .time_to_live(MESSAGES_FOR)
                .build(),
        }
    }
}

impl Memory {
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
