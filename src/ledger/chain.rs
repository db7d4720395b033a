//! How entries hang together: the hash, the link, the line as it stands on disk. Pure: bytes in, judgement out.

use std::fmt;

use ring::digest::{Context, SHA256};

use crate::ledger::canonical::{self, NotCanonical};
use crate::ledger::entry::Kind;

/// A SHA-256 value; written as 64 lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Hash([u8; 32]);

impl Hash {
    /// What the first entry of a ledger has as `prev`.
    pub const ZERO: Self = Self([0; 32]);

    /// Reads 64 lower-case hexadecimal digits.
    pub fn parse(text: &[u8]) -> Option<Self> {
        if text.len() != 64 {
            return None;
        }
        let mut bytes = [0; 32];
        for (byte, pair) in bytes.iter_mut().zip(text.chunks_exact(2)) {
            let [high, low] = pair else { return None };
            *byte = nibble(*high)? << 4 | nibble(*low)?;
        }
        Some(Self(bytes))
    }

    /// The hash of what a digest has been fed.
    pub(in crate::ledger) fn finish(digest: Context) -> Self {
        let mut bytes = [0; 32];
        for (byte, digested) in bytes.iter_mut().zip(digest.finish().as_ref()) {
            *byte = *digested;
        }
        Self(bytes)
    }

    /// The 64 digits.
    pub(in crate::ledger) fn hex(self) -> [u8; 64] {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let digit = |nibble: u8| DIGITS.get(usize::from(nibble)).copied().unwrap_or_default();
        let mut hex = [0; 64];
        for (pair, byte) in hex.chunks_exact_mut(2).zip(self.0) {
            if let [high, low] = pair {
                *high = digit(byte >> 4);
                *low = digit(byte & 15);
            }
        }
        hex
    }
}

fn nibble(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.hex().iter().try_for_each(|digit| write!(f, "{}", char::from(*digit)))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Where a chain stands: its last entry. Noted outside the gate, it also proves that no end was cut off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// Of the last entry; 0 before the first.
    pub seq: u64,
    /// Of the last entry; zero before the first.
    pub hash: Hash,
}

impl Head {
    /// Before the first entry.
    pub const GENESIS: Self = Self { seq: 0, hash: Hash::ZERO };
}

impl fmt::Display for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.seq, self.hash)
    }
}

impl std::str::FromStr for Head {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = "a head is written SEQ:HASH, as `orgate ledger verify` prints it";
        let (seq, hash) = text.split_once(':').ok_or(wrong)?;
        let seq = seq.parse().map_err(|_| wrong)?;
        Ok(Self { seq, hash: Hash::parse(hash.as_bytes()).ok_or(wrong)? })
    }
}

/// What is wrong with an entry, a line or a file of the ledger.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Why {
    /// The line is no entry.
    #[error("the line is not an entry: {0}")]
    Shape(&'static str),
    /// The body could be written in another way.
    #[error("the body is {0}")]
    Canonical(NotCanonical),
    /// The line is longer than any the gate writes.
    #[error("the line is longer than {0} bytes")]
    Long(usize),
    /// The content was changed after writing.
    #[error("bad hash: the hash does not match the content")]
    Hash,
    /// The entry before was changed, or this one was put here.
    #[error("wrong prev: `prev` is not the hash of the entry before")]
    Prev,
    /// Entries are absent.
    #[error("gap in seq: {expected} is expected here, {found} found")]
    Gap {
        /// The number that should stand here.
        expected: u64,
        /// The number that does.
        found: u64,
    },
    /// An entry stands twice, or an old one was put here.
    #[error("duplicate seq: {expected} is expected here, {found} found")]
    Repeat {
        /// The number that should stand here.
        expected: u64,
        /// The number that does.
        found: u64,
    },
    /// A packed file was changed or cut.
    #[error("the packed file cannot be unpacked: it was changed or cut short")]
    Unpacked,
    /// A file begins with something else than an anchor.
    #[error("the first entry of a file must be an anchor")]
    NoAnchor,
    /// A whole file is absent.
    #[error("missing file: the anchor names `{0}` as the file before")]
    MissingFile(String),
    /// A file lacks its end.
    #[error("cut short: the anchor of `{next}` says that this file goes on to seq {seq}")]
    CutShort {
        /// The file whose anchor says so.
        next: String,
        /// The last entry the file had.
        seq: u64,
    },
    /// The ledger does not begin at its beginning.
    #[error("the ledger begins at seq {0}, older files are missing")]
    NoBeginning(u64),
    /// A file that another follows ends within a line.
    #[error("the last line is unfinished, and another file follows")]
    Unfinished,
    /// The chain does not hold the head it was compared with.
    #[error("another history: seq {0} does not have the hash it was noted with")]
    OtherHistory(u64),
    /// The chain ends before the head it was compared with.
    #[error("cut short: the ledger was noted to go on to seq {0}")]
    EndsBefore(u64),
}

/// A line taken apart. Everything as written: `node` is still a JSON string.
#[derive(Clone, Copy)]
pub(in crate::ledger) struct Line<'a> {
    pub(in crate::ledger) body: &'a str,
    pub(in crate::ledger) hash: Hash,
    pub(in crate::ledger) id: &'a str,
    pub(in crate::ledger) kind: Kind,
    pub(in crate::ledger) node: &'a str,
    pub(in crate::ledger) prev: Hash,
    pub(in crate::ledger) seq: u64,
    pub(in crate::ledger) time: &'a str,
    before_hash: &'a str,
    after_hash: &'a str,
}

impl<'a> Line<'a> {
    /// Takes a line (without its line end) apart, accepting only the canonical form.
    pub(in crate::ledger) fn parse(line: &'a [u8]) -> Result<Self, Why> {
        let line = str::from_utf8(line).map_err(|_| Why::Shape("not UTF-8"))?;
        let rest = after(line, r#"{"body":"#)?;
        let length = canonical::object_end(rest.as_bytes()).map_err(Why::Canonical)?;
        let (body, rest) = split(rest, length)?;
        let rest = after(rest, ",")?;
        let before_hash = line.get(..line.len() - rest.len()).unwrap_or_default();
        let (hash, rest) = split(after(rest, r#""hash":""#)?, 64)?;
        let after_hash = after(rest, r#"","#)?;
        let (id, rest) = split(after(after_hash, r#""id":""#)?, ulid::ULID_LEN)?;
        let rest = after(rest, r#"","kind":""#)?;
        let (kind, rest) = rest.split_once('"').ok_or(Why::Shape("no kind"))?;
        let rest = after(rest, r#","node":"#)?;
        let length = canonical::string_end(rest.as_bytes()).map_err(Why::Canonical)?;
        let (node, rest) = split(rest, length)?;
        let (prev, rest) = split(after(rest, r#","prev":""#)?, 64)?;
        let rest = after(rest, r#"","seq":"#)?;
        let (seq, rest) = rest.split_once(',').ok_or(Why::Shape("no seq"))?;
        let rest = after(rest, r#""time":""#)?;
        let time = rest.strip_suffix(r#""}"#).ok_or(Why::Shape("no time"))?;
        Ok(Self {
            body,
            hash: Hash::parse(hash.as_bytes()).ok_or(Why::Shape("`hash` is not SHA-256"))?,
            id: Some(id).filter(|id| ulid_text(id)).ok_or(Why::Shape("`id` is not a ULID"))?,
            kind: Kind::from_name(kind).ok_or(Why::Shape("unknown kind"))?,
            node,
            prev: Hash::parse(prev.as_bytes()).ok_or(Why::Shape("`prev` is not SHA-256"))?,
            seq: whole(seq).ok_or(Why::Shape("`seq` is not a number"))?,
            time: Some(time).filter(|t| instant(t)).ok_or(Why::Shape("`time` is malformed"))?,
            before_hash,
            after_hash,
        })
    }

    /// Whether the entry is what its hash says, and follows `head`; gives the next head.
    pub(in crate::ledger) fn follow(&self, head: Head) -> Result<Head, Why> {
        self.check_hash()?;
        let expected = head.seq + 1;
        match self.seq {
            found if found > expected => return Err(Why::Gap { expected, found }),
            found if found < expected => return Err(Why::Repeat { expected, found }),
            _ => {}
        }
        if self.prev != head.hash {
            return Err(Why::Prev);
        }
        Ok(self.head())
    }

    /// Whether the content is what the entry's hash says.
    pub(in crate::ledger) fn check_hash(&self) -> Result<(), Why> {
        let mut digest = Context::new(&SHA256);
        digest.update(self.before_hash.as_bytes());
        digest.update(self.after_hash.as_bytes());
        if Hash::finish(digest) == self.hash { Ok(()) } else { Err(Why::Hash) }
    }

    /// The head of a chain that ends here.
    pub(in crate::ledger) fn head(&self) -> Head {
        Head { seq: self.seq, hash: self.hash }
    }
}

fn after<'a>(text: &'a str, start: &'static str) -> Result<&'a str, Why> {
    text.strip_prefix(start).ok_or(Why::Shape("a member is missing, or not in its place"))
}

fn split(text: &str, at: usize) -> Result<(&str, &str), Why> {
    text.split_at_checked(at).ok_or(Why::Shape("the line ends too early"))
}

fn ulid_text(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_digit() || b.is_ascii_uppercase())
}

fn whole(text: &str) -> Option<u64> {
    let canonical = !text.starts_with('0') && text.bytes().all(|b| b.is_ascii_digit());
    text.parse().ok().filter(|_| canonical)
}

/// `2026-03-02T08:30:00.000000+08:00`, or with `Z`. Ranges are checked by whoever needs the instant.
fn instant(text: &str) -> bool {
    let shape: &[u8] = match text.len() {
        32 => b"0000-00-00T00:00:00.000000+00:00",
        27 => b"0000-00-00T00:00:00.000000Z",
        _ => return false,
    };
    text.bytes().zip(shape).all(|(byte, place)| match place {
        b'0' => byte.is_ascii_digit(),
        b'+' => byte == b'+' || byte == b'-',
        _ => byte == *place,
    })
}
