//! `orgate replay --record`: what passed while no gate was there is handed to the running gate, which judges it as of
//! its own time and records it. Nothing is forwarded.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use jiff::{SignedDuration, Timestamp};
use ring::digest::{SHA256, digest};
use serde::Deserialize;

use crate::cli::replay::files::Files;
use crate::cli::replay::pipeline::AsOf;
use crate::cli::replay::read::{Piece, Splitter};
use crate::cli::table::Table;
use crate::cli::{EXIT_FOUND, EXIT_USAGE, decision_words_by_name};
use crate::config::Settings;
use crate::domain::verdict::{Decision, Stance};
use crate::inbound::admin::client::{Channel, ChannelError};
use crate::inbound::admin::{Answer, Ask, Recorded};
use crate::ledger::{self, Filter, Kind, LedgerError};

/// Bytes read from a file at a time.
const BLOCK: usize = 64 * 1024;
/// What a ledger tells of messages is looked up so far back: outages are entered within days.
const KNOWN_FOR: SignedDuration = SignedDuration::from_hours(40 * 24);
/// Lines of the table; of what passed without findings only the number is told.
const TOLD: usize = 500;

/// What is recorded, and for whom.
pub(super) struct Job<'j> {
    pub(super) start: &'j Path,
    pub(super) route: &'j str,
    pub(super) by: &'j str,
    pub(super) reason: &'j str,
    pub(super) as_of: AsOf,
    /// Ledgers of other gates that may know messages of these files.
    pub(super) known: &'j [PathBuf],
    pub(super) now: Timestamp,
}

/// Why it ended early.
#[derive(Debug, thiserror::Error)]
pub(super) enum RecordError {
    #[error("no route `{route}`, choose one of: {names}")]
    Route { route: String, names: String },
    #[error(transparent)]
    Channel(#[from] ChannelError),
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    #[error("{zh} {en}")]
    Refused { zh: String, en: String },
    #[error("the gate answers something else: is it of another version?")]
    Strange,
}

#[derive(Default)]
struct Count {
    files: u64,
    failed: u64,
    recorded: BTreeMap<String, u64>,
    already: u64,
    /// Of these, refused whenever they came.
    refused: u64,
    not_surgical: u64,
    unreadable: u64,
    told: Vec<Recorded>,
}

#[derive(Deserialize)]
struct Known {
    message_sha256: String,
    route: String,
    verdict: KnownVerdict,
}

#[derive(Deserialize)]
struct KnownVerdict {
    decision: String,
    stance: String,
}

impl KnownVerdict {
    fn refused(&self) -> bool {
        self.stance == Stance::Enforce.as_str()
            && [Decision::Block, Decision::Unavailable]
                .iter()
                .any(|own| own.as_str() == self.decision)
    }
}

impl Job<'_> {
    /// Hands everything over; the exit code.
    pub(super) fn run(&self, settings: &Settings) -> Result<u8, RecordError> {
        let mut routes = settings.mllp.iter();
        let config = routes.find(|own| *own.name == *self.route).ok_or_else(|| {
            let names: Vec<&str> = settings.mllp.iter().map(|own| &*own.name).collect();
            RecordError::Route { route: self.route.to_owned(), names: names.join(", ") }
        })?;
        let mut hand = Hand {
            job: self,
            channel: Channel::open(&settings.node.data_dir)?,
            known: self.known_messages(settings)?,
            count: Count::default(),
        };
        for file in Files::new(self.start) {
            let read = match file {
                Ok(path) => hand.file(&path, config.max_frame).map_err(|error| (path, error)),
                Err((path, error)) => Err((path, Fault::File(error))),
            };
            match read {
                Ok(()) => hand.count.files += 1,
                Err((_, Fault::Stop(error))) => {
                    hand.count.say();
                    return Err(error);
                }
                Err((path, Fault::File(error))) => {
                    hand.count.failed += 1;
                    eprintln!("{}: {error}", path.display());
                }
            }
        }
        hand.count.say();
        Ok(if hand.count.failed > 0 { EXIT_FOUND } else { 0 })
    }

    /// The digests of what this gate's ledger and the others named hold of this route, and whether it was always refused.
    fn known_messages(&self, settings: &Settings) -> Result<HashMap<[u8; 32], bool>, LedgerError> {
        let since = self.now.saturating_sub(KNOWN_FOR).ok();
        let mut known = HashMap::new();
        let own = std::iter::once(&settings.ledger_dir).chain(self.known);
        for folder in own {
            let filter = Filter { since, kinds: vec![Kind::Decision], ..Filter::default() };
            for entry in ledger::entries(&crate::cli::ledger::folder(folder), filter)? {
                let entry = entry?;
                let Ok(body) = serde_json::from_str::<Known>(entry.body()) else { continue };
                let mut digest = [0; 32];
                let read = hex::decode_to_slice(&body.message_sha256, &mut digest).is_ok();
                if read && body.route == self.route {
                    let refused = body.verdict.refused();
                    *known.entry(digest).or_insert(refused) &= refused;
                }
            }
        }
        Ok(known)
    }
}

enum Fault {
    File(io::Error),
    Stop(RecordError),
}

struct Hand<'h> {
    job: &'h Job<'h>,
    channel: Channel,
    known: HashMap<[u8; 32], bool>,
    count: Count,
}

impl Hand<'_> {
    fn file(&mut self, path: &Path, max_frame: usize) -> Result<(), Fault> {
        let mut file = File::open(path).map_err(Fault::File)?;
        let mut splitter = Splitter::new(max_frame);
        let mut block = vec![0; BLOCK];
        let mut stopped = None;
        let mut found = |own: &mut Self, piece: Piece<'_>| {
            if stopped.is_none() {
                stopped = own.piece(piece).err();
            }
        };
        loop {
            let read = match file.read(&mut block) {
                Ok(0) => break,
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(Fault::File(error)),
            };
            splitter.push(block.get(..read).unwrap_or_default(), &mut |piece| found(self, piece));
        }
        splitter.finish(&mut |piece| found(self, piece));
        stopped.map_or(Ok(()), |error| Err(Fault::Stop(error)))
    }

    fn piece(&mut self, piece: Piece<'_>) -> Result<(), RecordError> {
        let message = match piece {
            Piece::Message(message) => message,
            Piece::Unreadable(_) => {
                self.count.unreadable += 1;
                return Ok(());
            }
        };
        let mut own = [0; 32];
        own.copy_from_slice(digest(&SHA256, message).as_ref());
        if let Some(refused) = self.known.get_mut(&own) {
            self.count.already += 1;
            // Of several copies one counts.
            self.count.refused += u64::from(std::mem::take(refused));
            return Ok(());
        }
        let at = match self.job.as_of {
            AsOf::Message => None,
            AsOf::Moment(moment) => Some(moment),
        };
        let ask = Ask::Record {
            route: self.job.route.to_owned(),
            by: self.job.by.to_owned(),
            reason: self.job.reason.to_owned(),
            at,
            bytes: message.len(),
        };
        match self.channel.ask(&ask, message)? {
            Answer::Recorded(recorded) => self.count.take(recorded),
            Answer::Already { .. } => self.count.already += 1,
            Answer::NotSurgical => {
                self.count.not_surgical += 1;
                return Ok(());
            }
            Answer::Refused { zh, en } => return Err(RecordError::Refused { zh, en }),
            _ => return Err(RecordError::Strange),
        }
        // The ledger has it now, and a copy of it that comes later is known.
        self.known.insert(own, false);
        Ok(())
    }
}

impl Count {
    fn take(&mut self, recorded: Recorded) {
        *self.recorded.entry(recorded.decision.clone()).or_default() += 1;
        if recorded.decision != "forward" && self.told.len() < TOLD {
            self.told.push(recorded);
        }
    }

    fn say(&self) {
        let mut table = Table::new(vec![
            ("报文时间 judged as of", 0),
            ("报文号 message", 24),
            ("判定 decision", 0),
            ("发现 found", 60),
            ("账本条目 entry", 0),
        ]);
        for recorded in &self.told {
            table.row(vec![
                recorded.at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
                recorded.control_id.clone(),
                decision_words_by_name(&recorded.decision).to_owned(),
                recorded.found.join(" "),
                recorded.entry.clone(),
            ]);
        }
        if !self.told.is_empty() {
            table.lines().iter().for_each(|line| say!("{line}"));
            say!();
        }
        let recorded: u64 = self.recorded.values().sum();
        say!("补记 recorded afterwards: {recorded}");
        for (decision, count) in &self.recorded {
            say!("  {}: {count}", decision_words_by_name(decision));
        }
        say!("已在账本中 in the ledger already: {}", self.already);
        if self.refused > 0 {
            // Files of what was sent do not say what arrived, so this is for somebody to look up.
            say!(
                "  其中网关一直拒绝 of these always refused by a gate: {}（若下游已收到，则未经判定即执行，请查下游日志 / if the downstream system has any, it passed unrecorded: look into its journal）",
                self.refused
            );
        }
        say!("非手术 not surgical: {}", self.not_surgical);
        if self.unreadable > 0 {
            say!("残缺、未补记 cut off, not recorded: {}", self.unreadable);
        }
        if self.failed > 0 {
            say!("无法读取的文件 files that could not be read: {}", self.failed);
        }
    }
}

/// What a replay that records needs of its arguments.
pub(super) fn run(job: &Job<'_>, settings: &Settings) -> u8 {
    job.run(settings).unwrap_or_else(|error| {
        eprintln!("{error}");
        EXIT_USAGE
    })
}
