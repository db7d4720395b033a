//! What people do at the console: they look, review, suspend. Every act is checked, then in the ledger, then done.
//!
//! `acts` (override files) · `register` (changes of privileges) · `operations` (stances, verification) · `bypass`
//! (the outage switch) · `figures` (supervision) · `access` (logging in, looking at patients) · `people`
//! (accounts) · `story` (what is shown of entries).

mod access;
mod acts;
mod bypass;
mod configuration;
mod figured;
mod figures;
mod operations;
mod outstanding;
mod people;
mod register;
mod story;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::Date;
use serde_json::Value;
use tokio::sync::{Mutex, OwnedMutexGuard, broadcast};
use tokio::time::timeout;

use crate::accounts::change::ChangeRefused;
use crate::accounts::error::AccountsError;
use crate::accounts::reading::Readings;
use crate::accounts::{Account, Accounts, Permit};
use crate::cases::error::CasesError;
use crate::gate::bypass::BypassError;
use crate::gate::office::figured::Figured;
use crate::gate::office::figures::{AllReviews, Counted};
use crate::gate::office::operations::Verification;
use crate::gate::office::outstanding::Settled;
use crate::gate::pass::{Gate, LEDGER_WAIT};
use crate::gate::stances::Stances;
use crate::gate::told::Shown;
use crate::ledger::{Body, Draft, Durability, EntryId, Kind, Ledger, LedgerError};
use crate::overrides::error::OverridesError;
use crate::overrides::{Hold, Ladder, Overrides, Refused};
use crate::register::change::ChangeError;
use crate::register::import::policy::Policy;
use crate::register::sources::sql::SqlSource;
use crate::search::Search;
use crate::search::error::SearchError;

pub use crate::gate::office::access::{Look, Looked, Visitor};
pub use crate::gate::office::acts::Reviewed;
pub use crate::gate::office::figures::{Reviews, RuleCount, Supervised};
pub use crate::gate::office::operations::{StanceError, Switched, Verified, Wanted};
pub use crate::gate::office::people::Listed;
pub use crate::gate::office::register::Taking;
pub use crate::gate::office::story::{Opened, Today, Told};

/// Verdicts that a slow watcher may be behind; then some are left out for it, and it is told so.
const LIVE_BEHIND: usize = 1_024;

/// What the office is made of.
pub struct Parts {
    /// The gate.
    pub gate: Arc<Gate>,
    /// Who uses the console.
    pub accounts: Accounts,
    /// Override files.
    pub overrides: Overrides,
    /// Entries found again.
    pub search: Search,
    /// The register, for changes.
    pub source: Arc<SqlSource>,
    /// What reading register files needs of the settings.
    pub import_policy: Policy,
    /// The folder of the ledger's files.
    pub ledger_dir: PathBuf,
    /// Who is told when a review is late.
    pub ladder: Ladder,
    /// Patients an account may look at in an hour; 0 = any number.
    pub patients_per_hour: usize,
    /// For how long an account is locked that looks at more; `None`: it is only told.
    pub lock_unusual: Option<Duration>,
    /// What operators see to.
    pub works: Works,
}

/// What operators see to, and what supervision counts by.
pub struct Works {
    /// What routes do with verdicts.
    pub stances: Stances,
    /// The ledger, for its head and its health.
    pub ledger: Ledger,
    /// Calendar days after the operating day by which a case of a restricted technique must be reported.
    pub due_days: u32,
}

/// Medical affairs' own door to the gate. Shared behind an `Arc`.
pub struct Office {
    parts: Parts,
    readings: Readings,
    /// One act on override files at a time: each is checked against what the one before has left.
    acting: Arc<Mutex<()>>,
    /// One change of accounts at a time, likewise.
    keeping: Arc<Mutex<()>>,
    settled: Settled,
    figures: Figured<(Date, Date), Counted>,
    rules: Figured<(Timestamp, Timestamp), HashMap<String, u64>>,
    reviewed: Figured<(Option<Vec<String>>, Timestamp, Timestamp), AllReviews>,
    today: Figured<Timestamp, Today>,
    live: broadcast::Sender<Arc<Shown>>,
    verification: Verification,
}

/// Why something is not done or shown.
#[derive(Debug, thiserror::Error)]
pub enum OfficeError {
    /// The account's roles do not permit it.
    #[error("your account does not permit this")]
    Forbidden(Permit),
    /// There is none, or none that the account may see.
    #[error("there is nothing of that number, or your account may not see it")]
    Unknown,
    /// The rules of override files.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// Nothing is done unrecorded.
    #[error("the ledger cannot record it, try again later")]
    Ledger,
    /// The register.
    #[error(transparent)]
    Register(#[from] ChangeError),
    /// The index of override files.
    #[error(transparent)]
    Overrides(#[from] OverridesError),
    /// The search index.
    #[error(transparent)]
    Search(#[from] SearchError),
    /// A stance that is not changed.
    #[error(transparent)]
    Stance(#[from] StanceError),
    /// The outage switch.
    #[error(transparent)]
    Bypass(#[from] BypassError),
    /// The case index.
    #[error(transparent)]
    Cases(#[from] CasesError),
    /// The accounts.
    #[error(transparent)]
    Accounts(#[from] AccountsError),
    /// An account that is not made or changed.
    #[error(transparent)]
    Account(#[from] ChangeRefused),
    /// The ledger's files.
    #[error(transparent)]
    Files(#[from] LedgerError),
    /// The account read too much and was locked by this very look.
    #[error("your account has opened unusually many patients and is locked")]
    Locked(Timestamp),
}

/// The right to act: nobody else does, at this gate or another.
struct Alone {
    _own: OwnedMutexGuard<()>,
    hold: Option<Hold>,
}

impl Alone {
    /// To be asked before each of many acts: fails if others may act by now.
    async fn stands(&mut self) -> Result<(), OfficeError> {
        if let Some(hold) = &mut self.hold {
            hold.stands().await?;
        }
        Ok(())
    }
}

impl Office {
    /// Puts the office together.
    pub fn new(parts: Parts) -> Self {
        let (live, _) = broadcast::channel(LIVE_BEHIND);
        let readings = Readings::new(parts.patients_per_hour);
        let verification = Verification::default();
        Self {
            parts,
            readings,
            acting: Arc::default(),
            keeping: Arc::default(),
            settled: Settled::default(),
            figures: Figured::default(),
            rules: Figured::default(),
            reviewed: Figured::default(),
            today: Figured::default(),
            live,
            verification,
        }
    }

    /// The gate.
    pub fn gate(&self) -> &Arc<Gate> {
        &self.parts.gate
    }

    /// Who uses the console.
    pub fn accounts(&self) -> &Accounts {
        &self.parts.accounts
    }

    /// Override files.
    pub fn overrides(&self) -> &Overrides {
        &self.parts.overrides
    }

    /// Entries found again.
    pub fn search(&self) -> &Search {
        &self.parts.search
    }

    /// Every decision from now on.
    pub fn watch(&self) -> broadcast::Receiver<Arc<Shown>> {
        self.live.subscribe()
    }

    /// Tells a decision to whoever watches.
    pub fn tell(&self, shown: Shown) {
        // Without watchers there is nobody to tell.
        let _ = self.live.send(Arc::new(shown));
    }

    /// Whether anybody watches.
    pub fn watched(&self) -> bool {
        self.live.receiver_count() > 0
    }

    fn now(&self) -> Timestamp {
        self.parts.gate.clock().now()
    }

    /// Waits until nobody else acts on override files, at this gate or another.
    async fn alone(&self) -> Result<Alone, OfficeError> {
        let own = Arc::clone(&self.acting).lock_owned().await;
        Ok(Alone { _own: own, hold: self.parts.overrides.hold().await? })
    }

    fn permit(account: &Account, permit: Permit) -> Result<(), OfficeError> {
        if account.may(permit) { Ok(()) } else { Err(OfficeError::Forbidden(permit)) }
    }

    /// Runs to its end what is begun, even if nobody waits for it any more: a browser that goes away leaves no act in
    /// the ledger that was never done.
    async fn through<T: Send + 'static>(
        begun: impl Future<Output = Result<T, OfficeError>> + Send + 'static,
    ) -> Result<T, OfficeError> {
        tokio::spawn(begun).await.unwrap_or(Err(OfficeError::Ledger))
    }

    /// Writes an entry, and gives its id, place and time once it is on disk.
    async fn enter(
        &self,
        kind: Kind,
        body: &Value,
    ) -> Result<(EntryId, u64, Timestamp), OfficeError> {
        let now = self.now();
        let id = EntryId::new(now);
        let body = Body::of(body).map_err(|_| OfficeError::Ledger)?;
        let draft = Draft { id, time: now, kind, body };
        let appended = self.parts.gate.append(draft, Durability::OnDisk);
        match timeout(LEDGER_WAIT, appended).await {
            Ok(Ok(receipt)) => Ok((id, receipt.seq().unwrap_or(u64::MAX), now)),
            Ok(Err(_)) | Err(_) => Err(OfficeError::Ledger),
        }
    }
}
