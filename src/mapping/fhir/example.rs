//! `[[example]]` of FHIR mapping files: a resource and what must be read from it.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

use crate::domain::order::Action;
use crate::domain::procedure::ProcedureCode;
use crate::mapping::expected::{self, Expected, GROUP_KEYS, ORDER_KEYS};
use crate::mapping::fhir::model::Model;
use crate::mapping::fhir::read;
use crate::mapping::fhir::{FhirContext, Found, References, Subject};
use crate::mapping::reading::Reading;
use crate::mapping::section::{Section, Word};

/// What `expect` may say, beside `unreadable: WHY`.
const EXPECT: [&str; 5] = ["order", "notice", "record", "not-surgical", "scheduling"];

/// One `[[example]]`.
#[derive(Debug)]
pub(super) struct Example {
    pub(super) name: String,
    line: usize,
    resource: Value,
    known: Known,
    action: Action,
    identity: Option<String>,
    catalogue: Vec<ProcedureCode>,
    checked_orders: Vec<String>,
    all_surgical: bool,
    expect: String,
    unresolved: Option<(usize, Vec<String>)>,
    facts: Vec<Expected>,
    group: Vec<Expected>,
}

/// What the references of an example lead to.
#[derive(Debug)]
struct Known {
    resources: BTreeMap<String, Arc<Value>>,
    /// What is not there has not been asked for; else it is nobody.
    asked: bool,
}

impl References for Known {
    fn find(&self, reference: &str) -> Found {
        match self.resources.get(reference) {
            Some(resource) => Found::Resource(Arc::clone(resource)),
            None if self.asked => Found::Nothing,
            None => Found::NotAsked,
        }
    }
}

impl Example {
    /// Line and text of everything that is read otherwise than expected.
    pub(super) fn run(&self, model: &Model) -> Vec<(usize, String)> {
        let catalogue = expected::catalogue(&self.catalogue);
        let zone = expected::zone();
        let context = FhirContext {
            catalogue: &catalogue,
            listed: &|_| false,
            checked_order: &|number| self.checked_orders.iter().any(|known| known == number),
            all_surgical: self.all_surgical,
            zone: &zone,
            references: &self.known,
        };
        let path = self.resource.get("resourceType").and_then(Value::as_str).unwrap_or_default();
        let subject = Subject {
            resource: &self.resource,
            path,
            action: self.action,
            identity: self.identity.as_deref(),
        };
        let read = read::read(model, subject, &context);
        let mut differences = Vec::new();
        if let Some((line, wanted)) =
            self.unresolved.as_ref().filter(|(_, w)| *w != read.unresolved)
        {
            let what = format!("`unresolved`: expected {wanted:?}, read {:?}", read.unresolved);
            differences.push((*line, what));
        }
        let kind = expected::kind(&read.reading);
        if kind != self.expect {
            differences.push((self.line, format!("expected `{}`, read `{kind}`", self.expect)));
        } else if let Reading::Surgical(order) = &read.reading {
            differences.append(&mut expected::compare_order(&self.facts, order));
            for group in &order.groups {
                let group = expected::compare_group(&self.group, group, &catalogue);
                differences.extend(group);
            }
        }
        differences
    }
}

/// Reads `[[example]]`.
pub(super) fn read(root: &Section<'_>) -> Vec<Example> {
    let mut examples = Vec::new();
    for section in root.sections("example") {
        examples.extend(example(&section));
        section.finish();
    }
    examples
}

fn example(section: &Section<'_>) -> Option<Example> {
    let name = section.required("name", "\"an elective order\"");
    let resource = section.required("resource", "'''{ the resource as JSON }'''");
    let expect = section.required("expect", "\"order\"");
    if let Some(expect) = &expect {
        expected::check_kind(section, expect, &EXPECT);
    }
    let action = action(section);
    let identity = section.text("identity").map(|word| word.text.to_owned());
    let catalogue = section.texts("catalogue");
    let catalogue = catalogue.iter().filter_map(|word| ProcedureCode::new(word.text)).collect();
    let checked = section.texts("checked_orders");
    let all_surgical = section.flag("all_surgical");
    let mut resources = BTreeMap::new();
    for (reference, text) in section.named_texts("references") {
        if let Some(value) = json(section, &text) {
            resources.insert(reference.text.to_owned(), Arc::new(value));
        }
    }
    let known = Known { resources, asked: !section.flag("not_asked") };
    let unresolved = section.has("unresolved").then(|| {
        let words = section.texts("unresolved");
        let line = words.first().map_or(section.span().start, |word| word.span.start);
        let words = words.iter().map(|word| word.text.to_owned()).collect();
        (section.faults.line_of(line), words)
    });
    let (facts, group) =
        (expected::read(section, &ORDER_KEYS), expected::read(section, &GROUP_KEYS));
    let surgical = expect.as_ref().is_some_and(|e| ["order", "notice", "record"].contains(&e.text));
    if surgical && !section.has("cases") {
        section.fault("`cases` is missing; write [\"SURGEON: CODE\"], or [] for none");
    }
    let (name, resource, expect) = (name?, resource?, expect?);
    Some(Example {
        name: name.text.to_owned(),
        line: section.faults.line_of(section.span().start),
        resource: json(section, &resource)?,
        known,
        action: action?,
        identity,
        catalogue,
        checked_orders: checked.iter().map(|word| word.text.to_owned()).collect(),
        all_surgical,
        expect: expect.text.to_owned(),
        unresolved,
        facts,
        group,
    })
}

/// What the interaction says; POST, where nothing is written. `action` is what must be read.
fn action(section: &Section<'_>) -> Option<Action> {
    let Some(word) = section.text("interaction") else { return Some(Action::New) };
    match word.text {
        "create" => Some(Action::New),
        "update" => Some(Action::Change),
        "delete" => Some(Action::Withdraw),
        other => {
            let what = format!("`{other}` is no interaction; write create, update or delete");
            section.faults.add(&word.span, what);
            None
        }
    }
}

fn json(section: &Section<'_>, word: &Word<'_>) -> Option<Value> {
    match serde_json::from_str(word.text) {
        Ok(value) => Some(value),
        Err(error) => {
            let line = section.faults.line_of(word.span.start) + error.line();
            section.faults.add_line(line, format!("not JSON: {error}"));
            None
        }
    }
}
