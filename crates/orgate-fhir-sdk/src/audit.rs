//! AuditEvent: what a FHIR server is told of a decision.

use fhir_sdk::r4b::codes::{AuditEventAction, AuditEventOutcome};
use fhir_sdk::r4b::resources::{AuditEvent, AuditEventAgent, AuditEventEntity, AuditEventSource};
use fhir_sdk::r4b::types::{CodeableConcept, Coding, Identifier, Reference};
use serde_json::Value;

/// DICOM's codes for audit messages.
const DCM: &str = "http://dicom.nema.org/resources/ontology/DCM";
/// Our own types.
const ALERT: &str = "urn:orgate:alert";

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Audit {
    /// The alert's stable id.
    pub id: String,
    /// Its type.
    pub kind: String,
    /// An emergency override.
    pub break_glass: bool,
    /// Something was kept from being done.
    pub refused: bool,
    /// When: RFC 3339.
    pub recorded: String,
    /// The gate.
    pub node: String,
    /// In words.
    pub text: String,
    /// Who operates: id and name.
    pub surgeons: Vec<(String, Option<String>)>,
    /// The patient's number, or its pseudonym.
    pub patient: Option<String>,
    /// The ledger entry, or what the gate noticed.
    pub entry: String,
}

/// The AuditEvent as JSON; `None` where the time is none.
pub fn audit_event(audit: &Audit) -> Option<Value> {
    let subtype = if audit.break_glass {
        vec![coding(DCM, "110127", "Emergency Override Started")?, own(&audit.kind)?]
    } else {
        vec![own(&audit.kind)?]
    };
    let outcome = if audit.refused { AuditEventOutcome::N4 } else { AuditEventOutcome::N0 };
    let mut agents = vec![gate(&audit.node)?];
    for (id, name) in &audit.surgeons {
        agents.push(surgeon(id, name.as_deref(), audit.break_glass)?);
    }
    let mut entities = vec![entry(audit)?];
    if let Some(number) = &audit.patient {
        entities.push(patient(number)?);
    }
    let mut event = AuditEvent::builder()
        .r#type(coding(DCM, "110113", "Security Alert")?)
        .subtype(subtype.into_iter().map(Some).collect())
        .action(AuditEventAction::E)
        .recorded(audit.recorded.parse().ok()?)
        .outcome(outcome)
        .outcome_desc(audit.text.clone())
        .agent(agents.into_iter().map(Some).collect())
        .source(AuditEventSource::builder().observer(display(&audit.node)?).build().ok()?)
        .entity(entities.into_iter().map(Some).collect());
    if audit.break_glass {
        event = event.purpose_of_event(vec![Some(emergency()?)]);
    }
    serde_json::to_value(event.build().ok()?).ok()
}

fn coding(system: &str, code: &str, display: &str) -> Option<Coding> {
    Coding::builder()
        .system(system.to_owned())
        .code(code.to_owned())
        .display(display.to_owned())
        .build()
        .ok()
}

fn own(kind: &str) -> Option<Coding> {
    Coding::builder().system(ALERT.to_owned()).code(kind.to_owned()).build().ok()
}

fn emergency() -> Option<CodeableConcept> {
    let system = "http://terminology.hl7.org/CodeSystem/v3-ActReason";
    let code = coding(system, "ETREAT", "Emergency Treatment")?;
    CodeableConcept::builder().coding(vec![Some(code)]).build().ok()
}

fn display(text: &str) -> Option<Reference> {
    Reference::builder().display(text.to_owned()).build().ok()
}

fn identified(system: &str, value: &str) -> Option<Reference> {
    let identifier =
        Identifier::builder().system(system.to_owned()).value(value.to_owned()).build().ok()?;
    Reference::builder().identifier(identifier).build().ok()
}

/// The gate itself: it decided, nobody asked it to.
fn gate(node: &str) -> Option<AuditEventAgent> {
    let kind = coding(DCM, "110150", "Application")?;
    let kind = CodeableConcept::builder().coding(vec![Some(kind)]).build().ok()?;
    let agent = AuditEventAgent::builder();
    agent.r#type(kind).who(display(node)?).name(node.to_owned()).requestor(false).build().ok()
}

fn surgeon(id: &str, name: Option<&str>, emergency_now: bool) -> Option<AuditEventAgent> {
    let who = identified("urn:orgate:surgeon", id)?;
    let mut agent = AuditEventAgent::builder().who(who).alt_id(id.to_owned()).requestor(true);
    if let Some(name) = name {
        agent = agent.name(name.to_owned());
    }
    if emergency_now {
        agent = agent.purpose_of_use(vec![Some(emergency()?)]);
    }
    agent.build().ok()
}

/// The alert, so that a repetition can be told by its id.
fn entry(audit: &Audit) -> Option<AuditEventEntity> {
    AuditEventEntity::builder()
        .what(identified(ALERT, &audit.id)?)
        .name(format!("orgate entry {}", audit.entry))
        .build()
        .ok()
}

fn patient(number: &str) -> Option<AuditEventEntity> {
    let object = "http://terminology.hl7.org/CodeSystem/audit-entity-type";
    let role = "http://terminology.hl7.org/CodeSystem/object-role";
    AuditEventEntity::builder()
        .what(identified("urn:orgate:patient", number)?)
        .r#type(coding(object, "1", "Person")?)
        .role(coding(role, "1", "Patient")?)
        .build()
        .ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_break_glass_says_so_in_dicoms_words_and_with_its_purpose() {
        let audit = Audit {
            id: "E-emergency-override".to_owned(),
            kind: "orgate.override.opened".to_owned(),
            break_glass: true,
            refused: false,
            recorded: "2026-03-02T08:30:00.000000+08:00".to_owned(),
            node: "gate-1".to_owned(),
            text: "越权急诊".to_owned(),
            surgeons: vec![("D1005".to_owned(), Some("秦可欣".to_owned()))],
            patient: Some("1f3a".to_owned()),
            entry: "E".to_owned(),
        };
        let event = audit_event(&audit).expect("an AuditEvent");
        assert_eq!(event["resourceType"], "AuditEvent");
        assert_eq!(event["type"]["code"], "110113");
        assert_eq!(event["subtype"][0]["code"], "110127");
        assert_eq!(event["purposeOfEvent"][0]["coding"][0]["code"], "ETREAT");
        assert_eq!(event["outcome"], "0");
        assert_eq!(event["agent"][1]["altId"], "D1005");
        assert_eq!(event["entity"][0]["what"]["identifier"]["value"], "E-emergency-override");
        assert_eq!(event["entity"][1]["role"]["code"], "1");
        assert_eq!(event["source"]["observer"], json!({"display": "gate-1"}));
    }
}
