//! What `[console]` and `[[policy.escalation]]` say of those who sit there: sessions, locks, looks, escalation.

use std::time::Duration;

use crate::accounts;
use crate::config::reader::Section;
use crate::overrides::Ladder;
use crate::overrides::ladder::Rung;

/// Minutes after which a session nobody uses ends: a ward's screen is left alone soon.
const IDLE_MIN: u64 = 30;
/// Hours after which every session ends: one shift.
const SESSION_H: u64 = 12;
/// Wrong passwords in a row, and the minutes an account is then locked.
const LOCK_AFTER: u64 = 5;
const LOCK_MIN: u64 = 15;
/// Different patients in an hour above which reading is unusual (IS Q9); a review of a day's overrides needs a dozen.
const PATIENTS_PER_HOUR: u64 = 60;

/// Who may sit at the console, and how long.
#[derive(Clone, Debug)]
pub struct Desk {
    /// Locks and sessions.
    pub accounts: accounts::Config,
    /// Different patients an account may open in an hour; 0 = any number.
    pub patients_per_hour: usize,
    /// For how long an account is locked that opens more; `None`: it is only told.
    pub lock_unusual: Option<Duration>,
}

/// Reads the keys of `[console]` that concern people.
pub(super) fn desk(section: &Section<'_>) -> Desk {
    let minutes = |key, usual| Duration::from_secs(60 * section.number(key, usual, 1..10_081));
    let idle = minutes("idle_min", IDLE_MIN);
    let lock_for = minutes("lock_min", LOCK_MIN);
    let life = Duration::from_secs(3600 * section.number("session_h", SESSION_H, 1..169));
    let lock_after = section.number("lock_after", LOCK_AFTER, 1..101);
    let patients = section.number("patients_per_hour", PATIENTS_PER_HOUR, 0..10_001);
    let lock_unusual = section.flag("lock_unusual", false).then_some(lock_for);
    Desk {
        accounts: accounts::Config {
            lock_after: u32::try_from(lock_after).unwrap_or(u32::MAX),
            lock_for,
            idle,
            life,
            ..accounts::Config::default()
        },
        patients_per_hour: usize::try_from(patients).unwrap_or(usize::MAX),
        lock_unusual,
    }
}

/// Reads `[[policy.escalation]]`.
pub(super) fn ladder(policy: &Section<'_>) -> Ladder {
    let rungs = policy.sections("escalation").into_iter().map(|section| {
        let after_h = section.number("after_h", 0, 0..8_761);
        let to = section.texts("to");
        section.finish();
        Rung { after_h: u32::try_from(after_h).unwrap_or(u32::MAX), to }
    });
    Ladder::new(rungs.collect())
}
