//! `orgate account`: who may use the console. The first administrator is made here, on the gate's own machine.

use std::io::BufRead;

use clap::{Args, Subcommand};
use jiff::Timestamp;
use jiff::civil::Date;

use crate::accounts::error::AccountsError;
use crate::accounts::keep::Chosen;
use crate::accounts::{Account, Accounts, NewAccount, Role, Scope, Status, generated};
use crate::app::open_accounts;
use crate::cli::EXIT_USAGE;
use crate::clock::Clock;
use crate::config::Settings;

/// Arguments of `orgate account`.
#[derive(Debug, Args)]
pub(super) struct AccountArgs {
    #[command(subcommand)]
    command: AccountCommand,
}

#[derive(Debug, Subcommand)]
enum AccountCommand {
    /// Makes an account; prints a password that must be changed at the first login
    Add(AddArgs),
    /// Lists all accounts
    List,
    /// Closes an account and ends its sessions
    Disable {
        /// Which.
        name: String,
    },
    /// Opens a closed or locked account again
    Enable {
        /// Which.
        name: String,
    },
    /// Gives an account a new password, which must be changed at the next login
    Password {
        /// Which.
        name: String,
        /// Read it from the first line of stdin instead of making one
        #[arg(long)]
        stdin: bool,
    },
}

#[derive(Debug, Args)]
struct AddArgs {
    /// What is typed at the login: a–z, 0–9, `.`, `-`, `_`
    name: String,
    /// viewer, reviewer, registrar, operator, auditor or admin; may be repeated
    #[arg(long = "role", required = true, value_parser = role)]
    roles: Vec<Role>,
    /// The person's name
    #[arg(long, value_name = "NAME")]
    display: Option<String>,
    /// The person's staff number (工号); without it they cannot review
    #[arg(long, value_name = "NUMBER")]
    staff: Option<String>,
    /// Sees only this department, as messages write it; may be repeated
    #[arg(long = "department", value_name = "CODE")]
    departments: Vec<String>,
    /// Of a vendor: the account must end within 90 days
    #[arg(long)]
    vendor: bool,
    /// The last day on which it may be used
    #[arg(long, value_name = "YYYY-MM-DD")]
    until: Option<Date>,
    /// Read the password from the first line of stdin instead of making one
    #[arg(long)]
    stdin: bool,
}

fn role(word: &str) -> Result<Role, String> {
    Role::from_name(word).ok_or_else(|| format!("write one of {}", Role::WORDS))
}

/// Runs one of them. 0 good, 2 it cannot be done.
pub(super) async fn run(args: &AccountArgs, settings: &Settings, who: &str) -> u8 {
    match act(args, settings, who).await {
        Ok(()) => 0,
        Err(error) => {
            eprintln!("{error}");
            EXIT_USAGE
        }
    }
}

async fn act(args: &AccountArgs, settings: &Settings, who: &str) -> Result<(), String> {
    let accounts = open_accounts(settings).await.map_err(|error| error.to_string())?;
    let done = match &args.command {
        AccountCommand::Add(args) => add(&accounts, args, settings, who).await,
        AccountCommand::List => list(&accounts, settings).await,
        AccountCommand::Disable { name } => accounts.set_usable(name, false).await,
        AccountCommand::Enable { name } => accounts.set_usable(name, true).await,
        AccountCommand::Password { name, stdin } => password(&accounts, name, *stdin).await,
    };
    accounts.close().await;
    done.map_err(|error| error.to_string())
}

async fn add(
    accounts: &Accounts,
    args: &AddArgs,
    settings: &Settings,
    who: &str,
) -> Result<(), AccountsError> {
    // The day named still counts in full.
    let expires = args.until.and_then(|day| {
        let next = day.tomorrow().ok()?;
        settings.node.zone.to_timestamp(next.at(0, 0, 0, 0)).ok()
    });
    let new = NewAccount {
        name: args.name.clone(),
        display: args.display.clone().unwrap_or_else(|| args.name.clone()),
        staff: args.staff.clone(),
        roles: args.roles.clone(),
        scope: match args.departments.as_slice() {
            [] => Scope::All,
            some => Scope::Departments(some.to_vec()),
        },
        vendor: args.vendor,
        expires,
    };
    let (password, made) = password_for(args.stdin)?;
    accounts.add(&new, &password, who, Clock::System.now()).await?;
    say!("账号已建立 account added: {}", new.name);
    tell(&password, made);
    Ok(())
}

async fn password(accounts: &Accounts, name: &str, stdin: bool) -> Result<(), AccountsError> {
    let (password, made) = password_for(stdin)?;
    accounts.set_password(name, &password, Chosen::ForThem).await?;
    say!("密码已更换，原有会话全部结束 password changed, all sessions ended: {name}");
    tell(&password, made);
    Ok(())
}

/// A password, and whether it was made here.
fn password_for(stdin: bool) -> Result<(String, bool), AccountsError> {
    if !stdin {
        return Ok((generated()?, true));
    }
    let mut line = String::new();
    // What cannot be read is an empty line, and too short.
    let _ = std::io::stdin().lock().read_line(&mut line);
    Ok((line.trim_end_matches(['\r', '\n']).to_owned(), false))
}

fn tell(password: &str, made: bool) {
    if made {
        say!(
            "密码（只显示这一次，首次登录须更改） password (shown only now, to be changed at the first login):"
        );
        say!("{password}");
    }
}

async fn list(accounts: &Accounts, settings: &Settings) -> Result<(), AccountsError> {
    let now = Clock::System.now();
    let day = |at: Timestamp| settings.node.zone.to_datetime(at).date();
    for account in accounts.list().await? {
        let roles: Vec<&str> = account.roles.iter().map(|role| role.as_str()).collect();
        let departments = match &account.scope {
            Scope::All => "*".to_owned(),
            Scope::Departments(some) => some.join(","),
        };
        let last = account.last_login.map_or_else(|| "-".to_owned(), |at| day(at).to_string());
        say!(
            "{}\t{}\t{}\t{}\t{}\t{}\t{}",
            account.name,
            account.display,
            account.staff.as_deref().unwrap_or("-"),
            roles.join(","),
            departments,
            state(&account, now, &day),
            last
        );
    }
    Ok(())
}

fn state(account: &Account, now: Timestamp, day: &dyn Fn(Timestamp) -> Date) -> String {
    match (account.status, account.locked_until, account.expires) {
        (Status::Disabled, _, _) => "disabled".to_owned(),
        (_, _, Some(end)) if now >= end => "expired".to_owned(),
        (_, Some(end), _) if now < end => "locked".to_owned(),
        (_, _, Some(end)) => format!("active until {}", day(end)),
        (_, _, None) => "active".to_owned(),
    }
}
