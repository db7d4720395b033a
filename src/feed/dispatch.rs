//! One task per feed: gather, deliver, try again, lay aside, go on. Nobody waits for it.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::watch;
use tokio::time::{sleep, sleep_until, timeout};

use crate::clock::{Clock, monotonic};
use crate::feed::alert::Rendering;
use crate::feed::alert::kind::Severity;
use crate::feed::cursor::{Cursor, Mark};
use crate::feed::dead::{DeadLetter, DeadLetters};
use crate::feed::gone::Gone;
use crate::feed::pace::{Backoff, Limit};
use crate::feed::reader::{Due, Reader};
use crate::feed::sink::{Failure, Letter, Sink};
use crate::feed::watch::Light;
use crate::feed::watched::Delivered;
use crate::ledger::LedgerError;
use crate::telemetry::feed as events;

/// Entries come in bunches: what comes within this is read at once.
const GATHER: Duration = Duration::from_millis(25);
/// What is not wanted moves the cursor too, but need not be written each time.
const SAVE_EVERY: Duration = Duration::from_secs(2);
/// Files that cannot be read are tried again.
const FAULT_PAUSE: Duration = Duration::from_secs(5);
/// A delivery under way when the gate stops gets this long; the cursor then repeats it.
const GRACE: Duration = Duration::from_secs(1);
/// One failure is a hiccup; so many in a row are told.
const DOWN_AFTER: u32 = 3;

/// A feed at work.
pub struct Dispatch {
    pub(in crate::feed) name: String,
    pub(in crate::feed) reader: Reader,
    pub(in crate::feed) cursor: Cursor,
    pub(in crate::feed) saved: Mark,
    pub(in crate::feed) sink: Box<dyn Sink>,
    pub(in crate::feed) rendering: Rendering,
    pub(in crate::feed) dead: DeadLetters,
    pub(in crate::feed) gone: Gone,
    pub(in crate::feed) delivered: Delivered,
    pub(in crate::feed) light: Light,
    /// The ledger's chain, as far as this feed reads it.
    pub(in crate::feed) chain: Light,
    pub(in crate::feed) limit: Limit,
    pub(in crate::feed) backoff: Backoff,
    pub(in crate::feed) group: Duration,
    pub(in crate::feed) max_attempts: u32,
    pub(in crate::feed) clock: Clock,
    pub(in crate::feed) stop: watch::Receiver<bool>,
    pub(in crate::feed) saved_at: Instant,
    /// The last entry it is done with, for whoever looks.
    pub(in crate::feed) place: Arc<AtomicU64>,
}

/// The gate stops.
struct Stopped;

impl Dispatch {
    /// Works until it is stopped; how far it has come.
    pub async fn run(mut self) -> Mark {
        if self.gone.is_disabled() {
            events::FeedDisabled { feed: &self.name }.emit();
        }
        let mut going = self.while_disabled().await;
        while going.is_ok() {
            going = self.round().await;
        }
        self.saved
    }

    async fn round(&mut self) -> Result<(), Stopped> {
        let parcel = self.gather().await?;
        let Some(mark) = parcel.last().map(|due| due.mark) else { return Ok(()) };
        let letters: Vec<Letter> =
            parcel.iter().map(|due| Letter::of(&due.alert, &self.rendering)).collect();
        self.hand_over(&letters).await?;
        self.save(mark).await
    }

    async fn save(&mut self, mark: Mark) -> Result<(), Stopped> {
        if mark == self.saved {
            return Ok(());
        }
        let cursor = self.cursor.clone();
        match self.on_disk(move || cursor.save(mark)).await? {
            Some(Ok(())) => {
                self.saved = mark;
                self.place.store(mark.ledger.seq, Ordering::Relaxed);
                self.saved_at = monotonic();
            }
            // It is delivered all the same; after a crash it would be so again.
            Some(Err(error)) => {
                events::FeedCursorUnwritten { feed: &self.name, error: &error }.emit();
            }
            None => {}
        }
        Ok(())
    }

    /// Does what waits for the disk on a thread of its own: messages are moved on this one. `None` if it broke off.
    async fn on_disk<T: Send + 'static>(
        &mut self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<Option<T>, Stopped> {
        let mut working = tokio::task::spawn_blocking(work);
        tokio::select! {
            done = &mut working => return Ok(done.ok()),
            _ = self.stop.wait_for(|stop| *stop) => {}
        }
        timeout(GRACE, working).await.map(Result::ok).map_err(|_| Stopped)
    }

    /// Writes one of the feed's files.
    async fn kept(
        &mut self,
        work: impl FnOnce() -> io::Result<()> + Send + 'static,
    ) -> Result<Result<(), io::ErrorKind>, Stopped> {
        let done = self.on_disk(work).await?;
        Ok(done.unwrap_or(Err(io::ErrorKind::Other.into())).map_err(|error| error.kind()))
    }

    /// Waits for the first alert, then for its window or the receiver's pace, whichever is longer. What is grave
    /// waits for the pace only.
    async fn gather(&mut self) -> Result<Vec<Due>, Stopped> {
        let room = self.sink.letters_max().max(1);
        let mut parcel: Vec<Due> = Vec::new();
        let mut begun: Option<Instant> = None;
        loop {
            while parcel.len() < room {
                let Some(due) = self.reader.pop() else { break };
                parcel.push(due);
            }
            if !parcel.is_empty() {
                let now = monotonic();
                let begun = *begun.get_or_insert(now);
                let grave = parcel.iter().any(|due| due.alert.severity == Severity::High);
                let window = if grave { Duration::ZERO } else { self.group };
                let full = parcel.len() >= room;
                let ready = if full { now } else { begun + window };
                let go = ready.max(self.limit.next(now));
                if go <= now {
                    return Ok(parcel);
                }
                tokio::select! {
                    _ = self.stop.wait_for(|stop| *stop) => return Err(Stopped),
                    () = sleep_until(go.into()) => continue,
                    () = self.reader.changed(), if !full => {}
                }
            } else {
                let idle = monotonic() + SAVE_EVERY;
                tokio::select! {
                    _ = self.stop.wait_for(|stop| *stop) => return Err(Stopped),
                    () = sleep_until(idle.into()) => {}
                    () = self.reader.changed() => {}
                }
            }
            self.read_on(parcel.is_empty()).await?;
        }
    }

    async fn read_on(&mut self, empty_handed: bool) -> Result<(), Stopped> {
        match self.reader.read().await {
            Ok(more) => {
                self.chain.works();
                if !more && self.reader.behind() {
                    // What should be there is not: somebody works on the files.
                    return self.pause(FAULT_PAUSE).await;
                }
                if empty_handed && !self.reader.has_ready() {
                    let seq = self.reader.read_up_to().ledger.seq;
                    self.place.store(seq, Ordering::Relaxed);
                }
                let late = monotonic().duration_since(self.saved_at) > SAVE_EVERY;
                if empty_handed && !self.reader.has_ready() && late {
                    self.save(self.reader.read_up_to()).await?;
                }
                // Under load a bunch is read at once instead of each entry by itself.
                if self.reader.has_ready() { Ok(()) } else { self.pause(GATHER).await }
            }
            Err(error) => {
                events::FeedUnread { feed: &self.name, error: &error }.emit();
                if matches!(error, LedgerError::Broken(_)) {
                    self.chain.fails("its chain is broken");
                } else {
                    self.light.fails("the ledger cannot be read");
                }
                self.pause(FAULT_PAUSE).await
            }
        }
    }

    async fn pause(&mut self, time: Duration) -> Result<(), Stopped> {
        if time.is_zero() {
            return Ok(());
        }
        tokio::select! {
            _ = self.stop.wait_for(|stop| *stop) => Err(Stopped),
            () = sleep(time) => Ok(()),
        }
    }

    /// Comes back when every letter is delivered or laid aside. Of several that are refused together, those at fault
    /// are found by halving, so that the others are delivered.
    async fn hand_over(&mut self, letters: &[Letter]) -> Result<(), Stopped> {
        let mut pieces = vec![letters];
        while let Some(piece) = pieces.pop() {
            let Err((attempts, why)) = self.deliver(piece).await? else { continue };
            if piece.len() <= 1 {
                self.lay_aside(piece, attempts, &why).await?;
            } else {
                let (first, second) = piece.split_at(piece.len() / 2);
                pieces.extend([second, first]);
            }
        }
        Ok(())
    }

    /// Tries until the receiver takes them, or has refused them often enough.
    async fn deliver(&mut self, letters: &[Letter]) -> Result<Result<(), (u32, String)>, Stopped> {
        let (mut failures, mut refusals) = (0_u32, 0_u32);
        let enough = if letters.len() > 1 { 1 } else { self.max_attempts };
        loop {
            let pace = self.limit.next(monotonic()).duration_since(monotonic());
            self.pause(pace).await?;
            self.limit.went(monotonic());
            let failure = match self.attempt(letters).await? {
                Ok(()) => {
                    self.light.works();
                    self.delivered.mark(self.clock.now(), letters.len());
                    events::FeedDelivered { feed: &self.name, alerts: letters.len() }.emit();
                    return Ok(Ok(()));
                }
                Err(failure) => failure,
            };
            failures = failures.saturating_add(1);
            events::FeedFailed { feed: &self.name, why: &failure }.emit();
            let wished = match failure {
                Failure::Unavailable { why, retry_after } => {
                    if failures >= DOWN_AFTER {
                        self.light.fails(&why);
                    }
                    retry_after
                }
                Failure::Refused(why) => {
                    refusals += 1;
                    if refusals >= enough {
                        return Ok(Err((refusals, why)));
                    }
                    None
                }
                Failure::Gone(why) => {
                    self.light.fails(&why);
                    self.until_wanted(&why).await?;
                    failures = 0;
                    continue;
                }
            };
            self.pause(self.backoff.wait(failures, wished)).await?;
        }
    }

    async fn attempt(&mut self, letters: &[Letter]) -> Result<Result<(), Failure>, Stopped> {
        let stopping = self.stop.clone();
        let mut stop = stopping;
        let delivery = self.sink.deliver(letters);
        tokio::pin!(delivery);
        tokio::select! {
            done = &mut delivery => return Ok(done),
            _ = stop.wait_for(|stop| *stop) => {}
        }
        timeout(GRACE, delivery).await.map_err(|_| Stopped)
    }

    /// Disabled until `orgate feed enable`: what comes meanwhile waits in the ledger.
    async fn until_wanted(&mut self, why: &str) -> Result<(), Stopped> {
        let (gone, why) = (self.gone.clone(), why.to_owned());
        if let Err(error) = self.kept(move || gone.disable(&why)).await? {
            events::FeedDeadUnwritten { feed: &self.name, error }.emit();
            return self.pause(FAULT_PAUSE).await;
        }
        events::FeedDisabled { feed: &self.name }.emit();
        self.while_disabled().await
    }

    async fn while_disabled(&mut self) -> Result<(), Stopped> {
        while self.gone.is_disabled() {
            self.pause(SAVE_EVERY).await?;
        }
        Ok(())
    }

    async fn lay_aside(
        &mut self,
        letters: &[Letter],
        attempts: u32,
        why: &str,
    ) -> Result<(), Stopped> {
        let at = self.clock.now().to_string();
        let dead = letters.iter().map(|letter| DeadLetter {
            at: at.clone(),
            attempts,
            why: why.to_owned(),
            event: letter.event.clone(),
        });
        let dead: Vec<DeadLetter> = dead.collect();
        loop {
            let (file, letters) = (self.dead.clone(), dead.clone());
            match self.kept(move || file.add(&letters)).await? {
                Ok(()) => break,
                // What can be neither delivered nor laid aside holds the feed: nothing is dropped.
                Err(error) => {
                    events::FeedDeadUnwritten { feed: &self.name, error }.emit();
                    self.pause(FAULT_PAUSE).await?;
                }
            }
        }
        for letter in letters {
            events::FeedLaidAside { feed: &self.name, alert: &letter.id, why }.emit();
        }
        Ok(())
    }
}
