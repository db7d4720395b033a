//! The case family: what must have happened before the operation – discussion and consent (rules.md §3.3).

use jiff::civil::Date;

use crate::domain::discussion::{Conclusion, Content, Discussion};
use crate::domain::procedure::Grade;
use crate::domain::rule::Rule;
use crate::domain::verdict::Subject;
use crate::rules::case::Case;
use crate::rules::judge::Policy;
use crate::rules::table::Setting;
use crate::rules::wording::{EMERGENCY_EN, EMERGENCY_ZH, Told, code, procedure, told};

/// How many disciplines make a discussion multidisciplinary (rules.md §3.3).
const DISCIPLINES_MIN: usize = 2;

/// Whether the case needs a discussion and nobody knows whether it had one.
pub(super) fn discussions_unknown(case: &Case<'_>, policy: &Policy) -> bool {
    let stage = case.facts.order.stage;
    case.facts.around.discussions_unknown
        && case.grade() == Some(Grade::Four)
        && policy.effects.of(Rule::DiscussionMissing, stage) != Setting::Off
}

/// `discussion-missing`: grade 4, and no multidisciplinary discussion of this operation was held on or
/// before the operating day (SG 22).
pub(super) fn discussion_missing(case: &Case<'_>) -> Option<Told> {
    let unknown = case.facts.around.discussions_unknown;
    if unknown || case.grade() != Some(Grade::Four) || !discussions(case).is_empty() {
        return None;
    }
    Some(told(
        Rule::DiscussionMissing,
        Subject::Message,
        format!(
            "{}没有术前多学科讨论记录；请先组织多学科讨论并登记，再提交。{EMERGENCY_ZH}",
            procedure(case)
        ),
        format!(
            "no multidisciplinary discussion is recorded for {}; hold and record it first. {EMERGENCY_EN}",
            code(case)
        ),
    ))
}

/// `discussion-incomplete`: recorded, but with fewer than two disciplines, without one of the five
/// contents, or not concluded in favour (SG 22).
pub(super) fn discussion_incomplete(case: &Case<'_>) -> Option<Told> {
    if case.grade() != Some(Grade::Four) {
        return None;
    }
    let found = discussions(case);
    let latest = found.iter().max_by_key(|discussion| discussion.held_on)?;
    if found.iter().any(|discussion| lacks(discussion).is_empty()) {
        return None;
    }
    let lacks = lacks(latest).join("、");
    Some(told(
        Rule::DiscussionIncomplete,
        Subject::Message,
        format!(
            "{}的术前多学科讨论不完整：{lacks}；请补充后再提交。{EMERGENCY_ZH}",
            procedure(case)
        ),
        format!(
            "the multidisciplinary discussion of {} is incomplete (two disciplines, five contents, concluded in favour); complete it first. {EMERGENCY_EN}",
            code(case)
        ),
    ))
}

/// What a discussion lacks, in words for the doctor.
fn lacks(discussion: &Discussion) -> Vec<String> {
    let mut lacks = Vec::new();
    let mut disciplines: Vec<&str> =
        discussion.disciplines.iter().map(|name| name.trim()).collect();
    disciplines.retain(|name| !name.is_empty());
    disciplines.sort_unstable();
    disciplines.dedup();
    if disciplines.len() < DISCIPLINES_MIN {
        lacks.push("参加学科不足两个".to_owned());
    }
    let missing: Vec<&str> = Content::ALL
        .into_iter()
        .filter(|content| !discussion.contents.contains(content))
        .map(Content::chinese)
        .collect();
    if !missing.is_empty() {
        lacks.push(format!("缺少{}", missing.join("、")));
    }
    match discussion.conclusion {
        Conclusion::Approved => {}
        Conclusion::Rejected => lacks.push("讨论结论为不同意".to_owned()),
        Conclusion::Pending => lacks.push("尚无讨论结论".to_owned()),
    }
    lacks
}

/// The discussions of this operation held in time: the one the message refers to, if the register knows
/// it; else those of its order number; else those of its patient and procedure (rules.md §7).
fn discussions<'f>(case: &Case<'f>) -> Vec<&'f Discussion> {
    let known = &case.facts.around.discussions;
    let first = case.days.iter().min();
    let held = |discussion: &&Discussion| first.is_some_and(|day| day_of(case, discussion) <= *day);
    let patient = case.facts.order.patient.as_ref();
    let of_patient = |discussion: &&Discussion| Some(&discussion.patient) == patient;
    if let Some(reference) = &case.group.discussion {
        let reference = reference.reveal().trim();
        let named = |discussion: &&Discussion| discussion.id.trim() == reference;
        if known.iter().any(|discussion| named(&discussion)) {
            return known.iter().filter(named).filter(of_patient).filter(held).collect();
        }
    }
    if let Some(number) = &case.group.order_no {
        let own = known.iter().filter(|discussion| discussion.order_no.as_ref() == Some(number));
        let own: Vec<_> = own.filter(held).collect();
        if !own.is_empty() {
            return own;
        }
    }
    let about = |discussion: &&Discussion| case.names().any(|name| discussion.codes.contains(name));
    known.iter().filter(of_patient).filter(about).filter(held).collect()
}

fn day_of(case: &Case<'_>, discussion: &Discussion) -> Date {
    case.facts.zone.to_datetime(discussion.held_on).date()
}

/// `consent-missing`: the feed maps a consent reference and it is empty (MQ 24, MT 45(三)).
pub(super) fn consent_missing(case: &Case<'_>) -> Option<Told> {
    (case.group.consent == Some(false)).then(|| {
        told(
            Rule::ConsentMissing,
            Subject::Message,
            "没有手术知情同意书的登记；请在手术前完成知情同意并登记。".to_owned(),
            "no consent is recorded; obtain and record it before the operation".to_owned(),
        )
    })
}
