//! What is shown of entries: the entry itself from the ledger, and what tells of it.

use std::sync::Arc;

use jiff::Timestamp;

use crate::accounts::{Account, Permit};
use crate::domain::verdict::Decision;
use crate::gate::office::{Office, OfficeError};
use crate::gate::told::{Shown, inquired};
use crate::ledger::{self, Entry, Place};
use crate::search::{Found, Query, Term};

/// An entry that was opened.
pub struct Opened {
    /// The entry, from the ledger's own file.
    pub entry: Entry,
    /// How it is listed; an inquiry, which no list holds, in the same form.
    pub shown: Option<Shown>,
    /// What tells of it: delivery, acts, looks; the oldest first.
    pub of: Vec<Entry>,
}

/// A page of decisions.
#[derive(Default)]
pub struct Told {
    /// The newest first.
    pub decisions: Vec<Shown>,
    /// Where to go on.
    pub next: Option<u64>,
}

/// Pages that are looked through to count for an account that sees some departments only.
const PAGES_MAX: usize = 25;

/// Today's decisions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Today {
    /// Clean.
    pub forward: u64,
    /// Forwarded and told.
    pub flagged: u64,
    /// Emergencies let through.
    pub overridden: u64,
    /// Refused, may be sent again.
    pub unavailable: u64,
    /// Refused.
    pub blocked: u64,
}

impl Today {
    fn place(&mut self, decision: &str) -> Option<&mut u64> {
        match Decision::from_name(decision)? {
            Decision::Forward => Some(&mut self.forward),
            Decision::ForwardFlagged => Some(&mut self.flagged),
            Decision::Override => Some(&mut self.overridden),
            Decision::Unavailable => Some(&mut self.unavailable),
            Decision::Block => Some(&mut self.blocked),
            Decision::NotSurgical => None,
        }
    }
}

impl Office {
    /// What was decided since midnight, of what the account sees.
    ///
    /// # Errors
    /// The index does not answer.
    pub async fn today(self: &Arc<Self>, account: &Account) -> Result<Today, OfficeError> {
        let zone = self.parts.gate.zone();
        let day = zone.to_datetime(self.now()).date();
        let since = zone.to_timestamp(day.at(0, 0, 0, 0)).unwrap_or(Timestamp::MIN);
        let mut today = Today::default();
        if account.scope.departments().is_none() {
            let office = Arc::clone(self);
            let count = async move { office.today_of_all(since).await };
            return Ok(*self.today.get(since, count).await?);
        }
        let mut query = Query { since: Some(since), ..Query::default() };
        for _ in 0..PAGES_MAX {
            let told = self.find(account, &query).await?;
            for shown in &told.decisions {
                if let Some(place) = today.place(&shown.decision) {
                    *place += 1;
                }
            }
            query.before = told.next;
            if told.next.is_none() {
                break;
            }
        }
        Ok(today)
    }

    async fn today_of_all(&self, since: Timestamp) -> Result<Today, OfficeError> {
        let mut today = Today::default();
        for decision in ["forward", "forward-flagged", "override", "unavailable", "block"] {
            let term = Term::Decision(decision.to_owned());
            let count = self.parts.search.count(&term, since).await?;
            if let Some(place) = today.place(decision) {
                *place = count;
            }
        }
        Ok(today)
    }

    /// Decisions that the account may see.
    ///
    /// # Errors
    /// The account's roles, or the index does not answer.
    pub async fn find(&self, account: &Account, query: &Query) -> Result<Told, OfficeError> {
        Self::permit(account, Permit::See)?;
        let departments = account.scope.departments().map(<[String]>::to_vec);
        let query = Query { departments, ..query.clone() };
        let page = self.parts.search.find(&query).await?;
        let shown = page.found.iter().filter_map(|found| serde_json::from_str(&found.summary).ok());
        Ok(Told { decisions: shown.collect(), next: page.next })
    }

    /// An entry with what tells of it. Whoever shows it records that first ([`Office::looked`]).
    ///
    /// # Errors
    /// There is none, or none that the account may see; index or files cannot be read.
    pub async fn open(&self, account: &Account, id: &str) -> Result<Opened, OfficeError> {
        Self::permit(account, Permit::See)?;
        let found = self.parts.search.entry(id).await?.ok_or(OfficeError::Unknown)?;
        let sees = account.scope.departments().is_none_or(|own| found.of_departments(own));
        let told: Option<Shown> = serde_json::from_str(&found.summary).ok();
        let tells = self.parts.search.of(id).await?;
        let entry = self.read(vec![found]).await?.pop().ok_or(OfficeError::Unknown)?;
        // No list holds inquiries: what they are of, the entry itself says.
        let asked = inquired(&entry);
        let of_own = |shown: &Shown| shown.departments.iter().any(|d| account.scope.sees(Some(d)));
        if !sees && !asked.as_ref().is_some_and(of_own) {
            return Err(OfficeError::Unknown);
        }
        Ok(Opened { entry, shown: told.or(asked), of: self.read(tells).await? })
    }

    /// Entries from the ledger's files, read on a thread of its own.
    async fn read(&self, found: Vec<Found>) -> Result<Vec<Entry>, OfficeError> {
        let folder = self.parts.ledger_dir.clone();
        let read = move || -> Result<Vec<Entry>, OfficeError> {
            let mut entries = Vec::new();
            for found in found {
                let place = Place { file: found.file, offset: found.offset };
                entries.extend(ledger::entry_at(&folder, &place)?);
            }
            Ok(entries)
        };
        tokio::task::spawn_blocking(read).await.unwrap_or(Err(OfficeError::Unknown))
    }
}
