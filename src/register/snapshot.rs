//! What is read whole and swapped whole: catalogue, roster, and since which version each surgeon's
//! answer must be read anew.

use std::collections::HashMap;
use std::sync::Arc;

use crate::domain::catalogue::Catalogue;
use crate::register::PersonKey;
use crate::register::roster::Roster;
use crate::register::source::{Touched, Update};

/// Changed keys that are remembered one by one. Beyond, everybody is read anew: twice the memory of a
/// year of daily changes would buy nothing.
const MAX_CHANGED: usize = 10_000;

/// One consistent state of the register as this gate knows it.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// The newest version seen.
    pub version: i64,
    /// The catalogue.
    pub catalogue: Arc<Catalogue>,
    /// The roster.
    pub roster: Arc<Roster>,
    /// Whether any current grant has right `order`.
    pub order_rights_in_use: bool,
    floors: Arc<Floors>,
}

/// For each key the version from which on its answer must have been read.
#[derive(Clone, Debug, Default)]
struct Floors {
    everybody: i64,
    changed: HashMap<PersonKey, i64>,
}

impl Snapshot {
    /// The first state, from an update that holds everything.
    pub fn first(update: Update) -> Self {
        Self {
            version: update.version,
            catalogue: Arc::new(update.catalogue.unwrap_or_default()),
            roster: Arc::new(update.roster.unwrap_or_default()),
            order_rights_in_use: update.order_rights_in_use,
            floors: Arc::new(Floors { everybody: update.version, changed: HashMap::new() }),
        }
    }

    /// The next state.
    pub fn after(&self, update: Update) -> Self {
        let version = update.version;
        let everybody = || Floors { everybody: version, changed: HashMap::new() };
        let floors = match update.touched {
            Touched::Everybody => everybody(),
            Touched::Only { surgeons, names } => {
                let mut floors = Floors::clone(&self.floors);
                let surgeons = surgeons.into_iter().map(PersonKey::Id);
                let names = names.into_iter().map(PersonKey::Name);
                floors.changed.extend(surgeons.chain(names).map(|key| (key, version)));
                if floors.changed.len() > MAX_CHANGED { everybody() } else { floors }
            }
        };
        Self {
            version,
            catalogue: update.catalogue.map_or_else(|| Arc::clone(&self.catalogue), Arc::new),
            roster: update.roster.map_or_else(|| Arc::clone(&self.roster), Arc::new),
            order_rights_in_use: update.order_rights_in_use,
            floors: Arc::new(floors),
        }
    }

    /// The version from which on an answer for `key` must have been read.
    pub fn floor(&self, key: &PersonKey) -> i64 {
        let changed = self.floors.changed.get(key).copied().unwrap_or(i64::MIN);
        changed.max(self.floors.everybody)
    }
}
