//! The rules read a second time, from their text and as plainly as possible: no index, no early
//! exit, everything counted again for every question. Slow, and meant to be easy to check by eye.

use std::collections::BTreeSet;

use jiff::civil::Date;
use jiff::{Span, Timestamp};
use orgate::domain::order::{Action, Group, Line, Person, Primary, Stage, Urgency};
use orgate::domain::procedure::{Procedure, ProcedureStatus};
use orgate::domain::rule::Rule;
use orgate::domain::surgeon::{Lookup, Surgeon, SurgeonStatus};
use orgate::domain::verdict::Decision;
use orgate::rules::table::Setting;

use crate::model::grants::{self, Granted};
use crate::support::world::World;

/// One case as the model expects it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Heard {
    pub(super) group: usize,
    pub(super) surgeon: Option<String>,
    pub(super) procedure: Option<String>,
    pub(super) findings: BTreeSet<(Rule, &'static str)>,
}

/// A verdict as the model expects it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Expected {
    pub(super) decision: Decision,
    pub(super) cases: BTreeSet<Heard>,
    pub(super) gaps: BTreeSet<&'static str>,
    pub(super) acted_on: bool,
}

/// One (surgeon, procedure) pair before it is judged.
pub(super) struct Pair<'w> {
    pub(super) world: &'w World,
    pub(super) group_index: usize,
    pub(super) group: &'w Group,
    pub(super) line: &'w Line,
    /// The catalogue item, if a code resolves to one in force.
    pub(super) item: Option<&'w Procedure>,
    /// The person named, if one is.
    pub(super) person: Option<&'w Person>,
}

/// What the rules say of a pair, before the message is looked at as a whole.
struct Opinion<'w> {
    pair: Pair<'w>,
    surgeon: Option<Surgeon>,
    /// Rule and effect.
    findings: BTreeSet<(Rule, &'static str)>,
    gap: bool,
}

/// The verdict that the rules demand.
pub(super) fn expected(world: &World) -> Expected {
    let mut opinions: Vec<Opinion<'_>> = pairs(world).into_iter().map(opinion).collect();
    let checked = || world.order.groups.iter().filter(|g| checked(g.action));
    let enforced = |group: &Group| world.enforced.holds(group.department.as_deref());
    let acted_on = checked().any(enforced);
    // Where nothing is acted on, what would have been decided is that of the whole.
    let counts = |opinion: &Opinion<'_>| !acted_on || enforced(opinion.pair.group);
    let refused = opinions.iter().any(|o| counts(o) && (has(o, "block") || gap_refuses(o)));
    if !refused {
        opinions.iter_mut().for_each(open_override);
    }
    let mut decision = Decision::Forward;
    for opinion in &opinions {
        let own = decide(opinion);
        let most = if counts(opinion) { own } else { own.min(Decision::ForwardFlagged) };
        decision = decision.max(most);
    }
    let away = opinions.iter().filter(|o| o.gap).map(|_| "privileges-unavailable");
    let unread = opinions.iter().filter(|o| o.pair.group.time_unreadable);
    let gaps = away.chain(unread.map(|_| "message-unreadable")).collect();
    let acted_on = acted_on && matches!(decision, Decision::Block | Decision::Unavailable);
    Expected { decision, cases: opinions.into_iter().map(Opinion::told).collect(), gaps, acted_on }
}

impl Opinion<'_> {
    fn told(self) -> Heard {
        let named = self.pair.person.and_then(|p| p.id.as_ref()).map(|id| id.as_str().to_owned());
        let known = self.surgeon.map(|surgeon| surgeon.id.as_str().to_owned());
        let mut codes = self.pair.line.coded.iter().flat_map(|place| &place.codings);
        let first = codes.next().map(|coding| coding.code.as_str().to_owned());
        let resolved = self.pair.item.map(|item| item.code.as_str().to_owned());
        Heard {
            group: self.pair.group_index,
            surgeon: known.or(named),
            procedure: resolved.or(first),
            findings: self.findings,
        }
    }
}

/// §1: only `new` and `change` are checked.
fn checked(action: Action) -> bool {
    action == Action::New || action == Action::Change
}

/// §1, §2: every procedure of every line with every primary surgeon.
fn pairs(world: &World) -> Vec<Pair<'_>> {
    let mut pairs = Vec::new();
    for (group_index, group) in world.order.groups.iter().enumerate() {
        if !checked(group.action) {
            continue;
        }
        for line in &group.lines {
            let mut items: Vec<Option<&Procedure>> = Vec::new();
            for place in &line.coded {
                let in_place = place
                    .codings
                    .iter()
                    .filter_map(|coding| resolve(world, line, coding.code.as_str()));
                items.extend(in_place.take(1).map(Some));
            }
            if items.is_empty() {
                items.push(None);
            }
            let persons: Vec<Option<&Person>> = match &line.primary {
                Primary::Named(persons) if !persons.is_empty() => {
                    persons.iter().map(Some).collect()
                }
                Primary::Named(_) | Primary::Missing | Primary::Unclear(_) => vec![None],
            };
            for item in items {
                for person in &persons {
                    pairs.push(Pair { world, group_index, group, line, item, person: *person });
                }
            }
        }
    }
    pairs
}

/// §2: a code is looked up exactly, as code or alias; §3.1: among the items in force at each time.
fn resolve<'w>(world: &'w World, line: &Line, code: &str) -> Option<&'w Procedure> {
    let own = world.items.iter().find(|item| item.code.as_str() == code);
    let as_alias =
        world.items.iter().find(|item| item.aliases.iter().any(|alias| alias.as_str() == code));
    let item = own.or(as_alias)?;
    let in_force = |day: Date| within(day, item.valid_from, item.valid_to);
    days(world, line).into_iter().all(in_force).then_some(item)
}

/// §7: the named last day counts in full.
pub(super) fn within(day: Date, from: Option<Date>, to: Option<Date>) -> bool {
    from.is_none_or(|from| day >= from) && to.is_none_or(|to| day <= to)
}

/// §1: the scheduled start, else the message's own time, else now; at order and notice never
/// before now; several stated times each count.
fn times(world: &World, line: &Line) -> Vec<Timestamp> {
    let mut times = line.times.clone();
    if times.is_empty() {
        times.push(world.order.message_time.unwrap_or(world.now));
    }
    if world.order.stage != Stage::Record {
        times = times.into_iter().map(|time| time.max(world.now)).collect();
    }
    times
}

/// The operating days in the hospital's time zone.
pub(super) fn days(world: &World, line: &Line) -> Vec<Date> {
    let day = |time: Timestamp| world.zone.to_datetime(time).date();
    times(world, line).into_iter().map(day).collect()
}

/// The default effects of rules.md §3 at order, notice and record, and whether an emergency lifts.
fn defaults(rule: Rule) -> ([&'static str; 3], &'static str) {
    match rule.as_str() {
        "technique-stopped" | "surgeon-not-licensed" => (["block", "block", "block"], "never"),
        "surgeon-missing" => (["flag", "block", "flag"], "yes"),
        "surgeon-name-mismatch" | "evaluation-overdue" | "emergency-surgery" => {
            (["flag", "flag", "flag"], "–")
        }
        "operating-time-past" | "emergency-override" | "override-unattested" => {
            (["flag", "flag", "off"], "–")
        }
        _ => (["block", "block", "flag"], "yes"),
    }
}

/// §3: the institution's own setting, else the default. What blocks at the record stage alerts.
fn effect(world: &World, rule: Rule) -> &'static str {
    let stage = world.order.stage;
    let own = world.policy.effects.own().find(|(set, _)| *set == rule).map(|(_, settings)| {
        settings.map(|setting| match setting {
            Setting::Block => "block",
            Setting::Flag => "flag",
            Setting::Off => "off",
        })
    });
    let [order, notice, record] = own.unwrap_or(defaults(rule).0);
    match stage {
        Stage::Order => order,
        Stage::Notice => notice,
        Stage::Record if record == "block" => "flag",
        Stage::Record => record,
    }
}

fn emergency(group: &Group) -> bool {
    group.urgency == Some(Urgency::Emergency)
}

/// §3 for one pair.
fn opinion(pair: Pair<'_>) -> Opinion<'_> {
    let world = pair.world;
    let mut rules: BTreeSet<Rule> = BTreeSet::new();
    technique(&pair, &mut rules);
    let (surgeon, mut gap) = person(&pair, &mut rules);
    if let (Some(surgeon), Some(item)) = (&surgeon, pair.item) {
        match grants::of(&pair, surgeon, item) {
            Granted::Good { evaluation_overdue } => {
                if evaluation_overdue {
                    rules.insert(Rule::EvaluationOverdue);
                }
            }
            Granted::Defect(rule) => {
                rules.insert(rule);
            }
            Granted::NotKnown => gap = true,
        }
    }
    let yesterday = world.now.checked_sub(Span::new().hours(24)).expect("a time in range");
    if world.order.stage != Stage::Record && pair.line.times.iter().any(|time| *time < yesterday) {
        rules.insert(Rule::OperatingTimePast);
    }
    if emergency(pair.group) {
        rules.insert(Rule::EmergencySurgery);
    }
    let findings = rules
        .into_iter()
        .map(|rule| (rule, effect(world, rule)))
        .filter(|(_, effect)| *effect != "off")
        // §4: in an emergency everything that is not `never` is lifted.
        .map(|(rule, effect)| match effect {
            "block" if emergency(pair.group) && defaults(rule).1 != "never" => (rule, "overridden"),
            other => (rule, other),
        })
        .collect();
    let mut opinion = Opinion { pair, surgeon, findings, gap };
    demand_attestation(&mut opinion);
    opinion
}

/// §3.1
fn technique(pair: &Pair<'_>, rules: &mut BTreeSet<Rule>) {
    let coded = pair.line.coded.iter().any(|place| !place.codings.is_empty());
    match pair.item {
        None if !coded => {
            rules.insert(Rule::ProcedureMissing);
        }
        None => {
            rules.insert(Rule::TechniqueNotInCatalogue);
        }
        Some(item) if item.status != ProcedureStatus::Active => {
            rules.insert(Rule::TechniqueStopped);
        }
        Some(_) => {}
    }
}

/// §3.2 as far as the person goes; and whether the register could not be asked (§5).
fn person(pair: &Pair<'_>, rules: &mut BTreeSet<Rule>) -> (Option<Surgeon>, bool) {
    let key = pair.person.and_then(Person::key);
    let (Some(person), Some(key)) = (pair.person, key) else {
        rules.insert(match pair.line.primary {
            Primary::Unclear(_) => Rule::SurgeonUnclear,
            Primary::Named(_) | Primary::Missing => Rule::SurgeonMissing,
        });
        return (None, false);
    };
    let surgeon = match pair.world.lookup(&key) {
        Lookup::Nobody => {
            rules.insert(Rule::SurgeonUnknown);
            return (None, false);
        }
        Lookup::Several => {
            rules.insert(Rule::SurgeonAmbiguous);
            return (None, false);
        }
        Lookup::Unavailable => return (None, true),
        Lookup::Found(surgeon) => Surgeon::clone(&surgeon),
    };
    if person.id.is_some() && !person.name.is_empty() && !person.may_be_called(&surgeon.name) {
        rules.insert(Rule::SurgeonNameMismatch);
    }
    if !days(pair.world, pair.line).into_iter().all(|day| licensed(&surgeon, day)) {
        rules.insert(Rule::SurgeonNotLicensed);
    }
    (Some(surgeon), false)
}

/// §3.2 `surgeon-not-licensed`, turned round.
pub(super) fn licensed(surgeon: &Surgeon, day: Date) -> bool {
    surgeon.status == SurgeonStatus::Active && within(day, None, surgeon.licence_to)
}

fn has(opinion: &Opinion<'_>, wanted: &str) -> bool {
    opinion.findings.iter().any(|(_, effect)| *effect == wanted)
}

fn attested(group: &Group) -> bool {
    group.attestation.by.is_some() && group.attestation.reason.is_some()
}

/// Where the setting requires an attestation, an emergency without one lifts nothing and says why,
/// unless something blocks that no attestation could lift.
fn demand_attestation(opinion: &mut Opinion<'_>) {
    let world = opinion.pair.world;
    let could_be_override = has(opinion, "overridden") && !has(opinion, "block");
    if could_be_override && world.policy.require_attestation && !attested(opinion.pair.group) {
        let all = std::mem::take(&mut opinion.findings);
        let lifts_nothing = |effect| if effect == "overridden" { "block" } else { effect };
        opinion.findings =
            all.into_iter().map(|(rule, effect)| (rule, lifts_nothing(effect))).collect();
        opinion.findings.insert((Rule::OverrideUnattested, "block"));
    }
}

/// What could not be known of a pair.
fn has_gap(opinion: &Opinion<'_>) -> bool {
    opinion.gap || opinion.pair.group.time_unreadable
}

/// §5: a gap refuses what is not an emergency; a record is never refused.
fn gap_refuses(opinion: &Opinion<'_>) -> bool {
    let world = opinion.pair.world;
    has_gap(opinion) && !emergency(opinion.pair.group) && world.order.stage != Stage::Record
}

/// §4: what follows from an override, in a message that goes through.
fn open_override(opinion: &mut Opinion<'_>) {
    if !has(opinion, "overridden") || has(opinion, "block") {
        return;
    }
    opinion.findings.insert((Rule::EmergencyOverride, "flag"));
    if !attested(opinion.pair.group) {
        opinion.findings.insert((Rule::OverrideUnattested, "flag"));
    }
}

fn decide(opinion: &Opinion<'_>) -> Decision {
    if has(opinion, "block") {
        Decision::Block
    } else if gap_refuses(opinion) {
        Decision::Unavailable
    } else if has(opinion, "overridden") {
        Decision::Override
    } else if opinion.findings.is_empty() && !has_gap(opinion) {
        Decision::Forward
    } else {
        Decision::ForwardFlagged
    }
}
