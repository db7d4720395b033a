//! Records → nouns. Import has checked every cell, so what cannot be read here was written by another hand.

use jiff::Timestamp;
use jiff::civil::Date;

use crate::domain::calendar::DayKind;
use crate::domain::discussion::{Conclusion, Content, Discussion};
use crate::domain::grant::{Grant, GrantStatus, Right, Scope, Supervision};
use crate::domain::order::Redacted;
use crate::domain::procedure::{
    Admission, Ethics, Grade, Procedure, ProcedureCode, ProcedureStatus,
};
use crate::domain::surgeon::{Base, Surgeon, SurgeonId, SurgeonStatus};
use crate::domain::technique::{Dossier, DossierState, ListCode, ListKind, ListLevel, Technique};
use crate::register::error::RegisterError;
use crate::register::record::Fields;
use crate::register::roster::Shift;

/// A catalogue item.
///
/// # Errors
/// [`RegisterError::Row`], like the others here.
pub fn procedure(row: &Fields<'_>) -> Result<Procedure, RegisterError> {
    Ok(Procedure {
        code: code(row, "code")?.ok_or_else(|| odd(row, "code"))?,
        name: row.get("name").to_owned(),
        grade: grade(row, "grade")?.ok_or_else(|| odd(row, "grade"))?,
        code_system: text(row, "code_system"),
        aliases: row.list("aliases").filter_map(ProcedureCode::new).collect(),
        reference_grade: grade(row, "reference_grade")?,
        grade_document: text(row, "grade_document"),
        specialty: text(row, "specialty"),
        status: word(
            row,
            "status",
            &[
                ("active", ProcedureStatus::Active),
                ("suspended", ProcedureStatus::Suspended),
                ("stopped", ProcedureStatus::Stopped),
            ],
        )?,
        status_reason: text(row, "status_reason"),
        admission: word(
            row,
            "admission",
            &[
                ("established", Admission::Established),
                ("pending", Admission::Pending),
                ("approved", Admission::Approved),
            ],
        )?,
        ethics: word(
            row,
            "ethics",
            &[
                ("not-required", Ethics::NotRequired),
                ("pending", Ethics::Pending),
                ("approved", Ethics::Approved),
            ],
        )?,
        valid_from: date(row, "valid_from")?,
        valid_to: date(row, "valid_to")?,
    })
}

/// A surgeon, holding `grants`.
pub fn surgeon(row: &Fields<'_>, mut grants: Vec<Grant>) -> Result<Surgeon, RegisterError> {
    // Held for hours, and by the thousand: a list that grew to fifty has room for sixty-four.
    grants.shrink_to_fit();
    Ok(Surgeon {
        id: id(row)?,
        name: row.get("name").to_owned(),
        department: text(row, "department"),
        status: word(
            row,
            "status",
            &[
                ("active", SurgeonStatus::Active),
                ("suspended", SurgeonStatus::Suspended),
                ("left", SurgeonStatus::Left),
            ],
        )?,
        licence_to: date(row, "licence_to")?,
        base: word(row, "base", &[("primary", Base::Primary), ("multi-site", Base::MultiSite)])?,
        grants,
    })
}

/// A grant.
pub fn grant(row: &Fields<'_>) -> Result<Grant, RegisterError> {
    let scope = match (code(row, "code")?, grade(row, "grade")?) {
        (Some(code), None) => Scope::Item(code),
        (None, Some(grade)) => Scope::GradeWide(grade),
        _ => return Err(odd(row, "code")),
    };
    Ok(Grant {
        scope,
        right: word(row, "right", &[("perform", Right::Perform), ("order", Right::Order)])?,
        sites: row.list("sites").map(str::to_owned).collect(),
        valid_from: date(row, "valid_from")?,
        valid_to: date(row, "valid_to")?,
        status: word(
            row,
            "status",
            &[
                ("active", GrantStatus::Active),
                ("suspended", GrantStatus::Suspended),
                ("revoked", GrantStatus::Revoked),
            ],
        )?,
        document_no: text(row, "document_no"),
        document_on: date(row, "document_on")?,
        evaluated_on: date(row, "evaluated_on")?,
        trained_on: date(row, "trained_on")?,
        supervision: word(
            row,
            "supervision",
            &[("none", Supervision::None), ("required", Supervision::Required)],
        )?,
    })
}

/// A shift of the roster.
pub fn shift(row: &Fields<'_>) -> Result<Shift, RegisterError> {
    Ok(Shift {
        surgeon: id(row)?,
        from: instant(row, "from")?,
        to: instant(row, "to")?,
        site: text(row, "site"),
    })
}

/// A technique of a list.
pub fn technique(row: &Fields<'_>) -> Result<Technique, RegisterError> {
    let codes: Option<Vec<ListCode>> = row.list("codes").map(ListCode::new).collect();
    Ok(Technique {
        item: row.get("item").to_owned(),
        kind: word(
            row,
            "kind",
            &[
                ("prohibited", ListKind::Prohibited),
                ("restricted", ListKind::Restricted),
                ("monitored", ListKind::Monitored),
                ("special-regime", ListKind::SpecialRegime),
            ],
        )?,
        level: word(
            row,
            "list",
            &[
                ("national", ListLevel::National),
                ("provincial", ListLevel::Provincial),
                ("city", ListLevel::City),
                ("institution", ListLevel::Institution),
            ],
        )?,
        name: row.get("name").to_owned(),
        codes: codes.filter(|codes| !codes.is_empty()).ok_or_else(|| odd(row, "codes"))?,
        diagnoses: row.list("diagnoses").map(str::to_owned).collect(),
        valid_from: date(row, "valid_from")?,
        valid_to: date(row, "valid_to")?,
        document: text(row, "document"),
    })
}

/// A dossier.
pub fn dossier(row: &Fields<'_>) -> Result<Dossier, RegisterError> {
    Ok(Dossier {
        item: row.get("item").to_owned(),
        self_assessed_on: date(row, "self_assessed_on")?,
        ethics_approved_on: date(row, "ethics_approved_on")?,
        first_case_on: date(row, "first_case_on")?,
        filed_on: date(row, "filed_on")?,
        filing_no: text(row, "filing_no"),
        state: word(
            row,
            "state",
            &[
                ("active", DossierState::Active),
                ("suspended", DossierState::Suspended),
                ("stopped", DossierState::Stopped),
                ("cancelled", DossierState::Cancelled),
            ],
        )?,
    })
}

/// A discussion. A discipline named twice took part once.
pub fn discussion(row: &Fields<'_>) -> Result<Discussion, RegisterError> {
    let mut disciplines: Vec<String> = Vec::new();
    for discipline in row.list("disciplines") {
        if !disciplines.iter().any(|known| known == discipline) {
            disciplines.push(discipline.to_owned());
        }
    }
    let content = |word: &str| match word {
        "indication" => Some(Content::Indication),
        "approach" => Some(Content::Approach),
        "expectation" => Some(Content::Expectation),
        "risk" => Some(Content::Risk),
        "contingency" => Some(Content::Contingency),
        _ => None,
    };
    let contents: Option<Vec<Content>> = row.list("contents").map(content).collect();
    Ok(Discussion {
        id: row.get("discussion_id").to_owned(),
        patient: Redacted::new(row.get("patient_id")).ok_or_else(|| odd(row, "patient_id"))?,
        held_on: instant(row, "held_on")?,
        order_no: Redacted::new(row.get("order_no")),
        codes: row.list("codes").filter_map(ProcedureCode::new).collect(),
        disciplines,
        contents: contents.ok_or_else(|| odd(row, "contents"))?,
        conclusion: word(
            row,
            "conclusion",
            &[
                ("approved", Conclusion::Approved),
                ("rejected", Conclusion::Rejected),
                ("pending", Conclusion::Pending),
            ],
        )?,
    })
}

/// A day of the calendar.
pub fn calendar_day(row: &Fields<'_>) -> Result<(Date, DayKind), RegisterError> {
    let day = date(row, "date")?.ok_or_else(|| odd(row, "date"))?;
    let kinds = [("holiday", DayKind::Holiday), ("workday", DayKind::Workday)];
    Ok((day, word(row, "kind", &kinds)?))
}

fn instant(row: &Fields<'_>, column: &'static str) -> Result<Timestamp, RegisterError> {
    row.get(column).parse().map_err(|_| odd(row, column))
}

fn odd(row: &Fields<'_>, column: &'static str) -> RegisterError {
    RegisterError::Row { table: row.table().name, column }
}

fn id(row: &Fields<'_>) -> Result<SurgeonId, RegisterError> {
    SurgeonId::new(row.get("surgeon_id")).ok_or_else(|| odd(row, "surgeon_id"))
}

fn text(row: &Fields<'_>, column: &str) -> Option<String> {
    let text = row.get(column);
    (!text.is_empty()).then(|| text.to_owned())
}

fn code(row: &Fields<'_>, column: &'static str) -> Result<Option<ProcedureCode>, RegisterError> {
    match row.get(column) {
        "" => Ok(None),
        text => ProcedureCode::new(text).map(Some).ok_or_else(|| odd(row, column)),
    }
}

fn date(row: &Fields<'_>, column: &'static str) -> Result<Option<Date>, RegisterError> {
    match row.get(column) {
        "" => Ok(None),
        text => text.parse().map(Some).map_err(|_| odd(row, column)),
    }
}

fn grade(row: &Fields<'_>, column: &'static str) -> Result<Option<Grade>, RegisterError> {
    let number = match row.get(column) {
        "" => return Ok(None),
        text => text.parse().ok(),
    };
    number.and_then(Grade::from_number).map(Some).ok_or_else(|| odd(row, column))
}

fn word<T: Copy>(
    row: &Fields<'_>,
    column: &'static str,
    words: &[(&str, T)],
) -> Result<T, RegisterError> {
    let text = row.get(column);
    words
        .iter()
        .find(|(word, _)| *word == text)
        .map(|(_, meaning)| *meaning)
        .ok_or_else(|| odd(row, column))
}
