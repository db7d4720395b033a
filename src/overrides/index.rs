//! Override files found again: by number, by state, by surgeon. Derived from the ledger; the gate works without it.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use jiff::Timestamp;
use sqlx::{Any, AnyPool, Transaction};

use crate::domain::indexed::indexed;
use crate::overrides::act::{Act, Recorded};
use crate::overrides::error::OverridesError;
use crate::overrides::file::{FileId, Opening, OverrideFile};
use crate::overrides::store::Store;

/// Files of one list at most: a page for people, or what a clock looks at in one go.
pub const LIST_MAX: u32 = 500;

/// Entries after which a shared index is told how far this gate has come.
const TOLD_EVERY: u64 = 1_000;

/// Departments of one look-up; whoever sees more sees them page by page.
const DEPARTMENTS_MAX: usize = 64;

/// Which files to list.
#[derive(Clone, Debug, Default)]
pub struct Sought {
    /// Only open or only closed ones; both where absent.
    pub open: Option<bool>,
    /// Only those of a surgeon.
    pub surgeon: Option<String>,
    /// Only those of these departments; all where absent.
    pub departments: Option<Vec<String>>,
    /// Only those opened before.
    pub before: Option<Timestamp>,
    /// Only those that stand behind this file where the newest come first: the next page.
    pub behind: Option<Behind>,
    /// How many, at most [`LIST_MAX`]; 0 = as many.
    pub limit: u32,
}

/// The last file of a page. An entry may open several files, at one time: only all of this tells where to go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Behind {
    /// When it was opened.
    pub at: Timestamp,
    /// Which it is.
    pub id: FileId,
}

impl Behind {
    /// Reads what [`Display`](fmt::Display) writes.
    pub fn parse(text: &str) -> Option<Self> {
        let (at, id) = text.split_once('_')?;
        let at = Timestamp::from_microsecond(at.parse().ok()?).ok()?;
        Some(Self { at, id: FileId::parse(id)? })
    }

    /// Behind this file.
    pub fn file(file: &OverrideFile) -> Self {
        Self { at: file.opened.at, id: file.opened.id.clone() }
    }
}

impl fmt::Display for Behind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}_{}", self.at.as_microsecond(), self.id)
    }
}

/// How many files wait.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Waiting {
    /// Open ones.
    pub open: u64,
    /// Of these, past their deadline.
    pub overdue: u64,
}

/// Other gates' consoles wait, see [`Overrides::hold`].
#[derive(Debug)]
pub struct Hold(Transaction<'static, Any>);

impl Hold {
    /// Fails if it holds nothing any more. Asking keeps it: the database ends a transaction in which nothing is said.
    ///
    /// # Errors
    /// The database does not answer, or has ended it; others may act by now.
    pub async fn stands(&mut self) -> Result<(), OverridesError> {
        sqlx::query("select 1").execute(&mut *self.0).await?;
        Ok(())
    }
}

/// The index. Clones share everything.
#[derive(Clone, Debug)]
pub struct Overrides {
    store: Store,
    told: Arc<AtomicU64>,
}

impl Overrides {
    /// Makes the tables if need be; whether the index is empty and the ledger must be read from its beginning.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn open(
        pool: AnyPool,
        begin_write: &'static str,
    ) -> Result<(Self, bool), OverridesError> {
        let (store, fresh) = Store::open(pool, begin_write).await?;
        Ok((Self { store, told: Arc::default() }, fresh))
    }

    /// Written by connections of their own.
    pub fn written_by(self, writer: AnyPool) -> Self {
        Self { store: self.store.written_by(writer), ..self }
    }

    /// Over an index that gates share, which need not answer yet: this one tells what `node`'s ledger says.
    pub fn over(pool: AnyPool, node: impl Into<String>) -> Self {
        Self { store: Store::over(pool, node.into()), told: Arc::default() }
    }

    /// Keeps the consoles of other gates from acting until it is dropped: each act is checked against what the one before
    /// has left. Nothing to wait for where the index is this gate's own.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn hold(&self) -> Result<Option<Hold>, OverridesError> {
        Ok(self.store.hold().await?.map(Hold))
    }

    /// Up to which entry the own ledger was taken into a shared index; `None` where whoever derives both knows.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn cursor(&self) -> Result<Option<u64>, OverridesError> {
        self.store.cursor().await
    }

    /// Everything up to `seq` was taken.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn advance(&self, seq: u64) -> Result<(), OverridesError> {
        // Reading some entries again changes nothing, so the word is not given for each.
        let told = self.told.load(Ordering::Relaxed);
        if seq < told.saturating_add(TOLD_EVERY) && told != 0 {
            return Ok(());
        }
        self.store.advance(seq).await?;
        self.told.store(seq, Ordering::Relaxed);
        Ok(())
    }

    /// Forgets everything that was derived here, before the ledger is read from its beginning.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn clear(&self) -> Result<(), OverridesError> {
        self.store.clear().await
    }

    /// Takes what entries of the ledger tell: openings, and acts with the bodies they stand in. Taking them
    /// again changes nothing.
    ///
    /// # Errors
    /// The database does not answer; then nothing was taken.
    pub async fn take(
        &self,
        openings: &[Opening],
        acts: &[(Recorded, String)],
    ) -> Result<(), OverridesError> {
        let tells = |opening: &Opening| opening.supersedes.is_some() || !opening.files.is_empty();
        if acts.is_empty() && !openings.iter().any(tells) {
            return Ok(());
        }
        let (acts, bodies): (Vec<Recorded>, Vec<String>) = acts.iter().cloned().unzip();
        self.store.take(openings, &acts, &bodies).await
    }

    /// One file.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn file(&self, id: &FileId) -> Result<Option<OverrideFile>, OverridesError> {
        let files = self.of_entry(&id.entry).await?;
        Ok(files.into_iter().find(|file| file.opened.id == *id))
    }

    /// The files that a decision entry opened.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn of_entry(&self, entry: &str) -> Result<Vec<OverrideFile>, OverridesError> {
        self.store.of_entry(entry).await
    }

    /// The files sought: open ones by deadline, others the newest first.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn list(&self, sought: &Sought) -> Result<Vec<OverrideFile>, OverridesError> {
        let (mut condition, mut texts) = condition(sought);
        let mut numbers = Vec::new();
        if let Some(behind) = &sought.behind {
            texts.extend([behind.id.entry.clone(), behind.id.entry.clone()]);
        }
        // Texts are bound first.
        let place = |numbers: &[i64]| texts.len() + numbers.len() + 1;
        if let Some(before) = sought.before {
            condition.push_str(&format!(" and at < ${}", place(&numbers)));
            numbers.push(before.as_microsecond());
        }
        if let Some(behind) = &sought.behind {
            let (entry, first) = (texts.len(), place(&numbers));
            let (above, same, at, nth) = (entry - 1, entry, first + 1, first + 2);
            condition.push_str(&format!(
                " and (at < ${first} or (at = ${at} and \
                 (entry > ${above} or (entry = ${same} and nth > ${nth}))))"
            ));
            let at = behind.at.as_microsecond();
            numbers.extend([at, at, i64::from(behind.id.case)]);
        }
        let order = match sought.open {
            Some(true) => "order by due, entry, nth",
            _ => "order by at desc, entry, nth",
        };
        let limit = if sought.limit == 0 { LIST_MAX } else { sought.limit.min(LIST_MAX) };
        self.store.list(&condition, &texts, &numbers, order, i64::from(limit)).await
    }

    /// Files that are rejected with a suspension, and of which something was done since.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn suspending_since(
        &self,
        since: Timestamp,
    ) -> Result<Vec<OverrideFile>, OverridesError> {
        let condition =
            "state = 'rejected' and entry in (select entry from override_acts where at >= $1)";
        let order = "order by at desc";
        let (since, limit) = ([since.as_microsecond()], i64::from(LIST_MAX));
        let mut files = self.store.list(condition, &[], &since, order, limit).await?;
        files.retain(|file| file.suspend.is_some());
        Ok(files)
    }

    /// How many wait, in these departments.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn waiting(
        &self,
        departments: Option<&[String]>,
        now: Timestamp,
    ) -> Result<Waiting, OverridesError> {
        let departments = departments.map(<[String]>::to_vec);
        let sought = Sought { open: Some(true), departments, ..Sought::default() };
        let (condition, texts) = condition(&sought);
        let open = self.store.count(&condition, &texts, &[]).await?;
        let overdue = format!("{condition} and due <= ${}", texts.len() + 1);
        let overdue = self.store.count(&overdue, &texts, &[now.as_microsecond()]).await?;
        Ok(Waiting { open, overdue })
    }

    /// Open files whose deadline has passed, the latest deadline first, with what `due` says of each.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn overdue(
        &self,
        now: Timestamp,
        due: impl Fn(&OverrideFile) -> Option<Act>,
    ) -> Result<Vec<(OverrideFile, Act)>, OverridesError> {
        let condition = "state = 'open' and due <= $1";
        let order = "order by due desc";
        let limit = i64::from(LIST_MAX);
        let files = self.store.list(condition, &[], &[now.as_microsecond()], order, limit).await?;
        let acts = files.into_iter().filter_map(|file| {
            let act = due(&file)?;
            Some((file, act))
        });
        Ok(acts.collect())
    }
}

/// The condition, and its texts, which are bound in this order.
fn condition(sought: &Sought) -> (String, Vec<String>) {
    let mut parts = vec!["1 = 1".to_owned()];
    let mut texts = Vec::new();
    match sought.open {
        Some(true) => parts.push("state = 'open'".to_owned()),
        Some(false) => parts.push("state <> 'open'".to_owned()),
        None => {}
    }
    if let Some(surgeon) = &sought.surgeon {
        texts.push(indexed(surgeon).into_owned());
        parts.push(format!("surgeon = ${}", texts.len()));
    }
    if let Some(departments) = &sought.departments {
        let mut places = Vec::new();
        for department in departments.iter().take(DEPARTMENTS_MAX) {
            texts.push(indexed(department).into_owned());
            places.push(format!("${}", texts.len()));
        }
        // Of no department: nothing.
        let list = if places.is_empty() { "null".to_owned() } else { places.join(",") };
        parts.push(format!("department in ({list})"));
    }
    (parts.join(" and "), texts)
}
