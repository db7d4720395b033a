//! The entries of a Bundle, and the orders, appointments and procedures that any body contains.

mod contained;
mod entry;
mod redefined;
#[cfg(test)]
mod tests;
mod twice;

use serde_json::Value;

pub use contained::{Contained, contained};
pub use entry::{Entry, EntryPatch, entries};
pub use redefined::find;

/// What a Bundle asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BundleType {
    /// One unit: any refusal refuses all.
    Transaction,
    /// Each entry for itself.
    Batch,
    /// One unit: `message`, and any other type that is stored or processed whole.
    Other,
}

/// Why a Bundle cannot be read with certainty.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BundleFault {
    /// No type, an unknown one, or entries that are no list of objects.
    Shape,
    /// `request.method`, `request.url` and the resource's type or id disagree.
    EntryDisagrees,
    /// A Bundle among the entries of a batch or transaction.
    BundleInBundle,
    /// Two entries under one `fullUrl`; a Practitioner or PractitionerRole defined twice, or changed by the Bundle
    /// that refers to it, or referred to in a way that could also mean one whom the server holds.
    Redefined,
    /// A patch of a resource that another entry changes too, or could.
    PatchedTwice,
    /// More entries than the limit.
    TooMany,
}

impl BundleFault {
    /// A short name, the same for ever.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Shape => "fhir-bundle-shape",
            Self::EntryDisagrees => "fhir-entry-disagrees",
            Self::BundleInBundle => "fhir-bundle-in-bundle",
            Self::Redefined => "fhir-redefined",
            Self::PatchedTwice => "fhir-patched-twice",
            Self::TooMany => "fhir-too-many-entries",
        }
    }

    /// What is wrong and what to do, in Chinese.
    pub fn chinese(self) -> &'static str {
        match self {
            Self::Shape => "Bundle缺少类型、类型未知或条目格式有误，请按FHIR标准书写",
            Self::EntryDisagrees => {
                "条目的请求方法、地址与资源的类型或编号不一致，请使三者一致，地址写相对路径"
            }
            Self::BundleInBundle => "batch或transaction中不能再含Bundle，请分开发送",
            Self::Redefined => {
                "同一Bundle中有重复的fullUrl，或医务人员被重复定义、边修改边引用、引用不明确，请分开发送，或用urn:uuid引用"
            }
            Self::PatchedTwice => {
                "同一Bundle中另有条目修改了（或可能修改）PATCH的同一资源，请分开发送，或用PUT提交完整资源"
            }
            Self::TooMany => "Bundle的条目过多，请拆分发送或调高max_entries",
        }
    }

    /// The same in English.
    pub fn english(self) -> &'static str {
        match self {
            Self::Shape => {
                "the Bundle has no type that FHIR knows, or entries of the wrong shape; write it \
                 as the standard does"
            }
            Self::EntryDisagrees => {
                "an entry's method, url and resource do not agree; make them agree, with a \
                 relative url"
            }
            Self::BundleInBundle => "a batch or transaction holds a Bundle; send it by itself",
            Self::Redefined => {
                "the Bundle holds a fullUrl twice, or a practitioner twice, or refers to one that it \
                 changes or that could be another; send these apart, or refer by urn:uuid"
            }
            Self::PatchedTwice => {
                "the Bundle patches a resource that another of its entries changes, or could; send \
                 these apart, or the whole resource with PUT"
            }
            Self::TooMany => "the Bundle has too many entries; split it or raise max_entries",
        }
    }
}

/// The type of a Bundle, once all of it is known to mean one thing: at most `entries_max` entries, nothing under
/// one name twice, and in a batch or transaction no further Bundle at any depth.
///
/// # Errors
/// When it could be read in two ways.
pub fn bundle_type(bundle: &Value, entries_max: usize) -> Result<BundleType, BundleFault> {
    let of = match bundle.get("type").and_then(Value::as_str).ok_or(BundleFault::Shape)? {
        "transaction" => BundleType::Transaction,
        "batch" => BundleType::Batch,
        "document"
        | "message"
        | "transaction-response"
        | "batch-response"
        | "history"
        | "searchset"
        | "collection"
        | "subscription-notification" => BundleType::Other,
        _ => return Err(BundleFault::Shape),
    };
    let list = list(bundle)?;
    if list.len() > entries_max {
        return Err(BundleFault::TooMany);
    }
    if !list.iter().all(well_shaped) {
        return Err(BundleFault::Shape);
    }
    if of != BundleType::Other && list.iter().any(contained::holds_bundle) {
        return Err(BundleFault::BundleInBundle);
    }
    redefined::check(bundle, list, of)?;
    Ok(of)
}

/// The entries as they stand; none is an empty list.
fn list(bundle: &Value) -> Result<&[Value], BundleFault> {
    match bundle.get("entry") {
        None => Ok(&[]),
        Some(Value::Array(list)) => Ok(list),
        Some(_) => Err(BundleFault::Shape),
    }
}

/// Whether the members of an entry that say what it is are of the right JSON types.
fn well_shaped(entry: &Value) -> bool {
    let text = |of: &Value, name: &str| of.get(name).is_none_or(Value::is_string);
    let resource = entry.get("resource").is_none_or(|resource| {
        resource.is_object() && resource.get("resourceType").is_some() && text(resource, "id")
    });
    let request = entry.get("request").is_none_or(|request| {
        let names = ["method", "url", "ifNoneExist", "ifMatch", "ifNoneMatch"];
        request.is_object() && names.iter().all(|name| text(request, name))
    });
    entry.is_object() && text(entry, "fullUrl") && resource && request
}
