//! `judge`: facts in, verdict out. The one place where findings and gaps become a decision.

use std::collections::HashMap;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::domain::catalogue::Catalogue;
use crate::domain::order::{Group, Order, Person, Primary, Stage};
use crate::domain::rule::Rule;
use crate::domain::surgeon::{Lookup, PersonKey};
use crate::domain::verdict::{CaseVerdict, Decision, Effect, Finding, Gap, Stance, Verdict};
use crate::rules::case::{Case, Technique, Who, cases, operating_time_past};
use crate::rules::effects::Effects;
use crate::rules::table::{Lift, Setting, row};
use crate::rules::wording::Told;
use crate::rules::{emergency, grant, surgeon, technique};

/// What the register answered for each person of an order, fetched before judging.
#[derive(Clone, Debug, Default)]
pub struct People {
    answers: HashMap<PersonKey, Lookup>,
}

impl People {
    /// Keeps an answer.
    pub fn insert(&mut self, key: PersonKey, lookup: Lookup) {
        self.answers.insert(key, lookup);
    }

    /// The answer; a person never asked for is as unavailable as one that could not be asked for.
    pub fn lookup(&self, key: &PersonKey) -> Lookup {
        self.answers.get(key).cloned().unwrap_or(Lookup::Unavailable)
    }

    /// Whether this person was asked for already.
    pub fn contains(&self, key: &PersonKey) -> bool {
        self.answers.contains_key(key)
    }

    /// All answers.
    pub fn iter(&self) -> impl Iterator<Item = (&PersonKey, &Lookup)> {
        self.answers.iter()
    }
}

/// Everything a verdict depends on.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'f> {
    /// The message, understood.
    pub order: &'f Order,
    /// The moment of judging.
    pub now: Timestamp,
    /// The hospital's time zone.
    pub zone: &'f TimeZone,
    /// The catalogue.
    pub catalogue: &'f Catalogue,
    /// The register's answers for [`persons`] and, where it matters, [`team`].
    pub people: &'f People,
}

/// What the institution has set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Effects per rule and stage.
    pub effects: Effects,
    /// An override without attestation is refused instead of flagged.
    pub require_attestation: bool,
    /// Hours within which an override must be reviewed.
    pub override_deadline_h: u32,
}

impl Default for Policy {
    fn default() -> Self {
        Self { effects: Effects::default(), require_attestation: false, override_deadline_h: 24 }
    }
}

/// The persons whose answers judging always needs: the primary surgeons of the checked groups.
pub fn persons(order: &Order) -> impl Iterator<Item = PersonKey> {
    let lines = order.groups.iter().filter(|g| g.action.checked()).flat_map(|g| &g.lines);
    let named = lines.flat_map(|line| match &line.primary {
        Primary::Named(persons) => persons.as_slice(),
        Primary::Missing | Primary::Unclear(_) => &[],
    });
    named.filter_map(Person::key)
}

/// The rest of the team, needed only where a primary surgeon holds a grant under supervision.
pub fn team<'o>(order: &'o Order, people: &'o People) -> impl Iterator<Item = PersonKey> + 'o {
    let supervised = persons(order).any(|key| match people.lookup(&key) {
        Lookup::Found(surgeon) => grant::known_needs_supervision(&surgeon),
        Lookup::Nobody | Lookup::Several | Lookup::Unavailable => false,
    });
    let groups = order.groups.iter().filter(move |g| supervised && g.action.checked());
    groups.flat_map(|g| &g.lines).flat_map(|line| &line.team).filter_map(Person::key)
}

/// Judges an order. `enforced` says for a department whether the route acts on it; groups of other
/// departments are observed. Where no group is enforced the whole verdict is an observation.
pub fn judge(
    facts: &Facts<'_>,
    policy: &Policy,
    enforced: &dyn Fn(Option<&str>) -> bool,
) -> Verdict {
    let order = facts.order;
    let cases = cases(facts);
    let stance_of = |group: &Group| enforced(group.department.as_deref());
    // A message that only withdraws has nothing to judge, and the route still has its stance.
    let checks = order.groups.iter().any(|g| g.action.checked());
    let acts = order.groups.iter().filter(|g| !checks || g.action.checked()).any(stance_of);
    let mut judged: Vec<Judged> = cases.iter().map(|case| found(case, policy)).collect();

    let counts = |case: &Case<'_>| !acts || stance_of(case.group);
    let refused = cases.iter().zip(&judged).any(|(case, j)| counts(case) && j.refuses(case));
    let mut decision = Decision::Forward;
    let mut gaps = Vec::new();
    for (case, found) in cases.iter().zip(&mut judged) {
        if found.overridden() && !found.blocks() && !refused {
            found.open_override(case, policy);
        }
        let own = found.decision(case, refused);
        // An observed case of a message that is enforced for another department flags, no more.
        decision = decision.max(if counts(case) { own } else { own.min(Decision::ForwardFlagged) });
        gaps.append(&mut found.gaps);
    }
    gaps.sort_unstable();
    gaps.dedup();
    Verdict {
        decision,
        stance: if acts { Stance::Enforce } else { Stance::Observe },
        stage: Some(order.stage),
        action: Some(order.action()),
        urgency: Some(order.urgency()),
        operating_time: cases.first().and_then(|case| case.times.first().copied()),
        cases: cases.iter().zip(judged).map(|(case, j)| case_verdict(case, j.findings)).collect(),
        gaps,
    }
}

/// The findings and gaps of one case.
struct Judged {
    findings: Vec<Finding>,
    gaps: Vec<Gap>,
}

/// Every rule of every family, in the order of rules.md.
fn found(case: &Case<'_>, policy: &Policy) -> Judged {
    let mut gaps = Vec::new();
    let grants = grant::covered(case);
    if grants.unavailable || matches!(case.who, Who::Person(_, Lookup::Unavailable)) {
        gaps.push(Gap::PrivilegesUnavailable);
    }
    if case.group.time_unreadable {
        gaps.push(Gap::MessageUnreadable);
    }
    let told = [
        technique::stopped(case),
        technique::not_in_catalogue(case),
        technique::procedure_missing(case),
        surgeon::missing(case),
        surgeon::unclear(case),
        surgeon::unknown(case),
        surgeon::ambiguous(case),
        surgeon::name_mismatch(case),
        surgeon::not_licensed(case),
        grants.finding,
        grants.evaluation,
        operating_time_past(case),
        emergency::surgery(case),
    ];
    let stage = case.facts.order.stage;
    let findings = told.into_iter().flatten().filter_map(|t| finding(t, stage, policy)).collect();
    let mut judged = Judged { findings, gaps };
    judged.lift(case, policy);
    judged
}

/// Gives what was told its effect at this stage; nothing blocks at the record (rules.md §7).
fn finding(told: Told, stage: Stage, policy: &Policy) -> Option<Finding> {
    let effect = match (policy.effects.of(told.rule, stage), stage) {
        (Setting::Off, _) => return None,
        (Setting::Block, Stage::Order | Stage::Notice) => Effect::Block,
        (Setting::Block, Stage::Record) | (Setting::Flag, _) => Effect::Flag,
    };
    Some(with_effect(told, effect))
}

fn with_effect(told: Told, effect: Effect) -> Finding {
    let row = row(told.rule);
    Finding {
        rule: told.rule,
        effect,
        lifted: row.lift == Lift::Yes || (row.lift == Lift::Nothing && effect == Effect::Block),
        cites: row.cites,
        text_zh: told.zh,
        text_en: told.en,
        subject: told.subject,
    }
}

impl Judged {
    fn blocks(&self) -> bool {
        self.findings.iter().any(|f| f.effect == Effect::Block)
    }

    fn overridden(&self) -> bool {
        self.findings.iter().any(|f| f.effect == Effect::Overridden)
    }

    /// In an emergency the findings it lifts no longer block. Where an attestation is required, an
    /// unattested emergency that could be an override lifts nothing, and says so.
    fn lift(&mut self, case: &Case<'_>, policy: &Policy) {
        if !emergency::is_emergency(case.group) || !self.blocks() {
            return;
        }
        let stage = case.facts.order.stage;
        let required = policy.require_attestation
            || policy.effects.of(Rule::OverrideUnattested, stage) == Setting::Block;
        let never = self.findings.iter().any(|f| f.effect == Effect::Block && !f.lifted);
        if required
            && !never
            && let Some(told) = emergency::unattested(case, true)
        {
            let lifted = false;
            self.findings.push(Finding { lifted, ..with_effect(told, Effect::Block) });
            return;
        }
        for finding in &mut self.findings {
            if finding.effect == Effect::Block && finding.lifted {
                finding.effect = Effect::Overridden;
            }
        }
    }

    /// The findings that mark an override and open its file.
    fn open_override(&mut self, case: &Case<'_>, policy: &Policy) {
        let stage = case.facts.order.stage;
        let opened = emergency::override_opened(policy.override_deadline_h);
        self.findings.push(with_effect(opened, Effect::Flag));
        let unattested = emergency::unattested(case, false).and_then(|t| finding(t, stage, policy));
        self.findings.extend(unattested);
    }

    /// Whether a gap refuses: never an emergency, never a record (rules.md §5).
    fn unavailable(&self, case: &Case<'_>) -> bool {
        let may_refuse = emergency::applies(case.facts.order.stage);
        !self.gaps.is_empty() && may_refuse && !emergency::is_emergency(case.group)
    }

    /// Whether this case alone keeps its message back.
    fn refuses(&self, case: &Case<'_>) -> bool {
        self.blocks() || self.unavailable(case)
    }

    /// What this case alone asks for. `refused`: the message is kept back by some case.
    fn decision(&self, case: &Case<'_>, refused: bool) -> Decision {
        if self.blocks() {
            Decision::Block
        } else if self.unavailable(case) {
            Decision::Unavailable
        } else if self.overridden() && !refused {
            Decision::Override
        } else if self.findings.is_empty() && self.gaps.is_empty() {
            Decision::Forward
        } else {
            Decision::ForwardFlagged
        }
    }
}

fn case_verdict(case: &Case<'_>, mut findings: Vec<Finding>) -> CaseVerdict {
    findings.sort_by_key(|f| f.rule);
    let (surgeon, surgeon_name, surgeon_place) = match &case.who {
        Who::Missing => (None, None, None),
        Who::Unclear(place) => (None, None, place.cloned()),
        Who::Person(person, Lookup::Found(known)) => {
            (Some(known.id.clone()), Some(known.name.clone()), person.place.clone())
        }
        Who::Person(person, _) => (person.id.clone(), person.full_name(), person.place.clone()),
    };
    let (procedure, procedure_name) = match &case.technique {
        Technique::NoCode => (None, case.line.name.clone()),
        Technique::Unresolved(coding) => {
            (Some(coding.code.clone()), coding.display.clone().or_else(|| case.line.name.clone()))
        }
        Technique::Known(item) => (Some(item.code.clone()), Some(item.name.clone())),
    };
    CaseVerdict {
        surgeon,
        surgeon_name,
        procedure,
        procedure_name,
        grade: case.grade(),
        findings,
        department: case.group.department.clone(),
        group: case.group_index,
        surgeon_place: surgeon_place.or_else(|| case.line.place.clone()),
        procedure_place: case.technique_place.cloned().or_else(|| case.line.place.clone()),
    }
}
