//! Life-saving attestations given before the order comes (SG 21): which inquiries can be attested, what was attested,
//! and the orders that find their attestation here.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use moka::policy::EvictionPolicy;
use moka::sync::Cache;
use serde::{Deserialize, Serialize};
use tokio::time::timeout;

use crate::domain::order::{Group, Primary, Redacted, Urgency};
use crate::domain::procedure::ProcedureCode;
use crate::domain::rule::Rule;
use crate::domain::surgeon::{Lookup, SurgeonId};
use crate::domain::verdict::{Effect, Verdict};
use crate::gate::attested_entry::{ATTESTED, Kept, KeptInquiry, Written};
use crate::gate::document::procedures;
use crate::gate::entry::canonical_body;
use crate::gate::inquiry::Caller;
use crate::gate::pass::{Gate, LEDGER_WAIT};
use crate::gate::subject::Subject;
use crate::ledger::{Draft, Durability, EntryId, Kind};
use crate::register::Patience;
use crate::telemetry::events;

/// How long an inquiry may be attested, and an attestation waits for its order: a doctor signs within minutes, an
/// emergency is operated on within a day.
pub const ATTESTED_FOR: Duration = Duration::from_secs(24 * 3600);
/// How many inquiries can be attested at a time, at some 300 bytes each.
const ASKED_MAX: u64 = 50_000;
/// How many patients' attestations wait; a hospital has some dozens of overrides a day.
const PATIENTS_MAX: u64 = 10_000;
/// How many attestations of one patient wait; the oldest goes first.
const OF_ONE_PATIENT_MAX: usize = 16;

/// One surgeon and one procedure that are attested together.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct AttestedCase {
    pub(super) procedure: String,
    pub(super) surgeon: String,
}

/// An inquiry that could be attested.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attestable {
    patient: Redacted,
    cases: Vec<AttestedCase>,
    /// The system that asked: nobody else may attest.
    client: String,
    /// The person before its screen, who attests; `None` where that leads to no staff number.
    by: Option<String>,
}

/// Why a life is at stake, as chosen and as written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    /// The code of the override reason.
    pub code: String,
    /// What the person wrote beside it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub comment: Option<String>,
    /// The words of the override reason.
    pub display: String,
}

/// Why an inquiry cannot be attested.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AttestError {
    /// No such inquiry of this caller, or it is too old, or none that an attestation could help.
    #[error("the inquiry cannot be attested: ask again, and attest the new one")]
    Unknown,
    /// Nothing is attested unrecorded.
    #[error("the ledger cannot record the attestation, send it again later")]
    LedgerUnavailable,
}

#[derive(Clone, Debug)]
struct Attested {
    entry: String,
    at: Timestamp,
    cases: Vec<AttestedCase>,
    reason: String,
    /// `None`: of somebody unknown there is a reason, and whoever reviews the file sees that nobody stands for it.
    by: Option<String>,
}

/// What can be attested and what has been. Bounded; filled from the ledger at start.
#[derive(Debug)]
pub struct Attestations {
    asked: Cache<String, (Timestamp, Arc<Attestable>)>,
    given: Cache<Redacted, Arc<Vec<Attested>>>,
}

impl Default for Attestations {
    fn default() -> Self {
        Self::of_most(ASKED_MAX, PATIENTS_MAX)
    }
}

impl Attestations {
    /// The newest are kept: what was asked just now is what is attested next.
    pub(super) fn of_most(asked: u64, patients: u64) -> Self {
        let (lru, kept) = (EvictionPolicy::lru, ATTESTED_FOR);
        Self {
            asked: Cache::builder()
                .max_capacity(asked)
                .time_to_live(kept)
                .eviction_policy(lru())
                .build(),
            given: Cache::builder()
                .max_capacity(patients)
                .time_to_live(kept)
                .eviction_policy(lru())
                .build(),
        }
    }

    pub(super) fn asked(&self, entry: String, at: Timestamp, attestable: Attestable) {
        self.asked.insert(entry, (at, Arc::new(attestable)));
    }

    /// What was asked under this entry, within the day before `now`.
    pub(super) fn attestable(&self, entry: &str, now: Timestamp) -> Option<Arc<Attestable>> {
        let (at, attestable) = self.asked.get(entry)?;
        holds(at, now).then_some(attestable)
    }

    #[cfg(test)]
    pub(super) fn settle(&self) {
        self.asked.run_pending_tasks();
    }

    fn keep(&self, patient: Redacted, attested: Attested) {
        // Under the cache's own lock for this patient: two attestations at a time are both kept.
        self.given.entry(patient).and_upsert_with(|held| {
            let mut all = held.map(|held| held.into_value().to_vec()).unwrap_or_default();
            all.push(attested);
            let surplus = all.len().saturating_sub(OF_ONE_PATIENT_MAX);
            all.drain(..surplus);
            Arc::new(all)
        });
    }
}

impl Attestable {
    /// `None` where an attestation would not help: nothing is refused, or something that no emergency lifts is; or
    /// patient, surgeon or procedure is not known, or nobody stood before the screen.
    pub(super) fn of(subject: &Subject, verdict: &Verdict, caller: &Caller) -> Option<Self> {
        let Subject::Orders(orders) = subject else { return None };
        if caller.user.is_none() && caller.user_reference.is_none() {
            return None;
        }
        let findings = verdict.findings();
        let told = findings.map(|(_, f)| (f.rule.as_str(), f.effect.as_str(), f.lifted));
        if !would_be_lifted(told) {
            return None;
        }
        let case = |case: &crate::domain::verdict::CaseVerdict| {
            let surgeon = case.surgeon.as_ref()?.to_string();
            Some(AttestedCase { procedure: case.procedure.as_ref()?.to_string(), surgeon })
        };
        Self::new(
            orders.first().and_then(|order| order.patient.clone()),
            verdict.cases.iter().map(case),
            caller.client.clone(),
            caller.user.clone(),
        )
    }

    pub(super) fn new(
        patient: Option<Redacted>,
        cases: impl Iterator<Item = Option<AttestedCase>>,
        client: String,
        by: Option<String>,
    ) -> Option<Self> {
        let cases: Vec<AttestedCase> =
            cases.collect::<Option<BTreeSet<_>>>()?.into_iter().collect();
        let patient = Redacted::new(patient?.reveal().trim())?;
        (!cases.is_empty()).then_some(Self { patient, cases, client, by })
    }
}

/// Whether findings refuse, or override unattested, and an attested emergency would lift all that refuses.
pub(super) fn would_be_lifted<'f>(
    findings: impl Iterator<Item = (&'f str, &'f str, bool)>,
) -> bool {
    let (mut helps, mut lifted) = (false, true);
    for (rule, effect, lifts) in findings {
        let unattested = rule == Rule::OverrideUnattested.as_str();
        let blocks = effect == Effect::Block.as_str();
        helps |= blocks || unattested;
        lifted &= !blocks || lifts || unattested;
    }
    helps && lifted
}

impl Gate {
    /// Enters that a person attests: this inquiry is about a life. The emergency order of the same patient, surgeon
    /// and procedure then finds its attestation.
    ///
    /// # Errors
    /// When there is no such inquiry, or it cannot be recorded.
    pub async fn attest(
        self: &Arc<Self>,
        inquiry: EntryId,
        reason: &Reason,
        caller: &Caller,
    ) -> Result<EntryId, AttestError> {
        let name = inquiry.to_string();
        let now = self.clock().now();
        let held = self.attestations().attestable(&name, now);
        let held = held.filter(|held| held.client == caller.client);
        let held = held.ok_or(AttestError::Unknown)?;
        let by = held.by.clone();
        let id = EntryId::new(now);
        let body = canonical_body(&Written {
            act: ATTESTED,
            by: by.as_deref(),
            caller,
            cases: &held.cases,
            inquiry: &name,
            patient: held.patient.reveal(),
            reason,
        });
        let draft = Draft { id, time: now, kind: Kind::Override, body };
        let (entry, reason, cases) = (id.to_string(), reason.written(), held.cases.clone());
        let attested = Attested { entry, at: now, cases, reason, by };
        let (gate, patient) = (Arc::clone(self), held.patient.clone());
        // To its end, even if nobody waits any more: what the ledger says was attested is attested.
        let entered = tokio::spawn(async move {
            match timeout(LEDGER_WAIT, gate.append(draft, Durability::OnDisk)).await {
                Ok(Ok(_)) => {}
                Ok(Err(_)) | Err(_) => return Err(AttestError::LedgerUnavailable),
            }
            events::Attested { entry: &attested.entry, inquiry: &name }.emit();
            gate.attestations().keep(patient, attested);
            Ok(id)
        });
        entered.await.unwrap_or(Err(AttestError::LedgerUnavailable))
    }

    /// Gives emergencies without a full attestation the one that was given beforehand; the entries that hold them.
    pub(super) async fn attested(&self, subject: &mut Subject) -> Vec<String> {
        let mut entries = Vec::new();
        let Subject::Orders(orders) = subject else { return entries };
        let now = self.clock().now();
        for order in orders {
            let patient = order.patient.as_ref().and_then(|p| Redacted::new(p.reveal().trim()));
            let given = patient.and_then(|patient| self.attestations().given.get(&patient));
            let Some(given) = given else { continue };
            for group in order.groups.iter_mut().filter(|group| wants(group)) {
                let Some(cases) = self.cases_of(group).await else { continue };
                let fits = |attested: &&Attested| {
                    attested.holds_at(now) && cases.iter().all(|c| attested.cases.contains(c))
                };
                let whole = |attested: &&Attested| (attested.by.is_some(), attested.at);
                let Some(found) = given.iter().filter(fits).max_by_key(whole) else { continue };
                let attestation = &mut group.attestation;
                if attestation.reason.is_none() {
                    attestation.reason = Redacted::new(&*found.reason);
                }
                if attestation.by.is_none() {
                    attestation.by = found.by.as_deref().and_then(SurgeonId::new);
                }
                if !entries.contains(&found.entry) {
                    entries.push(found.entry.clone());
                }
            }
        }
        entries
    }

    /// Who is to do what in a group; `None` when either is not known of any line.
    async fn cases_of(&self, group: &Group) -> Option<BTreeSet<AttestedCase>> {
        let catalogue = self.register().catalogue();
        let mut cases = BTreeSet::new();
        for line in &group.lines {
            let Primary::Named(persons) = &line.primary else { return None };
            let procedures: Vec<ProcedureCode> = procedures(line, &catalogue);
            for person in persons {
                let key = person.key()?;
                let known = self.register().surgeon(&key, Patience::Emergency).await;
                let surgeon = match known.lookup {
                    Lookup::Found(surgeon) => surgeon.id.to_string(),
                    Lookup::Nobody | Lookup::Several | Lookup::Unavailable => {
                        person.id.as_ref()?.to_string()
                    }
                };
                cases.extend(procedures.iter().map(|procedure| AttestedCase {
                    procedure: procedure.to_string(),
                    surgeon: surgeon.clone(),
                }));
            }
        }
        (!cases.is_empty()).then_some(cases)
    }

    /// Takes an inquiry or an attestation of the last day from the ledger; what is neither is passed over.
    pub fn recall_attestation(&self, kind: Kind, entry: &str, at: Timestamp, body: &str) {
        if !holds(at, self.clock().now()) {
            return;
        }
        match kind {
            Kind::Access => {
                let attestable = serde_json::from_str::<KeptInquiry>(body).ok();
                if let Some(attestable) = attestable.and_then(KeptInquiry::attestable) {
                    self.attestations().asked(entry.to_owned(), at, attestable);
                }
            }
            Kind::Override => {
                let Ok(kept) = serde_json::from_str::<Kept>(body) else { return };
                let Some(patient) = Redacted::new(kept.patient) else { return };
                if kept.act != ATTESTED {
                    return;
                }
                let (entry, reason) = (entry.to_owned(), kept.reason.written());
                let attested = Attested { entry, at, cases: kept.cases, reason, by: kept.by };
                self.attestations().keep(patient, attested);
            }
            Kind::Decision | Kind::Delivery | Kind::Register | Kind::Bypass | Kind::Anchor => {}
        }
    }
}

/// An emergency that somebody has yet to attest.
fn wants(group: &Group) -> bool {
    let attestation = &group.attestation;
    group.action.checked()
        && group.urgency == Some(Urgency::Emergency)
        && (attestation.reason.is_none() || attestation.by.is_none())
}

fn holds(at: Timestamp, now: Timestamp) -> bool {
    let day = SignedDuration::try_from(ATTESTED_FOR).unwrap_or(SignedDuration::ZERO);
    now.duration_since(at) <= day
}

impl Attested {
    fn holds_at(&self, now: Timestamp) -> bool {
        holds(self.at, now)
    }
}

impl Reason {
    /// As an order's attestation holds it.
    fn written(&self) -> String {
        match self.comment.as_deref().map(str::trim).filter(|comment| !comment.is_empty()) {
            Some(comment) => format!("{}：{comment}", self.display),
            None => self.display.clone(),
        }
    }
}
