//! The technique family: may this procedure be done here at all (rules.md §3.1). What only concerns
//! restricted techniques stands in `restricted.rs`.

use crate::domain::order::Redacted;
use crate::domain::procedure::{Admission, ProcedureStatus};
use crate::domain::rule::Rule;
use crate::domain::technique::{DossierState, ListKind, Technique as Listed};
use crate::domain::verdict::Subject;
use crate::rules::case::{Case, Technique};
use crate::rules::judge::Policy;
use crate::rules::wording::{
    CALL_EN, CALL_ZH, EMERGENCY_EN, EMERGENCY_ZH, Told, code, listing, procedure, told,
};

fn about(rule: Rule, zh: String, en: String) -> Option<Told> {
    Some(told(rule, Subject::Procedure, zh, en))
}

/// The names of techniques, Chinese and English listing.
pub(super) fn names(listed: &[&Listed]) -> (String, String) {
    let (zh, _) = listing(listed.iter().map(|technique| technique.name.as_str()));
    let (_, en) = listing(listed.iter().map(|technique| technique.item.as_str()));
    (zh, en)
}

/// `technique-prohibited`: on a prohibited list in force, and where the entry names diagnoses, with one
/// of them (MT 5 9 25(一) 43(二)). Nothing lifts it.
pub(super) fn prohibited(case: &Case<'_>) -> Option<Told> {
    let diagnoses = &case.facts.order.diagnoses;
    let hits: Vec<&Listed> = case
        .in_force(ListKind::Prohibited)
        .filter(|entry| {
            entry.diagnoses.is_empty()
                || entry.names_diagnosis(diagnoses.iter().map(Redacted::reveal))
        })
        .collect();
    if hits.is_empty() {
        return None;
    }
    let (names_zh, names_en) = names(&hits);
    about(
        Rule::TechniqueProhibited,
        format!("{}属禁止类技术（{names_zh}），不得应用于临床，{CALL_ZH}", procedure(case)),
        format!("{} is a prohibited technique ({names_en}); {CALL_EN}", code(case)),
    )
}

/// `technique-indication-missing`: prohibited for certain diagnoses, and the message carries none (MT 9).
pub(super) fn indication_missing(case: &Case<'_>) -> Option<Told> {
    if !case.facts.order.diagnoses.is_empty() {
        return None;
    }
    let asks: Vec<&Listed> =
        case.in_force(ListKind::Prohibited).filter(|entry| !entry.diagnoses.is_empty()).collect();
    if asks.is_empty() {
        return None;
    }
    let (names_zh, names_en) = names(&asks);
    about(
        Rule::TechniqueIndicationMissing,
        format!(
            "{}用于某些疾病时属禁止类技术（{names_zh}），申请中没有诊断，无法核查；请填写诊断后重新提交。{EMERGENCY_ZH}",
            procedure(case)
        ),
        format!(
            "{} is prohibited for certain diagnoses ({names_en}) and the message carries none; give the diagnosis and send again. {EMERGENCY_EN}",
            code(case)
        ),
    )
}

/// `technique-stopped`: the catalogue item or the dossier is suspended or stopped, or the filing is
/// cancelled (SG 28, MT 22 25). A dossier stops whatever its technique's codes name, whether or not
/// the list is in force. Nothing lifts it.
pub(super) fn stopped(case: &Case<'_>) -> Option<Told> {
    let (zh, en, reason) = item_stopped(case).or_else(|| dossier_stopped(case))?;
    let reason = reason.map(|r| format!("（{r}）")).unwrap_or_default();
    about(
        Rule::TechniqueStopped,
        format!("{}在本机构{zh}{reason}，{CALL_ZH}", procedure(case)),
        format!("{} {en} in this institution; {CALL_EN}", code(case)),
    )
}

type Stopped<'f> = (&'static str, &'static str, Option<&'f str>);

fn item_stopped<'f>(case: &Case<'f>) -> Option<Stopped<'f>> {
    let item = case.item()?;
    let (zh, en) = match item.status {
        ProcedureStatus::Active => return None,
        ProcedureStatus::Suspended => ("已暂停开展", "is suspended"),
        ProcedureStatus::Stopped => ("已停止临床应用", "has been stopped"),
    };
    Some((zh, en, item.status_reason.as_deref()))
}

fn dossier_stopped<'f>(case: &Case<'f>) -> Option<Stopped<'f>> {
    case.listed.iter().find_map(|technique| {
        let dossier = case.facts.around.lists.dossier(&technique.item)?;
        let (zh, en) = match dossier.state {
            DossierState::Active => return None,
            DossierState::Suspended => ("已暂停开展", "is suspended"),
            DossierState::Stopped => ("已停止临床应用", "has been stopped"),
            DossierState::Cancelled => ("备案已取消", "has lost its filing"),
        };
        Some((zh, en, Some(technique.name.as_str())))
    })
}

/// `technique-not-in-catalogue`: no code resolves to a catalogue item in force (SG 6, MT 18).
pub(super) fn not_in_catalogue(case: &Case<'_>) -> Option<Told> {
    let Technique::Unresolved(coding) = case.technique else { return None };
    about(
        Rule::TechniqueNotInCatalogue,
        format!(
            "手术编码{}不在本机构现行手术分级管理目录内；请改用目录内编码，或联系医务科。{EMERGENCY_ZH}",
            coding.code
        ),
        format!(
            "procedure code {} is not in the institution's catalogue in force; use a catalogue code or call medical affairs. {EMERGENCY_EN}",
            coding.code
        ),
    )
}

/// `procedure-missing`: a surgical message without any procedure code (SG 6).
pub(super) fn procedure_missing(case: &Case<'_>) -> Option<Told> {
    let Technique::NoCode = case.technique else { return None };
    about(
        Rule::ProcedureMissing,
        format!(
            "手术申请没有手术编码，无法核查手术权限；请从目录中选择手术后重新提交。{EMERGENCY_ZH}"
        ),
        format!(
            "the message carries no procedure code, so the grant cannot be checked; choose the procedure from the catalogue and send again. {EMERGENCY_EN}"
        ),
    )
}

/// `technique-not-admitted`: first use here, and its 论证 is not passed (SG 18, MT 21, HN 四(一)).
/// Nothing lifts it.
pub(super) fn not_admitted(case: &Case<'_>) -> Option<Told> {
    let item = case.item()?;
    if item.admission != Admission::Pending {
        return None;
    }
    about(
        Rule::TechniqueNotAdmitted,
        format!("{}系本机构首次开展，尚未通过论证，{CALL_ZH}", procedure(case)),
        format!("{} is new to this institution and has not been admitted; {CALL_EN}", item.code),
    )
}

/// `technique-monitored`: on the watch list of the institution or the city (SG 29, SZ 5).
pub(super) fn monitored(case: &Case<'_>) -> Option<Told> {
    let hits: Vec<&Listed> = case.in_force(ListKind::Monitored).collect();
    if hits.is_empty() {
        return None;
    }
    let (names_zh, names_en) = names(&hits);
    about(
        Rule::TechniqueMonitored,
        format!("{}属重点监管技术（{names_zh}），列入重点核查。", procedure(case)),
        format!("{} is on a watch list ({names_en}) and is checked in particular", code(case)),
    )
}

/// `special-regime`: organ transplant, assisted reproduction, cell therapy: other law applies besides;
/// privileges are judged all the same (SG 32, MT 47).
pub(super) fn special_regime(case: &Case<'_>) -> Option<Told> {
    let hits: Vec<&Listed> = case.in_force(ListKind::SpecialRegime).collect();
    if hits.is_empty() {
        return None;
    }
    let (names_zh, names_en) = names(&hits);
    about(
        Rule::SpecialRegime,
        format!("{}另有专门法律法规规定（{names_zh}），请按有关规定执行。", procedure(case)),
        format!("{} is also governed by special law ({names_en}); follow it as well", code(case)),
    )
}

/// `grade-understated`: the message states a grade below the effective one (SG 11). Compared, never
/// trusted.
pub(super) fn grade_understated(case: &Case<'_>) -> Option<Told> {
    let effective = case.grade()?;
    let stated = case.line.stated_grade.filter(|stated| *stated < effective)?;
    about(
        Rule::GradeUnderstated,
        format!(
            "申请中填写的手术级别为{}，{}应为{}；请核对手术级别。",
            stated.chinese(),
            procedure(case),
            effective.chinese()
        ),
        format!(
            "the message states grade {}, {} is grade {}; check the grade",
            stated.number(),
            code(case),
            effective.number()
        ),
    )
}

/// `specialty-mismatch`: the item's 诊疗科目 is not among those registered (MQ 16, MT 17 43(一)). An
/// institution that names none is not checked.
pub(super) fn specialty_mismatch(case: &Case<'_>, policy: &Policy) -> Option<Told> {
    let item = case.item()?;
    let specialty = item.specialty.as_deref().map(str::trim).filter(|name| !name.is_empty())?;
    let registered = &policy.specialties;
    if registered.is_empty() || registered.iter().any(|own| own.trim() == specialty) {
        return None;
    }
    about(
        Rule::SpecialtyMismatch,
        format!(
            "{}所属诊疗科目“{specialty}”不在本机构核准登记的诊疗科目内；请联系医务科。{EMERGENCY_ZH}",
            procedure(case)
        ),
        format!(
            "the specialty of {} is not registered for this institution; call medical affairs. {EMERGENCY_EN}",
            item.code
        ),
    )
}
