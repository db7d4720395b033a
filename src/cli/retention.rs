//! `orgate ledger archive | prune`: old files packed, and given away when their retention has ended.

use jiff::ToSpan;

use crate::cli::ledger::LedgerCommand;
use crate::cli::{EXIT_FOUND, EXIT_USAGE, who};
use crate::clock::Clock;
use crate::config::Settings;
use crate::inbound::admin::client::Channel;
use crate::inbound::admin::{Answer, Ask};
use crate::ledger::LedgerError;
use crate::ledger::archive::archive;

pub(super) fn run(command: &LedgerCommand, settings: &Settings) -> u8 {
    match command {
        LedgerCommand::Archive(args) => pack(settings, args.older_than),
        LedgerCommand::Prune(args) => prune(settings, args.by.clone().unwrap_or_else(who)),
        _ => EXIT_USAGE,
    }
}

fn pack(settings: &Settings, days: u32) -> u8 {
    let today = settings.node.zone.to_datetime(Clock::System.now()).date();
    let Ok(before) = today.checked_sub(i64::from(days).days()) else {
        eprintln!("{days} days are more than a calendar has");
        return EXIT_USAGE;
    };
    match archive(&settings.ledger_dir, before) {
        Ok(archived) => {
            for one in &archived {
                say!("{}.gz  {} → {} bytes", one.file, one.bytes, one.packed);
            }
            say!("已归档 packed: {} files", archived.len());
            0
        }
        Err(LedgerError::Broken(broken)) => {
            eprintln!("账本链条断裂，未归档 the ledger is broken, nothing is packed: {broken}");
            EXIT_FOUND
        }
        Err(error) => {
            eprintln!("{error}");
            EXIT_USAGE
        }
    }
}

fn prune(settings: &Settings, by: String) -> u8 {
    let asked = Channel::open(&settings.node.data_dir)
        .and_then(|mut channel| channel.ask(&Ask::Prune { by }, &[]));
    match asked {
        Ok(Answer::Pruned { files }) => {
            files.iter().for_each(|file| say!("{file}"));
            let days = settings.retention_days;
            say!("已清除 given away: {} files older than {days} days", files.len());
            0
        }
        Ok(Answer::Refused { zh, en }) => {
            eprintln!("{zh} {en}");
            EXIT_USAGE
        }
        Ok(_) => {
            eprintln!("the gate answers something else: is it of another version?");
            EXIT_USAGE
        }
        Err(error) => {
            eprintln!("{error}");
            EXIT_USAGE
        }
    }
}
