//! Who may do what to an override file, and when (rules.md §4, SG 21). Pure.

use jiff::Timestamp;
use thiserror::Error;

use crate::overrides::act::{Act, Conclusion, Person};
use crate::overrides::file::{OverrideFile, State};

/// Why an act does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Refused {
    /// It was reviewed before.
    #[error("the file is closed, reopen it with a reason first")]
    Closed,
    /// It waits for a review.
    #[error("the file is open, there is nothing to reopen")]
    NotClosed,
    /// Nothing but blanks.
    #[error("a reason is needed, write one")]
    NoReason,
    /// It cannot be told whether they are the surgeon.
    #[error("the account has no staff number, let an administrator enter it")]
    Unidentified,
    /// SG 21: a second person.
    #[error("the surgeon may not review their own override, let another person do it")]
    Surgeon,
    /// Likewise.
    #[error("who attested the emergency may not review it, let another person do it")]
    Attester,
    /// Likewise.
    #[error("who opened the file may not review it, let another person do it")]
    Opener,
    /// Only what is rejected has consequences.
    #[error("only a rejection can suspend, choose one of both")]
    Suspension,
    /// The deadline, or the step of the ladder, has not been reached, or was taken before.
    #[error("the file is not due for this escalation")]
    NotDue,
}

impl Refused {
    /// The same in Chinese.
    pub fn text_zh(self) -> &'static str {
        match self {
            Self::Closed => "该文件已结案，须先说明理由重新打开",
            Self::NotClosed => "该文件尚未结案，无需重新打开",
            Self::NoReason => "必须填写理由",
            Self::Unidentified => "您的账号没有登记工号，无法确认您不是术者本人，请管理员补录",
            Self::Surgeon => "术者不得审核自己的越权手术，请由他人审核",
            Self::Attester => "抢救情况的声明人不得审核同一文件，请由他人审核",
            Self::Opener => "开单（或重新打开）的人不得审核同一文件，请由他人审核",
            Self::Suspension => "只有判定为不认可时才能同时暂停授权",
            Self::NotDue => "尚未到达该级催办时限",
        }
    }

    /// A stable word for forms and tests.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::NotClosed => "not-closed",
            Self::NoReason => "no-reason",
            Self::Unidentified => "unidentified",
            Self::Surgeon => "surgeon",
            Self::Attester => "attester",
            Self::Opener => "opener",
            Self::Suspension => "suspension",
            Self::NotDue => "not-due",
        }
    }
}

/// Whether `act` may be done to `file` at `at`.
///
/// # Errors
/// Why not.
pub fn check(file: &OverrideFile, act: &Act, at: Timestamp) -> Result<(), Refused> {
    if act.reason().is_some_and(|reason| reason.trim().is_empty()) {
        return Err(Refused::NoReason);
    }
    match act {
        Act::Attested { .. } => open(file),
        Act::Reviewed { by, conclusion, suspend, .. } => {
            open(file)?;
            if suspend.is_some() && *conclusion != Conclusion::Rejected {
                return Err(Refused::Suspension);
            }
            reviewer(file, by)
        }
        Act::Reopened { .. } if file.state == State::Open => Err(Refused::NotClosed),
        Act::Reopened { .. } => Ok(()),
        Act::Escalated { level, .. } => {
            open(file)?;
            let next = file.level.checked_add(1) == Some(*level);
            if next && file.overdue(at) { Ok(()) } else { Err(Refused::NotDue) }
        }
    }
}

fn open(file: &OverrideFile) -> Result<(), Refused> {
    if file.state == State::Open { Ok(()) } else { Err(Refused::Closed) }
}

/// Whether a person is none of those whose case it is.
fn reviewer(file: &OverrideFile, by: &Person) -> Result<(), Refused> {
    if by.staff.as_deref().is_none_or(|staff| staff.trim().is_empty()) {
        return Err(Refused::Unidentified);
    }
    let opened = &file.opened;
    if opened.surgeons.iter().chain([&opened.surgeon]).any(|surgeon| by.may_be(surgeon)) {
        return Err(Refused::Surgeon);
    }
    let attesters = file.attested.iter().filter_map(|attested| attested.by.as_ref());
    if attesters.into_iter().any(|attester| by.may_be(attester)) {
        return Err(Refused::Attester);
    }
    if file.openers.iter().any(|opener| by.may_be(opener)) {
        return Err(Refused::Opener);
    }
    Ok(())
}
