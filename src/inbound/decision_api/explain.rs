//! `POST /v1/explain`: what would become of a message or resource, as a route reads it.

use std::sync::Arc;

use bytes::Bytes;
use serde::Serialize;

use crate::domain::verdict::Verdict;
use crate::gate::inquiry::{Caller, Inquiry, InquiryError};
use crate::gate::stance::RouteStance;
use crate::gate::terms::Terms;
use crate::gate::verdict_json::VerdictJson;
use crate::gate::{Gate, Subject};

/// The interface's name in entries and metrics.
pub(super) const INTERFACE: &str = "explain";

/// In which form a message comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// HL7 v2, framed or not.
    Hl7,
    /// A FHIR resource in JSON.
    Fhir,
}

/// What a route makes of a message.
pub enum Explained {
    /// None of the gate's business.
    NotSurgical,
    /// To be judged.
    Judged {
        /// What was read.
        subject: Subject,
        /// MSH-10, or the resource's id.
        control_id: String,
        /// Of what cannot be read: why, in Chinese and English.
        doubt: Option<(&'static str, &'static str)>,
        /// How it was read, and what it is judged by.
        by: By,
    },
}

/// How a message was read and is judged: of one configuration.
pub struct By {
    /// The mapping's name.
    pub mapping: Arc<str>,
    /// What the route does with verdicts.
    pub stance: Arc<RouteStance>,
    /// What the house has set.
    pub terms: Arc<Terms>,
}

/// Reads a message as a route does.
pub type Read = Arc<dyn Fn(&Bytes) -> Explained + Send + Sync>;

/// One route, as far as explaining goes.
#[derive(Clone)]
pub struct Explainer {
    /// The route's name.
    pub route: Arc<str>,
    /// What it takes.
    pub form: Form,
    /// Reads a message.
    pub read: Read,
}

/// A verdict, and why the message could not be read, if so.
#[derive(Serialize)]
struct Written<'w> {
    #[serde(flatten)]
    verdict: VerdictJson<'w>,
    #[serde(skip_serializing_if = "Option::is_none")]
    unreadable: Option<Unreadable>,
}

#[derive(Serialize)]
struct Unreadable {
    text_en: &'static str,
    text_zh: &'static str,
    why: &'static str,
}

impl Explainer {
    /// Judges a message, and records that it was asked about.
    pub(super) async fn explain(
        &self,
        gate: &Gate,
        caller: Caller,
        message: Bytes,
    ) -> Result<serde_json::Value, InquiryError> {
        let (subject, control_id, doubt, by) = match (self.read)(&message) {
            Explained::NotSurgical => {
                return Ok(written(&Verdict::not_surgical(), gate, None, None));
            }
            Explained::Judged { subject, control_id, doubt, by } => {
                (subject, control_id, doubt, by)
            }
        };
        let unreadable = match &subject {
            Subject::Unreadable { why, .. } => {
                let (text_zh, text_en) = doubt.unwrap_or(("", ""));
                Some(Unreadable { text_en, text_zh, why })
            }
            Subject::Orders(_) => None,
        };
        let inquiry = Inquiry {
            interface: INTERFACE,
            caller,
            route: Arc::clone(&self.route),
            stance: by.stance,
            mapping: by.mapping,
            message,
            control_id,
            subject,
            terms: by.terms,
        };
        let asked = gate.inquire(inquiry).await?;
        Ok(written(&asked.verdict, gate, Some(&asked.entry.to_string()), unreadable))
    }
}

fn written(
    verdict: &Verdict,
    gate: &Gate,
    entry: Option<&str>,
    unreadable: Option<Unreadable>,
) -> serde_json::Value {
    let verdict = VerdictJson::new(verdict, gate.zone(), entry);
    serde_json::to_value(Written { verdict, unreadable }).unwrap_or_default()
}
