//! Patches of what another entry changes too.

use std::collections::BTreeMap;

use crate::fhir::bundle::{BundleFault, Entry};
use crate::fhir::interaction::{Interaction, Target, Write};

/// A patch is judged by what the server holds before the Bundle, so nothing else in it may change that, nor anything
/// that it could find. What is created has no part in it: it is another resource, or a second match, of which a server
/// patches none.
pub(super) fn check(entries: &[Entry<'_>]) -> Result<(), BundleFault> {
    let mut changes: BTreeMap<String, usize> = BTreeMap::new();
    for target in entries.iter().filter_map(changed) {
        for name in [target.resource_type.clone(), name_of(target)] {
            *changes.entry(name).or_default() += 1;
        }
    }
    let count = |name: &str| changes.get(name).copied().unwrap_or_default();
    let alone = |target: &Target| match target.id {
        Some(_) => count(&name_of(target)) == 1 && count(&searched(target)) == 0,
        None => count(&target.resource_type) == 1,
    };
    let sound = entries.iter().all(|entry| match &entry.interaction {
        Interaction::Write(Write::Patch(target)) => alone(target),
        _ => true,
    });
    if sound { Ok(()) } else { Err(BundleFault::PatchedTwice) }
}

/// What an entry changes of that which is there.
fn changed<'e>(entry: &'e Entry<'_>) -> Option<&'e Target> {
    match &entry.interaction {
        Interaction::Write(Write::Update(target) | Write::Patch(target))
        | Interaction::Delete(target) => Some(target),
        _ => None,
    }
}

/// `ServiceRequest/77`, in one case for servers that fold it; `ServiceRequest?` for whatever a search finds.
fn name_of(target: &Target) -> String {
    match &target.id {
        Some(id) => format!("{}/{}", target.resource_type, id.to_ascii_lowercase()),
        None => searched(target),
    }
}

fn searched(target: &Target) -> String {
    format!("{}?", target.resource_type)
}
