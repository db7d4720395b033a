//! Changes by a person, effective on the next order: a grant, a surgeon, a technique or a catalogue item suspended
//! and resumed (SG 17 28, MT 22), with who and why. Written as imports are: a new version, history kept.

use jiff::Timestamp;
use jiff::civil::Date;
use sqlx::{AnyConnection, AssertSqlSafe, Row};
use thiserror::Error;

use crate::domain::consequence::Consequence;
use crate::domain::indexed::literal;
use crate::domain::procedure::{Grade, ProcedureCode};
use crate::register::error::RegisterError;
use crate::register::import::apply::{self, Difference};
use crate::register::import::catalogue::CATALOGUE;
use crate::register::import::consequence;
use crate::register::import::dossiers::DOSSIERS;
use crate::register::import::grants::GRANTS;
use crate::register::import::surgeons::SURGEONS;
use crate::register::record::{Fields, SEPARATOR};
use crate::register::sources::sql::{self, SqlSource, joined, separator};
use crate::register::table::Table;

/// Longest reason that is kept in the history, in characters; beyond, it is cut.
const REASON_MAX: usize = 500;

/// What a change is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// Every grant to perform of a surgeon for one item.
    Grants {
        /// Who.
        surgeon: String,
        /// Which item.
        code: ProcedureCode,
    },
    /// Every grade-wide grant to perform of a surgeon, of one grade.
    GradeWide {
        /// Who.
        surgeon: String,
        /// Which grade.
        grade: Grade,
    },
    /// A surgeon, for everything.
    Surgeon(String),
    /// A regulated technique in this house: its dossier, begun if there is none.
    Technique(String),
    /// A catalogue item.
    Procedure(ProcedureCode),
}

/// Which way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// From `active` to `suspended`.
    Suspend,
    /// Back. What was stopped, revoked or cancelled, or has left, is not resumed here: that needs its document.
    Resume,
}

impl Turn {
    fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Suspend => ("active", "suspended"),
            Self::Resume => ("suspended", "active"),
        }
    }

    /// `suspend` or `resume`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Suspend => "suspend",
            Self::Resume => "resume",
        }
    }
}

/// A change as a person wants it.
#[derive(Clone, Debug)]
pub struct Change {
    /// Of what.
    pub subject: Subject,
    /// Which way.
    pub turn: Turn,
    /// Why; mandatory.
    pub reason: String,
    /// Who, for the history.
    pub who: String,
    /// When.
    pub at: Timestamp,
    /// The day at the hospital.
    pub today: Date,
}

/// What a change did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changed {
    /// The register version it made.
    pub version: i64,
    /// How many rows.
    pub rows: usize,
    /// What it newly stops or leaves uncovered.
    pub consequences: Vec<Consequence>,
}

/// Why nothing was changed.
#[derive(Debug, Error)]
pub enum ChangeError {
    /// Nothing but blanks.
    #[error("a reason is needed, write one")]
    NoReason,
    /// No such row.
    #[error("the register holds nothing of that name, look it up again")]
    Unknown,
    /// No row in the state that the change begins from.
    #[error("nothing there can be changed that way, it is so already or needs its document")]
    Nothing,
    /// The register.
    #[error(transparent)]
    Register(#[from] RegisterError),
}

impl From<sqlx::Error> for ChangeError {
    fn from(error: sqlx::Error) -> Self {
        Self::Register(error.into())
    }
}

impl Subject {
    fn table(&self) -> &'static Table {
        match self {
            Self::Grants { .. } | Self::GradeWide { .. } => &GRANTS,
            Self::Surgeon(_) => &SURGEONS,
            Self::Technique(_) => &DOSSIERS,
            Self::Procedure(_) => &CATALOGUE,
        }
    }

    fn status(&self) -> &'static str {
        if matches!(self, Self::Technique(_)) { "state" } else { "status" }
    }

    /// Which current rows, with what is bound from `$2` on.
    fn condition(&self) -> (&'static str, Vec<String>) {
        match self {
            Self::Grants { surgeon, code } => (
                "\"surgeon_id\" = $2 and \"code\" = $3 and \"right\" = 'perform'",
                vec![surgeon.clone(), code.to_string()],
            ),
            Self::GradeWide { surgeon, grade } => (
                "\"surgeon_id\" = $2 and \"grade\" = $3 and \"code\" = '' and \"right\" = 'perform'",
                vec![surgeon.clone(), grade.number().to_string()],
            ),
            Self::Surgeon(id) => ("\"surgeon_id\" = $2", vec![id.clone()]),
            Self::Technique(item) => ("\"item\" = $2", vec![item.clone()]),
            Self::Procedure(code) => ("\"code\" = $2", vec![code.to_string()]),
        }
    }

    /// For the history.
    pub fn words(&self) -> String {
        let (_, names) = self.condition();
        format!("{} {}", self.table().name, names.join(" "))
    }
}

/// Makes a change, in one transaction.
///
/// # Errors
/// When there is nothing to change or the register does not answer; then nothing has changed.
pub async fn change(source: &SqlSource, change: &Change) -> Result<Changed, ChangeError> {
    let reason = change.reason.trim();
    if reason.is_empty() {
        return Err(ChangeError::NoReason);
    }
    let mut transaction = source.write().await?;
    let (from, to) = change.turn.words();
    let mut rows = turned(&mut transaction, &change.subject, from, to).await?;
    if rows.is_empty()
        && let Some(begun) = begun_dossier(&mut transaction, change, to).await?
    {
        rows.push((None, begun));
    }
    if rows.is_empty() {
        return Err(ChangeError::Nothing);
    }
    let difference = Difference::of_rows(change.subject.table(), &rows);
    let version = sql::newest_version(&mut transaction).await? + 1;
    let reason: String = reason.chars().take(REASON_MAX).collect();
    let what = format!("{} {}: {reason}", change.turn.as_str(), change.subject.words());
    sqlx::query("insert into versions (version, at, who, what) values ($1, $2, $3, $4)")
        .bind(version)
        .bind(change.at.to_string())
        .bind(change.who.as_str())
        .bind(what)
        .execute(&mut *transaction)
        .await?;
    let differences = [difference];
    apply::write(&mut transaction, &differences, version).await?;
    let losses = differences.iter().map(|difference| &difference.losses);
    let consequences = consequence::find(&mut transaction, losses, change.today).await?;
    consequence::store(&mut transaction, version, &consequences).await?;
    transaction.commit().await?;
    Ok(Changed { version, rows: rows.len(), consequences })
}

/// Whether a change was ever made for a reason, which is unlike any other's.
///
/// # Errors
/// The register does not answer.
pub async fn was_made(source: &SqlSource, reason: &str) -> Result<bool, ChangeError> {
    let mut transaction = source.read().await?;
    let sql = "select count(*) from versions where what like $1 escape '\\'";
    let query = sqlx::query(sql).bind(format!("%: {}", literal(reason)));
    Ok(query.fetch_one(&mut *transaction).await?.try_get::<i64, _>(0)? > 0)
}

/// Whether the change would do anything; for forms.
///
/// # Errors
/// The register does not answer.
pub async fn possible(
    source: &SqlSource,
    subject: &Subject,
    turn: Turn,
) -> Result<bool, ChangeError> {
    let (from, to) = turn.words();
    let mut transaction = source.read().await?;
    match turned(&mut transaction, subject, from, to).await {
        Ok(rows) => Ok(!rows.is_empty()),
        Err(ChangeError::Unknown) => Ok(false),
        Err(error) => Err(error),
    }
}

/// The current rows of a subject in state `from`, and what they become.
async fn turned(
    connection: &mut AnyConnection,
    subject: &Subject,
    from: &str,
    to: &str,
) -> Result<Vec<(Option<String>, String)>, ChangeError> {
    let table = subject.table();
    let (condition, names) = subject.condition();
    let (list, name) = (joined(table), table.name);
    let sql = format!("select {list} from {name} where {condition} and to_version is null");
    let mut query = sqlx::query(AssertSqlSafe(sql)).bind(separator());
    for name in &names {
        query = query.bind(name.as_str());
    }
    let rows = query.fetch_all(connection).await?;
    if rows.is_empty() && !matches!(subject, Subject::Technique(_)) {
        return Err(ChangeError::Unknown);
    }
    let mut turned = Vec::new();
    for row in &rows {
        let record: String = row.try_get(0)?;
        if Fields::split(table, &record).get(subject.status()) == from {
            let after = with(table, &record, subject.status(), to);
            turned.push((Some(record), after));
        }
    }
    Ok(turned)
}

/// A dossier for a technique of a list that has none, so that it can be suspended.
async fn begun_dossier(
    connection: &mut AnyConnection,
    change: &Change,
    to: &str,
) -> Result<Option<String>, ChangeError> {
    let Subject::Technique(item) = &change.subject else { return Ok(None) };
    let count = async |connection: &mut AnyConnection, table: &str| {
        let sql =
            format!("select count(*) from {table} where \"item\" = $1 and to_version is null");
        let row = sqlx::query(AssertSqlSafe(sql)).bind(item.as_str()).fetch_one(connection).await?;
        row.try_get::<i64, _>(0)
    };
    let dossiers = count(&mut *connection, "dossiers").await?;
    let listed = count(&mut *connection, "techniques").await?;
    match (dossiers, listed, change.turn) {
        (0, 0, _) => Err(ChangeError::Unknown),
        (0, _, Turn::Suspend) => {
            let blank = SEPARATOR.to_string().repeat(DOSSIERS.columns.len().saturating_sub(1));
            let record = with(&DOSSIERS, &blank, "item", item);
            Ok(Some(with(&DOSSIERS, &record, "state", to)))
        }
        _ => Ok(None),
    }
}

/// A record with one cell changed.
fn with(table: &Table, record: &str, column: &str, cell: &str) -> String {
    let place = table.position(column);
    let cells = record.split(SEPARATOR).enumerate();
    let cells = cells.map(|(at, own)| if Some(at) == place { cell } else { own });
    cells.collect::<Vec<_>>().join(&SEPARATOR.to_string())
}
