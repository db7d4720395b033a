//! The office behind the ledger: its databases opened, the indexes kept up, decisions told live, deadlines watched.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::accounts::Accounts;
use crate::app::AppError;
use crate::app::shared::{self, Needed};
use crate::background;
use crate::clock;
use crate::config::{Desk, Settings};
use crate::gate::Gate;
use crate::gate::office::{Office, OfficeError, Parts, Works};
use crate::gate::told::{Told, told};
use crate::ledger::{Batch, Ledger, LedgerError, Tail};
use crate::overrides::{Ladder, Overrides};
use crate::register::change::ChangeError;
use crate::register::import::policy::Policy;
use crate::register::sources::postgres::duty::Duties;
use crate::register::sources::sql::SqlSource;
use crate::register::sources::sqlite::{self, Keeping};
use crate::search::Search;
use crate::telemetry::office as events;

/// Decisions come in bunches: what comes within this is told at once.
const GATHER: Duration = Duration::from_millis(20);
/// How often the ledger's head is looked at for the indexes.
const EVERY: Duration = Duration::from_millis(40);
/// And so often where many entries come: written together they share most of the pages of the indexes.
const EVERY_BUSY: Duration = Duration::from_millis(200);
/// So many, in between.
const MANY: u64 = 40;
/// Entries of one transaction of the indexes.
const BATCH: usize = 500;
/// And bytes, which bounds memory where entries keep long messages.
const BATCH_BYTES: usize = 8 << 20;
/// An index that fails is tried again so often.
const RETRY: Duration = Duration::from_secs(2);
/// How often deadlines are looked at; they are hours. And a duty is kept by asking for it again.
const DEADLINES_EVERY: Duration = Duration::from_secs(5);

/// The office's databases.
pub(super) struct Databases {
    accounts: Accounts,
    search: Search,
    overrides: Overrides,
    desk: Desk,
    import_policy: Policy,
}

/// Opens them; files that are not there are made.
pub(super) async fn open(settings: &Settings) -> Result<(Databases, Duties), AppError> {
    let accounts = shared::accounts(settings, Needed::InTime).await?;
    let (search, overrides) = search(settings, Needed::InTime).await?;
    let duties = shared::duties(settings)?;
    let (desk, import_policy) = (settings.console.desk.clone(), settings.import_policy());
    Ok((Databases { accounts, search, overrides, desk, import_policy }, duties))
}

/// The search index with that of override files; the file is made if need be.
///
/// # Errors
/// It cannot be used.
pub async fn open_search(settings: &Settings) -> Result<(Search, Overrides), AppError> {
    search(settings, Needed::Now).await
}

async fn search(settings: &Settings, needed: Needed) -> Result<(Search, Overrides), AppError> {
    let file = settings.search_file();
    let pool = sqlite::connect(&file, Keeping::Index).await?;
    let writer = sqlite::writer(&file, Keeping::Index).await?;
    let search = Search::open(pool.clone(), "begin immediate").await?.written_by(writer.clone());
    if let Some(overrides) = shared::overrides(settings, needed).await? {
        return Ok((search, overrides));
    }
    let (overrides, fresh) = Overrides::open(pool, "begin immediate").await?;
    let overrides = overrides.written_by(writer);
    if fresh {
        // Both are built by one reading of the ledger.
        search.clear().await?;
    }
    Ok((search, overrides))
}

impl Databases {
    /// With everything else that the office is made of.
    pub(super) fn parts(
        self,
        gate: &Arc<Gate>,
        source: &Arc<SqlSource>,
        ledger_dir: &Path,
        ladder: Ladder,
        works: Works,
    ) -> Parts {
        Parts {
            gate: Arc::clone(gate),
            accounts: self.accounts,
            overrides: self.overrides,
            search: self.search,
            source: Arc::clone(source),
            import_policy: self.import_policy,
            ledger_dir: ledger_dir.to_owned(),
            ladder,
            works,
            patients_per_hour: self.desk.patients_per_hour,
            lock_unusual: self.desk.lock_unusual,
        }
    }
}

/// Starts the readers of the ledger: one tells decisions live, one keeps the indexes up and watches deadlines. They
/// do not wait for each other: an index that is being built, or fails, delays no live page.
pub(super) fn follow(
    tasks: &mut JoinSet<()>,
    office: &Arc<Office>,
    ledger: &Ledger,
    (folder, duties): (&Path, &Duties),
    stop: &watch::Receiver<bool>,
) {
    let live = live(Arc::clone(office), ledger.clone(), folder.to_owned(), stop.clone());
    tasks.spawn_on(live, &background::handle());
    let ground = (folder.to_owned(), duties.clone());
    let index = index(Arc::clone(office), ledger.clone(), ground, stop.clone());
    tasks.spawn_on(index, &background::handle());
}

async fn live(
    office: Arc<Office>,
    ledger: Ledger,
    folder: PathBuf,
    mut stop: watch::Receiver<bool>,
) {
    let mut heads = ledger.heads();
    let mut tail = Some(Tail::after(&folder, heads.borrow_and_update().seq));
    loop {
        tokio::select! {
            _ = stop.wait_for(|stop| *stop) => return,
            changed = heads.changed() => if changed.is_err() { return },
        }
        if !pause(GATHER, &mut stop).await {
            return;
        }
        let head = heads.borrow_and_update().seq;
        loop {
            let last = tail.take();
            let reader = last.unwrap_or_else(|| Tail::after(&folder, head));
            let (reader, read) = read(reader, head, office.watched()).await;
            let done = reader.as_ref().is_none_or(|reader| reader.place().seq >= head);
            tail = reader;
            let Ok(told) = read else {
                // Tried again, also if nothing comes.
                heads.mark_changed();
                break;
            };
            told.into_iter().filter_map(|told| told.shown).for_each(|shown| office.tell(shown));
            if done {
                break;
            }
        }
    }
}

/// Reads the next batch on a thread of its own. Without a reader, the thread broke off.
async fn read(
    mut tail: Tail,
    head: u64,
    wanted: bool,
) -> (Option<Tail>, Result<Vec<Told>, LedgerError>) {
    let work = move || {
        let read = tail.take(Batch { up_to: head, entries: BATCH, bytes: BATCH_BYTES });
        let told = read.map(|read| {
            let wanted = read.iter().filter(|_| wanted);
            wanted.map(|(entry, place)| told(entry, place)).collect()
        });
        (Some(tail), told)
    };
    tokio::task::spawn_blocking(work).await.unwrap_or((None, Ok(Vec::new())))
}

async fn index(
    office: Arc<Office>,
    ledger: Ledger,
    (folder, duties): (PathBuf, Duties),
    mut stop: watch::Receiver<bool>,
) {
    let mut failing = false;
    let mut looked = None;
    let mut tail: Option<Tail> = None;
    let mut every = EVERY;
    while pause(if failing { RETRY } else { every }, &mut stop).await {
        let before = tail.as_ref().map_or(0, |tail| tail.place().seq);
        let outcome = tokio::select! {
            _ = stop.wait_for(|stop| *stop) => return,
            outcome = keep_up(&office, &ledger, &folder, tail.take()) => outcome,
        };
        let outcome = match outcome {
            Ok(reader) => {
                let many = reader.place().seq.saturating_sub(before) >= MANY;
                every = if many { EVERY_BUSY } else { EVERY };
                tail = Some(reader);
                let now = clock::monotonic();
                let due = looked.is_none_or(|at| now.duration_since(at) >= DEADLINES_EVERY);
                if due {
                    looked = Some(now);
                    clocked(&office, &duties).await
                } else {
                    Ok(())
                }
            }
            Err(error) => Err(error),
        };
        if let (Err(error), false) = (&outcome, failing) {
            events::SearchUnwritten { error }.emit();
        }
        failing = outcome.is_err();
    }
}

/// What hours bring, and what was left undone.
async fn clocked(office: &Office, duties: &Duties) -> Result<(), OfficeError> {
    let duty = duties.hold("overrides").await.map_err(ChangeError::from)?;
    if duty.is_none() {
        return Ok(());
    }
    office.suspend_outstanding().await?;
    office.escalate().await?;
    Ok(())
}

/// Takes everything up to the ledger's head into the indexes.
async fn keep_up(
    office: &Office,
    ledger: &Ledger,
    folder: &Path,
    tail: Option<Tail>,
) -> Result<Tail, OfficeError> {
    let head = ledger.head().seq;
    let mut tail = match tail {
        Some(tail) => tail,
        None => begin(office, head, folder).await?,
    };
    while tail.place().seq < head {
        let before = tail.place().seq;
        let (reader, told) = read(tail, head, true).await;
        let told = told?;
        tail = reader.ok_or(OfficeError::Ledger)?;
        take(office.search(), office.overrides(), told, tail.place().seq).await?;
        if tail.place().seq == before {
            break;
        }
    }
    Ok(tail)
}

/// Begins where the index stands. One that stands beyond the ledger is of another ledger, and begins anew.
async fn begin(office: &Office, head: u64, folder: &Path) -> Result<Tail, OfficeError> {
    let cursor = office.search().cursor().await?;
    let shared = office.overrides().cursor().await?.unwrap_or(cursor);
    if cursor.max(shared) <= head {
        return Ok(Tail::after(folder, cursor.min(shared)));
    }
    office.overrides().clear().await?;
    office.search().clear().await?;
    Ok(Tail::after(folder, 0))
}

/// Builds both indexes anew from the ledger; how many entries they hold.
///
/// # Errors
/// The ledger's files cannot be read, or a database does not answer.
pub async fn reindex(settings: &Settings) -> Result<u64, OfficeError> {
    let opened = open_search(settings).await;
    let (search, overrides) = opened.map_err(|_| OfficeError::Ledger)?;
    search.clear().await?;
    overrides.clear().await?;
    let mut tail = Tail::after(&settings.ledger_dir, 0);
    let mut entries = 0;
    loop {
        let (reader, told) = read(tail, u64::MAX, true).await;
        let told = told?;
        tail = reader.ok_or(OfficeError::Ledger)?;
        if told.is_empty() {
            search.close().await;
            return Ok(entries);
        }
        entries += u64::try_from(told.len()).unwrap_or(0);
        take(&search, &overrides, told, tail.place().seq).await?;
    }
}

/// Takes what a batch of entries tells into both indexes; override files first, since the cursor is the other's.
async fn take(
    search: &Search,
    overrides: &Overrides,
    told: Vec<Told>,
    seq: u64,
) -> Result<(), OfficeError> {
    let (mut rows, mut openings, mut acts) = (Vec::new(), Vec::new(), Vec::new());
    for told in told {
        rows.push(told.row);
        openings.extend(told.opening);
        acts.extend(told.act);
    }
    overrides.take(&openings, &acts).await?;
    overrides.advance(seq).await?;
    search.take(&rows, seq).await?;
    Ok(())
}

/// Waits; whether the gate still runs.
async fn pause(time: Duration, stop: &mut watch::Receiver<bool>) -> bool {
    tokio::select! {
        _ = stop.wait_for(|stop| *stop) => false,
        () = tokio::time::sleep(time) => true,
    }
}
