//! The ledger against a plain list, under faults and crashes chosen by proptest.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use jiff::ToSpan;
use proptest::prelude::*;

use super::disk::Disk;
use super::{MORNING, at, config, draft, open, until};
use crate::ledger::verify::verify;
use crate::ledger::{Config, Draft, Durability, Entries, EntryId, Expected, Filter, Kind, Ledger};

#[derive(Clone, Debug)]
enum Act {
    Append { hours: i64, soon: bool },
    Later,
    Together(u64),
    Full { free: usize },
    FailSyncs(u32),
    Reopen,
    Crash { kept: usize },
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        8 => (0..3i64, any::<bool>()).prop_map(|(hours, soon)| Act::Append { hours, soon }),
        2 => Just(Act::Later),
        2 => (2..9u64).prop_map(Act::Together),
        1 => (0..1500usize).prop_map(|free| Act::Full { free }),
        1 => (1..4u32).prop_map(Act::FailSyncs),
        1 => Just(Act::Reopen),
        1 => (0..2000usize).prop_map(|kept| Act::Crash { kept }),
    ]
}

/// What must be in the ledger, in the order of the acts, and what may not.
#[derive(Default)]
struct Model {
    on_disk: Vec<EntryId>,
    handed_over: BTreeSet<EntryId>,
    refused: BTreeSet<EntryId>,
}

struct World {
    disk: Disk,
    ledger: Ledger,
    model: Model,
    hours: i64,
    drafts: u64,
}

fn settings() -> Config {
    Config { part_bytes: 2500, soon: Duration::from_micros(100), ..config() }
}

impl World {
    fn draft(&mut self) -> Draft {
        self.drafts += 1;
        draft(self.drafts, at(MORNING) + self.hours.hours())
    }

    async fn append(&mut self, durability: Durability) {
        let draft = self.draft();
        let id = draft.id;
        match (self.ledger.append(draft, durability).await, durability) {
            (Ok(_), Durability::OnDisk) => self.model.on_disk.push(id),
            (Ok(_), Durability::Soon) => drop(self.model.handed_over.insert(id)),
            (Err(_), _) => drop(self.model.refused.insert(id)),
        }
    }

    async fn heal(&self) {
        self.disk.recover();
        until(|| self.ledger.healthy()).await;
    }

    async fn act(&mut self, act: Act) {
        match act {
            Act::Append { hours, soon } => {
                self.hours += hours;
                let durability = if soon { Durability::Soon } else { Durability::OnDisk };
                self.append(durability).await;
            }
            Act::Later => {
                let draft = self.draft();
                self.model.handed_over.insert(draft.id);
                self.ledger.append_later(draft);
            }
            Act::Together(count) => {
                let drafts: Vec<_> = (0..count).map(|_| self.draft()).collect();
                let mut tasks = tokio::task::JoinSet::new();
                for draft in drafts {
                    let ledger = self.ledger.clone();
                    tasks.spawn(async move {
                        (draft.id, ledger.append(draft, Durability::OnDisk).await)
                    });
                }
                let mut done = tasks.join_all().await;
                done.sort_by_key(|(_, outcome)| outcome.as_ref().ok().and_then(|r| r.seq()));
                for (id, outcome) in done {
                    match outcome {
                        Ok(_) => self.model.on_disk.push(id),
                        Err(_) => drop(self.model.refused.insert(id)),
                    }
                }
            }
            Act::Full { free } => self.disk.state().free = Some(free),
            Act::FailSyncs(count) => self.disk.state().failing_syncs = count,
            Act::Reopen => {
                self.heal().await;
                assert_eq!(self.ledger.close().await, 0);
                self.check(true);
                self.ledger = open(self.disk.store(), settings()).0;
            }
            Act::Crash { kept } => {
                let before = std::mem::take(&mut self.disk);
                self.disk = before.crash(kept);
                before.recover();
                self.ledger = open(self.disk.store(), settings()).0;
                self.check(false);
                // What was not awaited may be gone; what was refused may have reached the disk.
                self.model.handed_over.clear();
                self.model.refused.clear();
            }
        }
    }

    /// `stopped`: in good order, so that everything handed over must be there as well.
    fn check(&self, stopped: bool) {
        verify(&self.disk, Expected::default()).unwrap();
        let entries = Entries::new(Arc::new(self.disk.clone()), Filter::default()).unwrap();
        let entries = entries.map(Result::unwrap).filter(|entry| entry.kind != Kind::Anchor);
        let found: Vec<EntryId> = entries.map(|entry| entry.id).collect();
        let every: BTreeSet<EntryId> = found.iter().copied().collect();
        assert_eq!(every.len(), found.len(), "an entry stands twice");
        let awaited: BTreeSet<_> = self.model.on_disk.iter().copied().collect();
        let in_order: Vec<_> = found.iter().copied().filter(|id| awaited.contains(id)).collect();
        assert_eq!(in_order, self.model.on_disk);
        if stopped {
            assert!(self.model.handed_over.is_subset(&every));
            assert!(self.model.refused.is_disjoint(&every));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn the_ledger_holds_what_a_list_would_whatever_fails(acts in prop::collection::vec(act(), 1..40)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            let disk = Disk::default();
            let ledger = open(disk.store(), settings()).0;
            let mut world = World { disk, ledger, model: Model::default(), hours: 0, drafts: 0 };
            for act in acts {
                world.act(act).await;
            }
            world.act(Act::Reopen).await;
        });
    }
}
