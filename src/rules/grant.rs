//! The surgeon family, second half: does a grant cover this procedure, here, then (rules.md §3.2, §7).

use std::sync::Arc;

use jiff::Span;
use jiff::civil::Date;

use crate::domain::grant::{Grant, GrantStatus, Right, Scope, Supervision};
use crate::domain::order::Primary;
use crate::domain::procedure::{Grade, Procedure};
use crate::domain::rule::Rule;
use crate::domain::surgeon::{Lookup, Surgeon, SurgeonId};
use crate::domain::technique::{ListKind, Lists, Technique as Listed};
use crate::domain::verdict::Subject;
use crate::rules::case::{Case, Who};
use crate::rules::wording::{
    EMERGENCY_EN, EMERGENCY_ZH, Told, code, colleagues, procedure, surgeon, told,
};

/// How near a grant is to being good, from nearest to farthest (the order of rules.md §3.2).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Defect {
    Supervision,
    Training,
    OtherSite,
    Undocumented,
    NotInForce,
    Suspended,
    Revoked,
    LevelOnly,
    Missing,
}

/// What a grant is wanted for.
#[derive(Clone, Copy)]
struct Wanted<'f> {
    right: Right,
    item: &'f Procedure,
    /// The effective grade.
    grade: Grade,
    /// A restricted technique: the grant must record training (MT 26).
    training: bool,
    site: Option<&'f str>,
}

impl<'f> Wanted<'f> {
    /// To perform the case's procedure; `None` when it does not resolve.
    fn of(case: &Case<'f>) -> Option<Self> {
        Some(Self {
            right: Right::Perform,
            item: case.item()?,
            grade: case.grade()?,
            training: case.restricted(),
            site: case.group.site.as_deref(),
        })
    }

    /// Whether a grant speaks of this procedure at all: its own item, or grades 1 and 2 up to the grant's.
    fn covered_by(&self, grant: &Grant) -> bool {
        grant.right == self.right
            && match &grant.scope {
                Scope::Item(code) => *code == self.item.code || self.item.aliases.contains(code),
                Scope::GradeWide(grade) => !self.grade.needs_item_grant() && *grade >= self.grade,
            }
    }

    /// The gravest defect of a grant on a day (a grant with several counts by the last in the list).
    fn gravest(&self, grant: &Grant, day: Date, supervised: bool) -> Option<Defect> {
        let undocumented = grant.document_no.as_deref().is_none_or(|no| no.trim().is_empty());
        let untrained = || grant.trained_on.is_none_or(|trained| trained > day);
        let defects = [
            (Defect::Revoked, grant.status == GrantStatus::Revoked),
            (Defect::Suspended, grant.status == GrantStatus::Suspended),
            (Defect::NotInForce, !grant.in_term(day)),
            (Defect::Undocumented, undocumented),
            (Defect::OtherSite, !grant.at_site(self.site)),
            (Defect::Training, self.training && untrained()),
            (Defect::Supervision, grant.supervision == Supervision::Required && !supervised),
        ];
        defects.into_iter().find(|(_, there)| *there).map(|(defect, _)| defect)
    }

    /// Whether a surgeon, alone, may on `day`: licensed, with an unconditional good grant.
    fn passes(&self, surgeon: &Surgeon, day: Date) -> bool {
        surgeon.licensed(day) && self.held_by(surgeon, day)
    }

    fn held_by(&self, surgeon: &Surgeon, day: Date) -> bool {
        surgeon
            .grants
            .iter()
            .any(|grant| self.covered_by(grant) && self.gravest(grant, day, false).is_none())
    }
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
    let (Some(wanted), Who::Person(_, Lookup::Found(known))) = (Wanted::of(case), &case.who) else {
        return Outcome::default();
    };
    let team = Team::of(case, known);
    let mut worst: Option<Defect> = None;
    let mut evaluation = None;
    for day in case.days.iter().copied() {
        match nearest(&wanted, known, &team, day) {
            Ok(good) => evaluation = evaluation.or_else(|| overdue(case, known, &good, day)),
            Err(defect) => worst = worst.max(Some(defect)),
        }
    }
    // Whether supervision is there cannot be known while a member of the team cannot be looked up.
    let unavailable = worst == Some(Defect::Supervision) && team.unavailable;
    let finding = worst.filter(|_| !unavailable).map(|defect| finding(defect, known, case));
    let evaluation = evaluation.filter(|_| worst.is_none());
    Outcome { finding, evaluation, unavailable }
}

/// The good grants of that day, or the defect nearest to being good.
fn nearest<'k>(
    wanted: &Wanted<'_>,
    known: &'k Surgeon,
    team: &Team,
    day: Date,
) -> Result<Vec<&'k Grant>, Defect> {
    let supervised = team.supervises(wanted, day);
    let mut good = Vec::new();
    let mut least: Option<Defect> = None;
    for grant in known.grants.iter().filter(|grant| wanted.covered_by(grant)) {
        match wanted.gravest(grant, day, supervised) {
            None => good.push(grant),
            Some(defect) => least = Some(least.map_or(defect, |l| l.min(defect))),
        }
    }
    if !good.is_empty() {
        return Ok(good);
    }
    Err(least.unwrap_or_else(|| {
        let wide = known.grants.iter().any(|grant| {
            matches!(grant.scope, Scope::GradeWide(grade) if grade >= wanted.grade)
                && grant.right == wanted.right
                && wanted.gravest(grant, day, supervised).is_none()
        });
        if wanted.grade.needs_item_grant() && wide { Defect::LevelOnly } else { Defect::Missing }
    }))
}

/// Whether a surgeon could perform `item` alone on `day`: licensed, with an unconditional good grant for
/// the effective grade that `lists` demand. For naming colleagues, never for a verdict.
pub fn may_perform(
    surgeon: &Surgeon,
    item: &Procedure,
    lists: &Lists,
    day: Date,
    site: Option<&str>,
) -> bool {
    Wanted { site, ..performing(item, lists, day) }.passes(surgeon, day)
}

/// To perform `item` anywhere, of the effective grade that `lists` demand.
fn performing<'f>(item: &'f Procedure, lists: &Lists, day: Date) -> Wanted<'f> {
    let codes = std::iter::once(&item.code).chain(&item.aliases);
    let restricted: Vec<&Listed> = lists
        .meaning(codes)
        .into_iter()
        .filter(|technique| technique.kind == ListKind::Restricted && technique.in_force(day))
        .collect();
    let raised = restricted.iter().any(|technique| technique.raises_grade());
    let grade = if raised { Grade::Four } else { item.grade };
    let training = !restricted.is_empty();
    Wanted { right: Right::Perform, item, grade, training, site: None }
}

/// How a surgeon may perform a procedure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ability {
    /// With an unconditional grant.
    Alone,
    /// Only where somebody of the team may do it alone.
    Supervised,
}

/// How a surgeon may perform `item` on `day`, at the grant's own sites, the effective grade that `lists` demand, and
/// the grant: for lists that people go by when no gate is there, never for a verdict.
pub fn ability<'s>(
    surgeon: &'s Surgeon,
    item: &Procedure,
    lists: &Lists,
    day: Date,
) -> Option<(Ability, Grade, &'s Grant)> {
    if !surgeon.licensed(day) {
        return None;
    }
    let wanted = performing(item, lists, day);
    let good = |supervised: bool| {
        let mut covering = surgeon.grants.iter().filter(|grant| wanted.covered_by(grant));
        covering.find(|grant| wanted.gravest(grant, day, supervised).is_none())
    };
    let alone = good(false).map(|grant| (Ability::Alone, wanted.grade, grant));
    alone.or_else(|| good(true).map(|grant| (Ability::Supervised, wanted.grade, grant)))
}

/// Whether this surgeon's grant would pass for the case's procedure now (`privileged-surgeon-on-site`).
pub(super) fn would_pass(case: &Case<'_>, surgeon: &Surgeon) -> bool {
    Wanted::of(case).is_some_and(|wanted| wanted.passes(surgeon, case.today()))
}

/// `order-right-missing`: order rights are in use, and the ordering doctor holds none for the procedure.
/// Only where the message names one. The second answer: whether the register could not be asked.
pub(super) fn order_right_missing(case: &Case<'_>) -> (Option<Told>, bool) {
    let doctor =
        case.group.ordering_doctor.as_ref().filter(|_| case.facts.around.order_rights_in_use);
    let (Some(key), Some(wanted)) = (doctor.and_then(|doctor| doctor.key()), Wanted::of(case))
    else {
        return (None, false);
    };
    let wanted = Wanted { right: Right::Order, training: false, ..wanted };
    let name = match case.facts.people.lookup(&key) {
        Lookup::Unavailable => return (None, true),
        Lookup::Found(known) => {
            if case.days.iter().all(|day| wanted.held_by(&known, *day)) {
                return (None, false);
            }
            surgeon(&known)
        }
        Lookup::Nobody | Lookup::Several => String::new(),
    };
    let told = told(
        Rule::OrderRightMissing,
        Subject::Message,
        format!(
            "开单医师{name}没有{}的开单权；请由有开单权的医师开立。{EMERGENCY_ZH}",
            procedure(case)
        ),
        format!(
            "the ordering doctor holds no right to order {}; have it ordered by a doctor who does. {EMERGENCY_EN}",
            wanted.item.code
        ),
    );
    (Some(told), false)
}

/// The rest of the operating team, as far as they could supervise.
#[derive(Default)]
struct Team {
    members: Vec<Arc<Surgeon>>,
    unavailable: bool,
}

impl Team {
    /// Everyone else of the same group of the message.
    fn of(case: &Case<'_>, surgeon: &Surgeon) -> Self {
        let mut team = Self::default();
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
    fn supervises(&self, wanted: &Wanted<'_>, day: Date) -> bool {
        self.members.iter().any(|member| wanted.passes(member, day))
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
fn overdue(case: &Case<'_>, known: &Surgeon, good: &[&Grant], day: Date) -> Option<Told> {
    if case.grade() != Some(Grade::Four) {
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
            procedure(case)
        ),
        format!(
            "the capability evaluation of surgeon {} for {} is more than one year old or missing; arrange an evaluation",
            known.id,
            code(case)
        ),
    ))
}

/// The finding of a defect, one function per rule folded into one table of sentences. Each says who of
/// the department may, and how an emergency goes through.
fn finding(defect: Defect, known: &Surgeon, case: &Case<'_>) -> Told {
    let who = surgeon(known);
    let what = procedure(case);
    let day = case.days.first().map(ToString::to_string).unwrap_or_default();
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
        Defect::Training => (
            Rule::TrainingMissing,
            format!("{what}属限制类技术，{who}的授权没有规范化培训记录；请由培训合格的术者主刀。"),
            "holds a grant without the training that a restricted technique requires",
        ),
        Defect::Supervision => (
            Rule::SupervisionMissing,
            format!(
                "{who}须在上级指导下开展{what}，手术组中没有可独立开展的术者；请增加指导医师。"
            ),
            "may perform this procedure only under supervision, and nobody on the team may supervise",
        ),
    };
    let (others_zh, others_en) = colleagues(case);
    let code = code(case);
    told(
        rule,
        Subject::Surgeon,
        format!("{zh}{others_zh}{EMERGENCY_ZH}"),
        format!(
            "surgeon {} {en} ({code}); name a surgeon who may{others_en}. {EMERGENCY_EN}",
            known.id
        ),
    )
}
