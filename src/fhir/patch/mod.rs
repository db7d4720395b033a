//! JSON Patch (RFC 6902) and FHIRPath Patch applied to a resource, to judge what would become of it.

mod fhirpath;
mod json;
mod schema;
#[cfg(test)]
mod tests;
mod way;

use serde_json::Value;

use crate::fhir::document::{DEPTH_MAX, Limits, check};

pub use fhirpath::fhirpath_patch;
pub use json::json_patch;

/// Operations of one patch; a real one has a handful.
const OPERATIONS_MAX: usize = 1000;

/// Why a patch cannot be applied with certainty.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PatchFault {
    /// It is no patch of that kind.
    Shape,
    /// It does not fit the resource: the server would refuse it too.
    DoesNotApply,
    /// A path that the gate does not understand, or that servers understand differently.
    Path,
}

impl PatchFault {
    /// A short name, the same for ever.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Shape => "fhir-patch-shape",
            Self::DoesNotApply => "fhir-patch-does-not-apply",
            Self::Path => "fhir-patch-path",
        }
    }

    /// What is wrong and what to do, in Chinese.
    pub fn chinese(self) -> &'static str {
        match self {
            Self::Shape => "补丁格式有误，请按JSON Patch或FHIRPath Patch标准书写",
            Self::DoesNotApply => "补丁与资源当前内容不符，请重新读取资源后再修改",
            Self::Path => "补丁中的路径有歧义或不支持，请用简单路径，或用PUT提交完整资源",
        }
    }

    /// The same in English.
    pub fn english(self) -> &'static str {
        match self {
            Self::Shape => "this is no JSON Patch or FHIRPath Patch; write it as the standard does",
            Self::DoesNotApply => {
                "the patch does not fit the resource as it is now; read it again and patch that"
            }
            Self::Path => {
                "the patch has a path that is not understood with certainty; write a simple path, \
                 or PUT the whole resource"
            }
        }
    }
}

/// What every patched resource must still be: the same resource, and one that reads in one way only.
fn finish(before: &Value, after: Value) -> Result<Value, PatchFault> {
    let same = |name| before.get(name) == after.get(name);
    if !after.is_object() || !same("resourceType") || !same("id") {
        return Err(PatchFault::DoesNotApply);
    }
    let limits = Limits { bytes: usize::MAX, depth: DEPTH_MAX };
    check(&after, limits).map_err(|_| PatchFault::Path)?;
    Ok(after)
}
