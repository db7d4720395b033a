//! What administrators change of accounts, and what they may not.

use std::collections::HashMap;

use jiff::Timestamp;
use sqlx::Row;

use crate::accounts::account::{Account, Permit, Role, Scope, Status, check_vendor};
use crate::accounts::door::micros;
use crate::accounts::error::AccountsError;
use crate::accounts::keep::known;
use crate::accounts::{Accounts, rows};

/// A change of an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// It is closed, and its sessions end.
    Disable,
    /// It is opened again.
    Enable,
    /// It is no longer locked.
    Unlock,
    /// Its sessions end.
    EndSessions,
    /// It gets another password, to be changed at the next login.
    Password,
    /// What it may do, what it sees, and when it ends.
    Rights {
        /// At least one.
        roles: Vec<Role>,
        /// Departments; `None`: as they are.
        scope: Option<Scope>,
        /// When it ends.
        expires: Option<Timestamp>,
    },
}

/// Why an account is not made or changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChangeRefused {
    /// Nobody of that name.
    #[error("there is no account of that name")]
    Unknown,
    /// Nobody can ask later why.
    #[error("a reason is needed")]
    NoReason,
    /// It is so already.
    #[error("nothing would change")]
    Same,
    /// Whoever does it could not undo it.
    #[error("you cannot close your own account, nor take administration from it, nor let it end")]
    Own,
    /// Nobody could keep the accounts any more.
    #[error("at least one local administrator that is open and does not end must remain")]
    LastAdmin,
    /// The identity provider says what it may do, at each login.
    #[error("the identity provider decides on roles (and departments, where it tells them)")]
    Elsewhere,
    /// The identity provider keeps its password.
    #[error("the account logs in by the identity provider and has no password here")]
    NoPassword,
    /// An account without a role can do nothing.
    #[error("an account needs at least one role")]
    NoRole,
    /// IS Q9: accounts of vendors end.
    #[error("an account of a vendor ends: give a day within 90 days")]
    VendorExpiry,
    /// To close an account at once there is another act.
    #[error("the last day is over already")]
    Past,
    /// Names are compared, printed and typed.
    #[error("no account name: 2 to 32 of a–z, 0–9, `.`, `-`, `_`")]
    Name,
    /// The name is taken.
    #[error("there is an account of that name already")]
    Taken,
}

impl ChangeRefused {
    /// For people.
    pub fn text_zh(self) -> &'static str {
        match self {
            Self::Unknown => "没有此账号。",
            Self::NoReason => "请填写理由。",
            Self::Same => "没有需要变更的内容。",
            Self::Own => {
                "不得停用自己的账号、取消自己的管理角色或给自己设定到期日，请由另一位管理员办理。"
            }
            Self::LastAdmin => "至少须保留一个启用、不会到期的本地管理员账号。",
            Self::Elsewhere => {
                "此账号的角色（及其所报科室）由统一认证决定，请在统一认证系统中变更。"
            }
            Self::NoPassword => "此账号经统一认证登录，本系统没有它的密码。",
            Self::NoRole => "至少选择一个角色。",
            Self::VendorExpiry => "厂商账号必须到期：请填写 90 天以内的最后一日。",
            Self::Past => "最后一日已过；如需立即停用，请使用“停用”。",
            Self::Name => "账号名须为 2 至 32 个字符：a–z、0–9、“.”、“-”、“_”。",
            Self::Taken => "已有同名账号。",
        }
    }
}

/// Whether `by` may change the account of this name so, given all accounts. Pure.
///
/// # Errors
/// Why not.
pub fn weigh(
    all: &[Account],
    by: &str,
    name: &str,
    change: &Change,
    now: Timestamp,
) -> Result<(), ChangeRefused> {
    let own = |account: &&Account| account.name == name;
    let account = all.iter().find(own).ok_or(ChangeRefused::Unknown)?;
    let mut after = account.clone();
    match change {
        Change::EndSessions | Change::Unlock => {}
        Change::Disable => after.status = Status::Disabled,
        Change::Enable => after.status = Status::Active,
        Change::Password if account.subject.is_some() => return Err(ChangeRefused::NoPassword),
        Change::Password => {}
        Change::Rights { roles, scope, expires } => {
            check_rights(account, roles, *expires, now)?;
            (after.roles, after.expires) = (roles.clone(), *expires);
            after.scope = scope.clone().unwrap_or(after.scope);
        }
    }
    let changes = !matches!(change, Change::EndSessions | Change::Unlock | Change::Password);
    if changes && after == *account {
        return Err(ChangeRefused::Same);
    }
    if change == &Change::Unlock && account.locked_until.is_none_or(|until| until <= now) {
        return Err(ChangeRefused::Same);
    }
    let closes =
        !keeps(&after, now) || (after.expires.is_some() && after.expires != account.expires);
    if by == name && keeps(account, now) && closes {
        return Err(ChangeRefused::Own);
    }
    let others = || all.iter().filter(|other| other.name != name);
    let lasting = stays(&after) || others().any(stays);
    let any = keeps(&after, now) || others().any(|other| keeps(other, now));
    if (stays(account) && !lasting) || (keeps(account, now) && !any) {
        return Err(ChangeRefused::LastAdmin);
    }
    Ok(())
}

fn check_rights(
    account: &Account,
    roles: &[Role],
    expires: Option<Timestamp>,
    now: Timestamp,
) -> Result<(), ChangeRefused> {
    if roles.is_empty() {
        return Err(ChangeRefused::NoRole);
    }
    if account.subject.is_some() && roles != account.roles {
        return Err(ChangeRefused::Elsewhere);
    }
    if expires != account.expires && expires.is_some_and(|end| end <= now) {
        return Err(ChangeRefused::Past);
    }
    check_vendor(account.vendor, expires, now).map_err(|_| ChangeRefused::VendorExpiry)
}

/// Whether it keeps the accounts now.
fn keeps(account: &Account, now: Timestamp) -> bool {
    account.may(Permit::Administer)
        && account.status == Status::Active
        && account.expires.is_none_or(|end| now < end)
}

/// Whether it keeps them whatever happens elsewhere: the identity provider down, or a day come.
fn stays(account: &Account) -> bool {
    account.may(Permit::Administer)
        && account.status == Status::Active
        && account.expires.is_none()
        && account.subject.is_none()
}

impl Accounts {
    /// Puts a change into force that [`weigh`] allows; of a password, see [`Accounts::set_password`].
    ///
    /// # Errors
    /// No such account, or the database does not answer.
    pub async fn change(&self, name: &str, change: &Change) -> Result<(), AccountsError> {
        match change {
            Change::Disable => self.set_usable(name, false).await,
            Change::Enable => self.set_usable(name, true).await,
            Change::Unlock => self.unlock(name).await,
            Change::EndSessions | Change::Password => self.end_sessions(name).await,
            Change::Rights { roles, scope, expires } => {
                let kept = self.account(name).await?.scope;
                self.set_rights(name, roles, scope.as_ref().unwrap_or(&kept), *expires).await
            }
        }
    }

    /// Closes an account, or opens it again; closing ends its sessions.
    ///
    /// # Errors
    /// There is no such account, or the database does not answer.
    pub async fn set_usable(&self, name: &str, usable: bool) -> Result<(), AccountsError> {
        let status = if usable { "active" } else { "disabled" };
        let sql = "update accounts set status = $1, failures = 0, locked_until = 0 where name = $2";
        let done = sqlx::query(sql).bind(status).bind(name).execute(&self.pool).await?;
        known(name, done.rows_affected())?;
        if usable { Ok(()) } else { self.end_sessions(name).await }
    }

    async fn unlock(&self, name: &str) -> Result<(), AccountsError> {
        let sql = "update accounts set failures = 0, locked_until = 0 where name = $1";
        known(name, sqlx::query(sql).bind(name).execute(&self.pool).await?.rows_affected())
    }

    async fn set_rights(
        &self,
        name: &str,
        roles: &[Role],
        scope: &Scope,
        expires: Option<Timestamp>,
    ) -> Result<(), AccountsError> {
        let sql = "update accounts set roles = $1, departments = $2, expires = $3 where name = $4";
        let query = sqlx::query(sql)
            .bind(rows::roles(roles))
            .bind(rows::departments(scope))
            .bind(rows::micros(expires))
            .bind(name);
        known(name, query.execute(&self.pool).await?.rows_affected())
    }

    /// How many sessions go on, by account.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn sessions(&self, now: Timestamp) -> Result<HashMap<String, u64>, AccountsError> {
        let since = |time| now.as_microsecond().saturating_sub(micros(time));
        let sql = "select account, count(*) from sessions where began > $1 and seen > $2 \
                   group by account";
        let query = sqlx::query(sql).bind(since(self.config.life)).bind(since(self.config.idle));
        let mut counts = HashMap::new();
        for row in query.fetch_all(&self.pool).await? {
            let count: i64 = row.try_get(1)?;
            counts.insert(row.try_get(0)?, u64::try_from(count).unwrap_or(0));
        }
        Ok(counts)
    }
}
