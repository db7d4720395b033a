//! Somebody to look around in the console: an account that lasts as long as the demo does.

use std::net::SocketAddr;

use crate::accounts::error::AccountsError;
use crate::accounts::keep::Chosen;
use crate::accounts::{Accounts, NewAccount, Role, Scope, generated};
use crate::clock::Clock;

/// What is typed at the login.
const NAME: &str = "demo";
/// Everything but the accounts themselves, which the console does not show.
const ROLES: [Role; 5] =
    [Role::Viewer, Role::Reviewer, Role::Registrar, Role::Operator, Role::Auditor];

/// Makes the account, with a password that nobody has to change; gives the password.
pub(super) async fn admit(accounts: &Accounts, clock: Clock) -> Result<String, AccountsError> {
    let password = generated()?;
    let new = NewAccount {
        name: NAME.to_owned(),
        display: "演示 Demo".to_owned(),
        // A number that none of the sample's surgeons has: this person may review any of their overrides.
        staff: Some("DEMO".to_owned()),
        roles: ROLES.to_vec(),
        scope: Scope::All,
        vendor: false,
        expires: None,
    };
    accounts.add(&new, &password, "demo", clock.now()).await?;
    accounts.set_password(NAME, &password, Chosen::ByOwner).await?;
    Ok(password)
}

/// Prints the way in.
pub(super) fn show(console: SocketAddr, password: &str) {
    say!("\n控制台 console: http://{console}/");
    say!("  账号 account: {NAME}");
    say!("  密码 password: {password}");
    say!("  （本次演示专用，结束即失效 for this demo only, gone when it ends）");
}
