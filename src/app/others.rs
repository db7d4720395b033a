//! Follows what the other gates have judged, so that what comes to this one is judged as it would be there: numbers of
//! checked orders, copies of messages, and stories for those who cannot wait for the database.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::app::catch_up::{self, CatchUpError};

use crate::cases::Others;
use crate::cases::document::Document;
use crate::cases::error::CasesError;
use crate::domain::order::Stage;
use crate::gate::Gate;
use crate::gate::memory::Fingerprint;
use crate::telemetry::{events, shared};

/// How often it is looked for what others have judged. A sender that turns to another gate waits longer than that.
const EVERY: Duration = Duration::from_millis(100);
/// A database that failed is asked again after this.
const RETRY: Duration = Duration::from_secs(1);
/// How long a start waits to hear of the others.
const AT_START: Duration = Duration::from_secs(5);
/// How far back a gate that is met first is heard: as far as the own ledger is (`recall`).
const SINCE: SignedDuration = SignedDuration::from_hours(30 * 24);

/// Follows, while the gate runs.
pub(super) struct Follower {
    gate: Arc<Gate>,
    others: Others,
}

/// Brings the case index up to the own ledger, and hears of everything that the others have judged so far, if the
/// database answers in time. `None` where nothing is shared.
///
/// # Errors
/// The ledger cannot be read, or an index of the gate's own does not answer.
pub(super) async fn at_start(
    gate: &Arc<Gate>,
    (folder, shared): (&Path, bool),
) -> Result<Option<Follower>, CatchUpError> {
    catch_up::at_start(gate.cases(), (folder, shared), gate.clock().now()).await?;
    if !shared {
        return Ok(None);
    }
    let mut follower = Follower { gate: Arc::clone(gate), others: Others::default() };
    let all = async { while matches!(follower.hear().await, Ok(true)) {} };
    // What is not heard now is heard later.
    let _ = tokio::time::timeout(AT_START, all).await;
    Ok(Some(follower))
}

/// Follows the own ledger, and the others where there are any, until the gate stops.
pub(super) fn follow(
    tasks: &mut JoinSet<()>,
    others: Option<Follower>,
    gate: &Gate,
    folder: PathBuf,
    stop: &watch::Receiver<bool>,
) {
    tasks.spawn(catch_up::follow(gate.cases().clone(), folder, gate.clock(), stop.clone()));
    if let Some(others) = others {
        tasks.spawn(others.follow(stop.clone()));
    }
}

impl Follower {
    /// Until the gate stops.
    pub(super) async fn follow(mut self, mut stop: watch::Receiver<bool>) {
        let mut failing = false;
        loop {
            let heard = tokio::select! {
                _ = stop.wait_for(|stop| *stop) => return,
                heard = self.hear() => heard,
            };
            if let (Err(error), false) = (&heard, failing) {
                events::CasesUnanswered { error }.emit();
            }
            failing = heard.is_err();
            let pause = match heard {
                Ok(true) => continue,
                Ok(false) => EVERY,
                Err(_) => RETRY,
            };
            tokio::select! {
                _ = stop.wait_for(|stop| *stop) => return,
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    /// Whether there was anything.
    async fn hear(&mut self) -> Result<bool, CasesError> {
        let now = self.gate.clock().now();
        let since = now.saturating_sub(SINCE).unwrap_or(Timestamp::MIN);
        let heard = self.gate.cases().of_others(&mut self.others, since).await?;
        heard.documents.iter().for_each(|document| self.learn(document));
        for known in &heard.addresses {
            self.gate.memory().order_known_as(&known.address, &known.order_no);
        }
        Ok(!heard.nothing())
    }

    fn learn(&self, document: &Document) {
        let memory = self.gate.memory();
        if let Some(number) = &document.order_no
            && document.stage == Stage::Order
            && document.action.checked()
        {
            memory.order_checked(number.reveal());
        }
        if let Some(message) = &document.message
            && !document.refused
            && let Some(fingerprint) = Fingerprint::of_name(message)
        {
            memory.passed_elsewhere(fingerprint, &document.entry);
        }
        shared::HeardOfOthers { entry: &document.entry }.emit();
    }
}
