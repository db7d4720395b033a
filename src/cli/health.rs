//! `orgate health`: whether the running gate answers, and whether it can do all its work.

use std::path::{Path, PathBuf};

use clap::Args;

use crate::cli::{EXIT_FOUND, EXIT_USAGE, node};
use crate::inbound::admin::client::Channel;
use crate::inbound::admin::{Answer, Ask};

/// What `orgate health` is asked.
#[derive(Args, Debug)]
#[command(after_help = AFTER_HELP)]
pub(super) struct HealthArgs {
    /// The gate's folder; then no configuration is read
    #[arg(long, value_name = "FOLDER")]
    data_dir: Option<PathBuf>,
    /// Also exit with 1 while the register does not answer or the ledger cannot be written
    #[arg(long)]
    ready: bool,
}

const AFTER_HELP: &str = "\
Exit code 0: it runs; 1: nobody answers. Whoever restarts what is ill should ask without --ready: a gate whose register \
is down lets emergencies pass and finds the register again by itself.";

pub(super) fn run(args: &HealthArgs, file: &Path) -> u8 {
    let folder = match &args.data_dir {
        Some(folder) => folder.clone(),
        None => match node(file) {
            Ok(node) => node.data_dir,
            Err(code) => return code,
        },
    };
    match Channel::open(&folder).and_then(|mut channel| channel.ask(&Ask::Health, &[])) {
        Ok(Answer::Health { register, ledger }) => {
            say!("运行中 running");
            say!("授权库 register: {}", word(register));
            say!("账本 ledger: {}", word(ledger));
            if args.ready && !(register && ledger) { EXIT_FOUND } else { 0 }
        }
        Ok(Answer::Refused { zh, en }) => {
            eprintln!("{zh} {en}");
            EXIT_FOUND
        }
        Ok(_) => {
            eprintln!("the gate answers something else: it is of another version");
            EXIT_USAGE
        }
        Err(error) => {
            eprintln!("{error}");
            EXIT_FOUND
        }
    }
}

fn word(good: bool) -> &'static str {
    if good { "可用 works" } else { "不可用 does not" }
}
