//! The documents of the case index from a ledger entry, as `gate/document.rs` made them when it was written.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Deserialize;

use crate::cases::document::Document;
use crate::domain::catalogue::Catalogue;
use crate::domain::order::Order;
use crate::domain::procedure::{Grade, Procedure, ProcedureCode};
use crate::domain::surgeon::SurgeonId;
use crate::domain::verdict::{Decision, Stance};
use crate::gate::document::{Decided, Known, ReportableCase, documents, judged_case, message_name};
use crate::gate::facts::{PersonFacts, ProcedureFacts};
use crate::gate::order_facts::OrderFacts;
use crate::gate::rederive::RederiveError;
use crate::rules::People;

#[derive(Deserialize)]
struct Body {
    control_id: String,
    facts: Option<KeptFacts>,
    message_sha256: String,
    #[serde(default)]
    reportable: Vec<ReportableCase>,
    route: String,
    verdict: KeptVerdict,
    without_ledger: Option<KeptWithout>,
}

#[derive(Deserialize)]
struct KeptFacts {
    catalogue: Vec<ProcedureFacts>,
    judged_at: Timestamp,
    orders: Vec<OrderFacts>,
    people: Vec<PersonFacts>,
    zone: String,
}

#[derive(Deserialize)]
struct KeptVerdict {
    cases: Vec<KeptCase>,
    decision: String,
    stance: String,
}

#[derive(Deserialize)]
struct KeptCase {
    findings: Vec<KeptFinding>,
    procedure: KeptProcedure,
    surgeon: KeptSurgeon,
}

#[derive(Deserialize)]
struct KeptFinding {
    effect: String,
    rule: String,
}

#[derive(Deserialize)]
struct KeptProcedure {
    code: Option<String>,
    grade: Option<u8>,
}

#[derive(Deserialize)]
struct KeptSurgeon {
    id: Option<String>,
}

#[derive(Deserialize)]
struct KeptWithout {
    supersedes: Option<String>,
}

/// The documents that a decision entry tells of; none where the message could not be read.
///
/// # Errors
/// The entry is not understood by this version of the program.
pub fn of_entry(entry: &str, body: &str) -> Result<Vec<Document>, RederiveError> {
    let body: Body = serde_json::from_str(body).map_err(|_| RederiveError::Unknown("decision"))?;
    let Some(facts) = &body.facts else { return Ok(Vec::new()) };
    let zone = TimeZone::get(&facts.zone).map_err(|_| RederiveError::Unknown("zone"))?;
    let items: Option<Vec<Procedure>> = facts.catalogue.iter().map(|p| p.restore()).collect();
    let catalogue = Catalogue::new(0, items.ok_or(RederiveError::Unknown("catalogue"))?);
    let mut people = People::default();
    for person in &facts.people {
        person.restore(&mut people).ok_or(RederiveError::Unknown("people"))?;
    }
    let orders: Option<Vec<Order>> = facts.orders.iter().map(|order| order.restore()).collect();
    let orders = orders.ok_or(RederiveError::Unknown("orders"))?;
    let decision = Decision::from_name(&body.verdict.decision);
    let decision = decision.ok_or(RederiveError::Unknown("decision"))?;
    let stance = Stance::from_name(&body.verdict.stance);
    let enforced = stance.is_some_and(|stance| stance.acts_on(decision));
    let cases = body.verdict.cases.iter().map(|case| {
        let findings = case.findings.iter().map(|f| (f.rule.as_str(), f.effect.as_str()));
        let surgeon = case.surgeon.id.as_deref().and_then(SurgeonId::new);
        let procedure = case.procedure.code.as_deref().and_then(ProcedureCode::new);
        let grade = case.procedure.grade.and_then(Grade::from_number);
        judged_case(surgeon, procedure, grade, findings)
    });
    let decided = Decided {
        entry,
        at: facts.judged_at,
        message: message_name(&body.control_id, &body.route, &body.message_sha256),
        supersedes: body.without_ledger.as_ref().and_then(|done| done.supersedes.as_deref()),
        decision,
        enforced,
        refused: enforced && decision.refuses(),
        cases: cases.collect(),
        reportable: body.reportable.clone(),
    };
    let known = Known { people: &people, catalogue: &catalogue, zone: &zone };
    Ok(documents(&orders, known, &decided))
}
