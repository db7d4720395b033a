//! `orgate backup`, `orgate restore`: everything that cannot be made again, copied and brought back.

use std::path::{Path, PathBuf};

use clap::Args;

use crate::app::backup::{self, BackupError};
use crate::cli::{EXIT_FOUND, EXIT_USAGE, settings, who};
use crate::clock::Clock;
use crate::inbound::admin::client::{Channel, ChannelError};
use crate::inbound::admin::{Answer, Ask};
use crate::ledger::{Head, Verified};

/// Where a backup goes.
#[derive(Args, Debug)]
pub(super) struct BackupArgs {
    /// A new or empty folder; it will hold patient data
    dir: PathBuf,
}

/// What is restored.
#[derive(Args, Debug)]
pub(super) struct RestoreArgs {
    /// The backup
    dir: PathBuf,
    /// The data directory to be made; by default that of the configuration. Must be new or empty
    #[arg(long, value_name = "DIR")]
    to: Option<PathBuf>,
}

pub(super) async fn make(args: &BackupArgs, file: &Path) -> u8 {
    let settings = match settings(file) {
        Ok(settings) => settings,
        Err(code) => return code,
    };
    // Asked after the databases are copied: the ledger must not be behind them.
    let data_dir = settings.node.data_dir.clone();
    let head = || match head(&data_dir) {
        Ok(head) => head,
        Err(ChannelError::Absent { .. }) => None,
        Err(error) => {
            eprintln!("{error}; the ledger is copied as far as it can be read");
            None
        }
    };
    match backup::make(&settings, file, &args.dir, head, Clock::System.now()).await {
        Ok(made) => {
            say!("备份完成 backup made: {} ({} files)", args.dir.display(), made.files);
            for name in made.absent {
                say!("没有此库，未备份 not there, not in the backup: {name}");
            }
            told(made.ledger.as_ref());
            say!("核对 to check it by hand: cd {} && sha256sum -c SHA256SUMS", args.dir.display());
            0
        }
        Err(error) => failed(&error),
    }
}

fn head(data_dir: &Path) -> Result<Option<Head>, ChannelError> {
    match Channel::open(data_dir)?.ask(&Ask::Head, &[])? {
        Answer::Head { head } => Ok(head.parse().ok()),
        _ => Ok(None),
    }
}

pub(super) async fn restore(args: &RestoreArgs, file: &Path) -> u8 {
    let data_dir = match &args.to {
        Some(folder) => folder.clone(),
        None => match settings(file) {
            Ok(settings) => settings.node.data_dir,
            Err(code) => return code,
        },
    };
    match backup::restore(&args.dir, &data_dir, &who()).await {
        Ok(restored) => {
            let (folder, files) = (data_dir.display(), restored.files);
            say!("恢复完成 restored: {folder} ({files} files), gate {}", restored.node);
            say!("备份时刻 backup made at: {}", restored.made_at);
            told(restored.ledger.as_ref());
            let config = args.dir.join("config");
            say!("当时的配置 the configuration of then: {}", config.display());
            0
        }
        Err(error) => failed(&error),
    }
}

fn told(ledger: Option<&Verified>) {
    if let Some(ledger) = ledger {
        let (entries, head) = (ledger.entries, ledger.head);
        say!("账本已核验 ledger verified: {entries} entries, head {head}");
    }
}

fn failed(error: &BackupError) -> u8 {
    eprintln!("{error}");
    match error {
        BackupError::Damaged(_)
        | BackupError::Missing(_)
        | BackupError::Foreign(_)
        | BackupError::Database(..)
        | BackupError::Ledger(_) => EXIT_FOUND,
        _ => EXIT_USAGE,
    }
}
