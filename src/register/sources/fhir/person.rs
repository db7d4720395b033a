//! A Practitioner → who it is and until when licensed.

use std::collections::BTreeSet;

use jiff::civil::Date;
use serde_json::Value;

use crate::register::import::fault::say;
use crate::register::sources::fhir::extension::{Part, Shape, parts};
use crate::register::sources::fhir::facts::{Licence, Person};
use crate::register::sources::fhir::fault::Finder;
use crate::register::sources::fhir::reading::{Reading, Token};
use crate::register::sources::fhir::value::{
    Edge, Object, edge, flag, modified, objects, text, text_of,
};

/// The extension of Practitioner that says what FHIR has no element for.
pub const STAFF_DETAILS: &str = "urn:orgate:staff-details";

/// Its parts.
const PARTS: &[Part] = &[
    Part { name: "department", shape: Shape::Text, many: false },
    Part { name: "base", shape: Shape::Code, many: false },
    Part { name: "status", shape: Shape::Code, many: false },
];

/// Names that are not in use any more, or never were on a badge.
const OTHER_NAMES: [&str; 4] = ["old", "maiden", "nickname", "anonymous"];

/// The names of its parts.
#[cfg(test)]
pub(super) fn part_names() -> Vec<&'static str> {
    PARTS.iter().map(|part| part.name).collect()
}

/// Reads one. Of whoever has no staff number, nothing more is read.
pub(super) fn person(object: &Object, reading: &Reading, finder: &mut Finder) -> Person {
    let Some(staff) = staff(object, reading, finder) else { return Person::default() };
    modified(object, finder);
    let details = parts(object, STAFF_DETAILS, PARTS, &reading.zone, finder);
    if details.len() > 1 {
        let wording = say("出现多次，请只保留一个", "stands more than once; keep one");
        finder.fault(STAFF_DETAILS, wording);
    }
    let detail = |name: &str| {
        let own = details.first().and_then(|own| own.text(name));
        own.unwrap_or_default().to_owned()
    };
    let active = flag(object, "active", finder).unwrap_or(true);
    let dead = match object.get("deceasedBoolean") {
        Some(_) => flag(object, "deceasedBoolean", finder).unwrap_or(true),
        None => object.contains_key("deceasedDateTime"),
    };
    let status = if active && !dead { detail("status") } else { "left".to_owned() };
    Person {
        staff: Some(staff),
        name: name(object, finder),
        department: detail("department"),
        status,
        base: detail("base"),
        licence: licence(object, reading, finder),
    }
}

/// The one staff number.
fn staff(object: &Object, reading: &Reading, finder: &mut Finder) -> Option<String> {
    let mut found = BTreeSet::new();
    for identifier in objects(object, "identifier", "", finder) {
        let is = |key: &str, word: &str| identifier.get(key).and_then(Value::as_str) == Some(word);
        if !is("system", &reading.staff_system) || is("use", "old") {
            continue;
        }
        match identifier.get("value").map(text) {
            Some(Ok(value)) => {
                found.insert(value);
            }
            _ => finder.fault(
                "identifier",
                say("工号为空或不是文本", "the staff number is empty or no text"),
            ),
        }
    }
    if found.len() > 1 {
        finder.fault(
            "identifier",
            say(
                "有多个工号：停用的请标为 use = old",
                "there are several staff numbers; mark the ones no longer in use as use = old",
            ),
        );
    }
    found.pop_first()
}

/// The name on the badge.
fn name(object: &Object, finder: &mut Finder) -> String {
    let names = objects(object, "name", "", finder);
    let usage = |name: &Object| name.get("use").and_then(Value::as_str).map(str::to_owned);
    let rank = |name: &&&Object| match usage(name).as_deref() {
        Some("official") => 0,
        Some("usual") => 1,
        Some("temp") => 3,
        _ => 2,
    };
    let in_use =
        |name: &&&Object| usage(name).is_none_or(|usage| !OTHER_NAMES.contains(&usage.as_str()));
    let Some(chosen) = names.iter().filter(in_use).min_by_key(rank) else {
        return String::new();
    };
    let whole = text_of(chosen, "text", "name", finder);
    if !whole.is_empty() {
        return whole;
    }
    let family = text_of(chosen, "family", "name", finder);
    let given: Vec<String> = match chosen.get("given").map(Value::as_array) {
        None => Vec::new(),
        Some(list) => {
            let given = list.and_then(|list| list.iter().map(|part| text(part).ok()).collect());
            given.unwrap_or_else(|| {
                finder.fault("name.given", say("应为文本的列表", "must be a list of texts"));
                Vec::new()
            })
        }
    };
    let chinese = |text: &str| text.chars().all(|c| ('\u{2e80}'..='\u{9fff}').contains(&c));
    if chinese(&family) && given.iter().all(|part| chinese(part)) {
        return format!("{family}{}", given.concat());
    }
    let parts = given.into_iter().chain((!family.is_empty()).then_some(family));
    parts.collect::<Vec<_>>().join(" ")
}

fn is_of(qualification: &Object, licence: &Token, finder: &mut Finder) -> bool {
    let Some(code) = qualification.get("code").and_then(Value::as_object) else { return false };
    let codings = objects(code, "coding", "qualification.code", finder);
    codings.into_iter().any(|coding| {
        let is = |key: &str, word: &str| coding.get(key).and_then(Value::as_str) == Some(word);
        is("system", &licence.system) && is("code", &licence.value)
    })
}

/// Until when: the last end of what the settings name; without a name, the only end there is.
fn licence(object: &Object, reading: &Reading, finder: &mut Finder) -> Licence {
    let (mut named, mut open, mut ends) = (0, false, BTreeSet::<Date>::new());
    for qualification in objects(object, "qualification", "", finder) {
        if let Some(licence) = &reading.licence
            && !is_of(qualification, licence, finder)
        {
            continue;
        }
        named += 1;
        let period = match qualification.get("period").map(Value::as_object) {
            None => None,
            Some(Some(period)) => period.get("end"),
            Some(None) => {
                finder.fault("qualification.period", say("应为 Period", "must be a Period"));
                continue;
            }
        };
        match period.map(|end| edge(end, Edge::End, &reading.zone)) {
            None => open = true,
            Some(Ok(day)) => {
                ends.insert(day);
            }
            Some(Err(wording)) => finder.fault("qualification.period.end", wording),
        }
    }
    let (first, last) = (ends.first().copied(), ends.last().copied());
    match (&reading.licence, first, last) {
        (Some(_), _, _) if named == 0 => Licence::Missing,
        (Some(_), _, _) if open => Licence::Open,
        (None, Some(first), Some(last)) if first != last => Licence::Unclear(first.to_string()),
        (_, _, Some(last)) => Licence::Ends(last.to_string()),
        (_, _, None) => Licence::Open,
    }
}
