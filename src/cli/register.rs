//! `orgate register migrate`: an embedded register, accounts and marks of sent reports into the shared database.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::app;
use crate::cli::pull::{PullArgs, pulled};
use crate::cli::{EXIT_FOUND, EXIT_USAGE};
use crate::config::Settings;
use crate::register::migrate::{MigrateError, migrate};
use crate::register::sources::{postgres, sqlite};

/// Arguments of `orgate register`.
#[derive(Debug, Args)]
pub(super) struct RegisterArgs {
    #[command(subcommand)]
    command: RegisterCommand,
}

#[derive(Debug, Subcommand)]
enum RegisterCommand {
    /// Copies the embedded register with all its history, the accounts and the marks of reports that were sent into the
    /// database that [register] names, which must be empty
    Migrate(MigrateArgs),
    /// Pulls everything from the FHIR server of [register.fhir] now; gates that run see it within a second
    Pull(PullArgs),
}

#[derive(Debug, Args)]
struct MigrateArgs {
    /// The embedded gate's folder; that of the configuration where absent
    #[arg(long, value_name = "FOLDER")]
    from: Option<PathBuf>,
}

/// 0 copied, 1 the target is not empty or counts differ, 2 a database cannot be used.
pub(super) async fn run(args: &RegisterArgs, settings: &Settings) -> u8 {
    let done = match &args.command {
        RegisterCommand::Migrate(args) => moved(args, settings).await,
        RegisterCommand::Pull(args) => pulled(args, settings).await,
    };
    match done {
        Ok(()) => 0,
        Err((text, code)) => {
            eprintln!("{text}");
            code
        }
    }
}

async fn moved(args: &MigrateArgs, settings: &Settings) -> Result<(), (String, u8)> {
    let usage = |text: String| (text, EXIT_USAGE);
    let Some(server) = settings.register_at.server() else {
        let text = "there is no database to copy to: write `source = \"postgres\"` and `url_file` into [register]";
        return Err(usage(text.to_owned()));
    };
    let folder = args.from.as_ref().unwrap_or(&settings.node.data_dir);
    let file = folder.join("register.db");
    if !file.exists() {
        return Err(usage(format!("{}: there is no embedded register", file.display())));
    }
    let failed = |error: MigrateError| match error {
        MigrateError::Register(error) => (error.to_string(), EXIT_USAGE),
        found => (found.to_string(), EXIT_FOUND),
    };
    let from = sqlite::open(&file).await.map_err(|error| usage(error.to_string()))?;
    let to = postgres::open_now(server).await.map_err(|error| usage(error.to_string()))?;
    let mut copied = migrate(&from, &to).await.map_err(failed)?;
    from.close().await;
    to.close().await;
    copied.extend(app::copy_precious(server, folder).await.map_err(failed)?);
    for (table, rows) in copied {
        say!("{table:<14} {rows}");
    }
    say!("已迁移至 copied to {server}");
    Ok(())
}
