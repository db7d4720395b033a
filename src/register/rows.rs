//! Records → nouns. Import has checked every cell, so what cannot be read here was written by another hand.

use jiff::Timestamp;
use jiff::civil::Date;

use crate::domain::grant::{Grant, GrantStatus, Right, Scope, Supervision};
use crate::domain::procedure::{
    Admission, Ethics, Grade, Procedure, ProcedureCode, ProcedureStatus,
};
use crate::domain::surgeon::{Base, Surgeon, SurgeonId, SurgeonStatus};
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
pub fn surgeon(row: &Fields<'_>, grants: Vec<Grant>) -> Result<Surgeon, RegisterError> {
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
    let instant = |column| row.get(column).parse::<Timestamp>().map_err(|_| odd(row, column));
    Ok(Shift {
        surgeon: id(row)?,
        from: instant("from")?,
        to: instant("to")?,
        site: text(row, "site"),
    })
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
