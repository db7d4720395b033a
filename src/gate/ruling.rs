//! Facts → verdict: what is fetched before judging, the judging of one message, and what else there is to rule.

use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::domain::catalogue::Catalogue;
use crate::domain::order::{Order, Stage, Urgency};
use crate::domain::surgeon::{Lookup, PersonKey};
use crate::domain::verdict::{Decision, Gap, Stance, Verdict};
use crate::gate::pass::Subject;
use crate::gate::stance::RouteStance;
use crate::register::{Patience, Register};
use crate::rules::{Facts, People, Policy, Surroundings, judge, persons, team};
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
    pub(super) asked: Vec<Asked>,
    pub(super) now: Timestamp,
    pub(super) catalogue: Arc<Catalogue>,
    /// The register version known when the facts were fetched: never newer than they are.
    pub(super) register_version: i64,
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
pub(super) async fn rule(
    register: &Register,
    policy: &Policy,
    zone: &TimeZone,
    now: &(dyn Fn() -> Timestamp + Sync),
    subject: &Subject,
    stance: &RouteStance,
) -> Ruling {
    let register_version = register.version();
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
    Ruling { verdict, asked, now, catalogue, register_version }
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
    let around = &Surroundings::default();
    merge(orders.iter().map(|order| {
        if order.action().checked() {
            judge(&Facts { order, now, zone, catalogue, people, around }, policy, &enforced)
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
