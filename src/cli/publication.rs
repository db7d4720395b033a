//! What the institution publishes (SG 13 14, MT 24) and the reports it owes: rows for `orgate export`.

use std::collections::BTreeMap;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use crate::cases::figures::{COLUMNS, Cell, Figures};
use crate::cases::report::Report;
use crate::cli::sheet::Sheet;
use crate::domain::catalogue::Catalogue;
use crate::domain::procedure::{Grade, Procedure, ProcedureCode, ProcedureStatus};
use crate::domain::technique::{DossierState, ListKind, ListLevel, Lists};

/// The grade that counts: 4 for what a national or provincial list restricts (SG 20).
fn effective(procedure: &Procedure, lists: &Lists, day: Date) -> Grade {
    let mut codes: Vec<ProcedureCode> = vec![procedure.code.clone()];
    codes.extend(procedure.aliases.iter().cloned());
    let raised = lists.about(&codes, day).any(|technique| technique.raises_grade());
    if raised { Grade::Four } else { procedure.grade }
}

/// 三、四级手术目录 (SG 13 14): the grade-3 and grade-4 catalogue in force on `day`, with version and date.
pub(super) fn catalogue(catalogue: &Catalogue, lists: &Lists, day: Date) -> Sheet {
    let columns =
        ["code", "name", "grade", "code_system", "specialty", "status", "version", "date"];
    let mut sheet = Sheet::new(&columns);
    for procedure in catalogue.items().iter().filter(|procedure| procedure.in_force(day)) {
        let grade = effective(procedure, lists, day);
        if grade < Grade::Three {
            continue;
        }
        let status = match procedure.status {
            ProcedureStatus::Active => "active",
            ProcedureStatus::Suspended => "suspended",
            ProcedureStatus::Stopped => "stopped",
        };
        sheet.row(vec![
            json!(procedure.code.as_str()),
            json!(procedure.name),
            json!(grade.number()),
            json!(procedure.code_system),
            json!(procedure.specialty),
            json!(status),
            json!(catalogue.version()),
            json!(day.to_string()),
        ]);
    }
    sheet
}

/// 限制类技术目录 (MT 24): the restricted techniques in force on `day`, with the institution's filing.
pub(super) fn restricted(lists: &Lists, day: Date) -> Sheet {
    let columns = [
        "item",
        "name",
        "list",
        "codes",
        "document",
        "first_case_on",
        "filed_on",
        "filing_no",
        "state",
        "version",
        "date",
    ];
    let mut sheet = Sheet::new(&columns);
    let restricted = lists
        .techniques
        .iter()
        .filter(|technique| technique.kind == ListKind::Restricted && technique.in_force(day));
    for technique in restricted {
        let level = match technique.level {
            ListLevel::National => "national",
            ListLevel::Provincial => "provincial",
            ListLevel::City => "city",
            ListLevel::Institution => "institution",
        };
        let dossier = lists.dossier(&technique.item);
        let date = |of: Option<Date>| json!(of.map(|day| day.to_string()));
        let state = dossier.map(|dossier| match dossier.state {
            DossierState::Active => "active",
            DossierState::Suspended => "suspended",
            DossierState::Stopped => "stopped",
            DossierState::Cancelled => "cancelled",
        });
        let codes: Vec<String> = technique.codes.iter().map(|code| code.written()).collect();
        sheet.row(vec![
            json!(technique.item),
            json!(technique.name),
            json!(level),
            json!(codes.join(";")),
            json!(technique.document),
            date(dossier.and_then(|dossier| dossier.first_case_on)),
            date(dossier.and_then(|dossier| dossier.filed_on)),
            json!(dossier.and_then(|dossier| dossier.filing_no.clone())),
            json!(state),
            json!(lists.version),
            json!(day.to_string()),
        ]);
    }
    sheet
}

/// 逐例上报 (MT 37, HN 三): one row a report. Holds patient and order numbers: it is for the platform.
pub(super) fn cases(reports: &[Report], zone: &TimeZone, today: Date, due_days: u32) -> Sheet {
    let columns = [
        "entry",
        "technique",
        "kind",
        "order_no",
        "patient_id",
        "procedure",
        "grade",
        "surgeon_id",
        "department",
        "day",
        "performed",
        "opened_on",
        "due_on",
        "state",
        "sent_at",
    ];
    let mut sheet = Sheet::new(&columns);
    for report in reports {
        let text = |text: Option<&str>| json!(text);
        sheet.row(vec![
            json!(report.entry),
            json!(report.technique),
            json!(report.kind.as_str()),
            text(report.order_no.as_ref().map(|number| number.reveal())),
            text(report.patient.as_ref().map(|number| number.reveal())),
            text(report.procedure.as_ref().map(|code| code.as_str())),
            json!(report.grade.map(Grade::number)),
            text(report.surgeon.as_ref().map(|surgeon| surgeon.as_str())),
            json!(report.department),
            json!(report.day.to_string()),
            json!(if report.performed { "yes" } else { "no" }),
            json!(zone.to_datetime(report.opened_at).date().to_string()),
            json!(report.due(due_days).to_string()),
            json!(report.state(today, due_days).as_str()),
            json!(report.sent_at.map(|at| zone.to_datetime(at).date().to_string())),
        ]);
    }
    sheet
}

/// 监管指标 (SG 27): one row for each month, checkpoint, department, surgeon and grade.
pub(super) fn supervision(cells: &BTreeMap<Cell, Figures>) -> Sheet {
    let mut sheet = Sheet::new(&COLUMNS);
    for (cell, figures) in cells {
        let mut row: Vec<Value> = vec![
            json!(cell.month.strftime("%Y-%m").to_string()),
            json!(cell.stage.as_str()),
            json!(cell.department),
            json!(cell.surgeon.as_ref().map(|surgeon| surgeon.as_str())),
            json!(cell.grade.map(Grade::number)),
        ];
        row.extend(figures.numbers().map(Value::from));
        sheet.row(row);
    }
    sheet
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;
    use crate::domain::procedure::{Admission, Ethics};
    use crate::domain::technique::{ListCode, Technique};

    fn procedure(code: &str, grade: Grade) -> Procedure {
        Procedure {
            code: ProcedureCode::new(code).unwrap(),
            name: format!("手术{code}"),
            grade,
            code_system: None,
            aliases: Vec::new(),
            reference_grade: None,
            grade_document: None,
            specialty: None,
            status: ProcedureStatus::Active,
            status_reason: None,
            admission: Admission::Established,
            ethics: Ethics::NotRequired,
            valid_from: None,
            valid_to: None,
        }
    }

    fn lists() -> Lists {
        let technique = Technique {
            item: "N-1".to_owned(),
            kind: ListKind::Restricted,
            level: ListLevel::National,
            name: "体外膜肺氧合".to_owned(),
            codes: vec![ListCode::new("39.65*").unwrap()],
            diagnoses: Vec::new(),
            valid_from: None,
            valid_to: None,
            document: None,
        };
        Lists::new(7, vec![technique], Vec::new())
    }

    #[test]
    fn grades_three_and_four_are_published_and_what_a_list_restricts_counts_as_four() {
        let items = [("39.6500", Grade::Two), ("51.2300", Grade::Three), ("47.0900", Grade::One)];
        let items = items.map(|(code, grade)| procedure(code, grade)).to_vec();
        let sheet = catalogue(&Catalogue::new(3, items), &lists(), date(2026, 3, 2));
        let text = String::from_utf8(sheet.csv(false)).unwrap();
        let expected = "code,name,grade,code_system,specialty,status,version,date\n\
            39.6500,手术39.6500,4,,,active,3,2026-03-02\n\
            51.2300,手术51.2300,3,,,active,3,2026-03-02\n";
        assert_eq!(text, expected);
    }

    #[test]
    fn restricted_techniques_are_published_with_or_without_a_dossier() {
        let sheet = restricted(&lists(), date(2026, 3, 2));
        let rows: Value = serde_json::from_str(&sheet.json()).unwrap();
        assert_eq!(rows[0]["item"], "N-1");
        assert_eq!(rows[0]["codes"], "3965*");
        assert_eq!(rows[0]["version"], 7);
        assert!(rows[0].get("filing_no").is_none());
    }
}
