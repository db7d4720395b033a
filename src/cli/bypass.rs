//! `orgate bypass on | off | status`: the outage switch of the running gate.

use std::path::Path;

use clap::{Args, Subcommand};
use jiff::SignedDuration;
use jiff::tz::TimeZone;

use crate::cli::{EXIT_FOUND, EXIT_USAGE, node, who};
use crate::config::Node;
use crate::inbound::admin::client::{Channel, ChannelError};
use crate::inbound::admin::{Answer, Ask};

/// What `orgate bypass` is asked.
#[derive(Args, Debug)]
#[command(after_help = AFTER_HELP)]
pub(super) struct BypassArgs {
    #[command(subcommand)]
    command: BypassCommand,
}

const AFTER_HELP: &str = "\
While it is on, every message passes unstopped and byte for byte; it is judged as far as that is possible and \
recorded with what would have been decided. It ends by itself. Each gate has its own switch. docs/outage.md";

#[derive(Debug, Subcommand)]
enum BypassCommand {
    /// 开启旁路 · Lets everything pass for a time
    On {
        /// How long: `30m`, `2h`, `90s`; at most node.bypass_max_h
        #[arg(long = "for", value_name = "TIME", value_parser = lasting)]
        lasting: SignedDuration,
        /// Who switches
        #[arg(long, value_name = "NAME")]
        by: String,
        /// Why
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
    /// 关闭旁路 · Verdicts are acted on again
    Off {
        /// Who switches; by default the user of the operating system
        #[arg(long, value_name = "NAME")]
        by: Option<String>,
        /// Why
        #[arg(long, value_name = "TEXT", default_value = "")]
        reason: String,
    },
    /// 查看旁路 · Whether it is on, until when, who and why; exit code 1 while it is on
    Status,
}

fn lasting(text: &str) -> Result<SignedDuration, String> {
    let wrong = || "write how long: 30m, 2h, 90s".to_owned();
    let lasting: SignedDuration = text.parse().map_err(|_| wrong())?;
    if lasting.as_secs() >= 1 { Ok(lasting) } else { Err(wrong()) }
}

pub(super) fn run(args: BypassArgs, file: &Path) -> u8 {
    let node = match node(file) {
        Ok(node) => node,
        Err(code) => return code,
    };
    match asked(args.command, &node) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("{error}");
            EXIT_USAGE
        }
    }
}

fn asked(command: BypassCommand, node: &Node) -> Result<u8, ChannelError> {
    let ask = match command {
        BypassCommand::On { lasting, by, reason } => {
            Ask::BypassOn { by, reason, for_s: lasting.as_secs().unsigned_abs() }
        }
        BypassCommand::Off { by, reason } => Ask::BypassOff { by: by.unwrap_or_else(who), reason },
        BypassCommand::Status => Ask::BypassStatus,
    };
    let answer = Channel::open(&node.data_dir)?.ask(&ask, &[])?;
    Ok(told(&ask, &answer, &node.zone))
}

fn told(ask: &Ask, answer: &Answer, zone: &TimeZone) -> u8 {
    match answer {
        Answer::Switched { entry, recorded, kept } => {
            match ask {
                Ask::BypassOn { for_s, .. } => {
                    say!("旁路已开启，{for_s} 秒后自动关闭 bypass on, ends by itself in {for_s} s");
                }
                _ => say!("旁路已关闭 bypass off"),
            }
            say!("账本条目 ledger entry: {entry}");
            if !recorded {
                say!(
                    "账本暂不可写，条目将随后补记 the ledger cannot be written now, the entry follows"
                );
            }
            if !kept {
                say!(
                    "无法写入数据目录，重启后不保留 data_dir cannot be written: a restart forgets the switch"
                );
            }
            0
        }
        Answer::Bypass { on: None, .. } => {
            say!("旁路未开启 bypass off");
            0
        }
        Answer::Bypass { on: Some(kept), left_s, .. } => {
            let until = zone.to_datetime(kept.until);
            let until = until.strftime("%Y-%m-%d %H:%M:%S");
            say!(
                "旁路开启中，至 {until}，剩余 {left_s} 秒 bypass on until {until}, {left_s} s left"
            );
            say!("{}：{}", kept.by, kept.reason);
            say!("账本条目 ledger entry: {}", kept.entry);
            EXIT_FOUND
        }
        Answer::Refused { zh, en } => {
            eprintln!("{zh} {en}");
            EXIT_USAGE
        }
        _ => {
            eprintln!("the gate answers something else: is it of another version?");
            EXIT_USAGE
        }
    }
}
