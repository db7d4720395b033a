//! Facts → verdict: what is fetched before judging, the judging of one message, and what else there is to rule.

use std::sync::Arc;
use std::time::Instant;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::cases::Cases;
use crate::clock::monotonic;
use crate::domain::catalogue::Catalogue;
use crate::domain::order::{Order, Stage, Urgency};
use crate::domain::rule::Rule;
use crate::domain::surgeon::{Lookup, PersonKey};
use crate::domain::verdict::{Decision, Effect, Gap, Stance, Verdict};
use crate::gate::around::Sources;
use crate::gate::document::ReportableCase;
use crate::gate::pass::Request;
use crate::gate::stance::RouteStance;
use crate::gate::subject::Subject;
use crate::register::{InForce, Patience, Register};
use crate::rules::report::{ReportKind, count_cases, reportable};
use crate::rules::{Facts, People, Policy, Surroundings, judge, ordering, persons, team};
use crate::telemetry::events;

/// One answer of the register.
pub(super) struct Asked {
    pub(super) key: PersonKey,
    pub(super) lookup: Lookup,
    pub(super) age_s: u64,
}

/// A message judged, ready to be recorded.
pub(super) struct Ruling {
    pub(super) verdict: Verdict,
    pub(super) people: People,
    pub(super) asked: Vec<Asked>,
    /// What surrounded each order.
    pub(super) around: Vec<Surroundings>,
    /// The techniques that its cases must be reported for, once the message is forwarded.
    pub(super) reportable: Vec<ReportableCase>,
    pub(super) now: Timestamp,
    pub(super) catalogue: Arc<Catalogue>,
    /// The register version known when the facts were fetched: never newer than they are.
    pub(super) register_version: i64,
    /// Whether there was time to judge; during a bypass nothing waits for a register that is sick.
    pub(super) judged: bool,
    /// How long it took, of what was read.
    pub(super) times: Option<Times>,
}

/// The moments of a ruling.
#[derive(Clone, Copy)]
pub(super) struct Times {
    /// Nothing was fetched yet.
    pub(super) asked: Instant,
    /// Everything was.
    pub(super) known: Instant,
    /// The verdict stood.
    pub(super) judged: Instant,
}

/// What the gate knows and has been told, apart from the message.
#[derive(Clone, Copy)]
pub struct Knowledge<'k> {
    /// Who may.
    pub register: &'k Register,
    /// What is known of each case; absent where nobody keeps an index.
    pub cases: Option<&'k Cases>,
    /// What the institution has set.
    pub policy: &'k Policy,
    /// The hospital's time zone.
    pub zone: &'k TimeZone,
}

/// What was read of a message.
#[derive(Clone, Copy)]
pub(super) struct Read<'r> {
    subject: &'r Subject,
    register_usable: bool,
}

impl<'r> From<&'r Request> for Read<'r> {
    fn from(request: &'r Request) -> Self {
        Self { subject: &request.subject, register_usable: request.register_usable }
    }
}

/// What an override comes with.
const OVERRIDE_RULES: &[Rule] = &[
    Rule::EmergencyOverride,
    Rule::OverrideUnattested,
    Rule::PrivilegedSurgeonOnSite,
    Rule::OverrideFrequent,
];

/// What the gate would decide of `subject` at the moment `now`, without recording anything.
pub async fn consider(
    knowledge: Knowledge<'_>,
    now: Timestamp,
    subject: &Subject,
    stance: &RouteStance,
) -> Verdict {
    let read = Read { subject, register_usable: true };
    rule(knowledge, &|| now, read, stance).await.verdict
}

/// Fetches, then judges. The clock is read after the waiting: what was fetched is judged as of then.
pub(super) async fn rule(
    knowledge: Knowledge<'_>,
    now: &(dyn Fn() -> Timestamp + Sync),
    Read { subject, register_usable }: Read<'_>,
    stance: &RouteStance,
) -> Ruling {
    let Knowledge { register, cases, policy, zone } = knowledge;
    let register_version = register.version();
    // Before the waiting: a register that comes back meanwhile knows the surgeon, and this catalogue is still empty.
    let InForce { catalogue, usable, .. } = register.in_force();
    let register_known = register_usable && usable;
    let orders = match subject {
        Subject::Orders(orders) => orders.as_slice(),
        Subject::Unreadable { stage, .. } => {
            let verdict = unreadable(stance, *stage);
            return Ruling::of_nothing(verdict, now(), catalogue, register_version);
        }
    };
    let began = monotonic();
    let Fetched { people, asked } = fetch(register, orders).await;
    let sources = Sources { register, register_known, cases, zone, now: now() };
    let mut around = Vec::with_capacity(orders.len());
    for order in orders {
        around.push(sources.around(order, &people, &catalogue).await);
    }
    let (now, known) = (now(), monotonic());
    let bench = Bench { now, zone, catalogue: &catalogue, people: &people, policy, stance };
    let mut verdict = bench.rule(orders, &around);
    if verdict.decision == Decision::Block
        && let [order] = orders
        && let Some(around) = around.first_mut()
        && sources.colleagues(&verdict, order, &catalogue, around).await
    {
        // The same verdict, whose sentences now name who may operate.
        verdict = bench.rule(orders, std::slice::from_ref(around));
    }
    let reportable = bench.reportable(orders, &around);
    Ruling {
        verdict,
        people,
        asked,
        around,
        reportable,
        now,
        catalogue,
        register_version,
        judged: true,
        times: Some(Times { asked: began, known, judged: monotonic() }),
    }
}

impl Ruling {
    fn of_nothing(
        verdict: Verdict,
        now: Timestamp,
        catalogue: Arc<Catalogue>,
        register_version: i64,
    ) -> Self {
        Self {
            verdict,
            people: People::default(),
            asked: Vec::new(),
            around: Vec::new(),
            reportable: Vec::new(),
            now,
            catalogue,
            register_version,
            judged: true,
            times: None,
        }
    }

    /// Of orders that pass in a bypass and could not be judged in time: not known, and said so.
    pub(super) fn unjudged(register: &Register, orders: &[Order], now: Timestamp) -> Self {
        let verdict = Verdict {
            decision: Decision::ForwardFlagged,
            stage: orders.iter().map(|order| order.stage).min(),
            action: orders.iter().map(Order::action).min(),
            urgency: orders.iter().map(Order::urgency).max(),
            gaps: vec![Gap::PrivilegesUnavailable],
            ..Verdict::passing(Stance::Bypass)
        };
        let (catalogue, version) = (register.catalogue(), register.version());
        Self { judged: false, ..Self::of_nothing(verdict, now, catalogue, version) }
    }
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
    let order_rights = register.order_rights_in_use();
    let mut fetched = Fetched::default();
    for order in orders {
        for key in persons(order) {
            fetched.ask(register, key, patience).await;
        }
        let rest: Vec<_> = team(order, &fetched.people).collect();
        let rest =
            rest.into_iter().chain(order_rights.then(|| ordering(order)).into_iter().flatten());
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

/// Everything that judging needs besides the orders; the same bench gives the same verdict, now and from
/// the ledger.
#[derive(Clone, Copy)]
pub(super) struct Bench<'b> {
    pub(super) now: Timestamp,
    pub(super) zone: &'b TimeZone,
    pub(super) catalogue: &'b Catalogue,
    pub(super) people: &'b People,
    pub(super) policy: &'b Policy,
    pub(super) stance: &'b RouteStance,
}

impl<'b> Bench<'b> {
    /// Judges the orders of one message, pure. `around` stands in the order of `orders`.
    pub(super) fn rule(self, orders: &[Order], around: &[Surroundings]) -> Verdict {
        let enforced = |department: Option<&str>| self.stance.enforces(department);
        let whole = merge(orders.iter().zip(around).map(|(order, around)| {
            if order.action().checked() {
                judge(&self.facts(order, around), self.policy, &enforced)
            } else {
                withdrawn(order, self.stance)
            }
        }));
        // The rules know whether a department is enforced; why it is not, the route knows.
        match self.stance.stance {
            Stance::Bypass => Verdict { stance: Stance::Bypass, ..whole },
            Stance::Observe | Stance::Enforce => whole,
        }
    }

    fn facts<'f>(self, order: &'f Order, around: &'f Surroundings) -> Facts<'f>
    where
        'b: 'f,
    {
        let Self { now, zone, catalogue, people, .. } = self;
        Facts { order, now, zone, catalogue, people, around }
    }

    /// The techniques that must be reported, by the case of the whole verdict.
    fn reportable(self, orders: &[Order], around: &[Surroundings]) -> Vec<ReportableCase> {
        let mut out = Vec::new();
        let mut first = 0;
        for (order, around) in orders.iter().zip(around) {
            if !order.action().checked() {
                continue;
            }
            let facts = self.facts(order, around);
            out.extend(reportable(&facts).into_iter().map(|found| ReportableCase {
                case: first + found.case,
                city_monitored: found.kind == ReportKind::CityMonitored,
                technique: found.item,
            }));
            first += count_cases(&facts);
        }
        out
    }
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

/// The verdict of a unit of several orders: the worst decision is that of all. As with the groups of one order, what is
/// only observed flags, where the unit is acted on for another order; and it is a record only if all of it is.
fn merge(verdicts: impl Iterator<Item = Verdict>) -> Verdict {
    let verdicts: Vec<Verdict> = verdicts.collect();
    let acts = verdicts.iter().any(|verdict| verdict.stance == Stance::Enforce);
    let counted = verdicts.into_iter().map(|verdict| match verdict.stance {
        Stance::Observe if acts => Verdict {
            stance: Stance::Enforce,
            decision: verdict.decision.min(Decision::ForwardFlagged),
            ..verdict
        },
        _ => verdict,
    });
    let whole = counted.reduce(|mut whole, verdict| {
        whole.stage = whole.stage.min(verdict.stage);
        whole.decision = whole.decision.max(verdict.decision);
        whole.urgency = whole.urgency.max(verdict.urgency);
        whole.action = whole.action.min(verdict.action);
        whole.operating_time = whole.operating_time.or(verdict.operating_time);
        whole.cases.extend(verdict.cases);
        whole.gaps.extend(verdict.gaps);
        whole
    });
    let mut whole = whole.unwrap_or_else(|| Verdict::passing(Stance::Observe));
    whole.gaps.sort_unstable();
    whole.gaps.dedup();
    if whole.decision.refuses() {
        // What is refused with the rest of its unit is no override, and opens no file.
        for case in &mut whole.cases {
            case.findings
                .retain(|f| f.effect == Effect::Block || !OVERRIDE_RULES.contains(&f.rule));
        }
    }
    whole
}
