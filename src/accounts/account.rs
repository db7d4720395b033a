//! What an account is and what it may do. Pure.

use jiff::{SignedDuration, Timestamp};

use crate::accounts::error::AccountsError;

/// Days for which a vendor's account may be valid at a time (IS Q9: temporary access ends by itself).
pub const VENDOR_DAYS: i64 = 90;

/// What somebody is here for. An account may hold several.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Looks.
    Viewer,
    /// Closes override files.
    Reviewer,
    /// Changes the register.
    Registrar,
    /// Runs the gate: stances, bypass, feeds.
    Operator,
    /// Looks at everything, also at who looked at what, and exports.
    Auditor,
    /// Keeps the accounts.
    Admin,
}

/// What needs a role.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Permit {
    /// To look at verdicts, cases, register and override files.
    See,
    /// To review, reopen and attest override files.
    Review,
    /// To suspend, resume and import.
    ChangeRegister,
    /// To change stances, bypass, resend.
    Operate,
    /// To export, and to see who looked at what.
    Audit,
    /// To change accounts.
    Administer,
}

impl Role {
    /// All, in the order in which they are shown.
    pub const ALL: [Self; 6] =
        [Self::Viewer, Self::Reviewer, Self::Registrar, Self::Operator, Self::Auditor, Self::Admin];
    /// Their words, for messages.
    pub const WORDS: &'static str = "viewer, reviewer, registrar, operator, auditor, admin";

    /// The word of commands and tables.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Reviewer => "reviewer",
            Self::Registrar => "registrar",
            Self::Operator => "operator",
            Self::Auditor => "auditor",
            Self::Admin => "admin",
        }
    }

    /// For people.
    pub fn text_zh(self) -> &'static str {
        match self {
            Self::Viewer => "查看",
            Self::Reviewer => "审核",
            Self::Registrar => "授权登记",
            Self::Operator => "运行",
            Self::Auditor => "审计",
            Self::Admin => "管理",
        }
    }

    /// The role of a word.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == name)
    }

    /// Whether it permits.
    pub fn permits(self, permit: Permit) -> bool {
        match permit {
            // Whoever keeps accounts or the machine needs no look at patients.
            Permit::See => {
                matches!(self, Self::Viewer | Self::Reviewer | Self::Registrar | Self::Auditor)
            }
            Permit::Review => self == Self::Reviewer,
            Permit::ChangeRegister => self == Self::Registrar,
            Permit::Operate => self == Self::Operator,
            Permit::Audit => self == Self::Auditor,
            Permit::Administer => self == Self::Admin,
        }
    }
}

/// Which departments an account sees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// All.
    All,
    /// These, as messages write them.
    Departments(Vec<String>),
}

impl Scope {
    /// Whether it sees what is of `department`. What is of none is seen by whoever sees all.
    pub fn sees(&self, department: Option<&str>) -> bool {
        match self {
            Self::All => true,
            Self::Departments(own) => {
                department.is_some_and(|department| own.iter().any(|one| one == department))
            }
        }
    }

    /// The departments, where they are limited.
    pub fn departments(&self) -> Option<&[String]> {
        match self {
            Self::All => None,
            Self::Departments(own) => Some(own),
        }
    }
}

/// Whether an account may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Yes.
    Active,
    /// An administrator, or the gate, has closed it.
    Disabled,
}

/// An account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// What is typed.
    pub name: String,
    /// The person's name.
    pub display: String,
    /// The person's staff number; without it they cannot be told from surgeons, and may not review.
    pub staff: Option<String>,
    /// Sorted, each once.
    pub roles: Vec<Role>,
    /// What they see.
    pub scope: Scope,
    /// Whether it may be used.
    pub status: Status,
    /// Not of this house.
    pub vendor: bool,
    /// When it ends.
    pub expires: Option<Timestamp>,
    /// The password was given by somebody else.
    pub must_change: bool,
    /// Until when it is locked.
    pub locked_until: Option<Timestamp>,
    /// Issuer and subject, where another system answers for the person.
    pub subject: Option<String>,
    /// When it was made.
    pub created: Timestamp,
    /// By whom.
    pub created_by: String,
    /// When it was last used.
    pub last_login: Option<Timestamp>,
}

impl Account {
    /// Whether any role permits.
    pub fn may(&self, permit: Permit) -> bool {
        self.roles.iter().any(|role| role.permits(permit))
    }

    /// Whether it may be used now.
    pub fn usable(&self, now: Timestamp) -> bool {
        self.status == Status::Active
            && self.expires.is_none_or(|end| now < end)
            && self.locked_until.is_none_or(|end| now >= end)
    }
}

/// An account to be made.
#[derive(Clone, Debug)]
pub struct NewAccount {
    /// What is typed.
    pub name: String,
    /// The person's name.
    pub display: String,
    /// Their staff number.
    pub staff: Option<String>,
    /// At least one.
    pub roles: Vec<Role>,
    /// What they see.
    pub scope: Scope,
    /// Not of this house.
    pub vendor: bool,
    /// When it ends; vendors' accounts must.
    pub expires: Option<Timestamp>,
}

impl NewAccount {
    /// What is wrong with it.
    ///
    /// # Errors
    /// The first fault.
    pub fn check(&self, now: Timestamp) -> Result<(), AccountsError> {
        check_name(&self.name)?;
        if self.roles.is_empty() {
            return Err(AccountsError::NoRole);
        }
        check_vendor(self.vendor, self.expires, now)
    }
}

/// A vendor's account ends, and soon.
pub(in crate::accounts) fn check_vendor(
    vendor: bool,
    expires: Option<Timestamp>,
    now: Timestamp,
) -> Result<(), AccountsError> {
    let latest = now.saturating_add(SignedDuration::from_hours(24 * VENDOR_DAYS));
    let latest = latest.unwrap_or(now);
    let ends = expires.is_some_and(|end| end > now && end <= latest);
    if vendor && !ends { Err(AccountsError::VendorExpiry(VENDOR_DAYS)) } else { Ok(()) }
}

/// Names are typed on any keyboard and never look alike.
fn check_name(name: &str) -> Result<(), AccountsError> {
    if is_name(name) { Ok(()) } else { Err(AccountsError::Name(name.chars().take(40).collect())) }
}

/// Whether an account may be called so.
pub(in crate::accounts) fn is_name(name: &str) -> bool {
    let sign = |byte: u8| {
        byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'.' | b'-' | b'_')
    };
    (2..=32).contains(&name.len()) && name.bytes().all(sign)
}
