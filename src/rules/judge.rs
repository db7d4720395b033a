//! `judge`: facts in, verdict out. The one place where findings and gaps become a decision.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::domain::calendar::Calendar;
use crate::domain::catalogue::Catalogue;
use crate::domain::discussion::Discussion;
use crate::domain::order::{Group, Order, Person, Primary, Stage};
use crate::domain::procedure::ProcedureCode;
use crate::domain::rule::Rule;
use crate::domain::story::{Booking, Story};
use crate::domain::surgeon::{Lookup, PersonKey, Surgeon, SurgeonId};
use crate::domain::technique::Lists;
use crate::domain::verdict::{CaseVerdict, Decision, Effect, Finding, Gap, Stance, Verdict};
use crate::rules::case::{Case, Technique, Who, cases, operating_time_past};
use crate::rules::effects::Effects;
use crate::rules::story::Documents;
use crate::rules::table::{Lift, Setting, row};
use crate::rules::wording::Told;
use crate::rules::{emergency, grant, preparation, restricted, surgeon, technique};

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

/// What surrounds a message besides catalogue and persons. The default: nothing is known of any of it.
#[derive(Clone, Debug, Default)]
pub struct Surroundings {
    /// Technique lists and dossiers.
    pub lists: Arc<Lists>,
    /// The working-day calendar.
    pub calendar: Arc<Calendar>,
    /// The discussions of the patient, of the order numbers, and those referred to.
    pub discussions: Vec<Discussion>,
    /// The register was never read, or not for too long: nothing is found then, and the gap is said.
    pub register_unknown: bool,
    /// The register could not be asked for discussions: then none is missed, and the gap is said.
    pub discussions_unknown: bool,
    /// By group of the order; a missing one is not known.
    pub stories: Vec<Story>,
    /// Notices in force of other orders that book a named surgeon.
    pub bookings: Vec<Booking>,
    /// Whom the roster shows on site at the moment of judging; only needed for emergencies.
    pub on_site: Vec<Arc<Surgeon>>,
    /// Overrides opened in the 30 days before, each patient and operation once, this one not counted.
    pub overrides: HashMap<SurgeonId, u32>,
    /// Whether any grant of the register is one to order.
    pub order_rights_in_use: bool,
    /// By catalogue item: up to three surgeons of the department who hold a good grant, for the sentence.
    pub colleagues: HashMap<ProcedureCode, Vec<(SurgeonId, String)>>,
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
    /// The register's answers for [`persons`] and, where it matters, [`team`] and [`ordering`].
    pub people: &'f People,
    /// Everything else.
    pub around: &'f Surroundings,
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
    /// The 诊疗科目 registered for the institution; empty = not checked.
    pub specialties: Vec<String>,
    /// How many overrides a surgeon may have in 30 days before it is told.
    pub override_alarm_count: u32,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            effects: Effects::default(),
            require_attestation: false,
            override_deadline_h: 24,
            specialties: Vec::new(),
            override_alarm_count: 3,
        }
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

/// The ordering doctors, needed only where order rights are in use and `order-right-missing` is not off.
pub fn ordering(order: &Order) -> impl Iterator<Item = PersonKey> {
    let checked = order.groups.iter().filter(|group| group.action.checked());
    checked.filter_map(|group| group.ordering_doctor.as_ref()).filter_map(Person::key)
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
    let documents = Documents::of(facts, &cases);
    let mut judged: Vec<Judged> =
        cases.iter().map(|case| found(case, policy, &documents)).collect();

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

type RuleFn = fn(&Case<'_>) -> Option<Told>;

/// The rules that ask for nothing but the case.
const RULES: [RuleFn; 24] = [
    technique::prohibited,
    technique::indication_missing,
    technique::stopped,
    technique::not_in_catalogue,
    technique::procedure_missing,
    technique::not_admitted,
    restricted::ethics_missing,
    restricted::self_assessment_missing,
    restricted::restricted,
    technique::monitored,
    technique::special_regime,
    technique::grade_understated,
    surgeon::missing,
    surgeon::unclear,
    surgeon::unknown,
    surgeon::ambiguous,
    surgeon::name_mismatch,
    surgeon::not_licensed,
    surgeon::double_booked,
    preparation::discussion_missing,
    preparation::discussion_incomplete,
    preparation::consent_missing,
    operating_time_past,
    emergency::surgery,
];

/// Every rule of every family.
fn found(case: &Case<'_>, policy: &Policy, documents: &Documents<'_>) -> Judged {
    let stage = case.facts.order.stage;
    if case.facts.around.register_unknown {
        return Judged { findings: Vec::new(), gaps: vec![Gap::PrivilegesUnavailable] };
    }
    let (mut gaps, grants) = (Vec::new(), grant::covered(case));
    let filing = restricted::filing(case);
    let asks_order_right = policy.effects.of(Rule::OrderRightMissing, stage) != Setting::Off;
    let (order_right, nobody_asked) =
        if asks_order_right { grant::order_right_missing(case) } else { (None, false) };
    let nobody_known = matches!(case.who, Who::Person(_, Lookup::Unavailable));
    if grants.unavailable
        || nobody_asked
        || nobody_known
        || preparation::discussions_unknown(case, policy)
    {
        gaps.push(Gap::PrivilegesUnavailable);
    }
    if filing.calendar_unknown {
        gaps.push(Gap::CalendarUnknown);
    }
    if case.group.time_unreadable {
        gaps.push(Gap::MessageUnreadable);
    }
    let more = [
        filing.overdue,
        filing.due,
        technique::specialty_mismatch(case, policy),
        grants.finding,
        grants.evaluation,
        order_right,
    ];
    let told = RULES.iter().filter_map(|rule| rule(case)).chain(more.into_iter().flatten());
    let told = told.chain(documents.told(case));
    let findings = told.filter_map(|told| finding(told, stage, policy)).collect();
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
        // What an override comes with is told and never refuses it, whatever its setting.
        let more = [
            emergency::unattested(case, false),
            emergency::privileged_on_site(case),
            emergency::frequent(case, policy),
        ];
        let told = more.into_iter().flatten();
        let told = told.filter(|told| policy.effects.of(told.rule, stage) != Setting::Off);
        self.findings.extend(told.map(|told| with_effect(told, Effect::Flag)));
    }

    /// Whether a gap refuses: never an emergency, never a record (rules.md §5).
    fn unavailable(&self, case: &Case<'_>) -> bool {
        let may_refuse = emergency::applies(case.facts.order.stage);
        let refusing = self.gaps.iter().any(|gap| gap.refuses());
        refusing && may_refuse && !emergency::is_emergency(case.group)
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
    let (surgeon_name, surgeon_place) = match &case.who {
        Who::Missing => (None, None),
        Who::Unclear(place) => (None, place.cloned()),
        Who::Person(person, Lookup::Found(known)) => {
            (Some(known.name.clone()), person.place.clone())
        }
        Who::Person(person, _) => (person.full_name(), person.place.clone()),
    };
    let procedure_name = match &case.technique {
        Technique::NoCode => case.line.name.clone(),
        Technique::Unresolved(coding) => coding.display.clone().or_else(|| case.line.name.clone()),
        Technique::Known(item) => Some(item.name.clone()),
    };
    CaseVerdict {
        surgeon: case.surgeon_id().cloned(),
        surgeon_name,
        procedure: case.procedure_code().cloned(),
        procedure_name,
        grade: case.grade(),
        findings,
        department: case.group.department.clone(),
        group: case.group_index,
        surgeon_place: surgeon_place.or_else(|| case.line.place.clone()),
        procedure_place: case.technique_place.cloned().or_else(|| case.line.place.clone()),
    }
}
