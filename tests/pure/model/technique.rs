//! The technique rules of the second reading: §3.1, and the paragraph "Lists" of §7.

use std::collections::BTreeSet;

use jiff::civil::{Date, Weekday};
use orgate::domain::calendar::DayKind;
use orgate::domain::procedure::{Admission, Ethics, ProcedureStatus};
use orgate::domain::rule::Rule;
use orgate::domain::technique::{Dossier, DossierState, ListKind, ListLevel, Technique};

use crate::model::reading::{Pair, days, within};
use crate::support::world::World;

/// §2: dots are ignored, a star at the end makes a stem.
fn means(technique: &Technique, code: &str) -> bool {
    let code = code.replace('.', "");
    technique.codes.iter().map(|own| own.written()).any(|own| match own.strip_suffix('*') {
        Some(stem) => code.starts_with(stem),
        None => code == own,
    })
}

/// §7: tested against the message's codes and all codes and aliases of the item; in force or not.
fn listed<'w>(pair: &Pair<'w>) -> Vec<&'w Technique> {
    let codes = [pair.written(), pair.of_item()].concat();
    let all = pair.world.around.lists.techniques.iter();
    all.filter(|technique| codes.iter().any(|code| means(technique, code))).collect()
}

/// Those of one kind that are in force at one of the operating times.
pub(super) fn in_force<'w>(pair: &Pair<'w>, kind: ListKind) -> Vec<&'w Technique> {
    let days = days(pair.world, pair.line);
    let now = |t: &&Technique| days.iter().any(|day| within(*day, t.valid_from, t.valid_to));
    listed(pair).into_iter().filter(|technique| technique.kind == kind).filter(now).collect()
}

/// §1: 4 on a national or provincial restricted list, else the catalogue's.
pub(super) fn effective_grade(pair: &Pair<'_>) -> Option<u8> {
    let raised = in_force(pair, ListKind::Restricted)
        .iter()
        .any(|t| t.level == ListLevel::National || t.level == ListLevel::Provincial);
    if raised { Some(4) } else { pair.item.map(|item| item.grade.number()) }
}

fn dossier<'w>(world: &'w World, technique: &Technique) -> Option<&'w Dossier> {
    world.around.lists.dossiers.iter().find(|dossier| dossier.item == technique.item)
}

/// The rules of §3.1; and whether a year is needed whose calendar is not known.
pub(super) fn rules(pair: &Pair<'_>, rules: &mut BTreeSet<Rule>) -> bool {
    prohibited(pair, rules);
    catalogue(pair, rules);
    let stopped = listed(pair).into_iter().filter_map(|technique| dossier(pair.world, technique));
    if stopped.into_iter().any(|dossier| dossier.state != DossierState::Active) {
        rules.insert(Rule::TechniqueStopped);
    }
    if !in_force(pair, ListKind::Monitored).is_empty() {
        rules.insert(Rule::TechniqueMonitored);
    }
    if !in_force(pair, ListKind::SpecialRegime).is_empty() {
        rules.insert(Rule::SpecialRegime);
    }
    if let (Some(stated), Some(effective)) = (pair.line.stated_grade, effective_grade(pair))
        && stated.number() < effective
    {
        rules.insert(Rule::GradeUnderstated);
    }
    restricted(pair, rules)
}

fn prohibited(pair: &Pair<'_>, rules: &mut BTreeSet<Rule>) {
    let fold = |text: &str| text.to_uppercase().replace(['.', '*'], "");
    let diagnoses: Vec<String> =
        pair.world.order.diagnoses.iter().map(|d| fold(d.reveal())).collect();
    for entry in in_force(pair, ListKind::Prohibited) {
        let named = entry
            .diagnoses
            .iter()
            .any(|prefix| diagnoses.iter().any(|code| code.starts_with(&fold(prefix))));
        if entry.diagnoses.is_empty() || named {
            rules.insert(Rule::TechniqueProhibited);
        } else if diagnoses.is_empty() {
            rules.insert(Rule::TechniqueIndicationMissing);
        }
    }
}

fn catalogue(pair: &Pair<'_>, rules: &mut BTreeSet<Rule>) {
    let Some(item) = pair.item else {
        let none = pair.written().is_empty();
        rules.insert(if none { Rule::ProcedureMissing } else { Rule::TechniqueNotInCatalogue });
        return;
    };
    if item.status != ProcedureStatus::Active {
        rules.insert(Rule::TechniqueStopped);
    }
    if item.admission == Admission::Pending {
        rules.insert(Rule::TechniqueNotAdmitted);
    }
    if item.ethics == Ethics::Pending && in_force(pair, ListKind::Restricted).is_empty() {
        rules.insert(Rule::EthicsApprovalMissing);
    }
    let registered = &pair.world.policy.specialties;
    if let Some(specialty) = &item.specialty
        && !registered.is_empty()
        && !registered.contains(specialty)
    {
        rules.insert(Rule::SpecialtyMismatch);
    }
}

fn restricted(pair: &Pair<'_>, rules: &mut BTreeSet<Rule>) -> bool {
    let world = pair.world;
    let today = world.zone.to_datetime(world.now).date();
    let days = days(world, pair.line);
    let mut unknown = false;
    for technique in in_force(pair, ListKind::Restricted) {
        rules.insert(Rule::TechniqueRestricted);
        let dossier = dossier(world, technique);
        let done = |on: Option<Date>| on.is_some_and(|on| days.iter().all(|day| on <= *day));
        if !dossier.is_some_and(|dossier| done(dossier.ethics_approved_on)) {
            rules.insert(Rule::EthicsApprovalMissing);
        }
        if !dossier.is_some_and(|dossier| done(dossier.self_assessed_on)) {
            rules.insert(Rule::SelfAssessmentMissing);
        }
        let Some(dossier) = dossier else { continue };
        let filed = dossier.filed_on.is_some_and(|on| on <= today);
        let Some(first) = dossier.first_case_on.filter(|on| *on <= today) else { continue };
        if filed {
            continue;
        }
        match fifteenth_workday(world, first) {
            None => unknown = true,
            Some(last) if today > last => {
                rules.insert(Rule::FilingOverdue);
            }
            Some(_) => {
                rules.insert(Rule::FilingDue);
            }
        }
    }
    unknown
}

/// MT 11: fifteen working days, the first day not counted. `None` where a year is not known.
fn fifteenth_workday(world: &World, first: Date) -> Option<Date> {
    let named: Vec<(Date, DayKind)> = world.around.calendar.days().collect();
    let known = |day: Date| named.iter().any(|(other, _)| other.year() == day.year());
    let works = |day: Date| match named.iter().find(|(other, _)| *other == day) {
        Some((_, kind)) => *kind == DayKind::Workday,
        None => day.weekday() != Weekday::Saturday && day.weekday() != Weekday::Sunday,
    };
    let mut day = first;
    let mut counted = 0;
    while known(day) {
        if counted == 15 {
            return Some(day);
        }
        day = day.tomorrow().expect("a day in range");
        counted += usize::from(known(day) && works(day));
    }
    None
}
