//! RFC 6902, by the json-patch crate, one operation at a time so that copies of copies stay small.

use json_patch::{Patch, PatchOperation};
use serde::Deserialize as _;
use serde_json::Value;

use crate::fhir::patch::{OPERATIONS_MAX, PatchFault, finish};

/// How much all `copy` operations of a patch may add, in bytes of text and values: each can double what is there.
const COPIED_MAX: usize = 1024 * 1024;

/// Applies an RFC 6902 patch.
///
/// # Errors
/// When it cannot be applied with certainty.
pub fn json_patch(resource: &Value, patch: &Value) -> Result<Value, PatchFault> {
    let patch = Patch::deserialize(patch).map_err(|_| PatchFault::Shape)?;
    if patch.0.is_empty() || patch.0.len() > OPERATIONS_MAX {
        return Err(PatchFault::Shape);
    }
    let mut patched = resource.clone();
    let mut copied = 0;
    for operation in &patch.0 {
        if let PatchOperation::Copy(copy) = operation
            && let Some(source) = patched.pointer(copy.from.as_str())
        {
            copied += weight(source, COPIED_MAX);
            if copied >= COPIED_MAX {
                return Err(PatchFault::DoesNotApply);
            }
        }
        json_patch::patch(&mut patched, std::slice::from_ref(operation))
            .map_err(|_| PatchFault::DoesNotApply)?;
    }
    finish(resource, patched)
}

/// Bytes of text and sixteen for each value, counted up to `limit`.
fn weight(value: &Value, limit: usize) -> usize {
    let mut left = vec![value];
    let mut weight = 0;
    while let Some(value) = left.pop() {
        weight += 16;
        match value {
            Value::String(text) => weight += text.len(),
            Value::Array(list) => left.extend(list),
            Value::Object(members) => {
                weight += members.keys().map(String::len).sum::<usize>();
                left.extend(members.values());
            }
            _ => {}
        }
        if weight >= limit {
            return limit;
        }
    }
    weight
}
