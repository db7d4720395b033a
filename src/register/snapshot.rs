//! What is read whole and swapped whole: catalogue, lists, calendar, roster, and since which version each
//! answer must be read anew.

use std::collections::HashMap;
use std::sync::Arc;

use crate::domain::calendar::Calendar;
use crate::domain::catalogue::Catalogue;
use crate::domain::technique::Lists;
use crate::register::PersonKey;
use crate::register::roster::Roster;
use crate::register::source::{Question, Touched, Update};

/// Changed keys that are remembered one by one. Beyond, everybody is read anew: twice the memory of a
/// year of daily changes would buy nothing.
const MAX_CHANGED: usize = 10_000;

/// One consistent state of the register as this gate knows it.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// Whether the source was ever read; if not, everything here is empty, and means nothing.
    pub read: bool,
    /// The newest version seen.
    pub version: i64,
    /// The catalogue.
    pub catalogue: Arc<Catalogue>,
    /// The roster.
    pub roster: Arc<Roster>,
    /// Technique lists and dossiers.
    pub lists: Arc<Lists>,
    /// The working-day calendar.
    pub calendar: Arc<Calendar>,
    /// Whether any current grant has right `order`.
    pub order_rights_in_use: bool,
    floors: Arc<Floors>,
}

/// For each question the version from which on its answer must have been read.
#[derive(Clone, Debug)]
struct Floors {
    everybody: i64,
    changed: HashMap<PersonKey, i64>,
    /// Since the last change of anybody: who else may.
    anybody: i64,
    discussions: i64,
}

impl Floors {
    fn all(version: i64) -> Self {
        Self { everybody: version, changed: HashMap::new(), anybody: version, discussions: version }
    }
}

impl Snapshot {
    /// Before the source was ever read.
    pub fn unread() -> Self {
        Self {
            read: false,
            version: 0,
            catalogue: Arc::default(),
            roster: Arc::default(),
            lists: Arc::default(),
            calendar: Arc::default(),
            order_rights_in_use: false,
            floors: Arc::new(Floors::all(0)),
        }
    }

    /// The first state, from an update that holds everything.
    pub fn first(update: Update) -> Self {
        Self {
            read: true,
            version: update.version,
            catalogue: Arc::new(update.catalogue.unwrap_or_default()),
            roster: Arc::new(update.roster.unwrap_or_default()),
            lists: Arc::new(update.lists.unwrap_or_default()),
            calendar: Arc::new(update.calendar.unwrap_or_default()),
            order_rights_in_use: update.order_rights_in_use,
            floors: Arc::new(Floors::all(update.version)),
        }
    }

    /// The next state.
    pub fn after(&self, update: Update) -> Self {
        let version = update.version;
        let mut floors = Floors::clone(&self.floors);
        if update.discussions {
            floors.discussions = version;
        }
        match update.touched {
            Touched::Everybody => floors = Floors::all(version),
            Touched::Only { surgeons, names } => {
                if !surgeons.is_empty() {
                    floors.anybody = version;
                }
                let surgeons = surgeons.into_iter().map(PersonKey::Id);
                let names = names.into_iter().map(PersonKey::Name);
                floors.changed.extend(surgeons.chain(names).map(|key| (key, version)));
                if floors.changed.len() > MAX_CHANGED {
                    floors.everybody = version;
                    floors.changed.clear();
                }
            }
        }
        Self {
            read: true,
            version,
            catalogue: update.catalogue.map_or_else(|| Arc::clone(&self.catalogue), Arc::new),
            roster: update.roster.map_or_else(|| Arc::clone(&self.roster), Arc::new),
            lists: update.lists.map_or_else(|| Arc::clone(&self.lists), Arc::new),
            calendar: update.calendar.map_or_else(|| Arc::clone(&self.calendar), Arc::new),
            order_rights_in_use: update.order_rights_in_use,
            floors: Arc::new(floors),
        }
    }

    /// Since when everybody must have been read anew.
    pub fn everybody(&self) -> i64 {
        self.floors.everybody
    }

    /// The version from which on an answer to `question` must have been read.
    pub fn floor(&self, question: &Question) -> i64 {
        match question {
            Question::Person(key) => {
                let changed = self.floors.changed.get(key).copied().unwrap_or(i64::MIN);
                changed.max(self.floors.everybody)
            }
            Question::Discussions(_) => self.floors.discussions,
            Question::Colleagues(_) => self.floors.anybody,
        }
    }
}
