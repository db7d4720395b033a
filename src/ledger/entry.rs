//! What an entry is: its id, kind and body; as a draft before it has a place in the chain, and as read back.

use std::fmt;
use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use ring::digest::{Context, SHA256};
use serde_json::Value;

use crate::ledger::canonical::{self, NotCanonical};
use crate::ledger::chain::{Hash, Head, Line, Why};

/// The public id of an entry: a ULID, so that ids sort by time.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntryId(ulid::Ulid);

impl EntryId {
    /// A new id; the rest of it is random.
    pub fn new(now: Timestamp) -> Self {
        let since_epoch = Duration::from_millis(now.as_millisecond().try_into().unwrap_or(0));
        Self(ulid::Ulid::from_datetime(SystemTime::UNIX_EPOCH + since_epoch))
    }

    /// Reads the 26 characters of an id.
    pub fn parse(text: &str) -> Option<Self> {
        ulid::Ulid::from_string(text).ok().map(Self)
    }

    /// The 128 bits of the id, for those who write it as a UUID.
    pub fn bits(self) -> u128 {
        self.0.0
    }

    /// The id of 128 bits.
    pub fn from_bits(bits: u128) -> Self {
        Self(ulid::Ulid(bits))
    }

    /// When the id was made, to the millisecond.
    pub fn time(self) -> Timestamp {
        let milliseconds = i64::try_from(self.0.timestamp_ms()).unwrap_or(i64::MAX);
        Timestamp::from_millisecond(milliseconds).unwrap_or(Timestamp::MAX)
    }
}

impl fmt::Display for EntryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Debug for EntryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// What an entry tells of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A message was judged.
    Decision,
    /// What became of a forwarded message.
    Delivery,
    /// An override file was opened, attested, reviewed.
    Override,
    /// The register was changed.
    Register,
    /// Somebody looked at personal data.
    Access,
    /// The gate was switched off or on.
    Bypass,
    /// The ledger on itself: a new file, a start, an interruption. Only the ledger writes these.
    Anchor,
}

impl Kind {
    /// Every kind.
    pub const ALL: &'static [Self] = &[
        Self::Decision,
        Self::Delivery,
        Self::Override,
        Self::Register,
        Self::Access,
        Self::Bypass,
        Self::Anchor,
    ];

    /// The public name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Decision => "decision",
            Self::Delivery => "delivery",
            Self::Override => "override",
            Self::Register => "register",
            Self::Access => "access",
            Self::Bypass => "bypass",
            Self::Anchor => "anchor",
        }
    }

    /// The kind of a public name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.as_str() == name)
    }
}

/// The body of an entry: one JSON object, known to be canonical.
#[derive(Clone, PartialEq, Eq)]
pub struct Body(String);

impl Body {
    /// Takes text that is already canonical: the quick way, for writers that sort their members.
    ///
    /// # Errors
    /// [`NotCanonical`]; such a body would make the ledger unverifiable.
    pub fn new(text: String) -> Result<Self, NotCanonical> {
        canonical::check_object(&text)?;
        Ok(Self(text))
    }

    /// Writes a JSON object canonically.
    ///
    /// # Errors
    /// [`NotCanonical`] if it is no object or holds a number that is not whole.
    pub fn of(value: &Value) -> Result<Self, NotCanonical> {
        Self::new(canonical::canonical(value)?)
    }

    /// The body that tells nothing: `{}`.
    pub fn empty() -> Self {
        Self("{}".to_owned())
    }

    /// The JSON text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Body({} bytes)", self.0.len())
    }
}

/// An entry that has no place in the chain yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    /// Its id for ever.
    pub id: EntryId,
    /// When it happened; the file it goes to is that of this local day.
    pub time: Timestamp,
    /// What it tells of; not [`Kind::Anchor`].
    pub kind: Kind,
    /// The telling.
    pub body: Body,
}

/// A draft made ready by its own caller, so that the one writer has next to nothing left to do:
/// only `prev`, `seq` and the last blocks of the hash depend on the place in the chain.
pub(in crate::ledger) struct Prepared {
    pub(in crate::ledger) id: EntryId,
    pub(in crate::ledger) time: Timestamp,
    pub(in crate::ledger) day: Date,
    before_hash: Vec<u8>,
    after_hash: String,
    end: String,
    digest: Context,
}

impl Prepared {
    /// `node` is the node's name as a JSON string.
    pub(in crate::ledger) fn new(draft: &Draft, node: &str, zone: &TimeZone) -> Self {
        let (time, day) = stamp(draft.time, zone);
        let before_hash = [br#"{"body":"#, draft.body.0.as_bytes(), b","].concat();
        let (id, kind) = (draft.id, draft.kind.as_str());
        let after_hash = format!(r#""id":"{id}","kind":"{kind}","node":{node},"prev":""#);
        let end = format!(r#","time":"{time}"}}"#);
        let mut digest = Context::new(&SHA256);
        digest.update(&before_hash);
        digest.update(after_hash.as_bytes());
        Self { id, time: draft.time, day, before_hash, after_hash, end, digest }
    }

    /// The bytes its line will have, rounded up.
    pub(in crate::ledger) fn bytes(&self) -> usize {
        const HASHES_AND_SEQ: usize = 192;
        self.before_hash.len() + self.after_hash.len() + self.end.len() + HASHES_AND_SEQ
    }

    /// Writes the line that follows `head`, line end included; gives the new head.
    pub(in crate::ledger) fn seal(&self, head: Head, out: &mut Vec<u8>) -> Head {
        let seq = head.seq + 1;
        let prev = head.hash.hex();
        let number = format!(r#"","seq":{seq}"#);
        let mut digest = self.digest.clone();
        for part in [&prev, number.as_bytes(), self.end.as_bytes()] {
            digest.update(part);
        }
        let hash = Hash::finish(digest);
        for part in [
            &self.before_hash,
            br#""hash":""#.as_slice(),
            &hash.hex(),
            br#"","#,
            self.after_hash.as_bytes(),
            &prev,
            number.as_bytes(),
            self.end.as_bytes(),
            b"\n",
        ] {
            out.extend_from_slice(part);
        }
        Head { seq, hash }
    }
}

/// An instant as an entry writes it (RFC 3339, microseconds, the zone's offset at that time), and its local day.
fn stamp(time: Timestamp, zone: &TimeZone) -> (String, Date) {
    let offset = zone.to_offset(time);
    let local = offset.to_datetime(time);
    // RFC 3339 has no offsets with seconds (local mean time before 1901) and no years before 0.
    if offset.seconds() % 60 != 0 || local.year() < 0 {
        return stamp(time.max(Timestamp::UNIX_EPOCH), &TimeZone::UTC);
    }
    let date = local.date();
    let (hour, minute, second) = (local.hour(), local.minute(), local.second());
    let micros = local.subsec_nanosecond() / 1000;
    let mut text = format!("{date}T{hour:02}:{minute:02}:{second:02}.{micros:06}");
    let minutes = offset.seconds() / 60;
    if minutes == 0 {
        text.push('Z');
    } else {
        let sign = if minutes < 0 { '-' } else { '+' };
        let minutes = minutes.abs();
        text.push_str(&format!("{sign}{:02}:{:02}", minutes / 60, minutes % 60));
    }
    (text, date)
}

/// An entry as it stands on disk.
#[derive(Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its place in the chain, from 1.
    pub seq: u64,
    /// Its public id.
    pub id: EntryId,
    /// When it happened.
    pub time: Timestamp,
    /// What it tells of.
    pub kind: Kind,
    /// The gate that wrote it.
    pub node: String,
    /// The hash of the entry before.
    pub prev: Hash,
    /// Its own.
    pub hash: Hash,
    line: String,
    body_bytes: usize,
}

impl Entry {
    /// The body: canonical JSON, one object.
    pub fn body(&self) -> &str {
        let start = r#"{"body":"#.len();
        self.line.get(start..start + self.body_bytes).unwrap_or_default()
    }

    /// The whole line as written, without its line end.
    pub fn line(&self) -> &str {
        &self.line
    }

    /// Reads what [`Line`] has taken apart.
    pub(in crate::ledger) fn read(line: &Line<'_>, raw: &[u8]) -> Result<Self, Why> {
        Ok(Self {
            seq: line.seq,
            id: EntryId::parse(line.id).ok_or(Why::Shape("`id` is not a ULID"))?,
            time: line.time.parse().map_err(|_| Why::Shape("`time` is malformed"))?,
            kind: line.kind,
            node: serde_json::from_str(line.node).map_err(|_| Why::Shape("no node"))?,
            prev: line.prev,
            hash: line.hash,
            line: str::from_utf8(raw).map_err(|_| Why::Shape("not UTF-8"))?.to_owned(),
            body_bytes: line.body.len(),
        })
    }
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { seq, id, kind, body_bytes, .. } = self;
        write!(f, "Entry({seq} {id} {} {body_bytes} bytes)", kind.as_str())
    }
}
