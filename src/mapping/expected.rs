//! What the examples of mapping files say must be read, and how a reading differs from it.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::domain::catalogue::Catalogue;
use crate::domain::order::{Group, Line, Order, Person, Primary, Redacted};
use crate::domain::procedure::{
    Admission, Ethics, Grade, Procedure, ProcedureCode, ProcedureStatus,
};
use crate::mapping::reading::{Doubt, Reading};
use crate::mapping::section::{Section, Word};

/// Times in examples are read and written in this zone, whatever the hospital's is.
const ZONE: &str = "Asia/Shanghai";

/// Keys of an example that are facts of the whole order.
pub(super) const ORDER_KEYS: [&str; 4] = ["patient", "encounter", "diagnoses", "message_time"];
/// Keys of an `[[example.group]]`.
pub(super) const GROUP_KEYS: [&str; 16] = [
    "action",
    "urgency",
    "cases",
    "order_no",
    "department",
    "site",
    "ordering_doctor",
    "life_saving_reason",
    "life_saving_by",
    "discussion",
    "consent",
    "team",
    "times",
    "duration_min",
    "stated_grade",
    "names",
];

/// A key and the values it must have, in order.
#[derive(Debug)]
pub(super) struct Expected {
    pub(super) key: &'static str,
    pub(super) values: Vec<String>,
    pub(super) line: usize,
}

/// The values written under those of `keys` that are there.
pub(super) fn read(section: &Section<'_>, keys: &[&'static str]) -> Vec<Expected> {
    let mut facts = Vec::new();
    for key in keys {
        if section.has(key) {
            let words = section.texts(key);
            let line = words.first().map_or(section.span().start, |word| word.span.start);
            let line = section.faults.line_of(line);
            let values = words.iter().map(|word| word.text.to_owned()).collect();
            facts.push(Expected { key, values, line });
        }
    }
    facts
}

/// Tells when `expect` is neither one of `kinds` nor `unreadable: WHY`.
pub(super) fn check_kind(section: &Section<'_>, expect: &Word<'_>, kinds: &[&str]) {
    let doubt = |text: &str| Doubt::ALL.iter().any(|doubt| doubt.as_str() == text);
    let known =
        kinds.contains(&expect.text) || expect.text.strip_prefix("unreadable: ").is_some_and(doubt);
    if !known {
        let doubts: Vec<&str> = Doubt::ALL.iter().map(|doubt| doubt.as_str()).collect();
        let what = format!(
            "`{}` is nothing to expect; write one of {}, or `unreadable: ` and one of {}",
            expect.text,
            kinds.join(", "),
            doubts.join(", ")
        );
        section.faults.add(&expect.span, what);
    }
}

/// The catalogue of an example: items of which only the code matters, that it resolves.
pub(super) fn catalogue(codes: &[ProcedureCode]) -> Catalogue {
    Catalogue::new(0, codes.iter().map(procedure).collect())
}

/// Line and text of every fact of the whole order that is read otherwise.
pub(super) fn compare_order(facts: &[Expected], order: &Order) -> Vec<(usize, String)> {
    let read = |fact: &Expected| difference(fact, order_fact(order, fact.key));
    facts.iter().filter_map(read).collect()
}

/// Line and text of every fact of one group that is read otherwise.
pub(super) fn compare_group(
    facts: &[Expected],
    group: &Group,
    catalogue: &Catalogue,
) -> Vec<(usize, String)> {
    let read = |fact: &Expected| difference(fact, group_fact(group, fact.key, catalogue));
    facts.iter().filter_map(read).collect()
}

fn difference(expected: &Expected, read: Vec<String>) -> Option<(usize, String)> {
    let what = || {
        format!(
            "`{}`: expected {:?}, read {read:?}; correct the place or the example",
            expected.key, expected.values
        )
    };
    (expected.values != read).then(|| (expected.line, what()))
}

/// The zone of times in examples.
pub(super) fn zone() -> TimeZone {
    TimeZone::get(ZONE).unwrap_or(TimeZone::UTC)
}

/// An item of which only the code matters: that it resolves.
fn procedure(code: &ProcedureCode) -> Procedure {
    Procedure {
        code: code.clone(),
        name: code.to_string(),
        grade: Grade::One,
        code_system: None,
        aliases: Vec::new(),
        reference_grade: None,
        grade_document: None,
        specialty: None,
        status: ProcedureStatus::default(),
        status_reason: None,
        admission: Admission::default(),
        ethics: Ethics::default(),
        valid_from: None,
        valid_to: None,
    }
}

/// A reading in the word that `expect` writes for it.
pub(super) fn kind(reading: &Reading) -> String {
    match reading {
        Reading::Surgical(order) => order.stage.as_str().to_owned(),
        Reading::NotSurgical { reply: true, .. } => "reply".to_owned(),
        Reading::NotSurgical { scheduling: true, .. } => "scheduling".to_owned(),
        Reading::NotSurgical { .. } => "not-surgical".to_owned(),
        Reading::Unreadable(unreadable) => format!("unreadable: {}", unreadable.why.as_str()),
    }
}

fn order_fact(order: &Order, key: &str) -> Vec<String> {
    match key {
        "patient" => reveal(order.patient.as_ref()),
        "encounter" => reveal(order.encounter.as_ref()),
        "diagnoses" => order.diagnoses.iter().map(|d| d.reveal().to_owned()).collect(),
        "message_time" => order.message_time.map(local).into_iter().collect(),
        _ => Vec::new(),
    }
}

fn group_fact(group: &Group, key: &str, catalogue: &Catalogue) -> Vec<String> {
    let one = |text: Option<String>| text.into_iter().collect();
    let lines = group.lines.iter();
    match key {
        "action" => vec![group.action.as_str().to_owned()],
        "urgency" => one(group.urgency.map(|u| u.as_str().to_owned())),
        "cases" => lines.flat_map(|line| cases(line, catalogue)).collect(),
        "order_no" => reveal(group.order_no.as_ref()),
        "department" => one(group.department.clone()),
        "site" => one(group.site.clone()),
        "ordering_doctor" => one(group.ordering_doctor.as_ref().map(who)),
        "life_saving_reason" => reveal(group.attestation.reason.as_ref()),
        "life_saving_by" => one(group.attestation.by.as_ref().map(ToString::to_string)),
        "discussion" => reveal(group.discussion.as_ref()),
        "consent" => one(group.consent.map(|given| given.to_string())),
        "team" => distinct(lines.flat_map(|line| &line.team).map(who)),
        "times" => distinct(lines.flat_map(|line| &line.times).map(|time| local(*time))),
        "duration_min" => {
            lines.filter_map(|line| line.duration_min).map(|d| d.to_string()).collect()
        }
        "stated_grade" => {
            lines.filter_map(|line| line.stated_grade).map(|g| g.number().to_string()).collect()
        }
        "names" => lines.filter_map(|line| line.name.clone()).collect(),
        _ => Vec::new(),
    }
}

/// `SURGEON: CODE` for each; `nobody`, `unclear` and `no code` where there is none.
fn cases(line: &Line, catalogue: &Catalogue) -> Vec<String> {
    let surgeons = match &line.primary {
        Primary::Named(persons) => persons.iter().map(who).collect(),
        Primary::Missing => vec!["nobody".to_owned()],
        Primary::Unclear(_) => vec!["unclear".to_owned()],
    };
    let codes = line.coded.iter().filter_map(|place| {
        let mut codings = place.codings.iter();
        let resolved = codings.clone().find(|c| catalogue.resolve(&c.code).is_some());
        resolved.or_else(|| codings.next()).map(|coding| coding.code.to_string())
    });
    let codes: Vec<String> = codes.collect();
    let codes = if codes.is_empty() { "no code".to_owned() } else { codes.join(" + ") };
    surgeons.into_iter().map(|surgeon| format!("{surgeon}: {codes}")).collect()
}

/// The id, or the name where there is no id.
fn who(person: &Person) -> String {
    let id = person.id.as_ref().map(ToString::to_string);
    id.or_else(|| person.full_name()).unwrap_or_default()
}

fn local(time: Timestamp) -> String {
    zone().to_datetime(time).strftime("%Y-%m-%d %H:%M").to_string()
}

fn reveal(text: Option<&Redacted>) -> Vec<String> {
    text.map(|text| text.reveal().to_owned()).into_iter().collect()
}

fn distinct(values: impl Iterator<Item = String>) -> Vec<String> {
    let mut kept: Vec<String> = Vec::new();
    for value in values {
        if !kept.contains(&value) {
            kept.push(value);
        }
    }
    kept
}
