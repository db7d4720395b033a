//! The surgeon family, second half: does a grant cover this procedure, here, then (rules.md §3.2, §7).

use std::sync::Arc;

use jiff::civil::Date;
use jiff::{Span, Timestamp};

use crate::domain::grant::{Grant, GrantStatus, Right, Scope, Supervision};
use crate::domain::order::Primary;
use crate::domain::procedure::{Grade, Procedure};
use crate::domain::rule::Rule;
use crate::domain::surgeon::{Lookup, Surgeon, SurgeonId};
use crate::domain::verdict::Subject;
use crate::rules::case::{Case, Technique, Who};
use crate::rules::wording::{EMERGENCY_EN, EMERGENCY_ZH, Told, procedure, surgeon, told};

/// How near a grant is to being good, from nearest to farthest (the order of rules.md §3.2).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Defect {
    Supervision,
    OtherSite,
    Undocumented,
    NotInForce,
    Suspended,
    Revoked,
    LevelOnly,
    Missing,
}

/// What the grants come to: at most one finding, and whether an answer about the team was missing.
#[derive(Default)]
pub(super) struct Outcome {
    pub(super) finding: Option<Told>,
    pub(super) evaluation: Option<Told>,
    pub(super) unavailable: bool,
}

/// Judges the grants of a case. Not judged when the procedure does not resolve or the surgeon is not
/// found (rules.md §7). Where several times are stated the case must pass at each; the worst is told.
pub(super) fn covered(case: &Case<'_>) -> Outcome {
    let (Technique::Known(item), Who::Person(_, Lookup::Found(known))) =
        (&case.technique, &case.who)
    else {
        return Outcome::default();
    };
    let team = Team::of(case, item, known);
    let mut worst: Option<Defect> = None;
    let mut evaluation = None;
    for day in case.days() {
        match nearest(case, item, known, &team, day) {
            Ok(good) => evaluation = evaluation.or_else(|| overdue(item, known, &good, day)),
            Err(defect) => worst = worst.max(Some(defect)),
        }
    }
    // Whether supervision is there cannot be known while a member of the team cannot be looked up.
    let unavailable = worst == Some(Defect::Supervision) && team.unavailable;
    let finding =
        worst.filter(|_| !unavailable).map(|d| finding(d, item, known, &case.times, case));
    let evaluation = evaluation.filter(|_| worst.is_none());
    Outcome { finding, evaluation, unavailable }
}

/// The good grants of that day, or the defect nearest to being good.
fn nearest<'k>(
    case: &Case<'_>,
    item: &Procedure,
    known: &'k Surgeon,
    team: &Team,
    day: Date,
) -> Result<Vec<&'k Grant>, Defect> {
    let site = case.group.site.as_deref();
    let supervised = team.supervises(day, site);
    let mut good = Vec::new();
    let mut least: Option<Defect> = None;
    for grant in known.grants.iter().filter(|g| covers(g, item)) {
        match gravest(grant, day, site, supervised) {
            None => good.push(grant),
            Some(defect) => least = Some(least.map_or(defect, |l| l.min(defect))),
        }
    }
    if !good.is_empty() {
        return Ok(good);
    }
    Err(least.unwrap_or_else(|| {
        let wide = known.grants.iter().any(|grant| {
            matches!(grant.scope, Scope::GradeWide(grade) if grade >= item.grade)
                && grant.right == Right::Perform
                && gravest(grant, day, site, supervised).is_none()
        });
        if item.grade.needs_item_grant() && wide { Defect::LevelOnly } else { Defect::Missing }
    }))
}

/// Whether a grant speaks of this procedure at all: its own item, or grades 1 and 2 up to the grant's.
fn covers(grant: &Grant, item: &Procedure) -> bool {
    grant.right == Right::Perform
        && match &grant.scope {
            Scope::Item(code) => *code == item.code || item.aliases.contains(code),
            Scope::GradeWide(grade) => !item.grade.needs_item_grant() && *grade >= item.grade,
        }
}

/// The gravest defect of a grant on a day (a grant with several counts by the last in the list).
fn gravest(grant: &Grant, day: Date, site: Option<&str>, supervised: bool) -> Option<Defect> {
    let undocumented = grant.document_no.as_deref().is_none_or(|no| no.trim().is_empty());
    let defects = [
        (Defect::Revoked, grant.status == GrantStatus::Revoked),
        (Defect::Suspended, grant.status == GrantStatus::Suspended),
        (Defect::NotInForce, !grant.in_term(day)),
        (Defect::Undocumented, undocumented),
        (Defect::OtherSite, !grant.at_site(site)),
        (Defect::Supervision, grant.supervision == Supervision::Required && !supervised),
    ];
    defects.into_iter().find(|(_, there)| *there).map(|(defect, _)| defect)
}

/// The rest of the operating team, as far as they could supervise.
struct Team {
    item: Arc<Procedure>,
    members: Vec<Arc<Surgeon>>,
    unavailable: bool,
}

impl Team {
    /// Everyone else of the same group of the message.
    fn of(case: &Case<'_>, item: &Arc<Procedure>, surgeon: &Surgeon) -> Self {
        let mut team = Self { item: Arc::clone(item), members: Vec::new(), unavailable: false };
        if !known_needs_supervision(surgeon) {
            return team;
        }
        for line in &case.group.lines {
            let primaries: &[_] = match &line.primary {
                Primary::Named(persons) => persons,
                Primary::Missing | Primary::Unclear(_) => &[],
            };
            for key in line.team.iter().chain(primaries).filter_map(|person| person.key()) {
                match case.facts.people.lookup(&key) {
                    Lookup::Found(member) if is_other(&member.id, surgeon) => {
                        team.members.push(member);
                    }
                    Lookup::Unavailable => team.unavailable = true,
                    Lookup::Found(_) | Lookup::Nobody | Lookup::Several => {}
                }
            }
        }
        team
    }

    /// Whether a licensed member holds an unconditional good grant for the item on `day`.
    fn supervises(&self, day: Date, site: Option<&str>) -> bool {
        self.members.iter().any(|member| {
            member.licensed(day)
                && member.grants.iter().any(|grant| {
                    grant.supervision == Supervision::None
                        && covers(grant, &self.item)
                        && gravest(grant, day, site, false).is_none()
                })
        })
    }
}

fn is_other(member: &SurgeonId, surgeon: &Surgeon) -> bool {
    *member != surgeon.id
}

/// Whether any grant of the surgeon is conditional, so that the team matters at all.
pub(super) fn known_needs_supervision(surgeon: &Surgeon) -> bool {
    surgeon.grants.iter().any(|grant| grant.supervision == Supervision::Required)
}

/// `evaluation-overdue`: grade 4, and the latest evaluation of the good grants lies more than one year
/// before the operating day, or there is none (SG 17¶3). Exactly one year is not overdue.
fn overdue(item: &Procedure, known: &Surgeon, good: &[&Grant], day: Date) -> Option<Told> {
    if item.grade != Grade::Four {
        return None;
    }
    let latest = good.iter().filter_map(|grant| grant.evaluated_on).max();
    let until = latest.and_then(|on| on.checked_add(Span::new().years(1)).ok());
    if until.is_some_and(|until| day <= until) {
        return None;
    }
    let since = latest.map_or_else(|| "无评估记录".to_owned(), |on| format!("上次评估{on}"));
    Some(told(
        Rule::EvaluationOverdue,
        Subject::Surgeon,
        format!(
            "{}的{}能力评估已超过一年（{since}）；请科室工作小组安排评估。",
            surgeon(known),
            procedure(item)
        ),
        format!(
            "the capability evaluation of surgeon {} for {} is more than one year old or missing; arrange an evaluation",
            known.id, item.code
        ),
    ))
}

/// The finding of a defect, one function per rule folded into one table of sentences.
fn finding(
    defect: Defect,
    item: &Procedure,
    known: &Surgeon,
    times: &[Timestamp],
    case: &Case<'_>,
) -> Told {
    let who = surgeon(known);
    let what = procedure(item);
    let day = times.first().map(|t| case.facts.zone.to_datetime(*t).date().to_string());
    let day = day.unwrap_or_default();
    let (rule, zh, en) = match defect {
        Defect::Missing => (
            Rule::GrantMissing,
            format!("{who}没有{what}的手术权限；请由有权限的术者主刀。"),
            "holds no grant for this procedure",
        ),
        Defect::LevelOnly => (
            Rule::GrantLevelOnly,
            format!("{who}只有按级别的授权，{what}须逐项授权；请由有该项权限的术者主刀。"),
            "holds only a grade-wide grant, while grades 3 and 4 must be granted one by one",
        ),
        Defect::NotInForce => (
            Rule::GrantNotInForce,
            format!("{who}的{what}授权在{day}不在有效期内；请由有权限的术者主刀，或办理授权。"),
            "holds a grant that is not in force at the operating time",
        ),
        Defect::Suspended => (
            Rule::GrantSuspended,
            format!("{who}的{what}授权已暂停；请由有权限的术者主刀。"),
            "holds a grant that is suspended",
        ),
        Defect::Revoked => (
            Rule::GrantRevoked,
            format!("{who}的{what}授权已取消；请由有权限的术者主刀。"),
            "held a grant that was revoked",
        ),
        Defect::Undocumented => (
            Rule::GrantUndocumented,
            format!("{who}的{what}授权没有正式文件号，不能使用；请联系医务科补办。"),
            "holds a grant without an official document number",
        ),
        Defect::OtherSite => (
            Rule::GrantOtherSite,
            format!("{who}的{what}授权不含本院区；请由本院区有权限的术者主刀。"),
            "holds a grant for other sites only",
        ),
        Defect::Supervision => (
            Rule::SupervisionMissing,
            format!(
                "{who}须在上级指导下开展{what}，手术组中没有可独立开展的术者；请增加指导医师。"
            ),
            "may perform this procedure only under supervision, and nobody on the team may supervise",
        ),
    };
    let code = &item.code;
    told(
        rule,
        Subject::Surgeon,
        format!("{zh}{EMERGENCY_ZH}"),
        format!("surgeon {} {en} ({code}); name a surgeon who may. {EMERGENCY_EN}", known.id),
    )
}
