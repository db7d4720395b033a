//! `Gate::pass`: fetch, then judge, then record. Every wait lies before or after the judging.

use std::sync::Arc;

use bytes::Bytes;
use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::clock::Clock;
use crate::domain::order::{Action, Order, Stage, Urgency};
use crate::domain::catalogue::Catalogue;
use crate::domain::surgeon::{Lookup, PersonKey};
use crate::domain::verdict::{Decision, Gap, Stance, Verdict};
use crate::gate::entry::{DecisionBody, delivery};
use crate::gate::memory::{Fingerprint, Memory, Remembered, fingerprint};
use crate::gate::passage::{Outcome, Passage, Refusal};
use crate::gate::stance::RouteStance;
use crate::ledger::{Body, Draft, Durability, EntryId, Kind, Ledger, LedgerError};
use crate::register::{Patience, Register};
use crate::rules::{Facts, People, Policy, judge, persons, team};
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

/// One answer of the register.
pub(super) struct Asked {
    pub(super) key: PersonKey,
    pub(super) lookup: Lookup,
    pub(super) age_s: u64,
}

/// A message judged, ready to be recorded.
struct Ruling {
    verdict: Verdict,
    asked: Vec<Asked>,
    now: Timestamp,
    catalogue: Arc<Catalogue>,
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
        let fingerprint = fingerprint(&request.route, &request.message);
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
        let body = self.body(&request, &ruling, &name, answer.as_ref(), retransmission_of.as_deref());
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
                    LedgerError::Overloaded { .. } => Gap::Overloaded,
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
        events::RefusedUnrecorded { route: &request.route, entry: &name, gap: events::GapName(gap) }.emit();
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
                register_version: self.parts.register.version(),
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
    ) -> Body {
        DecisionBody {
            answer: answer.and_then(Option::as_ref),
            catalogue: &ruling.catalogue,
            now: ruling.now,
            asked: &ruling.asked,
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
    pub fn delivered(&self, entry: EntryId, outcome: &str, answer_code: Option<&str>, took_us: u64) {
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

/// What the gate would decide of `subject` at the moment `now`, without recording anything.
pub async fn consider(
    register: &Register,
    policy: &Policy,
    zone: &TimeZone,
    now: Timestamp,
    subject: &Subject,
    stance: &RouteStance,
) -> Verdict {
    rule(register, policy, zone, &|| now, subject, stance).await.verdict
}

/// Fetches, then judges. The clock is read after the waiting: what was fetched is judged as of then.
async fn rule(
    register: &Register,
    policy: &Policy,
    zone: &TimeZone,
    now: &(dyn Fn() -> Timestamp + Sync),
    subject: &Subject,
    stance: &RouteStance,
) -> Ruling {
    let asked = match subject {
        Subject::Orders(orders) => fetch(register, orders).await,
        Subject::Unreadable { .. } => Fetched::default(),
    };
    let Fetched { people, asked } = asked;
    let now = now();
    let catalogue = register.catalogue();
    let verdict = match subject {
        Subject::Orders(orders) => {
            rule_orders(orders, now, zone, &catalogue, &people, policy, stance)
        }
        Subject::Unreadable { stage, .. } => unreadable(stance, *stage),
    };
    Ruling { verdict, asked, now, catalogue }
}

/// The register's answers for one message.
#[derive(Default)]
struct Fetched {
    people: People,
    asked: Vec<Asked>,
}

/// Asks the register for everybody the verdict needs; the team only where supervision matters.
async fn fetch(register: &Register, orders: &[Order]) -> Fetched {
    let emergency = orders.iter().any(|order| order.urgency() == Urgency::Emergency);
    let patience = if emergency { Patience::Emergency } else { Patience::Elective };
    let mut fetched = Fetched::default();
    for order in orders {
        for key in persons(order) {
            fetched.ask(register, key, patience).await;
        }
        let rest: Vec<_> = team(order, &fetched.people).collect();
        for key in rest {
            fetched.ask(register, key, patience).await;
        }
    }
    fetched
}

impl Fetched {
    async fn ask(&mut self, register: &Register, key: PersonKey, patience: Patience) {
        if self.people.contains(&key) {
            return;
        }
        let answer = register.surgeon(&key, patience).await;
        if matches!(answer.lookup, Lookup::Unavailable) {
            events::PrivilegesUnavailable {}.emit();
        }
        self.people.insert(key.clone(), answer.lookup.clone());
        self.asked.push(Asked { key, lookup: answer.lookup, age_s: answer.age.as_secs() });
    }
}

/// Judges the orders of one message, pure: the same facts give the same verdict, now and from the ledger.
pub(super) fn rule_orders(
    orders: &[Order],
    now: Timestamp,
    zone: &TimeZone,
    catalogue: &Catalogue,
    people: &People,
    policy: &Policy,
    stance: &RouteStance,
) -> Verdict {
    let enforced = |department: Option<&str>| stance.enforces(department);
    merge(orders.iter().map(|order| {
        if order.action().checked() {
            judge(&Facts { order, now, zone, catalogue, people }, policy, &enforced)
        } else {
            withdrawn(order, stance)
        }
    }))
}

/// Withdrawals are not judged and always pass; they are recorded for the story of the case.
fn withdrawn(order: &Order, stance: &RouteStance) -> Verdict {
    let department = order.groups.first().and_then(|g| g.department.as_deref());
    let enforced = stance.enforces(department);
    Verdict {
        stage: Some(order.stage),
        action: Some(order.action()),
        urgency: Some(order.urgency()),
        ..Verdict::passing(if enforced { Stance::Enforce } else { Stance::Observe })
    }
}

/// A message that nobody can read with certainty: refused, unless it is a record (which is never
/// refused) or the route observes.
fn unreadable(stance: &RouteStance, stage: Option<Stage>) -> Verdict {
    let decision = match stage {
        Some(Stage::Record) => Decision::ForwardFlagged,
        Some(Stage::Order | Stage::Notice) | None => Decision::Unavailable,
    };
    Verdict {
        decision,
        stage,
        gaps: vec![Gap::MessageUnreadable],
        ..Verdict::passing(stance.without_department())
    }
}

/// The verdict of a batch: one unit, so the worst decision is that of all.
fn merge(verdicts: impl Iterator<Item = Verdict>) -> Verdict {
    let mut whole: Option<Verdict> = None;
    for verdict in verdicts {
        match &mut whole {
            None => whole = Some(verdict),
            Some(whole) => {
                if verdict.stance == Stance::Enforce {
                    whole.stance = Stance::Enforce;
                }
                whole.decision = whole.decision.max(verdict.decision);
                whole.urgency = whole.urgency.max(verdict.urgency);
                whole.action = whole.action.min(verdict.action);
                whole.operating_time = whole.operating_time.or(verdict.operating_time);
                whole.cases.extend(verdict.cases);
                whole.gaps.extend(verdict.gaps);
            }
        }
    }
    whole.unwrap_or_else(|| Verdict::passing(Stance::Observe))
}
