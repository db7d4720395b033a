//! The grant rules of the second reading: §3.2 from `grant-missing` on, and the paragraph
//! "Grants" of §7.

use jiff::Span;
use jiff::civil::Date;
use orgate::domain::grant::{Grant, GrantStatus, Right, Scope, Supervision};
use orgate::domain::order::{Person, Primary};
use orgate::domain::procedure::Procedure;
use orgate::domain::rule::Rule;
use orgate::domain::surgeon::{Lookup, Surgeon};

use crate::model::reading::{Pair, days, licensed, within};

/// What the surgeon's grants come to.
pub(super) enum Granted {
    /// At every time there is a good grant.
    Good { evaluation_overdue: bool },
    /// The one grant finding of the case.
    Defect(Rule),
    /// It hangs on a member of the team whom the register cannot be asked about.
    NotKnown,
}

/// From nearest to good to furthest (§3.2).
const NEARNESS: [Rule; 8] = [
    Rule::SupervisionMissing,
    Rule::GrantOtherSite,
    Rule::GrantUndocumented,
    Rule::GrantNotInForce,
    Rule::GrantSuspended,
    Rule::GrantRevoked,
    Rule::GrantLevelOnly,
    Rule::GrantMissing,
];

fn distance(rule: Rule) -> usize {
    NEARNESS.iter().position(|near| *near == rule).expect("a grant rule")
}

/// The grants at every operating time: the case must pass at each, and the gravest time counts.
pub(super) fn of(pair: &Pair<'_>, surgeon: &Surgeon, item: &Procedure) -> Granted {
    let mut overdue = false;
    let mut not_known = false;
    let mut defects = Vec::new();
    for day in days(pair.world, pair.line) {
        match on_day(pair, surgeon, item, day) {
            Granted::Good { evaluation_overdue } => overdue |= evaluation_overdue,
            Granted::Defect(rule) => defects.push(rule),
            Granted::NotKnown => not_known = true,
        }
    }
    match defects.into_iter().max_by_key(|rule| distance(*rule)) {
        Some(rule) => Granted::Defect(rule),
        None if not_known => Granted::NotKnown,
        None => Granted::Good { evaluation_overdue: overdue },
    }
}

fn on_day(pair: &Pair<'_>, surgeon: &Surgeon, item: &Procedure, day: Date) -> Granted {
    let upper = item.grade.number() >= 3;
    let mut good: Vec<&Grant> = Vec::new();
    let mut defects: Vec<Rule> = Vec::new();
    let mut not_known = false;
    for grant in surgeon.grants.iter().filter(|grant| covers(grant, item)) {
        match own_defect(pair, grant, day) {
            Some(rule) => defects.push(rule),
            None if grant.supervision == Supervision::None => good.push(grant),
            None => match supervised(pair, surgeon, item, day) {
                Some(true) => good.push(grant),
                Some(false) => defects.push(Rule::SupervisionMissing),
                None => not_known = true,
            },
        }
    }
    if !good.is_empty() {
        let evaluated = good.iter().filter_map(|grant| grant.evaluated_on).max();
        let last_day = evaluated.map(|on| on.saturating_add(Span::new().years(1)));
        let overdue = item.grade.number() == 4 && last_day.is_none_or(|last| day > last);
        return Granted::Good { evaluation_overdue: overdue };
    }
    if not_known {
        return Granted::NotKnown;
    }
    if let Some(nearest) = defects.into_iter().min_by_key(|rule| distance(*rule)) {
        return Granted::Defect(nearest);
    }
    let level_only = surgeon.grants.iter().any(|grant| {
        let wide = matches!(grant.scope, Scope::GradeWide(grade) if grade >= item.grade);
        wide && grant.right == Right::Perform
            && own_defect(pair, grant, day).is_none()
            && (grant.supervision == Supervision::None
                || supervised(pair, surgeon, item, day) == Some(true))
    });
    Granted::Defect(if upper && level_only { Rule::GrantLevelOnly } else { Rule::GrantMissing })
}

/// An item grant covers exactly its item, by code or alias (SZ 8); a grade-wide one grades 1 and 2 up to its own.
fn covers(grant: &Grant, item: &Procedure) -> bool {
    let scope = match &grant.scope {
        Scope::Item(code) => *code == item.code || item.aliases.contains(code),
        Scope::GradeWide(grade) => item.grade.number() <= 2 && item.grade <= *grade,
    };
    scope && grant.right == Right::Perform
}

/// The gravest thing wrong with a grant by itself, supervision left aside.
fn own_defect(pair: &Pair<'_>, grant: &Grant, day: Date) -> Option<Rule> {
    let mut defects = Vec::new();
    let site = pair.group.site.as_deref();
    if site.is_some_and(|site| !grant.sites.is_empty() && !grant.sites.iter().any(|s| s == site)) {
        defects.push(Rule::GrantOtherSite);
    }
    if grant.document_no.is_none() {
        defects.push(Rule::GrantUndocumented);
    }
    if !within(day, grant.valid_from, grant.valid_to) {
        defects.push(Rule::GrantNotInForce);
    }
    match grant.status {
        GrantStatus::Active => {}
        GrantStatus::Suspended => defects.push(Rule::GrantSuspended),
        GrantStatus::Revoked => defects.push(Rule::GrantRevoked),
    }
    defects.into_iter().max_by_key(|rule| distance(*rule))
}

/// §7: another licensed member of the same group holds an unconditional good grant for the item.
/// `None` where nobody known does and somebody cannot be asked about.
fn supervised(pair: &Pair<'_>, surgeon: &Surgeon, item: &Procedure, day: Date) -> Option<bool> {
    let mut members: Vec<&Person> = Vec::new();
    for line in &pair.group.lines {
        members.extend(&line.team);
        if let Primary::Named(persons) = &line.primary {
            members.extend(persons);
        }
    }
    let answers: Vec<Lookup> =
        members.into_iter().filter_map(Person::key).map(|key| pair.world.lookup(&key)).collect();
    let good = answers.iter().any(|answer| match answer {
        Lookup::Found(other) => {
            other.id != surgeon.id
                && licensed(other, day)
                && other.grants.iter().any(|grant| {
                    covers(grant, item)
                        && grant.supervision == Supervision::None
                        && own_defect(pair, grant, day).is_none()
                })
        }
        Lookup::Nobody | Lookup::Several | Lookup::Unavailable => false,
    });
    let unsure = answers.iter().any(|answer| matches!(answer, Lookup::Unavailable));
    if good {
        Some(true)
    } else if unsure {
        None
    } else {
        Some(false)
    }
}
