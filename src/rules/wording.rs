//! How findings speak: the sentence for the doctor, Chinese first, English beside it.

use crate::domain::rule::Rule;
use crate::domain::surgeon::Surgeon;
use crate::domain::verdict::Subject;
use crate::rules::case::{Case, Technique};

/// Whom to call about what nothing lifts.
pub(super) const CALL_ZH: &str = "急诊也不能开展；请改用其他术式，或联系医务科。";
/// The same in English.
pub(super) const CALL_EN: &str =
    "an emergency does not lift this; choose another procedure or call medical affairs (医务科)";

/// What a rule function found, before its effect is known.
pub(super) struct Told {
    pub(super) rule: Rule,
    pub(super) subject: Subject,
    pub(super) zh: String,
    pub(super) en: String,
}

/// The way out that every lifted rule names (SG 21).
pub(super) const EMERGENCY_ZH: &str = "抢救生命的急诊手术，请标为急诊重新提交。";
/// The same in English.
pub(super) const EMERGENCY_EN: &str = "If this is life-saving, send it again as an emergency";

/// A finding in the making.
pub(super) fn told(rule: Rule, subject: Subject, zh: String, en: String) -> Told {
    Told { rule, subject, zh, en }
}

/// 张伟（D1001）
pub(super) fn surgeon(surgeon: &Surgeon) -> String {
    format!("{}（{}）", surgeon.name, surgeon.id)
}

/// 根治性胰十二指肠切除术（52.7x00，四级）; the grade is the effective one. Without an item of the
/// catalogue, what the message says.
pub(super) fn procedure(case: &Case<'_>) -> String {
    match case.technique {
        Technique::Known(item) => {
            let grade = case.grade().unwrap_or(item.grade);
            format!("{}（{}，{}）", item.name, item.code, grade.chinese())
        }
        Technique::Unresolved(coding) => match &coding.display {
            Some(name) => format!("{name}（{}）", coding.code),
            None => format!("手术编码{}", coding.code),
        },
        Technique::NoCode => "该手术".to_owned(),
    }
}

/// The code alone, for the English sentence.
pub(super) fn code(case: &Case<'_>) -> String {
    case.procedure_code().map_or_else(|| "the procedure".to_owned(), ToString::to_string)
}

/// How many names a sentence lists before it says that there are more.
const NAMES_MAX: usize = 3;

/// `A、B、C等5项`; `A, B, C and 2 more`.
pub(super) fn listing<T: ToString>(names: impl IntoIterator<Item = T>) -> (String, String) {
    let all: Vec<String> = names.into_iter().map(|name| name.to_string()).collect();
    let shown: Vec<&str> = all.iter().take(NAMES_MAX).map(String::as_str).collect();
    let more = all.len() - shown.len();
    let (zh, en) = (shown.join("、"), shown.join(", "));
    if more == 0 {
        return (zh, en);
    }
    (format!("{zh}等{}项", all.len()), format!("{en} and {more} more"))
}

/// Whom of the department the doctor may ask instead: `本科室有此权限：林一（D1）、周二（D2）。`; empty
/// where nobody is known.
pub(super) fn colleagues(case: &Case<'_>) -> (String, String) {
    let own = case.surgeon_id();
    let known = case.item().and_then(|item| case.facts.around.colleagues.get(&item.code));
    let others = known.into_iter().flatten().filter(|(id, _)| Some(id) != own);
    let (mut zh, mut en) = (Vec::new(), Vec::new());
    for (id, name) in others.take(NAMES_MAX) {
        zh.push(format!("{name}（{id}）"));
        en.push(id.to_string());
    }
    if zh.is_empty() {
        return (String::new(), String::new());
    }
    (
        format!("本科室有此权限：{}。", zh.join("、")),
        format!(" (in the department: {})", en.join(", ")),
    )
}
