//! The verdict as JSON (contract §4), for the ledger, `explain`, alerts and decision interfaces.
//!
//! Fields stand in alphabetical order, so that what is written is canonical as it comes.

use jiff::tz::TimeZone;
use serde::Serialize;

use crate::domain::verdict::{CaseVerdict, Verdict};

/// A verdict as written.
#[derive(Debug, Serialize)]
pub struct VerdictJson<'v> {
    #[serde(skip_serializing_if = "Option::is_none")]
    action: Option<&'static str>,
    cases: Vec<CaseJson<'v>>,
    decision: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    entry: Option<&'v str>,
    gaps: Vec<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    operating_time: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stage: Option<&'static str>,
    stance: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    urgency: Option<&'static str>,
}

#[derive(Debug, Serialize)]
struct CaseJson<'v> {
    findings: Vec<FindingJson<'v>>,
    procedure: ProcedureJson<'v>,
    surgeon: SurgeonJson<'v>,
}

#[derive(Debug, Serialize)]
struct ProcedureJson<'v> {
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'v str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    grade: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'v str>,
}

#[derive(Debug, Serialize)]
struct SurgeonJson<'v> {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'v str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'v str>,
}

#[derive(Debug, Serialize)]
struct FindingJson<'v> {
    cites: Vec<String>,
    effect: &'static str,
    lifted: bool,
    rule: &'static str,
    text_en: &'v str,
    text_zh: &'v str,
}

impl<'v> VerdictJson<'v> {
    /// Writes `verdict`, times in `zone`, with the ledger entry it is recorded under.
    pub fn new(verdict: &'v Verdict, zone: &TimeZone, entry: Option<&'v str>) -> Self {
        let operating_time = verdict.operating_time.map(|time| {
            let zoned = time.to_zoned_datetime(zone.clone());
            zoned.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string()
        });
        Self {
            action: verdict.action.map(|a| a.as_str()),
            cases: verdict.cases.iter().map(CaseJson::new).collect(),
            decision: verdict.decision.as_str(),
            entry,
            gaps: verdict.gaps.iter().map(|gap| gap.as_str()).collect(),
            operating_time,
            stage: verdict.stage.map(|s| s.as_str()),
            stance: verdict.stance.as_str(),
            urgency: verdict.urgency.map(|u| u.as_str()),
        }
    }
}

impl<'v> CaseJson<'v> {
    fn new(case: &'v CaseVerdict) -> Self {
        let findings = case.findings.iter().map(|finding| FindingJson {
            cites: finding.cites.iter().map(ToString::to_string).collect(),
            effect: finding.effect.as_str(),
            lifted: finding.lifted,
            rule: finding.rule.as_str(),
            text_en: &finding.text_en,
            text_zh: &finding.text_zh,
        });
        Self {
            findings: findings.collect(),
            procedure: ProcedureJson {
                code: case.procedure.as_ref().map(|code| code.as_str()),
                grade: case.grade.map(|grade| grade.number()),
                name: case.procedure_name.as_deref(),
            },
            surgeon: SurgeonJson {
                id: case.surgeon.as_ref().map(|id| id.as_str()),
                name: case.surgeon_name.as_deref(),
            },
        }
    }
}
