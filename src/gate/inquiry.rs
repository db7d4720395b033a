//! `Gate::inquire`: what would become of an order, asked beforehand. Judged on the same path and recorded before it
//! is answered, as an `access` entry: no reader of decisions can take it for an order.

use std::sync::Arc;

use bytes::Bytes;
use serde::Serialize;
use tokio::time::timeout;

use crate::domain::procedure::ProcedureCode;
use crate::domain::surgeon::SurgeonId;
use crate::domain::verdict::{Decision, Verdict};
use crate::gate::attested::Attestable;
use crate::gate::memory::Fingerprint;
use crate::gate::pass::{Gate, LEDGER_WAIT, Message, Request};
use crate::gate::ruling::Ruling;
use crate::gate::stance::RouteStance;
use crate::gate::subject::Subject;
use crate::gate::terms::Terms;
use crate::ledger::{Draft, Durability, EntryId, Kind, LedgerError};
use crate::telemetry::events;
use crate::telemetry::trace::Trace;

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Caller {
    /// The system: the issuer of its token, or `loopback`, or `token`.
    pub client: String,
    /// The person before the screen, by staff number, where that could be told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// What the system calls this person, where that leads to no staff number. For the record only: who cannot be
    /// told from the reviewer stands for nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_reference: Option<String>,
}

impl Caller {
    /// A system, and nobody before its screen.
    pub fn system(client: String) -> Self {
        Self { client, user: None, user_reference: None }
    }
}

/// One order that somebody asks about.
pub struct Inquiry {
    /// `cds-hooks`, `authzen` or `explain`.
    pub interface: &'static str,
    /// Who asks.
    pub caller: Caller,
    /// The route whose settings it is judged by, or the interface's name.
    pub route: Arc<str>,
    /// What is done with verdicts there.
    pub stance: Arc<RouteStance>,
    /// How it was read.
    pub mapping: Arc<str>,
    /// The order as received.
    pub message: Bytes,
    /// What the asker calls this question; `hookInstance`, MSH-10.
    pub control_id: String,
    /// What was read.
    pub subject: Subject,
    /// What it is judged by.
    pub terms: Arc<Terms>,
}

/// The answer to an inquiry.
#[derive(Clone, Debug)]
pub struct Inquired {
    /// The entry it is recorded under.
    pub entry: EntryId,
    /// What would be decided.
    pub verdict: Verdict,
    /// By procedure, who holds the grant instead; only for refusals.
    pub colleagues: Vec<(ProcedureCode, Vec<(SurgeonId, String)>)>,
    /// Whether a life-saving attestation, given for this entry, would let the same order pass as an emergency.
    pub attestable: bool,
}

/// Why an inquiry is not answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InquiryError {
    /// Nothing is answered unrecorded.
    #[error("the ledger cannot record the inquiry, ask again later")]
    LedgerUnavailable,
}

impl Gate {
    /// Judges what is asked about, records it, and only then answers.
    ///
    /// # Errors
    /// When it cannot be recorded.
    pub async fn inquire(&self, inquiry: Inquiry) -> Result<Inquired, InquiryError> {
        let Inquiry { interface, caller, route, stance, mapping, message, .. } = inquiry;
        let Inquiry { control_id, subject, terms, .. } = inquiry;
        let fingerprint = Fingerprint::new(&route, &message);
        let answer = Box::new(|_: &Verdict, _: &str| None);
        let read_elsewhere = Vec::new();
        let mut request = Request {
            route,
            stance,
            mapping,
            message,
            control_id,
            subject,
            register_usable: self.register().usable(),
            read_elsewhere,
            sender: None,
            trace: Trace::off(),
            answer,
            terms,
        };
        let attested_in = self.attested(&mut request.subject).await;
        let ruling = self.rule(&request).await;
        let id = EntryId::new(ruling.now);
        let name = id.to_string();
        let asked = Message {
            request: &request,
            ruling: &ruling,
            fingerprint: &fingerprint,
            retransmission_of: None,
            attested_in: &attested_in,
            inquiry: Some((interface, &caller)),
            bypass: None,
            afterwards: None,
        };
        let body = self.body(&asked, &name, None, None);
        let draft = Draft { id, time: ruling.now, kind: Kind::Access, body };
        let durability = self.durability(&ruling.verdict);
        match timeout(LEDGER_WAIT, self.append(draft, durability)).await {
            Ok(Ok(_)) => {}
            Ok(Err(LedgerError::Overloaded)) | Ok(Err(_)) | Err(_) => {
                events::InquiryUnrecorded { interface }.emit();
                return Err(InquiryError::LedgerUnavailable);
            }
        }
        let verdict = ruling.verdict.clone();
        events::Inquired { interface, decision: verdict.decision, entry: &name }.emit();
        let attestable = Attestable::of(&request.subject, &verdict, &caller);
        let told = attestable.is_some();
        if let Some(attestable) = attestable {
            self.attestations().asked(name, ruling.now, attestable);
        }
        let colleagues = colleagues(ruling);
        Ok(Inquired { entry: id, verdict, colleagues, attestable: told })
    }

    /// Whether an entry must be on disk before anything follows from it.
    pub(super) fn durability(&self, verdict: &Verdict) -> Durability {
        let clean = verdict.decision == Decision::Forward;
        if clean && !self.sync_every() { Durability::Soon } else { Durability::OnDisk }
    }
}

fn colleagues(ruling: Ruling) -> Vec<(ProcedureCode, Vec<(SurgeonId, String)>)> {
    let all = ruling.around.into_iter().flat_map(|around| around.colleagues);
    let mut some: Vec<_> = all.filter(|(_, colleagues)| !colleagues.is_empty()).collect();
    some.sort();
    some
}
