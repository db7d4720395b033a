//! Accounts as rows.

use jiff::Timestamp;
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, AssertSqlSafe, Row};

use crate::accounts::account::{Account, Role, Scope, Status};
use crate::accounts::error::AccountsError;

/// What [`read`] reads, in its order.
pub(in crate::accounts) const COLUMNS: &str = "name, display, staff, roles, departments, password, \
    subject, status, vendor, expires, must_change, failures, locked_until, created, created_by, last_login";

/// An account with what only the door looks at.
pub(in crate::accounts) struct Kept {
    pub(in crate::accounts) account: Account,
    pub(in crate::accounts) password: String,
    pub(in crate::accounts) failures: i64,
}

pub(in crate::accounts) async fn find(
    connection: &mut AnyConnection,
    column: &str,
    text: &str,
) -> Result<Option<Kept>, AccountsError> {
    let sql = format!("select {COLUMNS} from accounts where {column} = $1 and {column} <> ''");
    let row = sqlx::query(AssertSqlSafe(sql)).bind(text).fetch_optional(connection).await?;
    row.as_ref().map(read).transpose()
}

pub(in crate::accounts) fn read(row: &AnyRow) -> Result<Kept, AccountsError> {
    let text = |at: usize| row.try_get::<String, _>(at);
    let number = |at: usize| row.try_get::<i64, _>(at);
    let instant = |at: usize| Ok::<_, sqlx::Error>(moment(number(at)?));
    let name = text(0)?;
    let odd = || AccountsError::Row(name.clone());
    let roles: Option<Vec<Role>> = parts(&text(3)?).map(Role::from_name).collect();
    let departments = text(4)?;
    let status = match text(7)?.as_str() {
        "active" => Status::Active,
        "disabled" => Status::Disabled,
        _ => return Err(odd()),
    };
    let account = Account {
        display: text(1)?,
        staff: Some(text(2)?).filter(|staff| !staff.is_empty()),
        roles: roles.ok_or_else(odd)?,
        scope: match departments.as_str() {
            "*" => Scope::All,
            some => Scope::Departments(parts(some).map(str::to_owned).collect()),
        },
        status,
        vendor: number(8)? != 0,
        expires: instant(9)?,
        must_change: number(10)? != 0,
        locked_until: instant(12)?,
        subject: Some(text(6)?).filter(|subject| !subject.is_empty()),
        created: instant(13)?.unwrap_or(Timestamp::UNIX_EPOCH),
        created_by: text(14)?,
        last_login: instant(15)?,
        name: name.clone(),
    };
    Ok(Kept { account, password: text(5)?, failures: number(11)? })
}

fn parts(text: &str) -> impl Iterator<Item = &str> {
    text.split(';').filter(|part| !part.is_empty())
}

fn moment(micros: i64) -> Option<Timestamp> {
    (micros != 0).then(|| Timestamp::from_microsecond(micros).ok())?
}

/// An instant as a column holds it.
pub(in crate::accounts) fn micros(at: Option<Timestamp>) -> i64 {
    at.map_or(0, Timestamp::as_microsecond)
}

/// Roles as a column holds them: sorted, each once.
pub(in crate::accounts) fn roles(roles: &[Role]) -> String {
    let mut roles = roles.to_vec();
    roles.sort_unstable();
    roles.dedup();
    let words: Vec<&str> = roles.iter().map(|role| role.as_str()).collect();
    words.join(";")
}

/// Departments as a column holds them.
pub(in crate::accounts) fn departments(scope: &Scope) -> String {
    match scope {
        Scope::All => "*".to_owned(),
        Scope::Departments(some) => some.join(";"),
    }
}
