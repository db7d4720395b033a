//! Resources inside others, wherever they stand.

use std::fmt;

use serde_json::Value;

use crate::fhir::JUDGED_TYPES;

/// A judged resource somewhere in a body. Its `Debug` shows the place only.
#[derive(Clone)]
pub struct Contained<'b> {
    /// FHIRPath from the root: `Bundle.entry[2].resource`, `CarePlan.contained[0]`.
    pub path: String,
    /// `fullUrl`, where it is an entry of a Bundle.
    pub full_url: Option<&'b str>,
    /// The resource.
    pub resource: &'b Value,
}

impl fmt::Debug for Contained<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Contained").field("path", &self.path).finish_non_exhaustive()
    }
}

/// Every order, appointment and procedure at any depth of `root`, itself included if it is one; outer ones first,
/// those of a list in its order. As much work as the body is large, whatever its depth.
pub fn contained(root: &Value) -> Vec<Contained<'_>> {
    let mut found = Vec::new();
    let mut walk = Walk::new(root);
    while let Some(visit) = walk.next() {
        if visit.resource_type().is_some_and(judged) {
            found.push(Contained {
                path: walk.path(visit.place),
                full_url: walk.full_url(visit.place),
                resource: visit.value,
            });
        }
    }
    found
}

/// Whether a Bundle stands anywhere in `value`.
pub(super) fn holds_bundle(value: &Value) -> bool {
    let mut walk = Walk::new(value);
    while let Some(visit) = walk.next() {
        if visit.resource_type().is_some_and(|own| own.eq_ignore_ascii_case("Bundle")) {
            return true;
        }
    }
    false
}

/// Every `reference` that is written anywhere in `value`.
pub(super) fn references(value: &Value) -> Vec<&str> {
    let mut found = Vec::new();
    let mut walk = Walk::new(value);
    while let Some(visit) = walk.next() {
        found.extend(visit.value.get("reference").and_then(Value::as_str));
    }
    found
}

fn judged(resource_type: &str) -> bool {
    JUDGED_TYPES.iter().any(|own| own.eq_ignore_ascii_case(resource_type))
}

/// How an object or list was reached.
struct Place<'b> {
    value: &'b Value,
    from: usize,
    step: Step<'b>,
}

#[derive(Clone, Copy)]
enum Step<'b> {
    Root,
    Member(&'b str),
    Index(usize),
}

#[derive(Clone, Copy)]
struct Visit<'b> {
    value: &'b Value,
    place: usize,
}

impl<'b> Visit<'b> {
    fn resource_type(self) -> Option<&'b str> {
        self.value.get("resourceType").and_then(Value::as_str)
    }
}

/// Objects and lists in the order of the body, with their places; no recursion, so no depth is too deep.
struct Walk<'b> {
    places: Vec<Place<'b>>,
    left: Vec<usize>,
}

impl<'b> Walk<'b> {
    fn new(root: &'b Value) -> Self {
        Self { places: vec![Place { value: root, from: 0, step: Step::Root }], left: vec![0] }
    }

    fn next(&mut self) -> Option<Visit<'b>> {
        let place = self.left.pop()?;
        let value = self.places.get(place)?.value;
        let first = self.places.len();
        let mut add = |value: &'b Value, step| {
            if value.is_object() || value.is_array() {
                self.places.push(Place { value, from: place, step });
            }
        };
        match value {
            Value::Object(members) => {
                members.iter().for_each(|(name, member)| add(member, Step::Member(name)));
            }
            Value::Array(list) => {
                list.iter().enumerate().for_each(|(at, member)| add(member, Step::Index(at)));
            }
            _ => {}
        }
        self.left.extend((first..self.places.len()).rev());
        Some(Visit { value, place })
    }

    fn path(&self, mut place: usize) -> String {
        let mut steps = Vec::new();
        while let Some(Place { from, step, value }) = self.places.get(place) {
            match step {
                Step::Root => {
                    let name = value.get("resourceType").and_then(Value::as_str);
                    steps.push(name.unwrap_or_default().to_owned());
                    break;
                }
                Step::Member(name) => steps.push(format!(".{name}")),
                Step::Index(at) => steps.push(format!("[{at}]")),
            }
            place = *from;
        }
        steps.reverse();
        steps.concat()
    }

    fn full_url(&self, place: usize) -> Option<&'b str> {
        let entry = self.places.get(self.places.get(place)?.from)?;
        let list = self.places.get(entry.from)?;
        let in_entry = matches!((entry.step, list.step), (Step::Index(_), Step::Member("entry")));
        entry.value.get("fullUrl").filter(|_| in_entry).and_then(Value::as_str)
    }
}
