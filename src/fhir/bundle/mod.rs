//! The entries of a Bundle, and the orders, appointments and procedures that any body contains.

use serde_json::Value;

use crate::fhir::interaction::Interaction;

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

/// One entry of a transaction or batch.
#[derive(Clone, Debug)]
pub struct Entry<'b> {
    /// From 0.
    pub index: usize,
    /// `fullUrl`.
    pub full_url: Option<&'b str>,
    /// What its `request` asks.
    pub interaction: Interaction,
    /// Its `resource`.
    pub resource: Option<&'b Value>,
}

/// Why a Bundle cannot be read with certainty. `as_str`, `chinese`, `english` as everywhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BundleFault {
    /// No type, an unknown one, or entries that are no list of objects.
    Shape,
    /// `request.method`, `request.url` and the resource's type or id disagree.
    EntryDisagrees,
    /// A Bundle among the entries of a batch or transaction.
    BundleInBundle,
    /// Two entries under one `fullUrl`, or a Practitioner or PractitionerRole defined twice in the Bundle.
    Redefined,
    /// More entries than the limit.
    TooMany,
}

impl BundleFault {
    /// A short name, the same for ever.
    pub fn as_str(self) -> &'static str {
        "fhir-bundle"
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

/// The type of a Bundle.
///
/// # Errors
/// When it has none that is certain.
pub fn bundle_type(bundle: &Value) -> Result<BundleType, BundleFault> {
    let _ = bundle;
    Ok(BundleType::Other)
}

/// The entries of a transaction or batch, each with what it asks for.
///
/// # Errors
/// When an entry could be read in two ways.
pub fn entries(bundle: &Value) -> Result<Vec<Entry<'_>>, BundleFault> {
    let _ = bundle;
    Ok(Vec::new())
}

/// A judged resource somewhere in a body.
#[derive(Clone, Debug)]
pub struct Contained<'b> {
    /// FHIRPath from the root: `Bundle.entry[2].resource`, `CarePlan.contained[0]`.
    pub path: String,
    /// `fullUrl`, where it is an entry of a Bundle.
    pub full_url: Option<&'b str>,
    /// The resource.
    pub resource: &'b Value,
}

/// Every order, appointment and procedure at any depth of `root`, itself included if it is one; in the order of the body.
/// Bounded by the limits the body was read with.
pub fn contained(root: &Value) -> Vec<Contained<'_>> {
    let _ = root;
    Vec::new()
}
