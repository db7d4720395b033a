//! How findings speak: the sentence for the doctor, Chinese first, English beside it.

use crate::domain::procedure::Procedure;
use crate::domain::rule::Rule;
use crate::domain::surgeon::Surgeon;
use crate::domain::verdict::Subject;

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

/// 根治性胰十二指肠切除术（52.7x00，四级）
pub(super) fn procedure(procedure: &Procedure) -> String {
    format!("{}（{}，{}）", procedure.name, procedure.code, procedure.grade.chinese())
}
