//! The case family: a notice against its order, a record against the notice (rules.md §3.3, §7 "Story").

use std::collections::{BTreeSet, HashMap};

use crate::domain::order::{Redacted, Stage, Urgency};
use crate::domain::procedure::{Grade, ProcedureCode};
use crate::domain::rule::Rule;
use crate::domain::story::{Chapter, Story};
use crate::domain::surgeon::SurgeonId;
use crate::domain::verdict::Subject;
use crate::rules::case::Case;
use crate::rules::judge::Facts;
use crate::rules::wording::{Told, listing, told};

/// Which cases of a message are one document: those of one order number, else those of one group.
#[derive(PartialEq, Eq, Hash)]
enum Key<'f> {
    Number(&'f Redacted),
    Group(usize),
}

impl<'f> Key<'f> {
    fn of(case: &Case<'f>) -> Self {
        case.group.order_no.as_ref().map_or(Self::Group(case.group_index), Self::Number)
    }
}

/// What one document of the message says, as a set over its cases.
#[derive(Default)]
struct Document<'c> {
    surgeons: BTreeSet<&'c SurgeonId>,
    procedures: BTreeSet<&'c ProcedureCode>,
    grade: Option<Grade>,
}

/// The documents of a message; empty where no story is known or the message begins one.
pub(super) struct Documents<'c> {
    by_key: HashMap<Key<'c>, Document<'c>>,
}

impl<'c> Documents<'c> {
    /// Gathers what the cases name.
    pub(super) fn of(facts: &Facts<'_>, cases: &'c [Case<'_>]) -> Self {
        let mut by_key: HashMap<Key<'c>, Document<'c>> = HashMap::new();
        let known = facts.around.stories.iter().any(|story| story.known);
        if facts.order.stage != Stage::Order && known {
            for case in cases {
                let document = by_key.entry(Key::of(case)).or_default();
                document.surgeons.extend(case.surgeon_id());
                document.procedures.extend(case.procedure_code().map(|code| item(case, code)));
                document.grade = document.grade.max(case.grade());
            }
        }
        Self { by_key }
    }

    /// The findings of the case's document.
    pub(super) fn told(&self, case: &Case<'_>) -> Vec<Told> {
        let stage = case.facts.order.stage;
        let (Some(document), Some(story)) = (self.by_key.get(&Key::of(case)), story(case)) else {
            return Vec::new();
        };
        let before = match stage {
            Stage::Order => None,
            Stage::Notice => story.order.as_ref(),
            Stage::Record => story.notice.as_ref().or(story.order.as_ref()),
        };
        let changes = before.map(|before| {
            [
                operator_changed(document, before),
                procedure_changed(case, document, before),
                urgency_changed(case, before),
            ]
        });
        let order = [order_not_found(story), order_refused(story)];
        changes.into_iter().flatten().chain(order).flatten().collect()
    }
}

/// What is known of the case's story; where it could not be looked up, nothing is found (rules.md §7).
fn story<'f>(case: &Case<'f>) -> Option<&'f Story> {
    case.facts.around.stories.get(case.group_index).filter(|story| story.known)
}

fn document_zh(chapter: &Chapter) -> &'static str {
    match chapter.stage {
        Stage::Order => "手术申请",
        Stage::Notice => "手术通知单",
        Stage::Record => "手术记录",
    }
}

fn about(rule: Rule, subject: Subject, zh: String, en: String) -> Option<Told> {
    Some(told(rule, subject, zh, en))
}

/// The item that a code names today, so that an alias that has become an item since, or the reverse, is
/// no other procedure; else the code itself.
fn item<'c>(case: &Case<'c>, code: &'c ProcedureCode) -> &'c ProcedureCode {
    case.facts.catalogue.resolve(code).map_or(code, |item| &item.code)
}

/// `operator-changed`: other surgeons than in the document before, compared as sets; a document that
/// names none is not compared (SG 29 33).
fn operator_changed(document: &Document<'_>, before: &Chapter) -> Option<Told> {
    let surgeons: BTreeSet<&SurgeonId> = before.surgeons.iter().collect();
    let now = &document.surgeons;
    if surgeons.is_empty() || now.is_empty() || surgeons == *now {
        return None;
    }
    let (before_zh, before_en) = listing(surgeons);
    let (now_zh, now_en) = listing(now);
    about(
        Rule::OperatorChanged,
        Subject::Surgeon,
        format!("术者与{}不一致：原为{before_zh}，现为{now_zh}；请核实。", document_zh(before)),
        format!(
            "the surgeon differs from the {}: {before_en} before, {now_en} now; verify",
            before.stage.as_str()
        ),
    )
}

/// `procedure-changed`: other procedures than in the document before; says so if the effective grade
/// rose (SG 29).
fn procedure_changed(case: &Case<'_>, document: &Document<'_>, before: &Chapter) -> Option<Told> {
    let procedures: BTreeSet<&ProcedureCode> =
        before.procedures.iter().map(|code| item(case, code)).collect();
    let now = &document.procedures;
    if procedures.is_empty() || now.is_empty() || procedures == *now {
        return None;
    }
    let (rose_zh, rose_en) = match (before.grade, document.grade) {
        (Some(old), Some(new)) if new > old => (
            format!("，手术级别由{}升为{}", old.chinese(), new.chinese()),
            format!(", and the grade rose from {} to {}", old.number(), new.number()),
        ),
        _ => (String::new(), String::new()),
    };
    let (before_zh, before_en) = listing(procedures);
    let (now_zh, now_en) = listing(now);
    about(
        Rule::ProcedureChanged,
        Subject::Procedure,
        format!(
            "手术与{}不一致：原为{before_zh}，现为{now_zh}{rose_zh}；请核实。",
            document_zh(before)
        ),
        format!(
            "the procedure differs from the {}: {before_en} before, {now_en} now{rose_en}; verify",
            before.stage.as_str()
        ),
    )
}

/// `urgency-changed`: elective before and emergency now, or the reverse, where both documents carry an
/// urgency (SG 29).
fn urgency_changed(case: &Case<'_>, before: &Chapter) -> Option<Told> {
    let (was_zh, is_zh, was, is) = match (before.urgency?, case.group.urgency?) {
        (Urgency::Elective, Urgency::Emergency) => ("择期", "急诊", "elective", "emergency"),
        (Urgency::Emergency, Urgency::Elective) => ("急诊", "择期", "emergency", "elective"),
        _ => return None,
    };
    about(
        Rule::UrgencyChanged,
        Subject::Message,
        format!("{}为{was_zh}手术，现为{is_zh}手术；请核实。", document_zh(before)),
        format!("the {} was {was}, this is {is}; verify", before.stage.as_str()),
    )
}

/// `order-not-found`: no checked order precedes the notice or record (SG 29).
fn order_not_found(story: &Story) -> Option<Told> {
    if story.order.is_some() {
        return None;
    }
    about(
        Rule::OrderNotFound,
        Subject::Message,
        "未找到对应的、经核查的手术申请；请核对申请单号。".to_owned(),
        "no checked order belongs to this; check the order number".to_owned(),
    )
}

/// `order-refused`: the order it belongs to was refused, and no accepted one of that number stands (SG 29).
fn order_refused(story: &Story) -> Option<Told> {
    if !story.order.as_ref().is_some_and(|order| order.refused) {
        return None;
    }
    about(
        Rule::OrderRefused,
        Subject::Message,
        "对应的手术申请已被拒绝，且没有重新通过的申请；请核实。".to_owned(),
        "the order this belongs to was refused and none was accepted since; verify".to_owned(),
    )
}
