//! Bytes → JSON, strictly: refused where two readers could see different things (contract §10 "Two readings").

mod keys;
mod reader;
#[cfg(test)]
mod tests;

use std::fmt;

use serde_json::Value;

pub use reader::DEPTH_MAX;

/// Limits of a body.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The longest body, decoded, in bytes. What it needs in memory is held to sixteen times as much.
    pub bytes: usize,
    /// The deepest nesting of objects and lists; [`DEPTH_MAX`] at most.
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
    /// A key or a `resourceType` that only a more generous reader takes for one of FHIR's: other case, blanks,
    /// control characters, look-alikes.
    Disguised,
    /// Nested deeper than the limit.
    TooDeep,
    /// Longer than the limit, or holding more values than a body of that length should.
    TooLong,
    /// No `resourceType`, or one (at any depth) that is no text.
    NoResourceType,
}

impl Unsound {
    /// A short name, the same for ever.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotUtf8 => "fhir-not-utf-8",
            Self::ByteOrderMark => "fhir-byte-order-mark",
            Self::NotJson => "fhir-not-json",
            Self::DuplicateKey => "fhir-duplicate-key",
            Self::KeysDifferInCase => "fhir-key-case",
            Self::Disguised => "fhir-key-disguised",
            Self::TooDeep => "fhir-too-deep",
            Self::TooLong => "fhir-too-long",
            Self::NoResourceType => "fhir-no-resource-type",
        }
    }

    /// What is wrong and what to do, in Chinese.
    pub fn chinese(self) -> &'static str {
        match self {
            Self::NotUtf8 => "正文不是UTF-8编码，请用UTF-8发送",
            Self::ByteOrderMark => "正文开头有字节顺序标记（BOM），请去掉后发送",
            Self::NotJson => "正文不是一个完整的JSON对象，或其后还有内容，请按JSON标准发送",
            Self::DuplicateKey => "同一对象中键名重复，不同系统会读出不同的值，请只保留一个",
            Self::KeysDifferInCase => "同一对象中有仅大小写不同的键名，请只保留FHIR规定的一个",
            Self::Disguised => "键名或资源类型的大小写、空白或字符与FHIR规定不符，请按标准书写",
            Self::TooDeep => "正文嵌套过深，请减少嵌套层数或调高max_depth",
            Self::TooLong => "正文过长或内容过多，请拆分发送或调高max_body_kib",
            Self::NoResourceType => "缺少resourceType或其值不是文本，请写明资源类型",
        }
    }

    /// The same in English.
    pub fn english(self) -> &'static str {
        match self {
            Self::NotUtf8 => "the body is not UTF-8; send UTF-8",
            Self::ByteOrderMark => "the body begins with a byte order mark; send it without",
            Self::NotJson => {
                "the body is not one JSON object with nothing behind it; send standard JSON"
            }
            Self::DuplicateKey => {
                "a key stands twice in one object, so that readers see different values; write it once"
            }
            Self::KeysDifferInCase => {
                "keys of one object differ only in case; keep the one that FHIR defines"
            }
            Self::Disguised => {
                "a key or a resource type is written in other case or with other characters than \
                 FHIR's; write it as the standard does"
            }
            Self::TooDeep => "the body is nested too deeply; flatten it or raise max_depth",
            Self::TooLong => {
                "the body is too long or holds too many values; split it or raise max_body_kib"
            }
            Self::NoResourceType => {
                "resourceType is missing or no text; say which resource the body is"
            }
        }
    }
}

/// A body, read. Its `Debug` shows the type only: bodies hold patients.
pub struct Document {
    root: Value,
}

impl Document {
    /// Reads a body that is a resource.
    ///
    /// # Errors
    /// When two readers could see different things in it.
    pub fn read(bytes: &[u8], limits: Limits) -> Result<Self, Unsound> {
        let root = reader::read(bytes, limits)?;
        let Value::Object(members) = &root else { return Err(Unsound::NotJson) };
        if !members.contains_key(keys::RESOURCE_TYPE) {
            return Err(Unsound::NoResourceType);
        }
        Ok(Self { root })
    }

    /// The resource.
    pub fn root(&self) -> &Value {
        &self.root
    }

    /// The resource, and the document no more.
    pub fn into_root(self) -> Value {
        self.root
    }

    /// Its `resourceType`, as written; never one that differs only in case from a type that is judged.
    pub fn resource_type(&self) -> &str {
        self.root.get(keys::RESOURCE_TYPE).and_then(Value::as_str).unwrap_or_default()
    }
}

impl fmt::Debug for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Document").field("resource_type", &self.resource_type()).finish()
    }
}

/// Reads a JSON object that is no resource (a hook's request, say), as strictly as one.
///
/// # Errors
/// When two readers could see different things in it.
pub fn read_object(bytes: &[u8], limits: Limits) -> Result<Value, Unsound> {
    let root = reader::read(bytes, limits)?;
    if root.is_object() { Ok(root) } else { Err(Unsound::NotJson) }
}

/// Reads a JSON Patch: a list of objects, as strictly as a resource.
///
/// # Errors
/// When two readers could see different things in it.
pub fn read_patch(bytes: &[u8], limits: Limits) -> Result<Value, Unsound> {
    let root = reader::read(bytes, limits)?;
    let operations = root.as_array().is_some_and(|list| list.iter().all(Value::is_object));
    if operations { Ok(root) } else { Err(Unsound::NotJson) }
}

/// Looks at a resource that was made from others (a patch applied) as strictly as at one that came in bytes.
///
/// # Errors
/// When two readers could see different things in it.
pub fn check(resource: &Value, limits: Limits) -> Result<(), Unsound> {
    let mut left = vec![(resource, 1)];
    while let Some((value, depth)) = left.pop() {
        let nested = depth + 1;
        match value {
            Value::Object(_) | Value::Array(_) if depth > limits.depth.min(DEPTH_MAX) => {
                return Err(Unsound::TooDeep);
            }
            Value::Object(members) => {
                keys::check_object(members)?;
                left.extend(members.values().map(|member| (member, nested)));
            }
            Value::Array(list) => left.extend(list.iter().map(|member| (member, nested))),
            _ => {}
        }
    }
    Ok(())
}
