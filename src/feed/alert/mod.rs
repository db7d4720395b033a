//! What is told: one alert is one CloudEvent (contract §8). Pure: a ledger entry or a notice in, alerts out.
//!
//! # Ids
//!
//! `ENTRY-RULE`: the ledger entry, and the rule (or gap, or act) by which it is an alert of this type. An entry
//! gives at most one alert of each type, and no two of its alerts share a rule, so the id is unique; it depends on
//! nothing but the entry, so it is the same however often the alert is made.
//!
//! # What belongs to a patient
//!
//! The numbers of patient, encounter and order, and free text that people wrote, stand apart in [`Personal`] and
//! enter an event only where the feed asks for them; otherwise there is a pseudonym ([`Pseudonyms`]).

mod acts;
mod decision;
pub mod kind;
mod pseudonym;
mod wording;

#[cfg(test)]
mod tests;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Map, Value, json};

use crate::domain::order::Redacted;
pub(in crate::feed) use crate::feed::alert::acts::Noticed;
use crate::feed::alert::kind::{AlertKind, Severity};
pub use crate::feed::alert::pseudonym::{PseudonymError, Pseudonyms};
use crate::ledger::{Entry, Kind};

/// One thing to be told.
#[derive(Clone, Debug, PartialEq)]
pub struct Alert {
    /// Stable: see above.
    pub id: String,
    /// What it is about.
    pub kind: AlertKind,
    /// How grave.
    pub severity: Severity,
    /// When it happened.
    pub time: Timestamp,
    /// The ledger entry; of what the gate noticed by itself, what it is about: `route/his-orders`.
    pub subject: String,
    /// The gate that says so.
    pub node: String,
    /// Departments as written; empty = of none, or not known.
    pub departments: Vec<String>,
    /// Of a route that only observes: nothing was done.
    pub observed: bool,
    /// One line for people.
    pub zh: String,
    /// The same in English.
    pub en: String,
    /// The rule, gap or act of the id.
    pub rule: String,
    /// Verdict, who, where: nothing of a patient.
    pub data: Map<String, Value>,
    /// What belongs to a patient.
    pub personal: Personal,
}

/// What belongs to a patient, apart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Personal {
    /// The patient's number.
    pub patient: Option<Redacted>,
    /// The encounter's.
    pub encounter: Option<Redacted>,
    /// The orders'.
    pub orders: Vec<Redacted>,
    /// What somebody wrote: an attestation, the reason of a review.
    pub reason: Option<Redacted>,
    /// What a version of the register was made for.
    pub what: Option<Redacted>,
}

/// How events of a feed are written.
#[derive(Clone)]
pub struct Rendering {
    /// Whether what belongs to a patient is given as it is.
    pub full: bool,
    /// Its pseudonyms otherwise.
    pub pseudonyms: Pseudonyms,
    /// Times are the hospital's.
    pub zone: TimeZone,
}

impl Alert {
    /// The alerts of a ledger entry, in the order in which they are told. An entry that this version of
    /// the program does not understand gives none: it is in the ledger all the same.
    pub fn of_entry(entry: &Entry) -> Vec<Self> {
        match entry.kind {
            Kind::Decision => decision::alerts(entry),
            Kind::Override => acts::of_override(entry),
            Kind::Bypass => acts::of_bypass(entry),
            Kind::Register => acts::of_register(entry),
            Kind::Access => acts::of_access(entry),
            Kind::Delivery | Kind::Anchor => Vec::new(),
        }
    }

    /// Alerts of one case keep their order. The order's number, else the patient's, else the entry's.
    pub fn case(&self) -> &str {
        let own = self.personal.orders.first().or(self.personal.patient.as_ref());
        own.map_or(&self.subject, Redacted::reveal)
    }

    /// The CloudEvent.
    pub fn event(&self, rendering: &Rendering) -> Value {
        let mut data = self.data.clone();
        if !self.departments.is_empty() {
            data.insert("departments".to_owned(), json!(self.departments));
        }
        let Personal { patient, encounter, orders, reason, what } = &self.personal;
        let reveal = |text: &Redacted| Value::from(text.reveal());
        let mut of_patient = Map::new();
        if let Some(number) = patient {
            if rendering.full {
                of_patient.insert("id".to_owned(), reveal(number));
            }
            let pseudonym = rendering.pseudonyms.of(number);
            of_patient.insert("pseudonym".to_owned(), Value::from(pseudonym));
        }
        if rendering.full {
            of_patient.extend(encounter.as_ref().map(|n| ("encounter".to_owned(), reveal(n))));
            data.extend(reason.as_ref().map(|text| ("reason".to_owned(), reveal(text))));
            data.extend(what.as_ref().map(|text| ("what".to_owned(), reveal(text))));
            if !orders.is_empty() {
                data.insert("orders".to_owned(), orders.iter().map(reveal).collect());
            }
        }
        if !of_patient.is_empty() {
            data.insert("patient".to_owned(), Value::Object(of_patient));
        }
        data.insert("text_zh".to_owned(), Value::from(self.zh.as_str()));
        data.insert("text_en".to_owned(), Value::from(self.en.as_str()));
        json!({
            "specversion": "1.0",
            "id": self.id,
            "source": self.node,
            "type": self.kind.as_str(),
            "subject": self.subject,
            "time": self.local(&rendering.zone),
            "datacontenttype": "application/json",
            "severity": self.severity.as_str(),
            "data": data,
        })
    }

    /// When it happened, by the hospital's clock.
    pub fn local(&self, zone: &TimeZone) -> String {
        let zoned = self.time.to_zoned_datetime(zone.clone());
        zoned.strftime("%Y-%m-%dT%H:%M:%S%.6f%:z").to_string()
    }
}
