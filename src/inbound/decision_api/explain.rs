//! `POST /v1/explain`: what would become of a message or resource, as a route reads it.

use std::sync::Arc;

use bytes::Bytes;
use serde::Serialize;

use crate::domain::verdict::Verdict;
use crate::gate::inquiry::{Caller, Inquiry, InquiryError};
use crate::gate::stance::StanceSwitch;
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
    },
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
    /// What it does with verdicts.
    pub stance: StanceSwitch,
    /// How it reads.
    pub mapping: Arc<str>,
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
        let (subject, control_id, doubt) = match (self.read)(&message) {
            Explained::NotSurgical => {
                return Ok(written(&Verdict::not_surgical(), gate, None, None));
            }
            Explained::Judged { subject, control_id, doubt } => (subject, control_id, doubt),
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
            stance: self.stance.now(),
            mapping: Arc::clone(&self.mapping),
            message,
            control_id,
            subject,
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
