//! What is to be judged in a request: the orders, appointments and procedures it writes or deletes, each with its place.

use std::borrow::Cow;

use serde_json::Value;

use crate::domain::order::Action;
use crate::fhir::bundle::{BundleFault, Entry, EntryPatch, contained, entries};
use crate::fhir::document::Limits;
use crate::fhir::interaction::{Allowed, Interaction, Target, Write};
use crate::inbound::fhir::doubt::Doubt;

/// One thing to be judged, or a reason why it cannot be.
pub(super) struct Piece<'b> {
    /// Which entry of a transaction or batch it belongs to, from 0.
    pub(super) entry: Option<usize>,
    /// What it is.
    pub(super) what: What<'b>,
}

pub(super) enum What<'b> {
    /// A resource that is written.
    Resource(Resource<'b>),
    /// A resource that is taken away.
    Deletion(Target),
    /// A resource that is changed by a patch.
    Patch(Target, EntryPatch<'b>),
    /// Something that cannot be judged.
    Doubt(Doubt),
}

pub(super) struct Resource<'b> {
    pub(super) resource: Cow<'b, Value>,
    /// FHIRPath.
    pub(super) path: String,
    pub(super) action: Action,
    /// `Type/id`, where the address says so.
    pub(super) identity: Option<String>,
    /// Whether it is what is written, and not something inside of it.
    pub(super) whole: bool,
}

impl<'b> Piece<'b> {
    pub(super) fn deletion(target: &Target) -> Self {
        Self { entry: None, what: What::Deletion(target.clone()) }
    }

    pub(super) fn doubt(entry: usize, doubt: impl Into<Doubt>) -> Self {
        let doubt = doubt.into().at(format!("Bundle.entry[{entry}]"));
        Self { entry: Some(entry), what: What::Doubt(doubt) }
    }
}

/// The pieces of a body that is one resource, whatever it contains; of a Bundle that is neither transaction nor batch, too.
pub(super) fn of_write<'b>(write: &Write, root: &'b Value) -> Result<Vec<Piece<'b>>, Doubt> {
    match write {
        Write::Create(target) => of_resource(target, root, Action::New),
        Write::Update(target) | Write::Patch(target) => of_resource(target, root, Action::Change),
        Write::Bundle | Write::Operation(_) => Ok(inside(root, Action::New, None)),
    }
}

/// The pieces of a resource that is written to `target`.
pub(super) fn of_resource<'b>(
    target: &Target,
    root: &'b Value,
    action: Action,
) -> Result<Vec<Piece<'b>>, Doubt> {
    let written = |member: &str| root.get(member).and_then(Value::as_str);
    if written("resourceType") != Some(&target.resource_type) {
        return Err(Doubt::address_disagrees());
    }
    let id = target.id.as_deref().filter(|_| action == Action::Change);
    if let (Some(addressed), Some(own)) = (id, written("id"))
        && addressed != own
    {
        return Err(Doubt::address_disagrees());
    }
    let identity = id.map(|id| format!("{}/{id}", target.resource_type));
    Ok(inside(root, action, identity))
}

/// The orders, appointments and procedures in `root`, itself included.
fn inside(root: &Value, action: Action, identity: Option<String>) -> Vec<Piece<'_>> {
    let found = contained(root).into_iter().map(|found| {
        let whole = std::ptr::eq(found.resource, root);
        let resource = Resource {
            resource: Cow::Borrowed(found.resource),
            path: found.path,
            action,
            identity: identity.clone().filter(|_| whole),
            whole,
        };
        Piece { entry: None, what: What::Resource(resource) }
    });
    found.collect()
}

/// The pieces of a transaction or batch, entry by entry.
pub(super) fn of_entries<'b>(
    bundle: &'b Value,
    allowed: &Allowed,
    limits: Limits,
) -> Result<Vec<Piece<'b>>, BundleFault> {
    let mut pieces = Vec::new();
    for entry in entries(bundle, allowed)? {
        pieces.extend(of_entry(&entry, limits));
    }
    Ok(pieces)
}

fn of_entry<'b>(entry: &Entry<'b>, limits: Limits) -> Vec<Piece<'b>> {
    let index = entry.index;
    let doubt = |doubt: Doubt| vec![Piece::doubt(index, doubt)];
    let what = match &entry.interaction {
        Interaction::Stream | Interaction::Unjudged { .. } => return Vec::new(),
        Interaction::OutsideBase => return doubt(Doubt::address_disagrees()),
        Interaction::Doubtful(evasion) => return doubt((*evasion).into()),
        Interaction::NotAllowed(_) => return doubt(Doubt::not_allowed()),
        Interaction::Delete(target) => What::Deletion(target.clone()),
        Interaction::Write(Write::Bundle) => return doubt(BundleFault::BundleInBundle.into()),
        Interaction::Write(write) => match (write, entry.resource) {
            (_, None) => return doubt(Doubt::address_disagrees()),
            (Write::Patch(target), Some(_)) => match entry.patch(limits) {
                Ok(patch) => What::Patch(target.clone(), patch),
                Err(fault) => return doubt(fault.into()),
            },
            (write, Some(resource)) => {
                return match of_write(write, resource) {
                    Ok(pieces) => pieces.into_iter().map(|piece| piece.placed(index)).collect(),
                    Err(fault) => doubt(fault),
                };
            }
        },
    };
    vec![Piece { entry: Some(index), what }]
}

impl Piece<'_> {
    /// The same, on its own.
    pub(super) fn owned(self) -> Piece<'static> {
        let what = match self.what {
            What::Resource(Resource { resource, path, action, identity, whole }) => {
                let resource = Cow::Owned(resource.into_owned());
                What::Resource(Resource { resource, path, action, identity, whole })
            }
            What::Deletion(target) => What::Deletion(target),
            // A patch is applied before it is kept.
            What::Patch(..) => What::Doubt(Doubt::current_unreadable()),
            What::Doubt(doubt) => What::Doubt(doubt),
        };
        Piece { entry: self.entry, what }
    }

    /// The same as part of an entry: its path begins at the Bundle.
    pub(super) fn placed(mut self, index: usize) -> Self {
        self.entry = Some(index);
        if let What::Resource(resource) = &mut self.what {
            resource.path = below_entry(index, &resource.path);
        }
        self
    }
}

/// `ServiceRequest.performer[0]` → `Bundle.entry[2].resource.performer[0]`.
pub(super) fn below_entry(index: usize, path: &str) -> String {
    let rest = path.find(['.', '[']).and_then(|at| path.get(at..)).unwrap_or_default();
    format!("Bundle.entry[{index}].resource{rest}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_of_an_entry_begins_at_the_bundle() {
        assert_eq!(below_entry(2, "ServiceRequest"), "Bundle.entry[2].resource");
        assert_eq!(
            below_entry(0, "CarePlan.contained[1]"),
            "Bundle.entry[0].resource.contained[1]"
        );
    }

    #[test]
    fn a_resource_of_another_type_or_id_than_its_address_is_doubted() {
        let target = Target {
            resource_type: "Patient".to_owned(),
            id: Some("1".to_owned()),
            condition: None,
        };
        let root = serde_json::json!({ "resourceType": "Patient", "id": "2" });
        assert!(of_resource(&target, &root, Action::Change).is_err());
        assert!(of_resource(&target, &root, Action::New).is_ok());
        let root = serde_json::json!({ "resourceType": "Observation", "id": "1" });
        assert!(of_resource(&target, &root, Action::Change).is_err());
    }
}
