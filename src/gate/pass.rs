//! `Gate::pass`: fetch, then judge, then record. Every wait lies before or after the judging.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use bytes::Bytes;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use tokio::time::timeout;

use crate::cases::Cases;
use crate::clock::{Clock, monotonic};
use crate::domain::order::{Action, Stage, Urgency};
use crate::domain::verdict::{Decision, Gap, Stance, Verdict};
use crate::gate::afterwards::Afterwards;
use crate::gate::attested::Attestations;
use crate::gate::bypass::Bypass;
use crate::gate::document::{Decided, Known, documents, judged, message_name};
use crate::gate::entry::{DecisionBody, WithoutLedger};
use crate::gate::inquiry::Caller;
use crate::gate::memory::{Fingerprint, Memory, Refused, Remembered};
use crate::gate::passage::{Outcome, Passage, Refusal};
use crate::gate::ruling::{Knowledge, Ruling, rule};
use crate::gate::stance::RouteStance;
use crate::gate::subject::Subject;
use crate::gate::terms::Terms;
use crate::gate::traced;
use crate::ledger::{Body, Draft, EntryId, Kind, Ledger, LedgerError};
use crate::net::tls::facts::Peer;
use crate::register::Register;
use crate::telemetry::events;
use crate::telemetry::trace::{Trace, Tracer};

/// Builds the refusal for a verdict, given the ledger entry it stands under; `None` where nothing may be sent.
pub type Answer = Box<dyn Fn(&Verdict, &str) -> Option<Bytes> + Send + Sync>;

/// One message before the gate.
pub struct Request {
    /// The route's name.
    pub route: Arc<str>,
    /// What the route does with verdicts.
    pub stance: Arc<RouteStance>,
    /// The mapping's name.
    pub mapping: Arc<str>,
    /// The message as received, without its frame.
    pub message: Bytes,
    /// MSH-10, or the like.
    pub control_id: String,
    /// What was read.
    pub subject: Subject,
    /// Whether the register was usable before it was read. If not, it may be here only because nobody could tell it from
    /// what is not surgical, and is not judged as if somebody had, though the register be back by now.
    pub register_usable: bool,
    /// References by which it was read and that lead out of the message (`Practitioner/9`), sorted. The same bytes may
    /// read otherwise once what they lead to has changed, so a refusal is not repeated for them.
    pub read_elsewhere: Vec<String>,
    /// Who sent it, by the certificate of the connection.
    pub sender: Option<Arc<Peer>>,
    /// What is told of its way, if anything is.
    pub trace: Trace,
    /// How to refuse.
    pub answer: Answer,
    /// What it is judged by: of the same configuration as the stance and what it was read by.
    pub terms: Arc<Terms>,
}

/// What the gate is made of.
pub struct Parts {
    /// Who may.
    pub register: Register,
    /// The story of each case.
    pub cases: Cases,
    /// What happened.
    pub ledger: Ledger,
    /// What the institution has set, to begin with.
    pub terms: Arc<Terms>,
    /// The hospital's time zone.
    pub zone: TimeZone,
    /// The time.
    pub clock: Clock,
    /// Whether clean forwards wait for the disk (`ledger.sync = "every"`).
    pub sync_every: bool,
    /// What traces messages, if anything does.
    pub tracer: Tracer,
}

/// A message judged, on its way into the ledger.
pub(super) struct Message<'m> {
    pub(super) request: &'m Request,
    pub(super) ruling: &'m Ruling,
    pub(super) fingerprint: &'m Fingerprint,
    pub(super) retransmission_of: Option<&'m str>,
    /// The entries of the attestations that were given beforehand.
    pub(super) attested_in: &'m [String],
    /// By which interface, and who: of an inquiry.
    pub(super) inquiry: Option<(&'static str, &'m Caller)>,
    /// The entry by which the gate was switched off while it passed.
    pub(super) bypass: Option<&'m str>,
    /// Who recorded it after it had passed without a gate, and why.
    pub(super) afterwards: Option<&'m Afterwards>,
}

impl Message<'_> {
    /// Whether it may not wait for a ledger that is down: what is only observed, and of what would
    /// pass anyway, emergencies, withdrawals and records.
    fn may_pass_unrecorded(&self) -> bool {
        let verdict = &self.ruling.verdict;
        let pressing = verdict.urgency == Some(Urgency::Emergency)
            || verdict.action == Some(Action::Withdraw)
            || verdict.stage == Some(Stage::Record);
        verdict.stance != Stance::Enforce || (pressing && !verdict.refused())
    }
}

/// How long an elective message waits for its entry to be durable. A healthy disk takes milliseconds;
/// senders give up after 5 s and more.
pub(super) const LEDGER_WAIT: Duration = Duration::from_secs(2);
/// How long an emergency does: enough for a busy disk, short beside everything else on its way.
const URGENT_WAIT: Duration = Duration::from_millis(250);
/// How long a message that passes in any case is judged: what the register keeps in memory takes microseconds.
const BYPASS_JUDGING: Duration = Duration::from_millis(500);

/// The gate. Cheap to share behind an `Arc`.
pub struct Gate {
    pub(super) parts: Parts,
    pub(super) memory: Memory,
    attestations: Attestations,
    terms: ArcSwap<Terms>,
    pub(super) bypass: Bypass,
}

impl Gate {
    /// Puts the gate together.
    pub fn new(parts: Parts) -> Self {
        let (memory, attestations) = (Memory::default(), Attestations::default());
        let (bypass, terms) = (Bypass::none(), ArcSwap::new(Arc::clone(&parts.terms)));
        Self { parts, memory, attestations, terms, bypass }
    }

    /// What is judged by now, where no route says so.
    pub fn terms(&self) -> Arc<Terms> {
        self.terms.load_full()
    }

    /// From here on.
    pub fn set_terms(&self, terms: Arc<Terms>) {
        self.terms.store(terms);
    }

    /// The gate's memory, to be filled from the ledger at start and asked by mappings.
    pub fn memory(&self) -> &Memory {
        &self.memory
    }

    /// What can be attested and what has been.
    pub(super) fn attestations(&self) -> &Attestations {
        &self.attestations
    }

    /// The register, for what mappings ask of the catalogue.
    pub fn register(&self) -> &Register {
        &self.parts.register
    }

    /// The story of each case.
    pub fn cases(&self) -> &Cases {
        &self.parts.cases
    }

    /// The hospital's time zone.
    pub fn zone(&self) -> &TimeZone {
        &self.parts.zone
    }

    /// The gate's clock.
    pub fn clock(&self) -> Clock {
        self.parts.clock
    }

    /// The passage of a message that is none of the gate's business.
    pub fn short_way(&self) -> Passage {
        Passage::short_way()
    }

    /// Takes one checked message through: facts, verdict, entry, and then passage or refusal.
    pub async fn pass(&self, mut request: Request) -> Outcome {
        let bypass = self.bypass.now(self.parts.clock.now());
        if let Some(on) = &bypass {
            request.stance = Arc::clone(on.stance());
        }
        let attested_in = self.attested(&mut request.subject).await;
        let fingerprint = Fingerprint::new(&request.route, &request.message);
        let before = self.memory.recall(&fingerprint);
        if let Some(Remembered { refused: Some(refused), .. }) = &before
            && refused.digest == request.terms.configuration.digest
            && *refused.stance == *request.stance
            && refused.register_version == self.parts.register.version()
            && refused.day == self.day(self.parts.clock.now())
            // What was attested meanwhile must count at once.
            && attested_in.is_empty()
        {
            events::RefusalRepeated { route: &request.route }.emit();
            traced::repeated(&request);
            return Outcome::Refuse(Refusal { answer: refused.answer.clone(), verdict: None });
        }
        let ruling = self.rule(&request).await;
        let retransmission_of =
            before.map(|before| before.entry).or_else(|| self.memory.elsewhere(&fingerprint));
        let message = Message {
            request: &request,
            ruling: &ruling,
            fingerprint: &fingerprint,
            retransmission_of: retransmission_of.as_deref(),
            attested_in: &attested_in,
            inquiry: None,
            bypass: bypass.as_ref().map(|on| on.entry()),
            afterwards: None,
        };
        self.record(message).await
    }

    /// The day in the hospital's zone.
    pub(super) fn day(&self, at: Timestamp) -> Date {
        self.parts.zone.to_datetime(at).date()
    }

    /// Fetches the facts and judges.
    pub(super) async fn rule(&self, request: &Request) -> Ruling {
        let clock = self.parts.clock;
        let now = || clock.now();
        let ruling = rule(self.knowledge(&request.terms), &now, request.into(), &request.stance);
        if request.stance.stance != Stance::Bypass {
            return ruling.await;
        }
        // What is switched off because something is sick does not wait for it.
        match timeout(BYPASS_JUDGING, ruling).await {
            Ok(ruling) => ruling,
            Err(_) => {
                let orders = request.subject.orders();
                Ruling::unjudged(&self.parts.register, orders, clock.now())
            }
        }
    }

    /// What the gate knows apart from the message.
    pub(super) fn knowledge<'k>(&'k self, terms: &'k Terms) -> Knowledge<'k> {
        let Parts { register, cases, zone, .. } = &self.parts;
        Knowledge { register, cases: Some(cases), policy: &terms.policy, zone }
    }

    /// Writes the entry and turns the verdict into what may follow.
    async fn record(&self, message: Message<'_>) -> Outcome {
        let Message { request, ruling, .. } = message;
        let id = EntryId::new(ruling.now);
        let name = id.to_string();
        let answer = ruling.verdict.refused().then(|| (request.answer)(&ruling.verdict, &name));
        let body = self.body(&message, &name, answer.as_ref(), None);
        let draft = Draft { id, time: ruling.now, kind: Kind::Decision, body };
        events::Judged {
            route: &request.route,
            decision: ruling.verdict.decision,
            stance: ruling.verdict.stance,
            entry: &name,
            verdict: &ruling.verdict,
        }
        .emit();
        traced::judged(&message, &ruling.verdict, &name);
        let durability = self.durability(&ruling.verdict);
        let patience = if message.may_pass_unrecorded() { URGENT_WAIT } else { LEDGER_WAIT };
        let began = monotonic();
        let appended = timeout(patience, self.parts.ledger.append(draft, durability)).await;
        traced::appended(&request.trace, began, matches!(appended, Ok(Ok(_))));
        let gap = match appended {
            Ok(Ok(receipt)) => {
                self.keep(&message, id, answer.as_ref());
                self.enter(&message, &ruling.verdict, &name, None, receipt.seq());
                let verdict = Arc::new(ruling.verdict.clone());
                return match answer {
                    Some(answer) => Outcome::Refuse(Refusal { answer, verdict: Some(verdict) }),
                    None => {
                        Outcome::Forward(Passage::recorded(receipt, verdict).traced(&request.trace))
                    }
                };
            }
            Ok(Err(LedgerError::Overloaded)) => Gap::Overloaded,
            Ok(Err(_)) | Err(_) => Gap::LedgerUnavailable,
        };
        // An entry that was not durable in time may still come to be; the one below then corrects it.
        let supersedes = appended.is_err().then_some(name);
        self.without_ledger(&message, gap, supersedes.as_deref())
    }

    /// The ledger is down: emergencies, withdrawals and observed messages pass, counted and alarmed;
    /// everything else is refused and may be sent again (rules.md §5 `ledger-unavailable`). What was
    /// done is entered when the ledger is back.
    fn without_ledger(&self, message: &Message<'_>, gap: Gap, supersedes: Option<&str>) -> Outcome {
        let Message { request, ruling, .. } = message;
        let moved = message.may_pass_unrecorded();
        let mut verdict = ruling.verdict.clone();
        verdict.gaps.push(gap);
        verdict.decision = match (moved, verdict.refused()) {
            (true, _) => verdict.decision.max(Decision::ForwardFlagged),
            (false, true) => verdict.decision,
            (false, false) => Decision::Unavailable,
        };
        let id = EntryId::new(ruling.now);
        let entry = id.to_string();
        let answer = (!moved).then(|| (request.answer)(&verdict, &entry));
        let done = WithoutLedger { gap: gap.as_str(), moved, supersedes };
        let body = self.body(message, &entry, answer.as_ref(), Some(done));
        let draft = Draft { id, time: ruling.now, kind: Kind::Decision, body };
        self.parts.ledger.append_later(draft);
        self.enter(message, &verdict, &entry, supersedes, None);
        if moved {
            self.memory.orders_checked(request.subject.orders());
        }
        traced::told(message, &verdict, &entry);
        let (route, entry, gap) = (&*request.route, entry.as_str(), events::GapName(gap));
        let verdict = Arc::new(verdict);
        match answer {
            None => {
                events::MovedUnrecorded { route, entry, gap }.emit();
                Outcome::Forward(Passage::unrecorded(id, verdict).traced(&request.trace))
            }
            Some(answer) => {
                events::RefusedUnrecorded { route, entry, gap }.emit();
                Outcome::Refuse(Refusal { answer, verdict: Some(verdict) })
            }
        }
    }

    fn keep(&self, message: &Message<'_>, id: EntryId, answer: Option<&Option<Bytes>>) {
        self.memory.orders_checked(message.request.subject.orders());
        // A gap may be gone the next time, so its refusal is not kept; nor that of what was read elsewhere.
        let passing = message.ruling.verdict.gaps.iter().any(|gap| gap.retriable());
        if passing || (answer.is_some() && !message.request.read_elsewhere.is_empty()) {
            return;
        }
        let refused = answer.map(|answer| Refused {
            answer: answer.clone(),
            day: self.day(message.ruling.now),
            register_version: message.ruling.register_version,
            stance: Arc::clone(&message.request.stance),
            digest: Arc::clone(&message.request.terms.configuration.digest),
        });
        let remembered = Remembered { entry: id.to_string(), refused };
        self.memory.remember(message.fingerprint.clone(), remembered);
    }

    /// Hands the decision to the case index: the next message of the case finds it there at once.
    pub(super) fn enter(
        &self,
        message: &Message<'_>,
        verdict: &Verdict,
        entry: &str,
        supersedes: Option<&str>,
        seq: Option<u64>,
    ) {
        let Message { request, ruling, fingerprint, .. } = message;
        let Subject::Orders(orders) = &request.subject else { return };
        if !ruling.judged {
            return;
        }
        let known =
            Known { people: &ruling.people, catalogue: &ruling.catalogue, zone: &self.parts.zone };
        let decided = Decided {
            entry,
            at: ruling.now,
            message: message_name(&request.control_id, &request.route, &fingerprint.hex()),
            supersedes,
            decision: verdict.decision,
            enforced: verdict.stance.acts_on(verdict.decision),
            refused: verdict.refused(),
            cases: judged(verdict),
            reportable: ruling.reportable.clone(),
        };
        self.parts.cases.enter(documents(orders, known, &decided), seq);
    }

    pub(super) fn body(
        &self,
        message: &Message<'_>,
        entry: &str,
        answer: Option<&Option<Bytes>>,
        without_ledger: Option<WithoutLedger<'_>>,
    ) -> Body {
        DecisionBody {
            answer: answer.and_then(Option::as_ref),
            message,
            zone: &self.parts.zone,
            entry,
            without_ledger,
        }
        .write()
    }
}
