//! Inquiries and attestations as their ledger entries hold them.

use serde::{Deserialize, Serialize};

use crate::gate::attested::{Attestable, AttestedCase, Reason, would_be_lifted};
use crate::gate::inquiry::Caller;
use crate::gate::order_facts::OrderFacts;

/// What the entry of an attestation says it is.
pub(super) const ATTESTED: &str = "attested";
/// What the entry of an inquiry says it is.
pub(super) const INQUIRY: &str = "inquiry";

#[derive(Serialize)]
pub(super) struct Written<'w> {
    pub(super) act: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) by: Option<&'w str>,
    pub(super) caller: &'w Caller,
    pub(super) cases: &'w [AttestedCase],
    pub(super) inquiry: &'w str,
    pub(super) patient: &'w str,
    pub(super) reason: &'w Reason,
}

#[derive(Deserialize)]
pub(super) struct Kept {
    pub(super) act: String,
    #[serde(default)]
    pub(super) by: Option<String>,
    pub(super) cases: Vec<AttestedCase>,
    pub(super) patient: String,
    pub(super) reason: Reason,
}

#[derive(Deserialize)]
pub(super) struct KeptInquiry {
    act: String,
    caller: KeptCaller,
    facts: KeptFacts,
    verdict: KeptVerdict,
}

#[derive(Deserialize)]
struct KeptCaller {
    client: String,
    user: Option<String>,
    user_reference: Option<String>,
}

#[derive(Deserialize)]
struct KeptFacts {
    orders: Vec<OrderFacts>,
}

#[derive(Deserialize)]
struct KeptVerdict {
    cases: Vec<KeptCase>,
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
    lifted: bool,
    rule: String,
}

#[derive(Deserialize)]
struct KeptProcedure {
    code: Option<String>,
}

#[derive(Deserialize)]
struct KeptSurgeon {
    id: Option<String>,
}

impl KeptInquiry {
    pub(super) fn attestable(self) -> Option<Attestable> {
        let findings = self.verdict.cases.iter().flat_map(|case| &case.findings);
        let told = findings.map(|f| (f.rule.as_str(), f.effect.as_str(), f.lifted));
        if self.act != INQUIRY || !would_be_lifted(told) {
            return None;
        }
        let patient = self.facts.orders.first().and_then(OrderFacts::restore)?.patient;
        let case = |case: KeptCase| {
            Some(AttestedCase { procedure: case.procedure.code?, surgeon: case.surgeon.id? })
        };
        let KeptCaller { client, user, user_reference } = self.caller;
        if user.is_none() && user_reference.is_none() {
            return None;
        }
        Attestable::new(patient, self.verdict.cases.into_iter().map(case), client, user)
    }
}
