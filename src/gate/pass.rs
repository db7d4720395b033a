//! `Gate::pass`: fetch, then judge, then record. Every wait lies before or after the judging.

use std::sync::Arc;

use bytes::Bytes;
use jiff::tz::TimeZone;

use crate::clock::Clock;
use crate::domain::order::{Action, Order, Stage, Urgency};
use crate::domain::verdict::{Decision, Gap, Stance, Verdict};
use crate::gate::entry::{DecisionBody, delivery};
use crate::gate::memory::{Fingerprint, Memory, Remembered};
use crate::gate::passage::{Outcome, Passage, Refusal};
use crate::gate::ruling::{Ruling, rule};
use crate::gate::stance::RouteStance;
use crate::ledger::{Body, Draft, Durability, EntryId, Kind, Ledger, LedgerError};
use crate::register::Register;
use crate::rules::Policy;
use crate::telemetry::events;

/// Builds the refusal for a verdict, given the ledger entry it stands under; `None` where nothing may be sent.
pub type Answer = Box<dyn Fn(&Verdict, &str) -> Option<Bytes> + Send + Sync>;

/// What the codec and the mapping made of a message.
#[derive(Debug)]
pub enum Subject {
    /// Orders to be judged: one, or those of a batch, which is one unit.
    Orders(Vec<Order>),
    /// A message that cannot be read with certainty, and the stage if that much was readable.
    Unreadable {
        /// Why, of a bounded set.
        why: &'static str,
        /// The stage, where known.
        stage: Option<Stage>,
    },
}

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
    /// How to refuse.
    pub answer: Answer,
}

/// What the gate is made of.
pub struct Parts {
    /// Who may.
    pub register: Register,
    /// What happened.
    pub ledger: Ledger,
    /// What the institution has set.
    pub policy: Policy,
    /// The hospital's time zone.
    pub zone: TimeZone,
    /// The time.
    pub clock: Clock,
    /// Whether clean forwards wait for the disk (`ledger.sync = "every"`).
    pub sync_every: bool,
    /// Longer messages are kept by hash only, in bytes.
    pub keep_message_max: usize,
}

/// The gate. Cheap to share behind an `Arc`.
pub struct Gate {
    parts: Parts,
    memory: Memory,
}

impl Gate {
    /// Puts the gate together.
    pub fn new(parts: Parts) -> Self {
        Self { parts, memory: Memory::default() }
    }

    /// The gate's memory, to be filled from the ledger at start and asked by mappings.
    pub fn memory(&self) -> &Memory {
        &self.memory
    }

    /// The register, for what mappings ask of the catalogue.
    pub fn register(&self) -> &Register {
        &self.parts.register
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
    pub async fn pass(&self, request: Request) -> Outcome {
        let fingerprint = Fingerprint::new(&request.route, &request.message);
        let before = self.memory.recall(&fingerprint);
        if let Some(Remembered { refused: Some(answer), register_version, .. }) = &before
            && *register_version == self.parts.register.version()
        {
            events::RefusalRepeated { route: &request.route }.emit();
            return Outcome::Refuse(Refusal { answer: answer.clone(), verdict: None });
        }
        let ruling = self.rule(&request).await;
        self.record(request, ruling, fingerprint, before.map(|b| b.entry)).await
    }

    /// Fetches the facts and judges.
    async fn rule(&self, request: &Request) -> Ruling {
        let parts = &self.parts;
        let clock = parts.clock;
        let now = || clock.now();
        rule(&parts.register, &parts.policy, &parts.zone, &now, &request.subject, &request.stance)
            .await
    }

    /// Writes the entry and turns the verdict into what may follow.
    async fn record(
        &self,
        request: Request,
        mut ruling: Ruling,
        fingerprint: Fingerprint,
        retransmission_of: Option<String>,
    ) -> Outcome {
        let id = EntryId::new(ruling.now);
        let name = id.to_string();
        let answer = ruling.verdict.refused().then(|| (request.answer)(&ruling.verdict, &name));
        let body = self.body(
            &request,
            &ruling,
            &name,
            answer.as_ref(),
            retransmission_of.as_deref(),
            &fingerprint,
        );
        let draft = Draft { id, time: ruling.now, kind: Kind::Decision, body };
        events::Judged {
            route: &request.route,
            decision: ruling.verdict.decision,
            stance: ruling.verdict.stance,
            entry: &name,
            verdict: &ruling.verdict,
        }
        .emit();
        let clean = ruling.verdict.decision == Decision::Forward;
        let soon = clean && !self.parts.sync_every;
        let durability = if soon { Durability::Soon } else { Durability::OnDisk };
        // The text is kept for entering afterwards; a refcount, not a copy.
        let spare = draft.clone();
        match self.parts.ledger.append(draft, durability).await {
            Ok(receipt) => {
                self.keep(&request, &ruling, fingerprint, id, answer.as_ref());
                let verdict = Arc::new(ruling.verdict);
                match answer {
                    Some(answer) => Outcome::Refuse(Refusal { answer, verdict: Some(verdict) }),
                    None => Outcome::Forward(Passage::recorded(receipt, verdict)),
                }
            }
            Err(error) => {
                let gap = match error {
                    LedgerError::Overloaded => Gap::Overloaded,
                    _ => Gap::LedgerUnavailable,
                };
                let refused = ruling.verdict.refused();
                ruling.verdict.gaps.push(gap);
                self.without_ledger(&request, ruling.verdict, refused, gap, (id, spare))
            }
        }
    }

    /// The ledger is down: emergencies, withdrawals and observed messages pass, counted and alarmed;
    /// everything else is refused and may be sent again (rules.md §5 `ledger-unavailable`).
    fn without_ledger(
        &self,
        request: &Request,
        mut verdict: Verdict,
        refused: bool,
        gap: Gap,
        (id, draft): (EntryId, Draft),
    ) -> Outcome {
        let observed = verdict.stance == Stance::Observe;
        let emergency = verdict.urgency == Some(Urgency::Emergency);
        let withdrawal = verdict.action == Some(Action::Withdraw);
        let record = verdict.stage == Some(Stage::Record);
        let may_pass = observed || (!refused && (emergency || withdrawal || record));
        let name = id.to_string();
        // Entered when the ledger is back, as it was decided here.
        self.parts.ledger.append_later(draft);
        if may_pass {
            verdict.decision = verdict.decision.max(Decision::ForwardFlagged);
            events::MovedUnrecorded { route: &request.route, entry: &name }.emit();
            return Outcome::Forward(Passage::unrecorded(Arc::new(verdict)));
        }
        if !refused {
            verdict.decision = Decision::Unavailable;
        }
        events::RefusedUnrecorded {
            route: &request.route,
            entry: &name,
            gap: events::GapName(gap),
        }
        .emit();
        let answer = (request.answer)(&verdict, &name);
        Outcome::Refuse(Refusal { answer, verdict: Some(Arc::new(verdict)) })
    }

    fn keep(
        &self,
        request: &Request,
        ruling: &Ruling,
        fingerprint: Fingerprint,
        id: EntryId,
        answer: Option<&Option<Bytes>>,
    ) {
        if let Subject::Orders(orders) = &request.subject {
            let checked = orders.iter().filter(|o| o.stage == Stage::Order);
            let groups = checked.flat_map(|o| &o.groups).filter(|g| g.action.checked());
            for order_no in groups.filter_map(|group| group.order_no.as_ref()) {
                self.memory.order_checked(order_no.reveal());
            }
        }
        // A gap may be gone the next time, so its refusal is not kept.
        if ruling.verdict.gaps.iter().any(|gap| gap.retriable()) {
            return;
        }
        self.memory.remember(
            fingerprint,
            Remembered {
                entry: id.to_string(),
                refused: answer.cloned(),
                register_version: ruling.register_version,
            },
        );
    }

    fn body(
        &self,
        request: &Request,
        ruling: &Ruling,
        entry: &str,
        answer: Option<&Option<Bytes>>,
        retransmission_of: Option<&str>,
        fingerprint: &Fingerprint,
    ) -> Body {
        DecisionBody {
            answer: answer.and_then(Option::as_ref),
            catalogue: &ruling.catalogue,
            now: ruling.now,
            asked: &ruling.asked,
            message_sha256: fingerprint.hex(),
            register_version: ruling.register_version,
            policy: &self.parts.policy,
            request,
            retransmission_of,
            verdict: &ruling.verdict,
            zone: &self.parts.zone,
            keep_message_max: self.parts.keep_message_max,
            entry,
        }
        .write()
    }

    /// Records what the downstream system answered; never waited for.
    pub fn delivered(
        &self,
        entry: EntryId,
        outcome: &str,
        answer_code: Option<&str>,
        took_us: u64,
    ) {
        let now = self.parts.clock.now();
        let body = delivery(&entry.to_string(), outcome, answer_code, took_us);
        let id = EntryId::new(now);
        self.parts.ledger.append_later(Draft { id, time: now, kind: Kind::Delivery, body });
    }

    /// Whether the register answers.
    pub fn register_answers(&self) -> bool {
        self.parts.register.readiness().answers
    }

    /// Whether the ledger can write.
    pub fn ledger_writes(&self) -> bool {
        self.parts.ledger.healthy()
    }

    /// Writes an entry of the program's own acts (a register import, say).
    pub fn note(&self, kind: Kind, body: Body) {
        let now = self.parts.clock.now();
        self.parts.ledger.append_later(Draft { id: EntryId::new(now), time: now, kind, body });
    }
}
