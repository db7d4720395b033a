//! A pull → the register, in one transaction: checked as an import is, all or nothing; the differences written as one
//! version.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use futures_util::TryStreamExt as _;
use jiff::Timestamp;
use sqlx::{AnyConnection, AssertSqlSafe, Row as _};

use crate::domain::consequence::Consequence;
use crate::register::error::RegisterError;
use crate::register::import::apply::{self, Counts, Difference, RowChange};
use crate::register::import::consequence;
use crate::register::import::grants::GRANTS;
use crate::register::import::policy::Policy;
use crate::register::import::surgeons::SURGEONS;
use crate::register::record::{Fields, SEPARATOR};
use crate::register::sources::fhir::facts::{Kind, Resource};
use crate::register::sources::fhir::fault::Fault;
use crate::register::sources::fhir::keep::{self, State, Stated};
use crate::register::sources::fhir::loss::{self, Loss};
use crate::register::sources::fhir::merge::{Three, merged};
use crate::register::sources::fhir::stated::stated;
use crate::register::sources::fhir::units::Units;
use crate::register::sources::sql::{self, SqlSource, joined, separator};
use crate::register::table::Table;

/// With more changed rows than this, a whole table is read once instead of row by row.
const ROW_BY_ROW_MAX: usize = 2_000;

/// What was pulled, to be applied.
#[derive(Clone, Debug)]
pub struct Pull {
    /// The pulls that had been applied when it began.
    pub seq: i64,
    /// By what settings it was read.
    pub print: String,
    /// Whether it is the whole of what the server holds.
    pub full: bool,
    /// Resources that are new or say something else.
    pub changed: Vec<Resource>,
    /// Resources that are no longer there.
    pub gone: Vec<(Kind, String)>,
}

/// How it is applied.
#[derive(Clone, Debug)]
pub struct How {
    /// The settings that rows are checked by.
    pub policy: Policy,
    /// Who pulls, for the history.
    pub who: String,
    /// When.
    pub at: Timestamp,
    /// Do everything except commit.
    pub dry_run: bool,
    /// The most rows that may stop permitting, in percent.
    pub loss_max_percent: u64,
    /// Whether somebody has looked, and more may.
    pub accept_losses: bool,
}

/// What it did.
#[derive(Clone, Debug, Default)]
pub struct Applied {
    /// The register version afterwards.
    pub version: i64,
    /// Whether a new version was made.
    pub changed: bool,
    /// Of table `surgeons`; unchanged rows are not counted.
    pub surgeons: Counts,
    /// Of table `grants`.
    pub grants: Counts,
    /// Rows that files had stated and that are the server's from now on.
    pub taken_over: usize,
    /// What it newly prohibits, stops or leaves uncovered.
    pub consequences: Vec<Consequence>,
    /// The rows that differ, as a preview shows them.
    pub rows: Vec<RowChange>,
    /// How far pulls have come.
    pub state: State,
}

/// Why nothing was applied.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// Resources have faults.
    #[error("{} faults in what the FHIR server holds; nothing was applied", .0.len())]
    Faults(Vec<Fault>),
    /// More would be lost than may be.
    #[error(transparent)]
    Loss(#[from] Loss),
    /// Another pull was applied meanwhile.
    #[error("another pull was applied meanwhile")]
    Overtaken,
    /// The register.
    #[error(transparent)]
    Register(#[from] RegisterError),
}

impl From<sqlx::Error> for ApplyError {
    fn from(error: sqlx::Error) -> Self {
        Self::Register(error.into())
    }
}

/// Applies a pull.
///
/// # Errors
/// Whatever is wrong with it; then nothing has changed.
pub async fn apply(source: &SqlSource, pull: &Pull, how: &How) -> Result<Applied, ApplyError> {
    let mut transaction = source.write().await?;
    let before = keep::state(&mut transaction).await?;
    if before.seq != pull.seq {
        return Err(ApplyError::Overtaken);
    }
    let everybody = before.print != pull.print;
    let units = Units::affected(&mut transaction, pull, everybody).await?;
    let (new, faults) = stated(&mut transaction, &units, &how.policy).await?;
    if !faults.is_empty() {
        return Err(ApplyError::Faults(faults));
    }
    let mut base = Vec::new();
    for practitioner in units.practitioners() {
        base.extend(keep::stated_of(&mut transaction, practitioner).await?);
    }
    let totals = keep::counts(&mut transaction).await?;
    let mut applied =
        Applied { version: sql::newest_version(&mut transaction).await?, ..Applied::default() };
    let today = how.at.to_zoned_datetime(how.policy.zone.clone()).date();
    let mut differences = Vec::new();
    for table in [&SURGEONS, &GRANTS] {
        let moved = moved(table, &base, &new);
        let (changes, taken_over) = changes(&mut transaction, table, &moved).await?;
        let total = totals.get(table.name).copied().unwrap_or_default();
        if !how.accept_losses {
            loss::check(table, &changes, (total, how.loss_max_percent), today)?;
        }
        applied.taken_over += taken_over;
        let rows = changes.iter().map(|own| (own.before.as_deref(), own.after.as_deref()));
        differences.push(Difference::of_changes(table, rows));
    }
    if let [surgeons, grants] = &mut differences[..] {
        (applied.surgeons, applied.grants) = (surgeons.counts, grants.counts);
    }
    applied.rows = differences.iter_mut().flat_map(|d| std::mem::take(&mut d.shown)).collect();
    applied.changed = differences.iter().any(|difference| !difference.counts.nothing());
    if applied.changed {
        applied.version += 1;
        enter(&mut transaction, pull, how, &applied).await?;
        apply::write(&mut transaction, &differences, applied.version).await?;
        let losses = differences.iter().map(|difference| &difference.losses);
        applied.consequences = consequence::find(&mut transaction, losses, today).await?;
        consequence::store(&mut transaction, applied.version, &applied.consequences).await?;
    }
    keep(&mut transaction, pull, (&base, &new)).await?;
    applied.state = State {
        seq: before.seq + 1,
        print: pull.print.clone(),
        pulled_at: Some(how.at),
        full_at: if pull.full { Some(how.at) } else { before.full_at },
    };
    keep::set_state(&mut transaction, &applied.state).await?;
    if how.dry_run {
        transaction.rollback().await?;
    } else {
        transaction.commit().await?;
    }
    Ok(applied)
}

/// Keeps what was pulled.
async fn keep(
    connection: &mut AnyConnection,
    pull: &Pull,
    (base, new): (&[Stated], &[Stated]),
) -> Result<(), RegisterError> {
    keep::put(connection, &pull.changed, &pull.gone).await?;
    let as_before: HashMap<(&str, &str), &Stated> =
        base.iter().map(|own| ((own.table, own.key.as_str()), own)).collect();
    let same = |own: &Stated| as_before.get(&(own.table, own.key.as_str())) == Some(&own);
    let stays: HashSet<(&str, &str)> =
        new.iter().filter(|own| same(own)).map(|own| (own.table, own.key.as_str())).collect();
    let forgotten = base.iter().filter(|own| !stays.contains(&(own.table, own.key.as_str())));
    let forgotten = forgotten.map(|own| (own.table, own.key.clone())).collect();
    let kept: Vec<&Stated> = new.iter().filter(|own| !same(own)).collect();
    keep::put_stated(connection, &kept, &forgotten).await
}

/// A row of which the server says something else than before, by key: before and now.
type Moved<'s> = BTreeMap<&'s str, (Option<&'s str>, Option<&'s str>)>;

fn moved<'s>(table: &Table, base: &'s [Stated], new: &'s [Stated]) -> Moved<'s> {
    let mut moved = Moved::new();
    for own in base.iter().filter(|own| own.table == table.name) {
        moved.entry(&own.key).or_default().0 = Some(&own.record);
    }
    for own in new.iter().filter(|own| own.table == table.name) {
        moved.entry(&own.key).or_default().1 = Some(&own.record);
    }
    moved.retain(|_, (before, now)| before != now);
    moved
}

/// What becomes of a row.
#[derive(Debug)]
pub(super) struct Change {
    /// As it stands in the register.
    pub(super) before: Option<String>,
    /// As it will.
    pub(super) after: Option<String>,
    /// Whether the server stated it before.
    pub(super) pulled: bool,
}

/// What becomes of the rows that moved, and how many of them files had stated.
async fn changes(
    connection: &mut AnyConnection,
    table: &'static Table,
    moved: &Moved<'_>,
) -> Result<(Vec<Change>, usize), RegisterError> {
    let keys: BTreeSet<&str> = moved.keys().copied().collect();
    let mut here = current(connection, table, &keys).await?;
    let (mut changes, mut taken_over) = (Vec::new(), 0);
    for (key, (base, there)) in moved {
        let before = here.remove(*key);
        let three = Three { base: *base, here: before.as_deref(), there: *there };
        let after = merged(table, three);
        // A row that a file has stated, and the server states for the first time.
        taken_over += usize::from(base.is_none() && before.is_some());
        if before != after {
            changes.push(Change { before, after, pulled: base.is_some() });
        }
    }
    Ok((changes, taken_over))
}

/// The current records of these keys.
async fn current(
    connection: &mut AnyConnection,
    table: &'static Table,
    keys: &BTreeSet<&str>,
) -> Result<HashMap<String, String>, RegisterError> {
    let mut found = HashMap::new();
    let list = format!("select {} from {} where to_version is null", joined(table), table.name);
    if keys.len() > ROW_BY_ROW_MAX {
        let mut rows = sqlx::query(AssertSqlSafe(list)).bind(separator()).fetch(connection);
        while let Some(row) = rows.try_next().await? {
            let record: &str = row.try_get(0)?;
            let key = table.key_of(&Fields::split(table, record));
            if keys.contains(key.as_str()) {
                found.insert(key, record.to_owned());
            }
        }
        return Ok(found);
    }
    let columns = table.key.iter().enumerate();
    let conditions = columns.map(|(at, column)| format!(" and \"{column}\" = ${}", at + 2));
    let sql = format!("{list}{}", conditions.collect::<String>());
    for key in keys {
        let mut query = sqlx::query(AssertSqlSafe(sql.as_str())).bind(separator());
        for part in key.split(SEPARATOR) {
            query = query.bind(part);
        }
        if let Some(row) = query.fetch_optional(&mut *connection).await? {
            found.insert((*key).to_owned(), row.try_get(0)?);
        }
    }
    Ok(found)
}

async fn enter(
    connection: &mut AnyConnection,
    pull: &Pull,
    how: &How,
    applied: &Applied,
) -> Result<(), RegisterError> {
    let told = |name: &str, c: &Counts| format!("{name} +{} ~{} -{}", c.added, c.changed, c.ended);
    let kind = if pull.full { "full" } else { "incremental" };
    let (surgeons, grants) = (told("surgeons", &applied.surgeons), told("grants", &applied.grants));
    let accepted = if how.accept_losses { ", losses accepted" } else { "" };
    sqlx::query("insert into versions (version, at, who, what) values ($1, $2, $3, $4)")
        .bind(applied.version)
        .bind(how.at.to_string())
        .bind(how.who.as_str())
        .bind(format!("fhir {kind}{accepted}: {surgeons}; {grants}"))
        .execute(connection)
        .await?;
    Ok(())
}
