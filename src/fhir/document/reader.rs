//! serde_json's reader, told to look at every key, to count its depth and to count what it keeps.

use std::cell::Cell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use crate::fhir::document::{Limits, Unsound, keys};

/// The deepest nesting that is ever read: serde_json itself stops at 128.
pub const DEPTH_MAX: usize = 120;

/// What a value takes in memory, roughly: its own place, …
const VALUE: usize = 32;
/// … and the first node of an object's tree, which holds eleven members.
const OBJECT: usize = 640;
/// How much memory a byte of the longest body may take. FHIR takes about 12.
const MEMORY_PER_BYTE: usize = 16;

/// Reads one JSON value that fills `bytes`.
pub(super) fn read(bytes: &[u8], limits: Limits) -> Result<Value, Unsound> {
    if bytes.len() > limits.bytes {
        return Err(Unsound::TooLong);
    }
    let text = text(bytes)?;
    let state = State {
        depth_max: limits.depth.min(DEPTH_MAX),
        left: Cell::new(limits.bytes.saturating_mul(MEMORY_PER_BYTE).saturating_add(64 * 1024)),
        fault: Cell::new(None),
    };
    let mut json = serde_json::Deserializer::from_str(text);
    let value = Reader { depth: 1, state: &state }.deserialize(&mut json);
    let value = value.map_err(|_| state.fault.get().unwrap_or(Unsound::NotJson))?;
    json.end().map_err(|_| Unsound::NotJson)?;
    Ok(value)
}

fn text(bytes: &[u8]) -> Result<&str, Unsound> {
    if bytes.starts_with(b"\xef\xbb\xbf") {
        return Err(Unsound::ByteOrderMark);
    }
    // UTF-16 and UTF-32 of ASCII are UTF-8 with NUL bytes in between.
    if bytes.iter().take(4).any(|byte| *byte == 0) {
        return Err(Unsound::NotUtf8);
    }
    std::str::from_utf8(bytes).map_err(|_| Unsound::NotUtf8)
}

struct State {
    depth_max: usize,
    /// What may still be kept, in bytes.
    left: Cell<usize>,
    /// What stopped the reading, if it was not the JSON.
    fault: Cell<Option<Unsound>>,
}

impl State {
    fn stop<T, E: Error>(&self, fault: Unsound) -> Result<T, E> {
        self.fault.set(Some(fault));
        Err(E::custom("stopped"))
    }

    fn keep<E: Error>(&self, size: usize) -> Result<(), E> {
        match self.left.get().checked_sub(size) {
            Some(left) => {
                self.left.set(left);
                Ok(())
            }
            None => self.stop(Unsound::TooLong),
        }
    }

    fn hold<T, E: Error>(&self, checked: Result<T, Unsound>) -> Result<T, E> {
        checked.or_else(|fault| self.stop(fault))
    }
}

/// Reads one value at a depth.
#[derive(Clone, Copy)]
struct Reader<'s> {
    depth: usize,
    state: &'s State,
}

impl Reader<'_> {
    /// For what stands inside a list or an object at this depth.
    fn inside<E: Error>(self) -> Result<Self, E> {
        if self.depth > self.state.depth_max {
            return self.state.stop(Unsound::TooDeep);
        }
        Ok(Self { depth: self.depth + 1, ..self })
    }
}

impl<'de> DeserializeSeed<'de> for Reader<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Reader<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        self.state.keep(value.len())?;
        Ok(Value::String(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let inside = self.inside()?;
        let mut list = Vec::new();
        while let Some(value) = seq.next_element_seed(inside)? {
            self.state.keep(VALUE)?;
            list.push(value);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let inside = self.inside()?;
        let mut members = Map::new();
        self.state.keep(OBJECT)?;
        while let Some(key) = map.next_key::<String>()? {
            self.state.hold(keys::check_key(&key))?;
            let value = map.next_value_seed(inside)?;
            if key == keys::RESOURCE_TYPE {
                self.state.hold(keys::check_type(&value))?;
            }
            self.state.keep(2 * VALUE + key.len())?;
            if members.insert(key, value).is_some() {
                return self.state.stop(Unsound::DuplicateKey);
            }
        }
        if keys::differ_in_case(&members) {
            return self.state.stop(Unsound::KeysDifferInCase);
        }
        Ok(Value::Object(members))
    }
}
