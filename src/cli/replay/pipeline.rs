//! Files → chunks (one thread) → read by the mapping (as many threads as asked for) → judged, in the
//! order of the files (one task), since what a message means can depend on those before it.

use std::collections::{HashSet, VecDeque};
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
use ring::digest::{SHA256, digest};
use tokio::runtime::Handle;
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinHandle;

use crate::cli::replay::chunk::{Chunk, Read, ReadChunk, Route};
use crate::cli::replay::files::Files;
use crate::cli::replay::progress::Progress;
use crate::cli::replay::read::{Piece, Splitter};
use crate::cli::replay::tally::{Seen, Sources, Tally};
use crate::domain::order::{Order, Stage};
use crate::domain::verdict::{Gap, Stance, Verdict};
use crate::gate::memory::Memory;
use crate::gate::stance::RouteStance;
use crate::gate::{Knowledge, Subject, consider};
use crate::inbound::mllp::intake::Intake;
use crate::register::Register;
use crate::rules::Policy;

/// Bytes read from a file at a time.
const BLOCK: usize = 64 * 1024;
/// Messages remembered to find repetitions, as many as a gate remembers.
const REPEATED_AMONG: usize = 50_000;

/// As of when messages are judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AsOf {
    /// Each as of its own time.
    Message,
    /// All as of one moment.
    Moment(Timestamp),
}

/// Everything a replay needs.
pub(super) struct Replay {
    pub(super) start: PathBuf,
    pub(super) route: Route,
    pub(super) register: Register,
    pub(super) policy: Policy,
    pub(super) as_of: AsOf,
    /// For messages without a time of their own.
    pub(super) now: Timestamp,
    pub(super) threads: usize,
}

/// What came of it.
pub(super) struct Replayed {
    pub(super) tally: Tally,
    /// The first files and folders that could not be read, in words.
    pub(super) faults: Vec<String>,
}

/// A thread of the replay ended before its work.
#[derive(Debug, thiserror::Error)]
#[error("a thread of the replay ended early: report this with the version of orgate")]
pub(super) struct Broken;

impl Replay {
    /// Reads and judges everything.
    pub(super) async fn run(self, progress: &mut Progress) -> Result<Replayed, Broken> {
        let threads = self.threads.max(1);
        let (chunks, mut reading) = mpsc::channel(threads);
        let gatherer = Gatherer {
            chunk: Chunk::default(),
            recent: Recent::default(),
            sources: Sources::default(),
            faults: Vec::new(),
            route: self.route.clone(),
            threads: Arc::new(Semaphore::new(threads)),
            runtime: Handle::current(),
            chunks,
        };
        let start = self.start.clone();
        let gathering = tokio::task::spawn_blocking(move || gatherer.gather(&start));
        let mut judge = Judge::new(self);
        while let Some(read) = reading.recv().await {
            let read: ReadChunk = read.await.map_err(|_| Broken)?;
            judge.chunk(&read).await;
            progress.show(judge.tally.messages(), read.chunk.bytes_read);
        }
        progress.clear();
        let (sources, faults) = gathering.await.map_err(|_| Broken)?;
        judge.tally.sources = sources;
        Ok(Replayed { tally: judge.tally, faults })
    }
}

/// How many faults of files are told one by one.
const FAULTS_TOLD: usize = 20;

/// Reads the files and hands over chunks; waits while others are busy.
struct Gatherer {
    chunk: Chunk,
    recent: Recent,
    sources: Sources,
    faults: Vec<String>,
    route: Route,
    threads: Arc<Semaphore>,
    runtime: Handle,
    chunks: mpsc::Sender<JoinHandle<ReadChunk>>,
}

impl Gatherer {
    fn gather(mut self, start: &Path) -> (Sources, Vec<String>) {
        for file in Files::new(start) {
            if self.chunks.is_closed() {
                break;
            }
            let read = match file {
                Ok(path) => self.file(&path).map_err(|error| (path, error)),
                Err(fault) => Err(fault),
            };
            if let Err((path, error)) = read {
                self.sources.failed += 1;
                if self.faults.len() < FAULTS_TOLD {
                    self.faults.push(format!("{}: {error}", path.display()));
                }
            }
        }
        self.hand_over();
        (self.sources, self.faults)
    }

    fn file(&mut self, path: &Path) -> std::io::Result<()> {
        let mut file = File::open(path)?;
        let mut splitter = Splitter::new(self.route.config.max_frame);
        let mut block = vec![0; BLOCK];
        let mut found = 0u64;
        let read = loop {
            if self.chunks.is_closed() {
                break Ok(());
            }
            let read = match file.read(&mut block) {
                Ok(0) => break Ok(()),
                Ok(read) => read,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
                Err(error) => break Err(error),
            };
            self.sources.bytes += read as u64;
            self.chunk.bytes_read = self.sources.bytes;
            splitter.push(block.get(..read).unwrap_or_default(), &mut |piece| {
                found += 1;
                self.piece(piece);
            });
        };
        let outside = splitter.finish(&mut |piece| {
            found += 1;
            self.piece(piece);
        });
        self.sources.outside += outside;
        self.sources.files += 1;
        self.sources.without_message += u64::from(found == 0);
        read
    }

    fn piece(&mut self, piece: Piece<'_>) {
        match piece {
            Piece::Unreadable(why) => self.chunk.broken.push(why),
            Piece::Message(message) if self.recent.seen(message) => self.chunk.repeated += 1,
            Piece::Message(message) => self.chunk.add(message),
        }
        if self.chunk.full() {
            self.hand_over();
        }
    }

    fn hand_over(&mut self) {
        let chunk = self.chunk.take();
        let Ok(turn) = self.runtime.block_on(Arc::clone(&self.threads).acquire_owned()) else {
            return;
        };
        let route = self.route.clone();
        let read = self.runtime.spawn_blocking(move || {
            let _turn = turn;
            route.read(chunk)
        });
        // Closed only when the judge has ended early; then nobody needs the rest.
        let _ = self.chunks.blocking_send(read);
    }
}

/// Messages seen of late.
#[derive(Default)]
struct Recent {
    known: HashSet<[u8; 16]>,
    order: VecDeque<[u8; 16]>,
}

impl Recent {
    fn seen(&mut self, message: &[u8]) -> bool {
        let mut half = [0; 16];
        half.copy_from_slice(digest(&SHA256, message).as_ref().get(..16).unwrap_or(&[0; 16]));
        if !self.known.insert(half) {
            return true;
        }
        if self.order.len() == REPEATED_AMONG
            && let Some(oldest) = self.order.pop_front()
        {
            self.known.remove(&oldest);
        }
        self.order.push_back(half);
        false
    }
}

/// Judges and counts.
struct Judge {
    replay: Replay,
    stance: RouteStance,
    memory: Memory,
    tally: Tally,
}

impl Judge {
    /// As if the route enforced for every department.
    fn new(replay: Replay) -> Self {
        let stance = RouteStance { stance: Stance::Enforce, departments: Vec::new() };
        Self { replay, stance, memory: Memory::default(), tally: Tally::default() }
    }

    async fn chunk(&mut self, read: &ReadChunk) {
        self.tally.repeated += read.chunk.repeated;
        for why in &read.chunk.broken {
            let subject = Subject::Unreadable { why, stage: None };
            self.subject(&subject, "?").await;
        }
        for (index, message) in read.reads.iter().enumerate() {
            let known = |number: &str| self.memory.knows_order(number);
            let again = message.asked.iter().any(|number| known(number));
            let again = again.then(|| read.again(index, &self.replay.route, &known)).flatten();
            self.message(message, again.as_ref().unwrap_or(&message.intake)).await;
        }
    }

    async fn message(&mut self, message: &Read, intake: &Intake) {
        match intake {
            Intake::Short { reply, scheduling, .. } => {
                self.tally.not_surgical(&message.kind, *reply, *scheduling);
            }
            Intake::Checked { read, .. } => self.subject(read, &message.kind).await,
        }
    }

    async fn subject(&mut self, subject: &Subject, kind: &str) {
        let orders: &[Order] = match subject {
            Subject::Orders(orders) => orders,
            Subject::Unreadable { .. } => &[],
        };
        let own_time = orders.iter().find_map(|order| order.message_time);
        let now = match self.replay.as_of {
            AsOf::Moment(moment) => moment,
            AsOf::Message => {
                self.tally.without_time += u64::from(own_time.is_none() && !orders.is_empty());
                own_time.unwrap_or(self.replay.now)
            }
        };
        let Replay { register, policy, route, .. } = &self.replay;
        let knowledge = Knowledge { register, cases: None, policy, zone: &route.zone };
        let verdict = consider(knowledge, now, subject, &self.stance).await;
        let day = own_time.map(|time| route.zone.to_datetime(time).date());
        let unreadable = why_unreadable(subject, &verdict);
        self.tally.judged(&verdict, Seen { kind, day, unreadable });
        self.remember(orders);
    }

    /// What refers to a checked order is surgical, as in a gate.
    fn remember(&self, orders: &[Order]) {
        let checked = orders.iter().filter(|order| order.stage == Stage::Order);
        let groups = checked.flat_map(|order| &order.groups).filter(|g| g.action.checked());
        for number in groups.filter_map(|group| group.order_no.as_ref()) {
            self.memory.order_checked(number.reveal());
        }
    }
}

/// Why a message could not be read with certainty; the one fact that may be missing of a message
/// otherwise understood is its operating time.
fn why_unreadable(subject: &Subject, verdict: &Verdict) -> Option<&'static str> {
    match subject {
        Subject::Unreadable { why, .. } => Some(why),
        Subject::Orders(_) if verdict.gaps.contains(&Gap::MessageUnreadable) => {
            Some("operating-time")
        }
        Subject::Orders(_) => None,
    }
}
