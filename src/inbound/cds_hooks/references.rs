//! Where references of a hook call lead: to what was prefetched and what came with the drafts; nothing is read from
//! elsewhere.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::{Map, Value};

use crate::mapping::fhir::{Found, References};

/// Bundles in bundles of a prefetch; a search gives one.
const DEPTH_MAX: usize = 4;

/// Everything that came with a call, by what it may be referred to as.
#[derive(Debug, Default)]
pub struct Known {
    by_name: HashMap<String, Option<Arc<Value>>>,
    base: String,
}

impl Known {
    /// What was prefetched. `base`: the client's FHIR server, below which absolute references are its own.
    pub fn new(prefetch: Option<&Map<String, Value>>, base: Option<&str>) -> Self {
        let base = base.unwrap_or_default().trim_end_matches('/').to_owned();
        let mut known = Self { by_name: HashMap::new(), base };
        let values = prefetch.into_iter().flat_map(|all| all.values());
        values.for_each(|value| known.take(value, None, 0));
        known
    }

    /// A resource, each entry of a Bundle, or what a client wrapped in `{ "resource": … }`.
    fn take(&mut self, value: &Value, full_url: Option<&str>, depth: usize) {
        if depth > DEPTH_MAX {
            return;
        }
        match value.get("resourceType").and_then(Value::as_str) {
            Some("Bundle") => {
                let entries = value.get("entry").and_then(Value::as_array);
                for entry in entries.into_iter().flatten() {
                    let full_url = entry.get("fullUrl").and_then(Value::as_str);
                    if let Some(resource) = entry.get("resource") {
                        self.take(resource, full_url, depth + 1);
                    }
                }
            }
            // The client could not fetch it.
            Some("OperationOutcome") => {}
            Some(_) => self.add(&Arc::new(value.clone()), full_url),
            None => {
                if let Some(resource) = value.get("resource") {
                    self.take(resource, None, depth + 1);
                }
            }
        }
    }

    /// A resource under `Type/id` and its `fullUrl`.
    pub fn add(&mut self, resource: &Arc<Value>, full_url: Option<&str>) {
        let text = |name: &str| resource.get(name).and_then(Value::as_str);
        let typed = text("resourceType").zip(text("id")).map(|(kind, id)| format!("{kind}/{id}"));
        for name in [typed, full_url.map(str::to_owned)].into_iter().flatten() {
            let held = self.by_name.entry(name).or_insert_with(|| Some(Arc::clone(resource)));
            // Two that differ under one name: nobody can say which is meant.
            if held.as_ref().is_some_and(|held| **held != **resource) {
                *held = None;
            }
        }
    }

    /// Whether a resource of this type bears `number` as its identifier in one of `systems`.
    pub fn bears(&self, resource_type: &str, systems: &[Box<str>], number: &str) -> bool {
        let text = |value: &Value, name: &str| {
            value.get(name).and_then(Value::as_str).unwrap_or_default().trim().to_owned()
        };
        let ours = |identifier: &Value| {
            let system = text(identifier, "system");
            text(identifier, "value") == number && systems.iter().any(|own| **own == *system)
        };
        let resources = self.by_name.values().flatten();
        resources.filter(|resource| text(resource, "resourceType") == resource_type).any(|found| {
            let identifiers = found.get("identifier").and_then(Value::as_array);
            identifiers.into_iter().flatten().any(ours)
        })
    }

    fn below_base<'r>(&self, reference: &'r str) -> &'r str {
        let below = reference.strip_prefix(&*self.base).and_then(|rest| rest.strip_prefix('/'));
        if self.base.is_empty() { reference } else { below.unwrap_or(reference) }
    }
}

impl References for Known {
    fn find(&self, reference: &str) -> Found {
        let plain = self.below_base(reference);
        let plain = plain.split_once("/_history/").map_or(plain, |(resource, _)| resource);
        match self.by_name.get(reference).or_else(|| self.by_name.get(plain)) {
            Some(Some(resource)) => Found::Resource(Arc::clone(resource)),
            Some(None) => Found::Nothing,
            None => Found::NotAsked,
        }
    }
}
