//! AuthZEN: a question → an order → a decision, and several in a row.

use std::sync::Arc;

use bytes::Bytes;
use serde::Serialize;
use serde_json::{Value, json};

use crate::domain::order::{
    Action, Attestation, CodedPlace, Coding, Group, Line, Order, Person, Primary, Redacted, Stage,
    Urgency,
};
use crate::domain::procedure::ProcedureCode;
use crate::domain::surgeon::SurgeonId;
use crate::gate::inquiry::{Caller, Inquiry, InquiryError};
use crate::gate::verdict_json::VerdictJson;
use crate::gate::{Gate, Subject};
use crate::inbound::decision_api::Config;
use crate::inbound::decision_api::wire::{
    EvaluationRequest, EvaluationsRequest, PartialEvaluation, Semantic, StageName, UrgencyName,
    moment,
};

/// The interface's name in entries and metrics.
pub(super) const INTERFACE: &str = "authzen";

/// An answer: the decision, and the verdict it comes from, or what was missing.
#[derive(Debug, Serialize)]
pub(super) struct Decided {
    /// Whether a gate in the line would let it pass.
    pub(super) decision: bool,
    /// The verdict.
    context: Value,
}

/// Who asks what by whose name.
pub(super) struct Asking<'a> {
    pub(super) gate: &'a Gate,
    pub(super) config: &'a Config,
    pub(super) caller: &'a Caller,
    /// `X-Request-ID`, to find the entry again.
    pub(super) request_id: &'a str,
}

impl Asking<'_> {
    /// Answers one question; `written` is it as received.
    pub(super) async fn one(
        &self,
        request: &EvaluationRequest,
        written: Bytes,
    ) -> Result<Decided, InquiryError> {
        let inquiry = Inquiry {
            interface: INTERFACE,
            caller: self.caller.clone(),
            route: INTERFACE.into(),
            stance: Arc::clone(&self.config.stance),
            mapping: INTERFACE.into(),
            message: written,
            control_id: self.request_id.to_owned(),
            subject: Subject::Orders(vec![order(request)]),
            terms: self.gate.terms(),
        };
        let asked = self.gate.inquire(inquiry).await?;
        let entry = asked.entry.to_string();
        let written = VerdictJson::new(&asked.verdict, self.gate.zone(), Some(&entry));
        let context = serde_json::to_value(written).unwrap_or_default();
        Ok(Decided { decision: !asked.verdict.refused(), context })
    }

    /// Answers several, as far as their semantic goes. `None`: there are none, the top is the question.
    pub(super) async fn all(
        &self,
        request: &EvaluationsRequest,
    ) -> Result<Vec<Decided>, InquiryError> {
        let parts = request.evaluations.as_deref().unwrap_or_default();
        let options = request.options.unwrap_or_default();
        let semantic = options.evaluations_semantic.unwrap_or_default();
        let mut decided = Vec::with_capacity(parts.len());
        for part in parts {
            let one = self.part(part, &request.defaults).await?;
            let last = match semantic {
                Semantic::ExecuteAll => false,
                Semantic::DenyOnFirstDeny => !one.decision,
                Semantic::PermitOnFirstPermit => one.decision,
            };
            decided.push(one);
            if last {
                break;
            }
        }
        Ok(decided)
    }

    /// One of several, or the top alone.
    pub(super) async fn part(
        &self,
        part: &PartialEvaluation,
        defaults: &PartialEvaluation,
    ) -> Result<Decided, InquiryError> {
        match part.with(defaults) {
            Some(request) => self.one(&request, Bytes::from(request.written().to_string())).await,
            None => Ok(Decided {
                decision: false,
                context: json!({
                    "error": {
                        "status": 400,
                        "message": "subject, action or resource is given neither here nor at the top",
                    }
                }),
            }),
        }
    }
}

impl EvaluationRequest {
    /// The question put together, for the record.
    fn written(&self) -> Value {
        let mut context = serde_json::Map::new();
        if let Some(own) = &self.context {
            let texts = [
                ("department", &own.department),
                ("patient", &own.patient),
                ("site", &own.site),
                ("time", &own.time),
            ];
            for (name, text) in texts {
                if let Some(text) = text {
                    context.insert(name.to_owned(), text.as_str().into());
                }
            }
            if let Some(diagnoses) = &own.diagnoses {
                context.insert("diagnoses".to_owned(), diagnoses.clone().into());
            }
            if let Some(stage) = own.stage {
                context.insert("stage".to_owned(), stage_of(stage).as_str().into());
            }
            if let Some(urgency) = own.urgency {
                context.insert("urgency".to_owned(), urgency_of(urgency).as_str().into());
            }
        }
        json!({
            "subject": { "type": "surgeon", "id": self.subject.id },
            "action": { "name": "perform" },
            "resource": { "type": "procedure", "id": self.resource.id },
            "context": context,
        })
    }
}

fn stage_of(name: StageName) -> Stage {
    match name {
        StageName::Order => Stage::Order,
        StageName::Notice => Stage::Notice,
        StageName::Record => Stage::Record,
    }
}

fn urgency_of(name: UrgencyName) -> Urgency {
    match name {
        UrgencyName::Elective => Urgency::Elective,
        UrgencyName::Urgent => Urgency::Urgent,
        UrgencyName::Emergency => Urgency::Emergency,
    }
}

/// The order that the question is about.
fn order(request: &EvaluationRequest) -> Order {
    let context = request.context.clone().unwrap_or_default();
    let code = ProcedureCode::new(&request.resource.id);
    let coding = code.map(|code| Coding { code, system: None, display: None });
    let coded = coding.map(|coding| CodedPlace { codings: vec![coding], place: None });
    let surgeon = Person { id: SurgeonId::new(&request.subject.id), name: Vec::new(), place: None };
    let line = Line {
        coded: coded.into_iter().collect(),
        name: None,
        primary: Primary::Named(vec![surgeon]),
        team: Vec::new(),
        stated_grade: None,
        times: context.time.as_deref().and_then(moment).into_iter().collect(),
        duration_min: None,
        place: None,
    };
    let text = |text: Option<String>| text.filter(|text| !text.trim().is_empty());
    let group = Group {
        action: Action::New,
        urgency: context.urgency.map(urgency_of),
        order_no: None,
        department: text(context.department),
        site: text(context.site),
        ordering_doctor: None,
        attestation: Attestation::default(),
        discussion: None,
        consent: None,
        lines: vec![line],
        time_unreadable: false,
    };
    let diagnoses = context.diagnoses.unwrap_or_default();
    Order {
        stage: context.stage.map_or(Stage::Order, stage_of),
        message_time: None,
        patient: context.patient.and_then(Redacted::new),
        encounter: None,
        diagnoses: diagnoses.into_iter().filter_map(Redacted::new).collect(),
        groups: vec![group],
    }
}
