//! `orgate feed list | dead | resend | enable`: how feeds stand, and what receivers did not take.

use std::path::Path;

use clap::{Args, Subcommand};

use crate::cli::{EXIT_FOUND, EXIT_USAGE, settings};
use crate::clock::Clock;
use crate::config::Settings;
use crate::feed::Config;
use crate::feed::gone::Gone;
use crate::feed::state::{StateError, letters, resend, state};

/// What `orgate feed` is asked.
#[derive(Args, Debug)]
pub(super) struct FeedArgs {
    #[command(subcommand)]
    command: FeedCommand,
}

#[derive(Debug, Subcommand)]
enum FeedCommand {
    /// 各告警通道的积压与搁置 · Every feed: how far it is, what waits, what was laid aside; exit code 1 if any was
    List,
    /// 被接收方拒收的告警 · Alerts that the receiver did not take
    Dead {
        /// The feed
        name: String,
        /// The whole events, one a line
        #[arg(long)]
        json: bool,
    },
    /// 重新发送 · Sends them again, in their order; those that are taken are no longer laid aside
    Resend {
        /// The feed
        name: String,
        /// Only these; none = all
        ids: Vec<String>,
    },
    /// 重新启用（接收方曾返回 410） · Enables a feed again that its receiver has disabled (410)
    Enable {
        /// The feed
        name: String,
    },
}

/// Does what is asked. 0 good, 1 something is or stays laid aside, 2 unknown feed or unreadable files.
pub(super) async fn run(args: FeedArgs, file: &Path) -> u8 {
    let settings = match settings(file) {
        Ok(settings) => settings,
        Err(code) => return code,
    };
    let done = match &args.command {
        FeedCommand::List => list(&settings),
        FeedCommand::Dead { name, json } => {
            named(&settings, name).and_then(|feed| dead(&settings, feed, *json))
        }
        FeedCommand::Resend { name, ids } => match named(&settings, name) {
            Ok(feed) => again(&settings, feed, ids).await,
            Err(error) => Err(error),
        },
        FeedCommand::Enable { name } => {
            named(&settings, name).and_then(|feed| enable(&settings, feed))
        }
    };
    done.unwrap_or_else(|error| {
        eprintln!("{error}");
        EXIT_USAGE
    })
}

#[derive(Debug, thiserror::Error)]
enum Fault {
    #[error("no feed is called `{0}`, `orgate feed list` names them")]
    Unknown(String),
    #[error(transparent)]
    State(#[from] StateError),
    #[error("the feed cannot be enabled ({0})")]
    Enable(std::io::ErrorKind),
}

fn named<'s>(settings: &'s Settings, name: &str) -> Result<&'s Config, Fault> {
    let found = settings.feeds.iter().find(|feed| feed.name == name);
    found.ok_or_else(|| Fault::Unknown(name.to_owned()))
}

fn list(settings: &Settings) -> Result<u8, Fault> {
    let ground = settings.feed_ground(Clock::System);
    let mut aside = 0;
    for feed in &settings.feeds {
        let state = state(feed, &ground)?;
        aside += state.dead;
        let seq =
            state.seq.map_or_else(|| "未开始 not begun".to_owned(), |seq| format!("seq {seq}"));
        let disabled =
            state.disabled.map_or_else(String::new, |why| format!("  停用 disabled: {why}"));
        say!(
            "{}  {seq}  账本积压 entries behind {}  待发 alerts waiting {}  搁置 dead {}{disabled}",
            feed.name,
            state.behind,
            state.waiting,
            state.dead
        );
    }
    if settings.feeds.is_empty() {
        say!("未配置告警通道 no feed is configured");
    }
    Ok(if aside > 0 { EXIT_FOUND } else { 0 })
}

fn dead(settings: &Settings, feed: &Config, json: bool) -> Result<u8, Fault> {
    let dead = letters(feed, &settings.feed_ground(Clock::System))?;
    for letter in &dead {
        if json {
            say!("{}", letter.event);
        } else {
            let kind = letter.event.get("type").and_then(|kind| kind.as_str()).unwrap_or("?");
            say!("{}  {}  {kind}  {} ×  {}", letter.at, letter.id(), letter.attempts, letter.why);
        }
    }
    Ok(if dead.is_empty() { 0 } else { EXIT_FOUND })
}

async fn again(settings: &Settings, feed: &Config, ids: &[String]) -> Result<u8, Fault> {
    let sent = resend(feed, &settings.feed_ground(Clock::System), ids).await?;
    let mut code = 0;
    for one in &sent {
        match &one.failure {
            None => say!("{}  已送达 delivered", one.id),
            Some(failure) => {
                say!("{}  未送达 not delivered: {failure}", one.id);
                code = EXIT_FOUND;
            }
        }
    }
    if sent.is_empty() {
        say!("没有可重发的告警 nothing to send again");
    }
    Ok(code)
}

fn enable(settings: &Settings, feed: &Config) -> Result<u8, Fault> {
    let ground = settings.feed_ground(Clock::System);
    let was = Gone::new(&ground.folder, &feed.name).enable();
    let was = was.map_err(|error| Fault::Enable(error.kind()))?;
    say!("{}", if was { "已启用 enabled" } else { "未被停用 it was not disabled" });
    Ok(0)
}
