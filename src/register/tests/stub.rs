//! A source that does as it is told: answers, fails, hangs, waits at a gate; and counts.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::Semaphore;

use crate::domain::discussion::Discussion;
use crate::domain::surgeon::{Base, Surgeon, SurgeonId, SurgeonStatus, fold_name};
use crate::register::error::RegisterError;
use crate::register::source::{
    About, Bearers, Fetch, Latest, Page, Reading, Sought, Source, Touched, Update,
};
use crate::register::{Config, PersonKey, Register};

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Mood {
    Answers,
    Fails,
    Hangs,
    /// Reads, then holds the answer back until a permit of `gate` comes.
    Dawdles,
}

pub(super) struct Stub {
    local: bool,
    pub(super) mood: Mutex<Mood>,
    pub(super) gate: Semaphore,
    pub(super) loads: AtomicUsize,
    version: AtomicI64,
    names: Mutex<HashMap<SurgeonId, String>>,
    /// Whose rows hold what cannot be read.
    pub(super) unreadable: Mutex<HashSet<SurgeonId>>,
    pub(super) discussions: Mutex<Vec<Discussion>>,
    touched: Mutex<Vec<(i64, SurgeonId, Vec<String>)>>,
}

pub(super) fn id(text: &str) -> SurgeonId {
    SurgeonId::new(text).unwrap()
}

pub(super) fn key(text: &str) -> PersonKey {
    PersonKey::Id(id(text))
}

pub(super) fn config() -> Config {
    Config {
        fresh: Duration::from_secs(3600),
        usable: Duration::from_secs(7200),
        wait: Duration::from_millis(300),
        emergency_wait: Duration::from_millis(300),
        // Tests catch up by hand, so that nothing depends on time.
        poll: Duration::from_secs(3600),
        warm: false,
        start_wait: Duration::from_millis(300),
        ..Config::default()
    }
}

impl Stub {
    pub(super) fn new() -> Self {
        let names = [(id("D1"), "张三"), (id("D2"), "李四"), (id("D3"), "李 四")];
        let names = names.into_iter().map(|(id, name)| (id, name.to_owned())).collect();
        Self {
            local: true,
            mood: Mutex::new(Mood::Answers),
            gate: Semaphore::new(0),
            loads: AtomicUsize::new(0),
            version: AtomicI64::new(1),
            names: Mutex::new(names),
            unreadable: Mutex::default(),
            discussions: Mutex::new(Vec::new()),
            touched: Mutex::new(Vec::new()),
        }
    }

    pub(super) fn remote(self) -> Self {
        Self { local: false, ..self }
    }

    pub(super) async fn open(self, config: Config) -> (Register, Arc<Self>) {
        let stub = Arc::new(self);
        (Register::open(config, Arc::clone(&stub) as Arc<dyn Source>).await.unwrap(), stub)
    }

    pub(super) fn set(&self, mood: Mood) {
        *self.mood.lock().unwrap() = mood;
    }

    pub(super) fn loads(&self) -> usize {
        self.loads.load(Ordering::SeqCst)
    }

    /// Makes a new version in which `who` is called `name`.
    pub(super) fn rename(&self, who: &str, name: &str) {
        let version = self.version.fetch_add(1, Ordering::SeqCst) + 1;
        let before = self.names.lock().unwrap().insert(id(who), name.to_owned());
        let names = before.iter().map(String::as_str).chain([name]).map(fold_name).collect();
        self.touched.lock().unwrap().push((version, id(who), names));
    }

    /// The source is put back from a copy of this version.
    pub(super) fn restore(&self, version: i64) {
        self.version.store(version, Ordering::SeqCst);
    }

    async fn behave<T>(&self, read: impl FnOnce() -> T) -> Result<T, RegisterError> {
        let mood = *self.mood.lock().unwrap();
        match mood {
            Mood::Answers => Ok(read()),
            Mood::Fails => Err(RegisterError::Other("unplugged".to_owned())),
            Mood::Hangs => std::future::pending().await,
            Mood::Dawdles => {
                let value = read();
                self.gate.acquire().await.unwrap().forget();
                Ok(value)
            }
        }
    }

    fn surgeon_now(&self, who: &SurgeonId) -> Reading<Option<Surgeon>> {
        let name = self.names.lock().unwrap().get(who).cloned();
        let surgeon = |name| Surgeon {
            id: who.clone(),
            name,
            department: None,
            status: SurgeonStatus::Active,
            licence_to: None,
            base: Base::Primary,
            grants: Vec::new(),
        };
        Reading { version: self.version.load(Ordering::SeqCst), value: name.map(surgeon) }
    }

    fn bearers_now(&self, folded: &str) -> Reading<Bearers> {
        let names = self.names.lock().unwrap();
        let mut ids = names.iter().filter(|(_, name)| fold_name(name) == folded);
        let value = match (ids.next(), ids.next()) {
            (None, _) => Bearers::Nobody,
            (Some((id, _)), None) => Bearers::One(id.clone()),
            _ => Bearers::Several,
        };
        Reading { version: self.version.load(Ordering::SeqCst), value }
    }

    fn since_now(&self, known: Option<i64>) -> Update {
        let touched = self.touched.lock().unwrap();
        let news = touched.iter().filter(|(version, ..)| Some(*version) > known);
        let (mut surgeons, mut names) = (Vec::new(), Vec::new());
        for (_, who, called) in news {
            surgeons.push(who.clone());
            names.extend(called.iter().cloned());
        }
        let everybody = known.is_none();
        Update {
            version: self.version.load(Ordering::SeqCst),
            catalogue: None,
            roster: None,
            lists: None,
            calendar: None,
            discussions: false,
            order_rights_in_use: false,
            touched: if everybody { Touched::Everybody } else { Touched::Only { surgeons, names } },
        }
    }
}

impl Source for Stub {
    fn is_local(&self) -> bool {
        self.local
    }

    fn version(&self) -> Fetch<'_, i64> {
        Box::pin(self.behave(|| self.version.load(Ordering::SeqCst)))
    }

    fn since(&self, known: Option<i64>) -> Fetch<'_, Update> {
        Box::pin(self.behave(move || self.since_now(known)))
    }

    fn surgeon<'a>(&'a self, id: &'a SurgeonId) -> Fetch<'a, Reading<Option<Surgeon>>> {
        self.loads.fetch_add(1, Ordering::SeqCst);
        Box::pin(async move {
            let row = RegisterError::Row { table: "surgeons", column: "status" };
            let readable = !self.unreadable.lock().unwrap().contains(id);
            self.behave(|| readable.then(|| self.surgeon_now(id)).ok_or(row)).await?
        })
    }

    fn page<'a>(&'a self, after: Option<&'a str>, most: u32) -> Fetch<'a, Reading<Page>> {
        Box::pin(async move {
            let mut ids: Vec<SurgeonId> = self.names.lock().unwrap().keys().cloned().collect();
            ids.sort();
            ids.retain(|id| after.is_none_or(|after| id.as_str() > after));
            let more = ids.len() > usize::try_from(most).unwrap();
            ids.truncate(usize::try_from(most).unwrap());
            let next = ids.last().filter(|_| more).map(|id| id.as_str().to_owned());
            let mut value = Page { next, ..Page::default() };
            let mut version = self.version.load(Ordering::SeqCst);
            for id in &ids {
                match self.surgeon(id).await {
                    Ok(reading) => {
                        version = version.min(reading.version);
                        value.surgeons.extend(reading.value);
                    }
                    Err(error @ RegisterError::Row { .. }) => {
                        let name = self.names.lock().unwrap().get(id).cloned().unwrap_or_default();
                        value.unread.push((name, error));
                    }
                    Err(error) => return Err(error),
                }
            }
            Ok(Reading { version, value })
        })
    }

    fn latest_discussions(&self, _most: u32) -> Fetch<'_, Reading<Latest>> {
        Box::pin(async move {
            let discussions = self.discussions.lock().unwrap().clone();
            let value = Latest { discussions, whole: true, unread: None };
            Ok(Reading { version: self.version.load(Ordering::SeqCst), value })
        })
    }

    fn bearers<'a>(&'a self, folded: &'a str) -> Fetch<'a, Reading<Bearers>> {
        self.loads.fetch_add(1, Ordering::SeqCst);
        Box::pin(self.behave(|| self.bearers_now(folded)))
    }

    fn discussions<'a>(&'a self, about: &'a About) -> Fetch<'a, Reading<Vec<Discussion>>> {
        self.loads.fetch_add(1, Ordering::SeqCst);
        Box::pin(self.behave(|| {
            let version = self.version.load(Ordering::SeqCst);
            let held = self.discussions.lock().unwrap();
            let held = held.iter().filter(|one| about.patient.as_ref() == Some(&one.patient));
            Reading { version, value: held.cloned().collect() }
        }))
    }

    fn colleagues<'a>(&'a self, _: &'a Sought) -> Fetch<'a, Reading<Vec<(SurgeonId, String)>>> {
        self.loads.fetch_add(1, Ordering::SeqCst);
        Box::pin(self.behave(|| {
            let names = self.names.lock().unwrap();
            let mut value: Vec<_> = names.iter().map(|(id, n)| (id.clone(), n.clone())).collect();
            value.sort();
            Reading { version: self.version.load(Ordering::SeqCst), value }
        }))
    }
}
