//! What operators do: change what a route does with verdicts, have the ledger verified.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use serde_json::json;

use crate::accounts::{Account, Permit};
use crate::domain::verdict::Stance;
use crate::gate::office::{Office, OfficeError};
use crate::gate::stance::RouteStance;
use crate::gate::stances::{Change, Stances, Written};
use crate::ledger::{self, Expected, Head, Kind, Ledger};
use crate::telemetry::office as events;

/// Longest reason that is kept, in characters.
const REASON_MAX: usize = 500;
/// Alerts that an entry names; a page lists no more.
const ALERTS_MAX: usize = 200;
/// Departments that a stance lists at most; a hospital has fewer.
const DEPARTMENTS_MAX: usize = 200;

/// What a route is to do with verdicts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// From now on this.
    Whole(RouteStance),
    /// One department is enforced or observed, the others as they are.
    Department(String, Stance),
}

/// Why a stance is not changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StanceError {
    /// No such route.
    #[error("there is no route of that name")]
    Unknown,
    /// Nobody can ask later why.
    #[error("a reason is needed")]
    NoReason,
    /// It is so already.
    #[error("nothing would change: it is in force already")]
    Same,
    /// "All but one" is no stance.
    #[error("every department is enforced; list those that are to be enforced, without this one")]
    AllEnforced,
    /// Enforcing by departments, without any.
    #[error("name the departments, or enforce all")]
    NoDepartment,
    /// Too many of them.
    #[error("too many departments")]
    TooMany,
    /// The account sees some departments only.
    #[error("your account may change its own departments only, one at a time")]
    NotYours,
}

impl StanceError {
    /// For people.
    pub fn text_zh(self) -> &'static str {
        match self {
            Self::Unknown => "没有此通道。",
            Self::NoReason => "请填写理由。",
            Self::Same => "与当前方式相同，未作变更。",
            Self::AllEnforced => "当前对全部科室执行；请改为列出仍须执行的科室（不含此科室）。",
            Self::NoDepartment => "请填写科室，或选择对全部科室执行。",
            Self::TooMany => "科室过多。",
            Self::NotYours => "您的账号只能变更本科室，且每次一个科室。",
        }
    }
}

/// A stance that was changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Switched {
    /// The ledger entry.
    pub entry: String,
    /// Whether it holds after a restart too.
    pub kept: bool,
}

/// How a verification of the ledger ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// When it was done.
    pub at: Timestamp,
    /// Who asked for it.
    pub by: String,
    /// How many entries, and the last; or why the chain is broken.
    pub outcome: Result<(u64, Head), String>,
}

/// The last verification, and whether one is going on. One at a time.
#[derive(Default)]
pub(super) struct Verification(Arc<Mutex<(Option<Verified>, bool)>>);

impl Verification {
    fn hold(&self) -> MutexGuard<'_, (Option<Verified>, bool)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Office {
    /// What routes do with verdicts.
    pub fn stances(&self) -> &Stances {
        &self.parts.works.stances
    }

    /// The ledger.
    pub fn ledger(&self) -> &Ledger {
        &self.parts.works.ledger
    }

    /// Changes what a route does with verdicts, from its next message on. The entry is written first.
    ///
    /// # Errors
    /// The account's roles or departments, no reason, no change, or the ledger cannot record it; then nothing changes.
    pub async fn set_stance(
        self: &Arc<Self>,
        account: &Account,
        route: &str,
        wanted: Wanted,
        reason: &str,
    ) -> Result<Switched, OfficeError> {
        Self::permit(account, Permit::Operate)?;
        let reason: String = reason.trim().chars().take(REASON_MAX).collect();
        if reason.is_empty() {
            return Err(StanceError::NoReason.into());
        }
        let turn = Arc::clone(&self.acting).lock_owned().await;
        let switch = self.stances().of(route).ok_or(StanceError::Unknown)?;
        let from = switch.now();
        let to = wanted.weigh(account, &from)?;
        let (by, file) = (account.display.clone(), Written::of(switch.file()));
        let body = json!({
            "account": account.name,
            "act": "stance",
            "by": by,
            "from": Written::of(&from),
            "reason": reason,
            "routes": [route],
            "to": Written::of(&to),
        });
        let (office, route) = (Arc::clone(self), route.to_owned());
        Self::through(async move {
            let _turn = turn;
            let (entry, _, at) = office.enter(Kind::Bypass, &body).await?;
            let entry = entry.to_string();
            let change =
                Change { to: Written::of(&to), file, at, by, reason, entry: entry.clone() };
            let kept = office.switch(route, to, change).await;
            Ok(Switched { entry, kept })
        })
        .await
    }

    /// Puts a change into force that is in the ledger; whether it could be kept.
    async fn switch(&self, route: String, to: RouteStance, change: Change) -> bool {
        let (stance, departments) = (to.stance.as_str(), to.departments.len());
        let (stances, name) = (self.stances().clone(), route.clone());
        // Files are made durable on a thread of their own.
        let kept = tokio::task::spawn_blocking(move || stances.apply(&name, to, change)).await;
        events::StanceChanged { route: &route, stance, departments }.emit();
        let kept = kept.unwrap_or_else(|_| Err(std::io::ErrorKind::Other.into()));
        if let Err(error) = &kept {
            events::StanceUnkept { route: &route, error }.emit();
        }
        kept.is_ok()
    }

    /// Enters what an operator is about to do with a feed; `alerts` are the ids chosen, none = all.
    ///
    /// # Errors
    /// The account's roles, no reason, or the ledger cannot record it; then it must not be done.
    pub async fn feed_act(
        &self,
        account: &Account,
        feed: &str,
        act: &'static str,
        alerts: &[String],
        reason: &str,
    ) -> Result<(), OfficeError> {
        Self::permit(account, Permit::Operate)?;
        let reason: String = reason.trim().chars().take(REASON_MAX).collect();
        if reason.is_empty() {
            return Err(StanceError::NoReason.into());
        }
        let named: Vec<&String> = alerts.iter().take(ALERTS_MAX).collect();
        let body = json!({
            "account": account.name,
            "act": act,
            "alerts": named,
            "name": account.display,
            "purpose": reason,
            "what": format!("feed {feed}"),
        });
        self.enter(Kind::Access, &body).await?;
        events::FeedActed { feed, act }.emit();
        Ok(())
    }

    /// Has the whole chain verified, up to its head as it is now, on a thread of its own. Whether it was begun; else
    /// one is going on.
    ///
    /// # Errors
    /// The account's roles.
    pub fn verify_ledger(&self, account: &Account) -> Result<bool, OfficeError> {
        if !account.may(Permit::Operate) {
            Self::permit(account, Permit::Audit)?;
        }
        let mut held = self.verification.hold();
        if held.1 {
            return Ok(false);
        }
        held.1 = true;
        drop(held);
        let (by, clock) = (account.display.clone(), self.parts.gate.clock());
        let (folder, head) = (self.parts.ledger_dir.clone(), self.ledger().head());
        let held = Verification(Arc::clone(&self.verification.0));
        tokio::task::spawn_blocking(move || {
            // Older files may have been removed when their time was over; the head is the one in memory.
            let expected = Expected { pruned: true, head: Some(head) };
            let outcome = match ledger::verify(&folder, expected) {
                Ok(verified) => Ok((verified.entries, verified.head)),
                Err(error) => Err(error.to_string()),
            };
            events::LedgerVerified { whole: outcome.is_ok() }.emit();
            *held.hold() = (Some(Verified { at: clock.now(), by, outcome }), false);
        });
        Ok(true)
    }

    /// The last verification since the start, and whether one is going on.
    pub fn verified(&self) -> (Option<Verified>, bool) {
        self.verification.hold().clone()
    }
}

impl Wanted {
    /// What it comes to, if this account may want it.
    fn weigh(self, account: &Account, from: &RouteStance) -> Result<RouteStance, StanceError> {
        let scope = &account.scope;
        let to = match self {
            Self::Department(name, stance) => {
                if name.trim().is_empty() {
                    return Err(StanceError::NoDepartment);
                }
                if !scope.sees(Some(name.trim())) {
                    return Err(StanceError::NotYours);
                }
                from.with(&name, stance).map_err(|_| StanceError::AllEnforced)?
            }
            Self::Whole(_) if scope.departments().is_some() => return Err(StanceError::NotYours),
            Self::Whole(to) => to,
        };
        if to.departments.len() > DEPARTMENTS_MAX {
            return Err(StanceError::TooMany);
        }
        if to == *from { Err(StanceError::Same) } else { Ok(to) }
    }
}
