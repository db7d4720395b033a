//! One entry of a batch or transaction: method, url and resource must say the same.

use std::fmt;

use base64::Engine as _;
use serde_json::Value;

use crate::fhir::bundle::{BundleFault, contained, list, twice};
use crate::fhir::document::{Limits, read_patch};
use crate::fhir::interaction::{Allowed, Head, Interaction, Target, Write, classify, is_harmless};
use crate::fhir::media::{Form, form};
use crate::fhir::patch::{self, PatchFault};

/// One entry of a transaction or batch. Its `Debug` shows what it asks, never the resource.
#[derive(Clone)]
pub struct Entry<'b> {
    /// From 0.
    pub index: usize,
    /// `fullUrl`.
    pub full_url: Option<&'b str>,
    /// What its `request` asks; never [`Interaction::Doubtful`] nor [`Interaction::OutsideBase`].
    pub interaction: Interaction,
    /// Its `resource`.
    pub resource: Option<&'b Value>,
}

impl fmt::Debug for Entry<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entry")
            .field("index", &self.index)
            .field("interaction", &self.interaction)
            .finish_non_exhaustive()
    }
}

/// The patch that an entry of method PATCH carries.
pub enum EntryPatch<'b> {
    /// A JSON Patch, out of a Binary.
    Json(Value),
    /// A FHIRPath Patch: Parameters.
    FhirPath(&'b Value),
}

impl EntryPatch<'_> {
    /// What `resource` would become.
    ///
    /// # Errors
    /// When it cannot be applied with certainty.
    pub fn apply(&self, resource: &Value) -> Result<Value, PatchFault> {
        match self {
            Self::Json(patch) => patch::json_patch(resource, patch),
            Self::FhirPath(parameters) => patch::fhirpath_patch(resource, parameters),
        }
    }
}

impl<'b> Entry<'b> {
    /// The patch of an entry that is [`Write::Patch`].
    ///
    /// # Errors
    /// When the resource is no patch that can be read with certainty.
    pub fn patch(&self, limits: Limits) -> Result<EntryPatch<'b>, PatchFault> {
        let resource = self.resource.ok_or(PatchFault::Shape)?;
        if resource_type(resource) == "Parameters" {
            return Ok(EntryPatch::FhirPath(resource));
        }
        let text = |name: &str| resource.get(name).and_then(Value::as_str);
        if form(text("contentType")) != Form::JsonPatch || text("contentType").is_none() {
            return Err(PatchFault::Shape);
        }
        let data = text("data").ok_or(PatchFault::Shape)?;
        let bytes = base64::engine::general_purpose::STANDARD.decode(data);
        let bytes = bytes.map_err(|_| PatchFault::Shape)?;
        read_patch(&bytes, limits).map(EntryPatch::Json).map_err(|_| PatchFault::Shape)
    }
}

/// The entries of a transaction or batch (of a Bundle that `bundle_type` has looked at), each with what it asks for.
///
/// # Errors
/// When an entry could be read in two ways, or patches what another changes.
pub fn entries<'b>(bundle: &'b Value, allowed: &Allowed) -> Result<Vec<Entry<'b>>, BundleFault> {
    let entry = |(index, entry): (usize, &'b Value)| {
        let resource = entry.get("resource");
        let request = entry.get("request").ok_or(BundleFault::EntryDisagrees)?;
        let interaction = interaction(request, resource, allowed)?;
        let full_url = entry.get("fullUrl").and_then(Value::as_str);
        Ok(Entry { index, full_url, interaction, resource })
    };
    let entries: Vec<Entry<'b>> =
        list(bundle)?.iter().enumerate().map(entry).collect::<Result<_, _>>()?;
    twice::check(&entries)?;
    Ok(entries)
}

fn interaction(
    request: &Value,
    resource: Option<&Value>,
    allowed: &Allowed,
) -> Result<Interaction, BundleFault> {
    let text = |name: &str| request.get(name).and_then(Value::as_str);
    let (Some(method), Some(url)) = (text("method"), text("url")) else {
        return Err(BundleFault::EntryDisagrees);
    };
    if url.contains("://") && is_none_of_ours(method, url, resource, allowed) {
        return Ok(Interaction::Stream);
    }
    let (path, query) = split(url).ok_or(BundleFault::EntryDisagrees)?;
    let has_body = resource.is_some();
    let head = Head { method, path: &path, query, has_body, has_header: &|_| false };
    let mut interaction = classify("", &head, allowed);
    if !agrees(method, &path, &interaction, resource) {
        return Err(BundleFault::EntryDisagrees);
    }
    if let Interaction::Write(Write::Create(target)) = &mut interaction {
        target.condition = text("ifNoneExist").map(str::to_owned);
    }
    Ok(interaction)
}

/// Whether an entry with an absolute url (FHIR's own examples have them) asks nothing that is judged on any server.
fn is_none_of_ours(method: &str, url: &str, resource: Option<&Value>, allowed: &Allowed) -> bool {
    let known = matches!(method, "GET" | "HEAD" | "POST" | "PUT" | "DELETE");
    let holds_none = resource.is_none_or(|resource| contained(resource).is_empty());
    known && holds_none && is_harmless(url, allowed)
}

/// `request.url` as a path with its slash, and a query; `None` when it is not relative to the base.
fn split(url: &str) -> Option<(String, Option<&str>)> {
    let (path, query) = match url.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (url, None),
    };
    let path = path.strip_prefix('/').unwrap_or(path);
    let odd = |c: char| matches!(c, ':' | '#' | '\\') || c.is_whitespace() || c.is_control();
    (!url.is_empty() && !path.starts_with('/') && !path.contains(odd))
        .then(|| (format!("/{path}"), query))
}

fn agrees(method: &str, path: &str, interaction: &Interaction, resource: Option<&Value>) -> bool {
    let kind = resource.map(resource_type).unwrap_or_default();
    match interaction {
        Interaction::Doubtful(_) | Interaction::OutsideBase => false,
        // There is no Bundle in a Bundle.
        Interaction::Write(Write::Bundle) => false,
        Interaction::Write(Write::Create(target)) => {
            target.id.is_none() && target.resource_type == kind
        }
        Interaction::Write(Write::Update(target)) => {
            target.resource_type == kind && same_id(target, resource)
        }
        Interaction::Write(Write::Patch(_)) => is_patch(kind),
        Interaction::Unjudged { resource_type } => {
            resource_type.eq_ignore_ascii_case(kind) && same_id_in(path, method, resource)
        }
        Interaction::Write(Write::Operation(_))
        | Interaction::Delete(_)
        | Interaction::NotAllowed(_) => true,
        Interaction::Stream => match method {
            "PATCH" => is_patch(kind),
            "POST" | "PUT" if path.trim_matches('/').contains(['$', '%']) => true,
            "POST" if path.trim_end_matches('/').ends_with("/_search") => true,
            "POST" | "PUT" => kind == "Binary",
            _ => true,
        },
    }
}

fn is_patch(kind: &str) -> bool {
    matches!(kind, "Binary" | "Parameters")
}

fn same_id(target: &Target, resource: Option<&Value>) -> bool {
    let own = resource.and_then(|resource| resource.get("id")).and_then(Value::as_str);
    target.id.is_none() || own.is_none() || own == target.id.as_deref()
}

/// The same for a type that is not judged, whose path is taken as it is.
fn same_id_in(path: &str, method: &str, resource: Option<&Value>) -> bool {
    let own = resource.and_then(|resource| resource.get("id")).and_then(Value::as_str);
    let mut segments = path.trim_matches('/').split('/').skip(1);
    match (segments.next(), own) {
        (Some(id), Some(own)) if method == "PUT" && !id.contains('%') => id == own,
        _ => true,
    }
}

fn resource_type(resource: &Value) -> &str {
    resource.get("resourceType").and_then(Value::as_str).unwrap_or_default()
}
