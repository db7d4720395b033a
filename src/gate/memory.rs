//! What the gate remembers of messages it has judged: retransmissions, and order numbers seen.
//!
//! Both are bounded, and rebuilt from the ledger at start.

use std::time::Duration;

use bytes::Bytes;
use moka::sync::Cache;
use ring::digest::{Context, SHA256};

/// How many messages are remembered. At 300 bytes each some 15 MB; a busy hospital orders fewer in a week.
const MESSAGES_MAX: u64 = 50_000;
/// How many order numbers are remembered (a year of a large hospital's operations).
const ORDERS_MAX: u64 = 200_000;
/// How long a message counts as the same transmission. Interface engines retry for hours.
const MESSAGES_FOR: Duration = Duration::from_secs(24 * 3600);

/// Route and bytes of a message (its MSH-10 is among them).
pub type Fingerprint = [u8; 32];

/// The fingerprint of `message` on `route`.
pub fn fingerprint(route: &str, message: &[u8]) -> Fingerprint {
    let mut context = Context::new(&SHA256);
    context.update(route.as_bytes());
    context.update(&[0]);
    context.update(message);
    let mut out = [0; 32];
    out.copy_from_slice(context.finish().as_ref());
    out
}

/// What became of a message.
#[derive(Clone, Debug)]
pub struct Remembered {
    /// Its ledger entry.
    pub entry: String,
    /// The refusal that was sent; `None` when it was forwarded.
    pub refused: Option<Option<Bytes>>,
    /// The register version it was judged at: a refusal holds only while the register stands still,
    /// since a grant given meanwhile must count at once.
    pub register_version: i64,
}

/// The gate's memory.
#[derive(Debug)]
pub struct Memory {
    messages: Cache<Fingerprint, Remembered>,
    orders: Cache<String, ()>,
}

impl Default for Memory {
    fn default() -> Self {
        Self {
            messages: Cache::builder()
                .max_capacity(MESSAGES_MAX)
                .time_to_live(MESSAGES_FOR)
                .build(),
            orders: Cache::builder().max_capacity(ORDERS_MAX).build(),
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

    /// Keeps an order number as that of a checked order.
    pub fn order_checked(&self, order_no: &str) {
        self.orders.insert(order_no.trim().to_owned(), ());
    }

    /// Whether an order of this number was checked.
    pub fn knows_order(&self, order_no: &str) -> bool {
        self.orders.contains_key(order_no.trim())
    }
}
