//! What a change newly prohibits, stops or leaves uncovered (rules.md §8), as [`Consequence`] values: worked
//! out when the change is written, and stored with its version for the gates that see it.
//!
//! INVARIANT: an operation that was allowed by the tables of this file before, and is not any more, is hit
//! by a consequence, unless the change was larger than [`MAX_LOSSES`].

mod store;
mod term;

use std::collections::HashMap;

use jiff::civil::Date;
use sqlx::{AnyConnection, AssertSqlSafe, Row};

use crate::domain::catalogue::Catalogue;
use crate::domain::consequence::{Consequence, ConsequenceKind};
use crate::domain::grant::{Grant, GrantStatus, Right, Scope};
use crate::domain::procedure::{Grade, Procedure, ProcedureStatus};
use crate::domain::surgeon::SurgeonStatus;
use crate::domain::technique::{DossierState, ListCode, ListKind, Technique};
use crate::register::error::RegisterError;
use crate::register::import::catalogue::CATALOGUE;
use crate::register::import::consequence::term::{Term, minus, term};
use crate::register::import::dossiers::DOSSIERS;
use crate::register::import::grants::GRANTS;
use crate::register::import::surgeons::SURGEONS;
use crate::register::import::techniques::TECHNIQUES;
use crate::register::record::Fields;
use crate::register::rows;
use crate::register::sources::sql::{current, joined, separator};
use crate::register::table::Table;

pub use crate::register::import::consequence::store::{store, stored_after};

/// Rows of one table whose loss is worked out, and consequences that are kept. A hospital that changes
/// more at once exchanges its register; then nobody reads such a list.
pub const MAX_LOSSES: usize = 5_000;

/// The rows of a table that may allow less than before.
#[derive(Debug, Default)]
pub struct Losses {
    pairs: Vec<Pair>,
    /// Techniques of national and provincial lists that are no longer stated.
    pub lifted: Vec<String>,
    /// Rows beyond [`MAX_LOSSES`].
    pub more: u64,
}

#[derive(Debug)]
struct Pair {
    table: &'static Table,
    before: Option<Box<str>>,
    after: Option<Box<str>>,
}

impl Losses {
    /// Looks at a row that begins, changes or ends.
    pub fn look(&mut self, table: &'static Table, before: Option<&str>, after: Option<&str>) {
        let fields = |record| Fields::split(table, record);
        let (old, new) = (before.map(fields), after.map(fields));
        if table.name == "techniques"
            && let (Some(old), None) = (&old, &new)
            && matches!(old.get("list"), "national" | "provincial")
        {
            self.lifted.push(old.get("item").to_owned());
        }
        if !may_lose(table, old.as_ref(), new.as_ref()) {
            return;
        }
        if self.pairs.len() >= MAX_LOSSES {
            self.more += 1;
            return;
        }
        let kept = |record: Option<&str>| record.map(Box::from);
        self.pairs.push(Pair { table, before: kept(before), after: kept(after) });
    }
}

/// A quick look, for millions of rows; what passes is worked out later.
fn may_lose(table: &Table, old: Option<&Fields<'_>>, new: Option<&Fields<'_>>) -> bool {
    let differs = |columns: &[&str]| match (old, new) {
        (Some(old), Some(new)) => columns.iter().any(|name| old.get(name) != new.get(name)),
        _ => true,
    };
    let was = |column, word| old.is_some_and(|old| old.get(column) == word);
    let is_not = |column, word| new.is_some_and(|new| new.get(column) != word);
    match table.name {
        "techniques" => new.is_some_and(|new| new.get("kind") == "prohibited"),
        "dossiers" => is_not("state", "active") && differs(&["state"]),
        "catalogue" => match old {
            None => is_not("status", "active"),
            Some(_) => differs(&["status", "aliases", "valid_from", "valid_to"]),
        },
        "grants" => {
            let usable = was("right", "perform")
                && was("status", "active")
                && old.is_some_and(|old| !old.get("document_no").is_empty());
            usable && differs(&["status", "document_no", "valid_to"])
        }
        "surgeons" => was("status", "active") && differs(&["status", "licence_to"]),
        _ => false,
    }
}

/// Works out what `losses` mean from `today` on. The change must already be written in `connection`.
///
/// # Errors
/// The source does not answer.
pub async fn find<'l>(
    connection: &mut AnyConnection,
    losses: impl Iterator<Item = &'l Losses>,
    today: Date,
) -> Result<Vec<Consequence>, RegisterError> {
    let pairs: Vec<&Pair> = losses.flat_map(|losses| &losses.pairs).collect();
    let any = |table: &str| pairs.iter().any(|pair| pair.table.name == table);
    let mut found = Vec::new();
    let catalogue = if any("catalogue") || any("grants") {
        let records = current(connection, &CATALOGUE).await?;
        let read = |record: &String| rows::procedure(&Fields::split(&CATALOGUE, record));
        Catalogue::new(0, records.iter().map(read).collect::<Result<_, _>>()?)
    } else {
        Catalogue::default()
    };
    let techniques = if any("dossiers") {
        let records = current(connection, &TECHNIQUES).await?;
        let read = |record: &String| rows::technique(&Fields::split(&TECHNIQUES, record));
        records.iter().map(read).collect::<Result<Vec<_>, _>>()?
    } else {
        Vec::new()
    };
    let mut held: HashMap<String, Vec<Grant>> = HashMap::new();
    for pair in pairs {
        let (old, new) = (pair.before.as_deref(), pair.after.as_deref());
        match pair.table.name {
            "techniques" => prohibited(old, new, today, &mut found)?,
            "dossiers" => dossier(new, &techniques, today, &mut found)?,
            "catalogue" => procedure(old, new, &catalogue, today, &mut found)?,
            "surgeons" => surgeon(old, new, today, &mut found)?,
            "grants" => {
                let Some(old) = old else { continue };
                let id = Fields::split(&GRANTS, old).get("surgeon_id").to_owned();
                if !held.contains_key(&id) {
                    held.insert(id.clone(), grants_of(connection, &id).await?);
                }
                let now = held.get(&id).map(Vec::as_slice).unwrap_or_default();
                grant(old, new, now, &catalogue, today, &mut found)?;
            }
            _ => {}
        }
    }
    found.truncate(MAX_LOSSES);
    Ok(found)
}

async fn grants_of(connection: &mut AnyConnection, id: &str) -> Result<Vec<Grant>, RegisterError> {
    let list = joined(&GRANTS);
    let sql = format!("select {list} from grants where \"surgeon_id\" = $2 and to_version is null");
    let held = sqlx::query(AssertSqlSafe(sql)).bind(separator()).bind(id);
    let held = held.fetch_all(connection).await?;
    held.iter().map(|row| rows::grant(&Fields::split(&GRANTS, row.try_get(0)?))).collect()
}

/// A consequence for everybody, of no code yet.
fn plain(kind: ConsequenceKind, subject: &str, (from, to): Term) -> Consequence {
    Consequence {
        kind,
        subject: subject.to_owned(),
        codes: Vec::new(),
        up_to_grade: None,
        diagnoses: Vec::new(),
        surgeon: None,
        from: Some(from),
        to: (to != Date::MAX).then_some(to),
    }
}

fn prohibited(
    old: Option<&str>,
    new: Option<&str>,
    today: Date,
    found: &mut Vec<Consequence>,
) -> Result<(), RegisterError> {
    let read = |record| rows::technique(&Fields::split(&TECHNIQUES, record));
    let (old, new) = (old.map(read).transpose()?, new.map(read).transpose()?);
    let Some(new) = new else { return Ok(()) };
    let whole = term(new.valid_from, new.valid_to, today);
    let as_before = |old: &Technique| {
        old.kind == ListKind::Prohibited
            && (old.diagnoses.is_empty() || old.diagnoses == new.diagnoses)
    };
    let old = old.filter(as_before);
    let known = |code: &ListCode| old.as_ref().is_some_and(|old| old.codes.contains(code));
    let (before, added): (Vec<ListCode>, Vec<ListCode>) =
        new.codes.iter().cloned().partition(|code| known(code));
    let longer = match old.as_ref().and_then(|old| term(old.valid_from, old.valid_to, today)) {
        Some(covered) => minus(whole, covered),
        None => whole.into_iter().collect(),
    };
    let of_added = whole.into_iter().map(|term| (term, &added));
    for (term, codes) in of_added.chain(longer.into_iter().map(|term| (term, &before))) {
        if !codes.is_empty() {
            let kind = ConsequenceKind::TechniqueProhibited;
            let (codes, diagnoses) = (codes.clone(), new.diagnoses.clone());
            let subject = format!("{} {}", new.item, new.name);
            found.push(Consequence { codes, diagnoses, ..plain(kind, &subject, term) });
        }
    }
    Ok(())
}

fn dossier(
    new: Option<&str>,
    techniques: &[Technique],
    today: Date,
    found: &mut Vec<Consequence>,
) -> Result<(), RegisterError> {
    let Some(new) = new else { return Ok(()) };
    let new = rows::dossier(&Fields::split(&DOSSIERS, new))?;
    let kind = match new.state {
        DossierState::Active => return Ok(()),
        DossierState::Suspended => ConsequenceKind::DossierSuspended,
        DossierState::Stopped => ConsequenceKind::DossierStopped,
        DossierState::Cancelled => ConsequenceKind::DossierCancelled,
    };
    // The technique may stand on several lists, each with its own days (rules.md §7 "Lists").
    for technique in techniques.iter().filter(|technique| technique.item == new.item) {
        if let Some(term) = term(technique.valid_from, technique.valid_to, today) {
            let subject = format!("{} {}", technique.item, technique.name);
            let codes = technique.codes.clone();
            found.push(Consequence { codes, ..plain(kind, &subject, term) });
        }
    }
    Ok(())
}

fn codes_of(item: &Procedure) -> Vec<ListCode> {
    let own = std::iter::once(&item.code).chain(&item.aliases);
    own.filter_map(|code| ListCode::new(code.as_str())).collect()
}

fn procedure(
    old: Option<&str>,
    new: Option<&str>,
    catalogue: &Catalogue,
    today: Date,
    found: &mut Vec<Consequence>,
) -> Result<(), RegisterError> {
    let read = |record| rows::procedure(&Fields::split(&CATALOGUE, record));
    let (old, new) = (old.map(read).transpose()?, new.map(read).transpose()?);
    if let Some(new) = &new {
        let kind = match new.status {
            ProcedureStatus::Active => None,
            ProcedureStatus::Suspended => Some(ConsequenceKind::ProcedureSuspended),
            ProcedureStatus::Stopped => Some(ConsequenceKind::ProcedureStopped),
        };
        let newly = old.as_ref().is_none_or(|old| old.status != new.status);
        let term = term(new.valid_from, new.valid_to, today);
        if let (Some(kind), true, Some(term)) = (kind, newly, term) {
            let subject = format!("{} {}", new.code, new.name);
            found.push(Consequence { codes: codes_of(new), ..plain(kind, &subject, term) });
        }
    }
    let Some(old) = old else { return Ok(()) };
    let Some(before) = term(old.valid_from, old.valid_to, today) else { return Ok(()) };
    let subject = format!("{} {}", old.code, old.name);
    let end = |codes, term| Consequence {
        codes,
        ..plain(ConsequenceKind::ProcedureEnded, &subject, term)
    };
    // A code that another item has taken over is not lost: that item's own rows say what becomes of it.
    let lost: Vec<ListCode> = std::iter::once(&old.code)
        .chain(&old.aliases)
        .filter(|code| catalogue.resolve(code).is_none())
        .filter_map(|code| ListCode::new(code.as_str()))
        .collect();
    if !lost.is_empty() {
        found.push(end(lost, before));
    }
    if let Some(new) = new {
        let left = match term(new.valid_from, new.valid_to, today) {
            Some(after) => minus(Some(before), after),
            None => vec![before],
        };
        found.extend(left.into_iter().map(|term| end(codes_of(&new), term)));
    }
    Ok(())
}

fn surgeon(
    old: Option<&str>,
    new: Option<&str>,
    today: Date,
    found: &mut Vec<Consequence>,
) -> Result<(), RegisterError> {
    let read = |record| rows::surgeon(&Fields::split(&SURGEONS, record), Vec::new());
    let (Some(old), new) = (old.map(read).transpose()?, new.map(read).transpose()?) else {
        return Ok(());
    };
    let before = term(None, old.licence_to, today);
    let after = new.filter(|new| new.status == SurgeonStatus::Active);
    let left = match after.and_then(|new| term(None, new.licence_to, today)) {
        Some(after) => minus(before, after),
        None => before.into_iter().collect(),
    };
    for term in left {
        let surgeon = Some(old.id.clone());
        let kind = ConsequenceKind::SurgeonNotLicensed;
        found.push(Consequence { surgeon, ..plain(kind, old.id.as_str(), term) });
    }
    Ok(())
}

/// What `old` allowed and no grant held `now` allows.
fn grant(
    old: &str,
    new: Option<&str>,
    now: &[Grant],
    catalogue: &Catalogue,
    today: Date,
    found: &mut Vec<Consequence>,
) -> Result<(), RegisterError> {
    let surgeon = Fields::split(&GRANTS, old).get("surgeon_id");
    let surgeon = crate::domain::surgeon::SurgeonId::new(surgeon);
    let old = rows::grant(&Fields::split(&GRANTS, old))?;
    let new = new.map(|new| rows::grant(&Fields::split(&GRANTS, new))).transpose()?;
    let kind = match new.map(|new| new.status) {
        Some(GrantStatus::Suspended) => ConsequenceKind::GrantSuspended,
        Some(GrantStatus::Revoked) => ConsequenceKind::GrantRevoked,
        Some(GrantStatus::Active) | None => ConsequenceKind::GrantEnded,
    };
    let mut left: Vec<Term> = term(old.valid_from, old.valid_to, today).into_iter().collect();
    let others = now.iter().filter(|other| {
        other.right == Right::Perform
            && other.status == GrantStatus::Active
            && other.document_no.is_some()
            && covers(&other.scope, &old.scope, catalogue)
    });
    for other in others {
        if let Some(covered) = term(other.valid_from, other.valid_to, today) {
            left = left.into_iter().flat_map(|term| minus(Some(term), covered)).collect();
        }
    }
    for term in left {
        let one = match &old.scope {
            Scope::Item(code) => {
                let item = catalogue.resolve(code);
                let codes = item.map_or_else(
                    || ListCode::new(code.as_str()).into_iter().collect(),
                    |item| codes_of(item),
                );
                Consequence { codes, ..plain(kind, code.as_str(), term) }
            }
            Scope::GradeWide(grade) => Consequence {
                up_to_grade: Some((*grade).min(Grade::Two)),
                ..plain(kind, &format!("{} grade {}", grade.chinese(), grade.number()), term)
            },
        };
        found.push(Consequence { surgeon: surgeon.clone(), ..one });
    }
    Ok(())
}

/// Whether a grant of scope `own` allows all that one of scope `other` allowed.
fn covers(own: &Scope, other: &Scope, catalogue: &Catalogue) -> bool {
    let item = |code| catalogue.resolve(code);
    match (own, other) {
        (Scope::Item(own), Scope::Item(other)) => {
            own == other || item(own).zip(item(other)).is_some_and(|(a, b)| a.code == b.code)
        }
        (Scope::GradeWide(own), Scope::GradeWide(other)) => {
            (*own).min(Grade::Two) >= (*other).min(Grade::Two)
        }
        (Scope::GradeWide(own), Scope::Item(code)) => {
            item(code).is_some_and(|item| !item.grade.needs_item_grant() && item.grade <= *own)
        }
        (Scope::Item(_), Scope::GradeWide(_)) => false,
    }
}
