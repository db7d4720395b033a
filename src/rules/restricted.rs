//! The technique family, second half: what restricted techniques demand of the institution (rules.md
//! §3.1, §7). Lists of every level make a technique restricted here; only the grade asks for the level.

use jiff::civil::Date;

use crate::domain::calendar::{Calendar, UnknownYear};
use crate::domain::procedure::Ethics;
use crate::domain::rule::Rule;
use crate::domain::technique::{Dossier, ListKind, Technique as Listed};
use crate::domain::verdict::Subject;
use crate::rules::case::Case;
use crate::rules::technique::names;
use crate::rules::wording::{
    CALL_EN, CALL_ZH, EMERGENCY_EN, EMERGENCY_ZH, Told, code, procedure, told,
};

/// Working days from the first case within which the technique must be filed (MT 11).
const FILING_WORKDAYS: u32 = 15;

fn about(rule: Rule, zh: String, en: String) -> Option<Told> {
    Some(told(rule, Subject::Procedure, zh, en))
}

/// The restricted techniques in force whose dossier, if there is one, does not `satisfy`.
fn lacking<'f>(case: &Case<'f>, satisfies: impl Fn(&Dossier) -> bool) -> Vec<&'f Listed> {
    let lists = &case.facts.around.lists;
    case.in_force(ListKind::Restricted)
        .filter(|technique| !lists.dossier(&technique.item).is_some_and(&satisfies))
        .collect()
}

/// Whether what was done on `done` had been done at every operating time.
fn by_then(case: &Case<'_>, done: Option<Date>) -> bool {
    done.is_some_and(|done| case.days.iter().all(|day| done <= *day))
}

/// `ethics-approval-missing`: restricted and without the dossier's ethics date, else what the catalogue
/// says (MT 13). Nothing lifts it.
pub(super) fn ethics_missing(case: &Case<'_>) -> Option<Told> {
    let missing = if case.restricted() {
        !lacking(case, |dossier| by_then(case, dossier.ethics_approved_on)).is_empty()
    } else {
        case.item().is_some_and(|item| item.ethics == Ethics::Pending)
    };
    if !missing {
        return None;
    }
    about(
        Rule::EthicsApprovalMissing,
        format!("{}未经本机构伦理委员会审查通过，{CALL_ZH}", procedure(case)),
        format!("{} has no approval of the ethics committee; {CALL_EN}", code(case)),
    )
}

/// `self-assessment-missing`: restricted, and no self-assessment is recorded (MT 11, HN 二(二)1).
/// Nothing lifts it.
pub(super) fn self_assessment_missing(case: &Case<'_>) -> Option<Told> {
    let missing = lacking(case, |dossier| by_then(case, dossier.self_assessed_on));
    if missing.is_empty() {
        return None;
    }
    let (names_zh, names_en) = names(&missing);
    about(
        Rule::SelfAssessmentMissing,
        format!("{}属限制类技术（{names_zh}），本机构未完成自我评估，{CALL_ZH}", procedure(case)),
        format!(
            "{} is a restricted technique ({names_en}) without a self-assessment; {CALL_EN}",
            code(case)
        ),
    )
}

/// What the term for filing comes to.
#[derive(Default)]
pub(super) struct Filing {
    pub(super) overdue: Option<Told>,
    pub(super) due: Option<Told>,
    /// A year that counting needs has no calendar (gap `calendar-unknown`, never a guess).
    pub(super) calendar_unknown: bool,
}

/// `filing-overdue`, `filing-due`: restricted and not filed, after or within the fifteen working days
/// from the first case, whose own day is not counted (MT 11). Without a first case neither.
pub(super) fn filing(case: &Case<'_>) -> Filing {
    let mut filing = Filing::default();
    let lists = &case.facts.around.lists;
    let calendar = &case.facts.around.calendar;
    let mut overdue: Option<Date> = None;
    let mut due: Option<(Date, usize)> = None;
    for technique in case.in_force(ListKind::Restricted) {
        let today = case.today();
        let Some(first) = lists.dossier(&technique.item).and_then(|d| unfiled(d, today)) else {
            continue;
        };
        match term(calendar, first, today) {
            Err(UnknownYear(_)) => filing.calendar_unknown = true,
            Ok((last, _)) if last < today => {
                overdue = Some(overdue.map_or(last, |known| known.min(last)));
            }
            Ok(term) => due = Some(due.map_or(term, |known| known.min(term))),
        }
    }
    filing.overdue = overdue.and_then(|last| overdue_told(case, last));
    filing.due = due.and_then(|(last, left)| due_told(case, last, left));
    filing
}

/// The day of the first case of what has begun and is not filed.
fn unfiled(dossier: &Dossier, today: Date) -> Option<Date> {
    let filed = dossier.filed_on.is_some_and(|filed| filed <= today);
    dossier.first_case_on.filter(|first| !filed && *first <= today)
}

/// The last day for filing, and how many working days are left after today.
fn term(calendar: &Calendar, first: Date, today: Date) -> Result<(Date, usize), UnknownYear> {
    calendar.is_workday(first)?;
    let last = calendar.deadline(first, FILING_WORKDAYS)?;
    let mut left = 0;
    let mut day = today;
    while day < last {
        day = day.tomorrow().map_err(|_| UnknownYear(day.year()))?;
        left += usize::from(calendar.is_workday(day)?);
    }
    Ok((last, left))
}

fn overdue_told(case: &Case<'_>, last: Date) -> Option<Told> {
    about(
        Rule::FilingOverdue,
        format!(
            "{}属限制类技术，首例后15个工作日内（截至{last}）应备案，现已逾期；请医务科立即办理备案。{EMERGENCY_ZH}",
            procedure(case)
        ),
        format!(
            "{} is a restricted technique and had to be filed by {last}; medical affairs must file it now. {EMERGENCY_EN}",
            code(case)
        ),
    )
}

fn due_told(case: &Case<'_>, last: Date, left: usize) -> Option<Told> {
    about(
        Rule::FilingDue,
        format!(
            "{}属限制类技术，尚未备案，最后期限为{last}，还剩{left}个工作日；请医务科办理备案。",
            procedure(case)
        ),
        format!(
            "{} is a restricted technique and not filed yet; the last day is {last}, {left} working days are left",
            code(case)
        ),
    )
}

/// `technique-restricted`: managed as grade 4 where the list is national or provincial, and every case
/// reported (SG 20, MT 37, HN 三).
pub(super) fn restricted(case: &Case<'_>) -> Option<Told> {
    let hits: Vec<&Listed> = case.in_force(ListKind::Restricted).collect();
    if hits.is_empty() {
        return None;
    }
    let raised = hits.iter().any(|technique| technique.raises_grade());
    let (as_zh, as_en) =
        if raised { ("按四级手术管理，", "is managed as grade 4 and ") } else { ("", "") };
    let (names_zh, names_en) = names(&hits);
    about(
        Rule::TechniqueRestricted,
        format!("{}属限制类技术（{names_zh}），{as_zh}须逐例上报。", procedure(case)),
        format!(
            "{}, a restricted technique ({names_en}), {as_en}must be reported case by case",
            code(case)
        ),
    )
}
