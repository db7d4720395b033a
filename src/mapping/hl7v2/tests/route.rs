//! What the tests of the reader share: a route to read by, short ways to write messages and to see what was read.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use jiff::tz::TimeZone;

use crate::domain::catalogue::Catalogue;
use crate::domain::order::{Group, Order, Person, Primary};
use crate::domain::procedure::{Grade, Procedure, ProcedureCode};
use crate::hl7::charset::CharsetSetting;
use crate::hl7::message::Message;
use crate::mapping::hl7v2::tests::shipped::shipped;
use crate::mapping::{Context, Doubt, Mapping, Reading};

/// The shipped file, compiled once for all tests.
fn once(name: &str) -> &'static Mapping {
    static KNOWN: Mutex<BTreeMap<String, &'static Mapping>> = Mutex::new(BTreeMap::new());
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    known.entry(name.to_owned()).or_insert_with(|| Box::leak(Box::new(shipped(name))))
}

/// Codes that resolve in these tests.
const CODES: [&str; 3] = ["51.2300", "47.0100", "52.7x00"];

/// A route to read by.
pub(super) struct Route {
    pub(super) mapping: &'static Mapping,
    pub(super) catalogue: Catalogue,
    pub(super) zone: TimeZone,
    pub(super) all_surgical: bool,
    pub(super) compare_bytes: bool,
    pub(super) charset: CharsetSetting,
}

impl Route {
    pub(super) fn new(mapping: &str) -> Self {
        Self {
            mapping: once(mapping),
            catalogue: Catalogue::new(1, CODES.map(procedure).into()),
            zone: TimeZone::get("Asia/Shanghai").unwrap(),
            all_surgical: false,
            compare_bytes: false,
            charset: CharsetSetting::Auto,
        }
    }

    pub(super) fn read(&self, payload: &[u8]) -> Reading {
        let message = Message::read(payload, &self.charset).unwrap();
        let context = Context {
            catalogue: &self.catalogue,
            listed: &|code| code.as_str() == "99.9999",
            checked_order: &|number| number == "CHECKED",
            all_surgical: self.all_surgical,
            compare_bytes: self.compare_bytes,
            zone: &self.zone,
        };
        self.mapping.read_hl7(&message, &context)
    }

    pub(super) fn order(&self, payload: &[u8]) -> Order {
        match self.read(payload) {
            Reading::Surgical(order) => order,
            other => panic!("not surgical: {other:?}"),
        }
    }
}

fn procedure(code: &str) -> Procedure {
    Procedure {
        code: ProcedureCode::new(code).unwrap(),
        name: code.to_owned(),
        grade: Grade::Two,
        code_system: None,
        aliases: Vec::new(),
        reference_grade: None,
        grade_document: None,
        specialty: None,
        status: Default::default(),
        status_reason: None,
        admission: Default::default(),
        ethics: Default::default(),
        valid_from: None,
        valid_to: None,
    }
}

pub(super) fn message(kind: &str, segments: &str) -> Vec<u8> {
    let header = format!("MSH|^~\\&|HIS||OR||20260301100000||{kind}|1|P|2.5");
    [header.as_str()]
        .into_iter()
        .chain(segments.split(' '))
        .collect::<Vec<_>>()
        .join("\r")
        .into_bytes()
}

pub(super) fn standard(kind: &str, segments: &str) -> Reading {
    Route::new("standard.toml").read(&message(kind, segments))
}

pub(super) fn order(kind: &str, segments: &str) -> Order {
    Route::new("standard.toml").order(&message(kind, segments))
}

pub(super) fn doubt(reading: &Reading) -> Option<Doubt> {
    match reading {
        Reading::Unreadable(unreadable) => Some(unreadable.why),
        _ => None,
    }
}

pub(super) fn surgeons(group: &Group) -> Vec<Vec<String>> {
    let id = |p: &Person| p.id.as_ref().map_or_else(|| p.name.concat(), ToString::to_string);
    let of_line = |primary: &Primary| match primary {
        Primary::Named(persons) => persons.iter().map(id).collect(),
        Primary::Missing => vec!["nobody".to_owned()],
        Primary::Unclear(_) => vec!["unclear".to_owned()],
    };
    group.lines.iter().map(|line| of_line(&line.primary)).collect()
}
