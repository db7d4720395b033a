//! Deadline and escalation: who is told when a file has not been reviewed in time. Pure.

use jiff::Timestamp;

use crate::overrides::act::Act;
use crate::overrides::file::{OverrideFile, after_hours};

/// One step: whom to tell how long after the deadline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rung {
    /// Hours after the deadline.
    pub after_h: u32,
    /// Whom, in the hospital's own words; alerts carry them.
    pub to: Vec<String>,
}

/// The steps, the earliest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ladder(Vec<Rung>);

impl Default for Ladder {
    /// One step, at the deadline, to whoever the feeds tell.
    fn default() -> Self {
        Self(vec![Rung { after_h: 0, to: Vec::new() }])
    }
}

impl Ladder {
    /// Of these steps, put in order; without any, the usual one.
    pub fn new(mut rungs: Vec<Rung>) -> Self {
        if rungs.is_empty() {
            return Self::default();
        }
        rungs.sort_by_key(|rung| rung.after_h);
        Self(rungs)
    }

    /// The escalation that is due now; steps are taken one after the other, also late.
    pub fn due(&self, file: &OverrideFile, now: Timestamp) -> Option<Act> {
        let rung = self.0.get(usize::try_from(file.level).ok()?)?;
        let act = Act::Escalated { level: file.level + 1, to: rung.to.clone() };
        let come = now >= after_hours(file.due, rung.after_h);
        (come && file.check(&act, now).is_ok()).then_some(act)
    }

    /// The highest level.
    pub fn levels(&self) -> u32 {
        u32::try_from(self.0.len()).unwrap_or(u32::MAX)
    }
}
