//! What a patched resource would be: the current one is read from the server, the patch applied, the result judged.

use percent_encoding::percent_decode_str;
use serde_json::Value;
use tokio::time::{Instant, timeout_at};

use crate::fhir::bundle::{BundleFault, EntryPatch};
use crate::fhir::document::{Document, Limits, read_patch};
use crate::fhir::interaction::{Target, Write};
use crate::fhir::media::Form;
use crate::inbound::fhir::doubt::Doubt;
use crate::inbound::fhir::pieces::{self, Piece, What};
use crate::inbound::fhir::references::{Fetched, Known, credentials, fetch, get, may_wait_for};
use crate::inbound::fhir::service::{Asked, Route};

/// Patches of one Bundle; each costs a reading of the server.
const PATCHES_MAX: usize = 32;

/// What a patch comes to, with the id it was found under.
pub(super) type Patched = (Target, Box<Value>);

/// How the patch of a request is written.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    /// RFC 6902.
    Json,
    /// `Parameters`.
    FhirPath,
}

impl Kind {
    /// The kind of a body in this form.
    pub(super) fn of(form: Form) -> Option<Self> {
        match form {
            Form::JsonPatch => Some(Self::Json),
            Form::Json => Some(Self::FhirPath),
            Form::Xml | Form::Other => None,
        }
    }

    /// Reads a body of this kind, strictly.
    pub(super) fn read(self, bytes: &[u8], limits: Limits) -> Result<Value, Doubt> {
        match self {
            Self::FhirPath => Ok(Document::read(bytes, limits)?.into_root()),
            Self::Json => Ok(read_patch(bytes, limits)?),
        }
    }
}

fn is_patch(piece: &Piece<'_>) -> bool {
    matches!(piece.what, What::Patch(..))
}

/// Pieces with no patch of an entry applied where an emergency stands beside it: it would wait for the server. The client
/// can send the patch by itself.
pub(super) fn put_off<'b>(
    route: &Route,
    pieces: Vec<Piece<'b>>,
    known: &Known<'_>,
) -> Vec<Piece<'b>> {
    if !pieces.iter().any(is_patch) || may_wait_for(route, &pieces, known) {
        return pieces;
    }
    let put_off = |piece: Piece<'b>| match piece.entry.filter(|_| is_patch(&piece)) {
        Some(entry) => Piece::doubt(entry, Doubt::current_unavailable()),
        None => piece,
    };
    pieces.into_iter().map(put_off).collect()
}

/// Pieces with every patch of an entry applied; what was read for it is told in `elsewhere`.
pub(super) async fn applied<'b>(
    route: &Route,
    asked: &Asked,
    pieces: Vec<Piece<'b>>,
    deadline: Instant,
    elsewhere: &mut Vec<String>,
) -> Vec<Piece<'b>> {
    let mut done = Vec::with_capacity(pieces.len());
    let mut left = PATCHES_MAX;
    for piece in pieces {
        match piece {
            Piece { entry: Some(entry), what: What::Patch(target, patch) } => {
                elsewhere.push(name_of(&target));
                let result = if left == 0 {
                    Err(BundleFault::TooMany.into())
                } else {
                    left -= 1;
                    patched(route, asked, &target, &patch, deadline).await
                };
                done.extend(placed(entry, result));
            }
            other => done.push(other),
        }
    }
    done
}

fn placed(entry: usize, result: Result<Patched, Doubt>) -> Vec<Piece<'static>> {
    let pieces: Result<Vec<_>, _> = match &result {
        Ok((target, result)) => {
            let pieces = pieces::of_write(&Write::Patch(target.clone()), result);
            pieces.map(|pieces| pieces.into_iter().map(Piece::owned).collect())
        }
        Err(doubt) => Err(doubt.clone()),
    };
    match pieces {
        Ok(pieces) => pieces.into_iter().map(|piece: Piece<'_>| piece.placed(entry)).collect(),
        Err(doubt) => vec![Piece::doubt(entry, doubt)],
    }
}

/// `ServiceRequest/77`, `ServiceRequest?identifier=…`: what a patch is applied to.
pub(super) fn name_of(target: &Target) -> String {
    match (&target.id, &target.condition) {
        (Some(id), _) => format!("{}/{id}", target.resource_type),
        (None, condition) => {
            format!("{}?{}", target.resource_type, condition.as_deref().unwrap_or_default())
        }
    }
}

/// Applies `patch` to what the server holds at `target` now.
pub(super) async fn patched(
    route: &Route,
    asked: &Asked,
    target: &Target,
    patch: &EntryPatch<'_>,
    deadline: Instant,
) -> Result<Patched, Doubt> {
    let reading = current(route, asked, target);
    let current = match timeout_at(deadline, reading).await {
        Err(_) => return Err(Doubt::current_unavailable()),
        Ok(Current::Unavailable) => return Err(Doubt::current_unavailable()),
        Ok(Current::Unreadable) => return Err(Doubt::current_unreadable()),
        Ok(Current::Missing) => return Err(Doubt::nothing_to_patch()),
        Ok(Current::Resource(current)) if is_part(&current) => {
            return Err(Doubt::current_unreadable());
        }
        Ok(Current::Resource(current)) => current,
    };
    let result = patch.apply(&current)?;
    let id = current.get("id").and_then(Value::as_str).map(str::to_owned);
    let id = id.ok_or_else(Doubt::current_unreadable)?;
    let target = Target { id: Some(id), ..target.clone() };
    Ok((target, Box::new(result)))
}

enum Current {
    Resource(Value),
    Missing,
    Unreadable,
    Unavailable,
}

async fn current(route: &Route, asked: &Asked, target: &Target) -> Current {
    let credentials = credentials(&asked.parts.headers);
    let Target { resource_type, id, condition } = target;
    match (id, condition) {
        (Some(id), _) => match get(route, &format!("{resource_type}/{id}"), credentials).await {
            Fetched::Resource(resource, _) => Current::Resource(Value::clone(&resource)),
            Fetched::Missing => Current::Missing,
            Fetched::Unreadable => Current::Unreadable,
            Fetched::Unavailable => Current::Unavailable,
        },
        (None, Some(condition)) if !only_finds(condition) => Current::Unreadable,
        (None, Some(condition)) => {
            let search = format!("{resource_type}?{condition}");
            match fetch(route, &search, credentials, route.config.limits.bytes).await {
                Fetched::Resource(found, _) => sole(&found, resource_type),
                Fetched::Missing | Fetched::Unreadable => Current::Unreadable,
                Fetched::Unavailable => Current::Unavailable,
            }
        }
        (None, None) => Current::Unreadable,
    }
}

/// Whether a search says nothing but which resources it finds: `_elements` and the like would have the server show the
/// gate less than it patches. Names are read as the most generous server does.
fn only_finds(condition: &str) -> bool {
    condition.split(['&', ';']).all(|parameter| {
        let name = parameter.split('=').next().unwrap_or_default();
        let name = percent_decode_str(name).decode_utf8_lossy();
        let shown =
            name.trim_start_matches(|c: char| c == '+' || c.is_whitespace() || c.is_control());
        !shown.starts_with('_') || name == "_id"
    })
}

/// Whether the server says that it shows only a part of a resource.
fn is_part(resource: &Value) -> bool {
    let tags = resource.get("meta").and_then(|meta| meta.get("tag")).and_then(Value::as_array);
    let code = |tag: &Value| tag.get("code").and_then(Value::as_str) == Some("SUBSETTED");
    tags.is_some_and(|tags| tags.iter().any(code))
}

/// The only match of a search. Of several the server would patch none; which it would take is not ours to guess.
fn sole(found: &Value, resource_type: &str) -> Current {
    let text =
        |value: &Value, member: &str| value.get(member).and_then(Value::as_str).map(str::to_owned);
    if text(found, "resourceType").as_deref() != Some("Bundle") {
        return Current::Unreadable;
    }
    let entries = found.get("entry").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let resources = entries.iter().filter_map(|entry| entry.get("resource"));
    let own = |r: &&Value| text(r, "resourceType").as_deref() == Some(resource_type);
    let mut matches = resources.filter(own);
    match (matches.next(), matches.next(), found.get("total").and_then(Value::as_u64)) {
        (Some(only), None, None | Some(1)) => Current::Resource(only.clone()),
        (None, None, Some(0)) => Current::Missing,
        _ => Current::Unreadable,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_search_that_shapes_its_result_is_told_from_one_that_only_finds() {
        for finds in ["", "identifier=x|1", "_id=7", "identifier=_x&status=active", "a_b=1"] {
            assert!(only_finds(finds), "{finds}");
        }
        for shapes in [
            "_elements=performer",
            "identifier=x&_elements=performer",
            "identifier=x&%5Felements=performer",
            "identifier=x&%5felements=performer",
            "identifier=x&+_summary=true",
            "identifier=x;_summary=true",
            "identifier=x&%20_summary=true",
            "_summary",
            "_id:not=7",
            "_ID=7",
        ] {
            assert!(!only_finds(shapes), "{shapes}");
        }
    }
}
