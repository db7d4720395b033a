//! A batch without some of its entries, and its response with ours put back; every other byte as it was.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;

use serde::de::{Deserializer, Error, IgnoredAny, MapAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;

/// The batch without the entries of these indexes, with the separators that stood before them; `None` when its
/// `entry` list cannot be found or has no such index.
pub fn without(batch: &[u8], refused: &[usize]) -> Option<Vec<u8>> {
    let layout = Layout::of(batch)?;
    let entries = &layout.entries;
    if refused.iter().any(|index| *index >= entries.len()) {
        return None;
    }
    let (Some(first), Some(last)) = (entries.first(), entries.last()) else {
        return Some(batch.to_vec());
    };
    let mut out = Vec::with_capacity(batch.len());
    out.extend_from_slice(batch.get(..first.start)?);
    let mut before = None;
    let mut any = false;
    for (index, entry) in entries.iter().enumerate() {
        if !refused.contains(&index) {
            if any {
                out.extend_from_slice(batch.get(before?..entry.start)?);
            }
            out.extend_from_slice(batch.get(entry.clone())?);
            any = true;
        }
        before = Some(entry.end);
    }
    out.extend_from_slice(batch.get(last.end..)?);
    Some(out)
}

/// The response with our entries put at their places (index in the whole, entry); `None` when it is no
/// batch-response with as many entries as were forwarded, or when the indexes leave a place open.
pub fn with(response: &[u8], forwarded: usize, ours: &[(usize, Value)]) -> Option<Vec<u8>> {
    let layout = Layout::of(response)?;
    let is_response = layout.resource_type.as_deref() == Some("Bundle")
        && layout.kind.as_deref() == Some("batch-response");
    let whole = forwarded.checked_add(ours.len())?;
    let places: BTreeMap<usize, &Value> = ours.iter().map(|(at, entry)| (*at, entry)).collect();
    let each_has_its_place = places.len() == ours.len() && places.keys().all(|at| *at < whole);
    if !is_response || layout.entries.len() != forwarded || !each_has_its_place {
        return None;
    }
    let mut list = Vec::new();
    let mut theirs = layout.entries.iter();
    let mut before = None;
    for at in 0..whole {
        if let Some(entry) = places.get(&at) {
            if at > 0 {
                list.push(b',');
            }
            serde_json::to_writer(&mut list, entry).ok()?;
        } else {
            let entry = theirs.next()?;
            match before.replace(entry.end) {
                Some(before) => list.extend_from_slice(response.get(before..entry.start)?),
                None if at > 0 => list.push(b','),
                None => {}
            }
            list.extend_from_slice(response.get(entry.clone())?);
        }
    }
    layout.replace(response, &list)
}

/// Where the entries of a Bundle stand in its bytes.
#[derive(Default)]
struct Layout {
    resource_type: Option<String>,
    kind: Option<String>,
    /// The list with its brackets.
    list: Option<Range<usize>>,
    entries: Vec<Range<usize>>,
}

impl Layout {
    fn of(bytes: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(bytes).ok()?;
        let mut json = serde_json::Deserializer::from_str(text);
        let members = json.deserialize_map(Members).ok()?;
        json.end().ok()?;
        let place = |raw: &RawValue| {
            let start = raw.get().as_ptr().addr().checked_sub(text.as_ptr().addr())?;
            Some(start..start + raw.get().len())
        };
        let text_of = |raw: &RawValue| serde_json::from_str::<String>(raw.get()).ok();
        let mut layout = Self {
            resource_type: members.resource_type.and_then(text_of),
            kind: members.kind.and_then(text_of),
            ..Self::default()
        };
        if let Some(list) = members.entry {
            layout.list = Some(place(list)?);
            let entries: Vec<&RawValue> = serde_json::from_str(list.get()).ok()?;
            layout.entries = entries.into_iter().map(place).collect::<Option<_>>()?;
        }
        Some(layout)
    }

    /// The bytes with `list` (entries and what stands between them) in the place of all entries.
    fn replace(&self, bytes: &[u8], list: &[u8]) -> Option<Vec<u8>> {
        let piece = |range: Range<usize>| bytes.get(range);
        let end = bytes.len();
        if let (Some(first), Some(last)) = (self.entries.first(), self.entries.last()) {
            return Some([piece(0..first.start)?, list, piece(last.end..end)?].concat());
        }
        if list.is_empty() {
            return Some(bytes.to_vec());
        }
        if let Some(brackets) = &self.list {
            let at = brackets.start + 1;
            return Some([piece(0..at)?, list, piece(at..end)?].concat());
        }
        let at = bytes.iter().rposition(|byte| *byte == b'}')?;
        Some([piece(0..at)?, b",\"entry\":[", list, b"]", piece(at..end)?].concat())
    }
}

/// The members of a Bundle that say where its entries stand.
#[derive(Default)]
struct Found<'t> {
    resource_type: Option<&'t RawValue>,
    kind: Option<&'t RawValue>,
    entry: Option<&'t RawValue>,
}

struct Members;

impl<'de> Visitor<'de> for Members {
    type Value = Found<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a Bundle")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Found<'de>, A::Error> {
        let mut found = Found::default();
        while let Some(key) = map.next_key::<String>()? {
            let place = match key.as_str() {
                "resourceType" => &mut found.resource_type,
                "type" => &mut found.kind,
                "entry" => &mut found.entry,
                _ => {
                    map.next_value::<IgnoredAny>()?;
                    continue;
                }
            };
            if place.replace(map.next_value()?).is_some() {
                return Err(A::Error::custom("a key stands twice"));
            }
        }
        Ok(found)
    }
}
