//! The stances of all routes: changed by people while the gate runs, and kept across restarts.
//!
//! What was changed stands in one file of the data directory, beside what the configuration said at that time. It
//! holds as long as the configuration still says so: whoever edits the configuration later has the last word, and the
//! change is forgotten as soon as the edited configuration is taken up.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::domain::verdict::Stance;
use crate::gate::stance::{RouteStance, StanceSwitch};

/// A change that is in force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// What is in force.
    pub to: Written,
    /// What the configuration said then.
    pub file: Written,
    /// When.
    pub at: Timestamp,
    /// Who.
    pub by: String,
    /// Why.
    pub reason: String,
    /// The ledger entry.
    pub entry: String,
}

/// A stance as files and entries write it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Written {
    /// The departments that are enforced; empty = all.
    pub departments: Vec<String>,
    /// `observe` or `enforce`.
    pub stance: String,
}

impl Written {
    /// Writes it.
    pub fn of(stance: &RouteStance) -> Self {
        let departments = stance.departments.clone();
        Self { departments, stance: stance.stance.as_str().to_owned() }
    }

    /// Reads it; what is no stance of this program is none.
    pub fn read(&self) -> Option<RouteStance> {
        let stance = match &*self.stance {
            "observe" => Stance::Observe,
            "enforce" => Stance::Enforce,
            _ => return None,
        };
        Some(RouteStance { stance, departments: self.departments.clone() })
    }
}

/// Every route's switch, and what was changed. Clones share it.
#[derive(Clone, Debug)]
pub struct Stances(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    kept_in: PathBuf,
    held: Mutex<Held>,
}

#[derive(Debug)]
struct Held {
    switches: BTreeMap<Arc<str>, StanceSwitch>,
    changes: BTreeMap<String, Change>,
}

/// Why changes cannot be read.
#[derive(Debug, thiserror::Error)]
#[error(
    "changes of stances in `{place}` cannot be read ({why}), mend the file, or delete it and change \
     the stances again"
)]
pub struct StancesUnread {
    /// The file.
    pub place: String,
    /// What is wrong.
    pub why: String,
}

/// What became of a change when the gate started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restored {
    /// The route.
    pub route: String,
    /// Whether it is in force; else the configuration says something else since, or knows no such route.
    pub in_force: bool,
}

impl Stances {
    /// Puts changes into force again that the file `kept_in` holds.
    ///
    /// # Errors
    /// The file is there and cannot be read: the gate must not start by guessing.
    pub fn restore(
        kept_in: &Path,
        switches: Vec<(Arc<str>, StanceSwitch)>,
    ) -> Result<(Self, Vec<Restored>), StancesUnread> {
        let unread = |why: String| StancesUnread { place: kept_in.display().to_string(), why };
        let kept: BTreeMap<String, Change> = match std::fs::read(kept_in) {
            Ok(bytes) => serde_json::from_slice(&bytes).map_err(|e| unread(e.to_string()))?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => BTreeMap::new(),
            Err(error) => return Err(unread(error.kind().to_string())),
        };
        let switches: BTreeMap<Arc<str>, StanceSwitch> = switches.into_iter().collect();
        let (mut changes, mut restored) = (BTreeMap::new(), Vec::new());
        for (route, change) in kept {
            let to = change.to.read().ok_or_else(|| unread(format!("stance of `{route}`")))?;
            let switch = switches.get(&*route);
            let same = switch.filter(|switch| Written::of(switch.file()) == change.file);
            restored.push(Restored { route: route.clone(), in_force: same.is_some() });
            if let Some(switch) = same {
                switch.set(to);
                changes.insert(route, change);
            }
        }
        let held = Mutex::new(Held { switches, changes });
        let inner = Inner { kept_in: kept_in.to_owned(), held };
        Ok((Self(Arc::new(inner)), restored))
    }

    /// Every route and its switch, by name.
    pub fn all(&self) -> Vec<(Arc<str>, StanceSwitch)> {
        let held = self.held();
        held.switches.iter().map(|(route, switch)| (Arc::clone(route), switch.clone())).collect()
    }

    /// The switch of a route.
    pub fn of(&self, route: &str) -> Option<StanceSwitch> {
        self.held().switches.get(route).cloned()
    }

    /// What was changed of a route, and is in force.
    pub fn change(&self, route: &str) -> Option<Change> {
        self.held().changes.get(route).cloned()
    }

    /// The switch of a route whose configuration says `file` now: the one there is if it said so before, and else a new
    /// one, to which no change of people applies.
    pub fn edited(&self, route: &str, file: &RouteStance) -> Option<StanceSwitch> {
        let switch = self.of(route)?;
        Some(if switch.file() == file { switch } else { StanceSwitch::new(file.clone()) })
    }

    /// Takes up the switches of an edited configuration. The routes whose change by people is void from here on.
    ///
    /// # Errors
    /// That cannot be kept: the change is void all the same, and at the next start again.
    pub fn take_up(
        &self,
        switches: impl IntoIterator<Item = (Arc<str>, StanceSwitch)>,
    ) -> (Vec<String>, io::Result<()>) {
        let mut held = self.held();
        let mut void = Vec::new();
        for (route, switch) in switches {
            let change = held.changes.get(&*route);
            if change.is_some_and(|change| Written::of(switch.file()) != change.file) {
                held.changes.remove(&*route);
                void.push(route.to_string());
            }
            held.switches.insert(route, switch);
        }
        let kept = if void.is_empty() { Ok(()) } else { keep(&self.0.kept_in, &held.changes) };
        (void, kept)
    }

    /// Puts a recorded change into force, and keeps it. Back to what the configuration says is no change.
    ///
    /// # Errors
    /// It cannot be kept: it is in force all the same, until the gate stops.
    pub(in crate::gate) fn apply(
        &self,
        route: &str,
        to: RouteStance,
        change: Change,
    ) -> io::Result<()> {
        let mut held = self.held();
        let Some(switch) = held.switches.get(route).cloned() else { return Ok(()) };
        if to == *switch.file() {
            held.changes.remove(route);
        } else {
            held.changes.insert(route.to_owned(), change);
        }
        switch.set(to);
        keep(&self.0.kept_in, &held.changes)
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.0.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whole or not at all: written beside, made durable, and put in place.
fn keep(path: &Path, changes: &BTreeMap<String, Change>) -> io::Result<()> {
    let folder = path.parent().unwrap_or_else(|| Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    serde_json::to_writer_pretty(&mut file, changes)?;
    file.write_all(b"\n")?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    std::fs::File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stance(stance: Stance, departments: &[&str]) -> RouteStance {
        let departments = departments.iter().map(|name| (*name).to_owned()).collect();
        RouteStance { stance, departments }
    }

    fn start(folder: &Path, file: RouteStance) -> (Stances, Vec<Restored>) {
        let switches = vec![(Arc::from("his"), StanceSwitch::new(file))];
        Stances::restore(&folder.join("stances.json"), switches).unwrap()
    }

    fn change(stances: &Stances, to: &RouteStance) {
        let switch = stances.of("his").unwrap();
        let file = Written::of(switch.file());
        let (at, by, reason, entry) =
            (Timestamp::UNIX_EPOCH, "李四".to_owned(), "上线".to_owned(), "01X".to_owned());
        let change = Change { to: Written::of(to), file, at, by, reason, entry };
        stances.apply("his", to.clone(), change).unwrap();
    }

    #[test]
    fn a_change_outlives_restarts_until_the_configuration_says_something_else() {
        let folder = tempfile::tempdir().unwrap();
        let (observe, enforce) = (stance(Stance::Observe, &[]), stance(Stance::Enforce, &["0301"]));
        let (stances, restored) = start(folder.path(), observe.clone());
        assert_eq!(restored, []);
        change(&stances, &enforce);
        let (stances, restored) = start(folder.path(), observe.clone());
        assert_eq!(restored, [Restored { route: "his".to_owned(), in_force: true }]);
        assert_eq!(*stances.of("his").unwrap().now(), enforce);
        assert_eq!(stances.change("his").unwrap().by, "李四");
        let edited = stance(Stance::Enforce, &[]);
        let (stances, restored) = start(folder.path(), edited.clone());
        assert_eq!(restored, [Restored { route: "his".to_owned(), in_force: false }]);
        assert_eq!(*stances.of("his").unwrap().now(), edited);
        assert_eq!(stances.change("his"), None);
    }

    #[test]
    fn an_edited_configuration_has_the_last_word_while_the_gate_runs_too() {
        let folder = tempfile::tempdir().unwrap();
        let (observe, enforce) = (stance(Stance::Observe, &[]), stance(Stance::Enforce, &[]));
        let (stances, _) = start(folder.path(), observe.clone());
        change(&stances, &enforce);
        let take_up = |file: &RouteStance| {
            let switch = stances.edited("his", file).unwrap();
            stances.take_up([(Arc::from("his"), switch)]).0
        };
        assert_eq!(take_up(&observe), Vec::<String>::new(), "the file says what it said");
        assert_eq!(*stances.of("his").unwrap().now(), enforce);
        let edited = stance(Stance::Enforce, &["0301"]);
        assert_eq!(take_up(&edited), ["his"]);
        assert_eq!(*stances.of("his").unwrap().now(), edited);
        assert_eq!(stances.change("his"), None);
        assert_eq!(start(folder.path(), observe).1, [], "nothing is left of it at the next start");
    }

    #[test]
    fn back_to_what_the_configuration_says_is_no_change() {
        let folder = tempfile::tempdir().unwrap();
        let observe = stance(Stance::Observe, &[]);
        let (stances, _) = start(folder.path(), observe.clone());
        change(&stances, &stance(Stance::Enforce, &[]));
        change(&stances, &observe);
        assert_eq!(stances.change("his"), None);
        assert_eq!(start(folder.path(), observe).1, []);
    }

    #[test]
    fn a_file_that_cannot_be_read_stops_the_start() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("stances.json");
        for text in ["{", "{\"his\": {}}"] {
            std::fs::write(&path, text).unwrap();
            assert!(Stances::restore(&path, Vec::new()).is_err(), "{text}");
        }
    }
}
