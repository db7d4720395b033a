//! Consequences as rows: a gate that sees a version reads what it made impossible.

use jiff::civil::Date;
use sqlx::{AnyConnection, Row};

use crate::domain::consequence::{Consequence, ConsequenceKind};
use crate::domain::procedure::Grade;
use crate::domain::surgeon::SurgeonId;
use crate::domain::technique::ListCode;
use crate::register::error::RegisterError;
use crate::register::import::consequence::MAX_LOSSES;

/// Writes the consequences of `version`.
///
/// # Errors
/// The source does not answer.
pub async fn store(
    connection: &mut AnyConnection,
    version: i64,
    consequences: &[Consequence],
) -> Result<(), RegisterError> {
    for one in consequences {
        let codes: Vec<String> = one.codes.iter().map(ListCode::written).collect();
        let day = |day: Option<Date>| day.map_or_else(String::new, |day| day.to_string());
        let grade = one.up_to_grade.map_or_else(String::new, |grade| grade.number().to_string());
        sqlx::query(
            "insert into consequences (version, kind, subject, codes, up_to_grade, diagnoses, \
             surgeon_id, from_day, to_day) values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        )
        .bind(version)
        .bind(one.kind.as_str())
        .bind(one.subject.as_str())
        .bind(codes.join(";"))
        .bind(grade)
        .bind(one.diagnoses.join(";"))
        .bind(one.surgeon.as_ref().map_or("", SurgeonId::as_str))
        .bind(day(one.from))
        .bind(day(one.to))
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}

/// The consequences of every version after `known`, oldest first, at most [`MAX_LOSSES`].
///
/// # Errors
/// The source does not answer, or holds what this program does not write.
pub async fn stored_after(
    connection: &mut AnyConnection,
    known: i64,
) -> Result<Vec<(i64, Consequence)>, RegisterError> {
    let rows = sqlx::query(
        "select version, kind, subject, codes, up_to_grade, diagnoses, surgeon_id, from_day, to_day \
         from consequences where version > $1 order by version",
    )
    .bind(known)
    .fetch_all(connection)
    .await?;
    rows.iter().take(MAX_LOSSES).map(read).collect()
}

fn read(row: &sqlx::any::AnyRow) -> Result<(i64, Consequence), RegisterError> {
    let odd = |column| RegisterError::Row { table: "consequences", column };
    let text = |at: usize| -> Result<&str, RegisterError> { Ok(row.try_get(at)?) };
    let list = |text: &str| -> Vec<String> {
        text.split(';').filter(|part| !part.is_empty()).map(str::to_owned).collect()
    };
    let day = |text: &str, column| match text {
        "" => Ok(None),
        text => text.parse::<Date>().map(Some).map_err(|_| odd(column)),
    };
    let grade = match text(4)? {
        "" => None,
        text => {
            Some(text.parse().ok().and_then(Grade::from_number).ok_or_else(|| odd("up_to_grade"))?)
        }
    };
    let consequence = Consequence {
        kind: ConsequenceKind::of_name(text(1)?).ok_or_else(|| odd("kind"))?,
        subject: text(2)?.to_owned(),
        codes: list(text(3)?).iter().filter_map(|code| ListCode::new(code)).collect(),
        up_to_grade: grade,
        diagnoses: list(text(5)?),
        surgeon: SurgeonId::new(text(6)?),
        from: day(text(7)?, "from_day")?,
        to: day(text(8)?, "to_day")?,
    };
    Ok((row.try_get(0)?, consequence))
}
