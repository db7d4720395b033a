//! The technique family: may this procedure be done here at all (rules.md §3.1).

use crate::domain::procedure::ProcedureStatus;
use crate::domain::rule::Rule;
use crate::domain::verdict::Subject;
use crate::rules::case::{Case, Technique};
use crate::rules::wording::{EMERGENCY_EN, EMERGENCY_ZH, Told, procedure, told};

/// `technique-stopped`: the catalogue item is suspended or stopped (SG 28, MT 22 25). Nothing lifts it.
pub(super) fn stopped(case: &Case<'_>) -> Option<Told> {
    let Technique::Known(item) = case.technique else { return None };
    let (zh, en) = match item.status {
        ProcedureStatus::Active => return None,
        ProcedureStatus::Suspended => ("已暂停开展", "is suspended"),
        ProcedureStatus::Stopped => ("已停止临床应用", "has been stopped"),
    };
    let reason = item.status_reason.as_deref().map(|r| format!("（{r}）")).unwrap_or_default();
    Some(told(
        Rule::TechniqueStopped,
        Subject::Procedure,
        format!(
            "{}在本机构{zh}{reason}，急诊也不能开展；请改用其他术式，或联系医务科。",
            procedure(item)
        ),
        format!(
            "{} {en} in this institution; an emergency does not lift this, choose another procedure or call medical affairs",
            item.code
        ),
    ))
}

/// `technique-not-in-catalogue`: no code resolves to a catalogue item in force (SG 6, MT 18).
pub(super) fn not_in_catalogue(case: &Case<'_>) -> Option<Told> {
    let Technique::Unresolved(coding) = case.technique else { return None };
    Some(told(
        Rule::TechniqueNotInCatalogue,
        Subject::Procedure,
        format!(
            "手术编码{}不在本机构现行手术分级管理目录内；请改用目录内编码，或联系医务科。{EMERGENCY_ZH}",
            coding.code
        ),
        format!(
            "procedure code {} is not in the institution's catalogue in force; use a catalogue code or call medical affairs. {EMERGENCY_EN}",
            coding.code
        ),
    ))
}

/// `procedure-missing`: a surgical message without any procedure code (SG 6).
pub(super) fn procedure_missing(case: &Case<'_>) -> Option<Told> {
    let Technique::NoCode = case.technique else { return None };
    Some(told(
        Rule::ProcedureMissing,
        Subject::Procedure,
        format!(
            "手术申请没有手术编码，无法核查手术权限；请从目录中选择手术后重新提交。{EMERGENCY_ZH}"
        ),
        format!(
            "the message carries no procedure code, so the grant cannot be checked; choose the procedure from the catalogue and send again. {EMERGENCY_EN}"
        ),
    ))
}
