//! The bodies of the entries the gate writes. Fields stand in alphabetical order: canonical as they come.

use std::collections::BTreeMap;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use jiff::tz::TimeZone;
use serde::Serialize;

use crate::domain::order::Order;
use crate::domain::procedure::{Procedure, ProcedureCode};
use crate::gate::afterwards::Afterwards;
use crate::gate::around_facts::AroundFacts;
use crate::gate::attested_entry::INQUIRY;
use crate::gate::document::ReportableCase;
use crate::gate::facts::{FactsJson, PersonFacts, ProcedureFacts, named_procedures};
use crate::gate::inquiry::Caller;
use crate::gate::order_facts::OrderFacts;
use crate::gate::pass::Message;
use crate::gate::stance::RouteStance;
use crate::gate::subject::Subject;
use crate::gate::terms::Terms;
use crate::gate::verdict_json::VerdictJson;
use crate::ledger::{Body, EntryId};
use crate::net::tls::facts::Peer;
use crate::rules::Policy;
use crate::rules::table::Setting;

/// A decision entry in the making.
pub(super) struct DecisionBody<'b> {
    pub(super) answer: Option<&'b Bytes>,
    pub(super) message: &'b Message<'b>,
    pub(super) zone: &'b TimeZone,
    pub(super) entry: &'b str,
    pub(super) without_ledger: Option<WithoutLedger<'b>>,
}

/// What was done with a message whose entry could not be made durable in time; entered afterwards.
#[derive(Clone, Copy, Serialize)]
pub(super) struct WithoutLedger<'w> {
    pub(super) gap: &'static str,
    /// Forwarded, or refused.
    pub(super) moved: bool,
    /// The entry that may have come to be all the same, and that this one corrects.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) supersedes: Option<&'w str>,
}

/// What let a message pass although the gate was switched off.
#[derive(Serialize)]
struct Bypassed<'w> {
    /// The entry of the switch.
    entry: &'w str,
    /// Whether there was time to judge it.
    judged: bool,
}

/// Who sent it, by the certificate that was shown.
#[derive(Serialize)]
struct Sender<'w> {
    certificate: &'w str,
    name: &'w str,
}

impl<'w> Sender<'w> {
    fn of(peer: &'w Peer) -> Self {
        Self { certificate: &peer.certificate, name: &peer.name }
    }
}

#[derive(Serialize)]
struct Written<'w> {
    #[serde(skip_serializing_if = "Option::is_none")]
    act: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    afterwards: Option<&'w Afterwards>,
    #[serde(skip_serializing_if = "Option::is_none")]
    answer: Option<String>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    attested_in: &'w [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    bypass: Option<Bypassed<'w>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    caller: Option<&'w Caller>,
    #[serde(skip_serializing_if = "str::is_empty")]
    configuration: &'w str,
    control_id: &'w str,
    #[serde(skip_serializing_if = "Option::is_none")]
    facts: Option<FactsJson>,
    #[serde(skip_serializing_if = "Option::is_none")]
    interface: Option<&'static str>,
    mapping: &'w str,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
    message_bytes: usize,
    message_sha256: String,
    policy: PolicyJson,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    read_elsewhere: &'w [String],
    register_version: i64,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    reportable: &'w [ReportableCase],
    #[serde(skip_serializing_if = "Option::is_none")]
    retransmission_of: Option<&'w str>,
    route: &'w str,
    #[serde(skip_serializing_if = "Option::is_none")]
    sender: Option<Sender<'w>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    unreadable: Option<&'static str>,
    verdict: VerdictJson<'w>,
    #[serde(skip_serializing_if = "Option::is_none")]
    without_ledger: Option<WithoutLedger<'w>>,
}

/// The settings a verdict went by.
#[derive(Debug, Serialize, serde::Deserialize)]
pub(super) struct PolicyJson {
    /// Departments that the route enforces; empty = all.
    pub departments: Vec<String>,
    /// Effects that differ from the table: order, notice, record.
    pub effects: BTreeMap<String, [String; 3]>,
    /// Overrides of a surgeon in 30 days before it is told.
    #[serde(default = "usual_alarm_count")]
    pub override_alarm_count: u32,
    /// Hours.
    pub override_deadline_h: u32,
    /// Whether an override needs an attestation.
    pub require_attestation: bool,
    /// Registered 诊疗科目; empty = not checked.
    #[serde(default)]
    pub specialties: Vec<String>,
    /// `observe` or `enforce`.
    pub stance: String,
}

/// What entries went by that do not say.
fn usual_alarm_count() -> u32 {
    Policy::default().override_alarm_count
}

/// What became of a forwarded message.
#[derive(Clone, Debug)]
pub struct Delivery<'d> {
    /// The entry of its decision.
    pub entry: EntryId,
    /// `answered`, `timeout`, and the like.
    pub outcome: &'d str,
    /// MSA-1, or the HTTP status.
    pub answer_code: Option<&'d str>,
    /// From sending to the answer, in microseconds.
    pub took_us: u64,
    /// The addresses that a FHIR server gave to what it stored.
    pub known_as: Vec<KnownAs>,
}

/// An order and where it is found.
#[derive(Clone, PartialEq, Eq, Serialize, serde::Deserialize)]
pub struct KnownAs {
    /// `http://host/fhir/ServiceRequest/77`
    pub address: String,
    /// Its number (申请单号 / 医嘱号).
    pub order_no: String,
}

impl std::fmt::Debug for KnownAs {
    /// Numbers of orders do not print.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("‹redacted›")
    }
}

#[derive(Serialize)]
struct WrittenDelivery<'d> {
    #[serde(skip_serializing_if = "Option::is_none")]
    answer_code: Option<&'d str>,
    entry: String,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    known_as: &'d [KnownAs],
    outcome: &'d str,
    took_us: u64,
}

impl Delivery<'_> {
    /// The body of its entry.
    pub(super) fn body(&self) -> Body {
        canonical_body(&WrittenDelivery {
            answer_code: self.answer_code,
            entry: self.entry.to_string(),
            known_as: &self.known_as,
            outcome: self.outcome,
            took_us: self.took_us,
        })
    }
}

impl DecisionBody<'_> {
    /// The canonical JSON text.
    pub(super) fn write(&self) -> Body {
        let Message { request, ruling, fingerprint, .. } = *self.message;
        let Message { retransmission_of, attested_in, inquiry, .. } = *self.message;
        let (facts, unreadable) = match &request.subject {
            Subject::Orders(orders) => (ruling.judged.then(|| self.facts(orders)), None),
            Subject::Unreadable { why, .. } => (None, Some(*why)),
        };
        let Terms { policy, keep_message_max, configuration } = &*request.terms;
        let kept = request.message.len() <= *keep_message_max;
        canonical_body(&Written {
            act: inquiry.map(|_| INQUIRY),
            afterwards: self.message.afterwards,
            answer: self.answer.map(|answer| BASE64.encode(answer)),
            attested_in,
            bypass: self.message.bypass.map(|entry| Bypassed { entry, judged: ruling.judged }),
            caller: inquiry.map(|(_, caller)| caller),
            configuration: &configuration.entry,
            control_id: &request.control_id,
            facts,
            interface: inquiry.map(|(interface, _)| interface),
            mapping: &request.mapping,
            message: kept.then(|| BASE64.encode(&request.message)),
            message_bytes: request.message.len(),
            message_sha256: fingerprint.hex(),
            policy: policy_json(policy, &request.stance),
            read_elsewhere: &request.read_elsewhere,
            register_version: ruling.register_version,
            reportable: &ruling.reportable,
            retransmission_of,
            route: &request.route,
            sender: request.sender.as_deref().map(Sender::of),
            unreadable,
            verdict: VerdictJson::new(&ruling.verdict, self.zone, Some(self.entry)),
            without_ledger: self.without_ledger,
        })
    }

    fn facts(&self, orders: &[Order]) -> FactsJson {
        let ruling = self.message.ruling;
        let procedures = named_procedures(orders, &ruling.catalogue);
        let asked = ruling.asked.iter();
        let people = asked.map(|a| PersonFacts::new(&a.key, &a.lookup, a.age_s, &procedures));
        let around = orders.iter().zip(&ruling.around).map(|(order, around)| {
            AroundFacts::new(around, &codes(order, &procedures), &procedures)
        });
        FactsJson {
            around: around.collect(),
            catalogue: procedures.iter().map(|p| ProcedureFacts::new(p)).collect(),
            catalogue_version: ruling.catalogue.version(),
            judged_at: ruling.now,
            orders: orders.iter().map(OrderFacts::new).collect(),
            people: people.collect(),
            zone: self.zone.iana_name().unwrap_or("UTC").to_owned(),
        }
    }
}

/// The settings that verdicts of a route go by.
pub(super) fn policy_json(policy: &Policy, stance: &RouteStance) -> PolicyJson {
    let effects = policy.effects.own().map(|(rule, settings)| {
        (rule.as_str().to_owned(), settings.map(|s| setting_word(s).to_owned()))
    });
    PolicyJson {
        departments: stance.departments.clone(),
        effects: effects.collect(),
        override_alarm_count: policy.override_alarm_count,
        override_deadline_h: policy.override_deadline_h,
        require_attestation: policy.require_attestation,
        specialties: policy.specialties.clone(),
        stance: stance.stance.as_str().to_owned(),
    }
}

/// `block`, `flag` or `off`.
pub(super) fn setting_word(setting: Setting) -> &'static str {
    match setting {
        Setting::Block => "block",
        Setting::Flag => "flag",
        Setting::Off => "off",
    }
}

/// Every code of an order, and all codes of the procedures they name: what lists are tested against.
fn codes(order: &Order, procedures: &[Arc<Procedure>]) -> Vec<ProcedureCode> {
    let lines = order.groups.iter().flat_map(|group| &group.lines);
    let codings = lines.flat_map(|line| &line.coded).flat_map(|place| &place.codings);
    let named = codings.map(|coding| &coding.code);
    let items = procedures.iter().flat_map(|p| std::iter::once(&p.code).chain(&p.aliases));
    named.chain(items).cloned().collect()
}

/// Room for the body of a decision on a message of 1 KB; most need no more.
const USUAL_BYTES: usize = 4096;

/// The canonical body of what is written here: strings, whole numbers and lists, members in
/// alphabetical order, so the quick way is the one that is taken (a test holds it). Should a struct
/// ever be out of order, sorting it is the slow way to the same body.
pub(super) fn canonical_body(written: &impl Serialize) -> Body {
    let mut text = Vec::with_capacity(USUAL_BYTES);
    let _ = serde_json::to_writer(&mut text, written);
    let text = String::from_utf8(text).unwrap_or_default();
    Body::new(text).unwrap_or_else(|_| {
        let value = serde_json::to_value(written).unwrap_or_default();
        Body::of(&value).unwrap_or_else(|_| Body::empty())
    })
}
