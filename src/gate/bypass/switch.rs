//! Switching it: entered first, then in force; what ends by itself is entered too.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::clock;
use crate::gate::bypass::{Actor, Bypass, BypassError, Kept, On, Switched};
use crate::gate::pass::{Gate, LEDGER_WAIT};
use crate::gate::stance::RouteStance;
use crate::ledger::{Body, Draft, Durability, EntryId, Kind};
use crate::telemetry::outage as events;

/// Longest name and reason that are kept, in characters.
const TEXT_MAX: usize = 500;
/// What ends is looked for so often: a clock may be set.
const LOOK_EVERY: Duration = Duration::from_secs(1);

fn kept_text(text: &str) -> String {
    text.trim().chars().take(TEXT_MAX).collect()
}

fn put(body: &mut Value, member: &str, value: Value) {
    if let Some(body) = body.as_object_mut() {
        body.insert(member.to_owned(), value);
    }
}

impl Gate {
    /// With the outage switch as it was when the gate stopped.
    #[must_use]
    pub fn with(mut self, bypass: Bypass) -> Self {
        self.bypass = bypass;
        self
    }

    /// The outage switch.
    pub fn bypass(&self) -> &Bypass {
        &self.bypass
    }

    /// What is in force of a route's stance: during a bypass, nothing of it.
    pub fn in_force(&self, stance: Arc<RouteStance>) -> Arc<RouteStance> {
        self.bypass.now(self.clock().now()).map_or(stance, |on| Arc::clone(on.stance()))
    }

    /// Switches the gate off for a time, or on to another end.
    ///
    /// # Errors
    /// Without a name or a reason, or for longer than is configured.
    pub async fn bypass_on(
        self: &Arc<Self>,
        actor: Actor,
        reason: &str,
        lasting: SignedDuration,
    ) -> Result<Switched, BypassError> {
        let (by, reason) = (kept_text(&actor.by), kept_text(reason));
        if by.is_empty() {
            return Err(BypassError::NoName);
        }
        if reason.is_empty() {
            return Err(BypassError::NoReason);
        }
        if lasting < SignedDuration::from_secs(1) {
            return Err(BypassError::TooShort);
        }
        if lasting > self.bypass.longest {
            return Err(BypassError::TooLong(self.bypass.longest.as_hours()));
        }
        let gate = Arc::clone(self);
        let work = async move {
            let _turn = gate.bypass.turn.lock().await;
            let since = gate.clock().now();
            let until = since.saturating_add(lasting).unwrap_or(since);
            let mut body = actor.told("on", &by);
            put(&mut body, "reason", json!(reason));
            put(&mut body, "until", json!(gate.written(until)));
            let before = gate.bypass.now(since);
            if let Some(before) = &before {
                put(&mut body, "of", json!(before.entry()));
            }
            let (entry, recorded) = gate.enter_bypass(since, &body).await;
            let kept = Kept { by, entry: entry.clone(), reason, since, until };
            let stored = gate.keep_bypass(Some(kept.clone())).await;
            gate.bypass.on.store(Some(Arc::new(On::new(kept, since))));
            gate.bypass.changed.notify_one();
            events::BypassOn { entry: &entry, seconds: lasting.as_secs() }.emit();
            events::bypass_is(true);
            Switched { entry, recorded, kept: stored }
        };
        // It is done even if whoever asked goes away.
        Ok(tokio::spawn(work).await.unwrap_or(Switched {
            entry: String::new(),
            recorded: false,
            kept: false,
        }))
    }

    /// Lets the gate act again.
    ///
    /// # Errors
    /// It does.
    pub async fn bypass_off(
        self: &Arc<Self>,
        actor: Actor,
        reason: &str,
    ) -> Result<Switched, BypassError> {
        let reason = kept_text(reason);
        let gate = Arc::clone(self);
        let work = async move {
            let _turn = gate.bypass.turn.lock().await;
            let now = gate.clock().now();
            let on = gate.bypass.now(now).ok_or(BypassError::NotOn)?;
            let mut body = actor.told("off", &kept_text(&actor.by));
            put(&mut body, "of", json!(on.entry()));
            if !reason.is_empty() {
                put(&mut body, "reason", json!(reason));
            }
            Ok(gate.end_bypass("off", now, &body).await)
        };
        tokio::spawn(work).await.unwrap_or(Err(BypassError::NotOn))
    }

    /// Enters the end of each bypass when its time is over, until the task is dropped.
    pub async fn follow_bypass(self: Arc<Self>) {
        loop {
            let on = self.bypass.on.load_full();
            let Some(on) = on else {
                self.bypass.changed.notified().await;
                continue;
            };
            if on.holds(self.clock().now()) {
                let left = on.deadline.saturating_duration_since(clock::monotonic());
                let pause = tokio::time::sleep(left.min(LOOK_EVERY));
                tokio::select! {
                    () = pause => {}
                    () = self.bypass.changed.notified() => {}
                }
                continue;
            }
            let _turn = self.bypass.turn.lock().await;
            let same = self.bypass.on.load().as_ref().is_some_and(|now| Arc::ptr_eq(now, &on));
            if same {
                let body = json!({ "act": "expired", "by": on.kept.by, "of": on.entry() });
                self.end_bypass("expired", self.clock().now(), &body).await;
            }
        }
    }

    /// A time as entries write it, in the hospital's offset.
    fn written(&self, at: Timestamp) -> String {
        let offset = self.zone().to_offset(at);
        at.display_with_offset(offset).to_string()
    }

    async fn end_bypass(
        self: &Arc<Self>,
        act: &'static str,
        now: Timestamp,
        body: &Value,
    ) -> Switched {
        // From here on verdicts are acted on; the entry says so a moment later.
        self.bypass.on.store(None);
        events::bypass_is(false);
        let (entry, recorded) = self.enter_bypass(now, body).await;
        let kept = self.keep_bypass(None).await;
        events::BypassOff { act, entry: &entry }.emit();
        Switched { entry, recorded, kept }
    }

    /// Writes an entry; its id, and whether it is on disk. If it cannot be, it follows.
    async fn enter_bypass(&self, now: Timestamp, body: &Value) -> (String, bool) {
        let draft = |body: &Value| {
            let id = EntryId::new(now);
            let body = Body::of(body).unwrap_or_else(|_| Body::empty());
            Draft { id, time: now, kind: Kind::Bypass, body }
        };
        let first = draft(body);
        let name = first.id.to_string();
        let appended = timeout(LEDGER_WAIT, self.append(first, Durability::OnDisk)).await;
        if matches!(appended, Ok(Ok(_))) {
            return (name, true);
        }
        let mut body = body.clone();
        if appended.is_err() {
            // It may come to be all the same; the one that follows then says that it is the same act.
            put(&mut body, "supersedes", json!(name));
        }
        let late = draft(&body);
        let name = late.id.to_string();
        self.append_later(late);
        events::BypassUnrecorded { entry: &name }.emit();
        (name, false)
    }

    /// On a thread of its own: files are made durable.
    async fn keep_bypass(self: &Arc<Self>, kept: Option<Kept>) -> bool {
        let gate = Arc::clone(self);
        let stored = tokio::task::spawn_blocking(move || gate.bypass.keep(kept.as_ref())).await;
        let stored = stored.unwrap_or_else(|_| Err(io::ErrorKind::Other.into()));
        if let Err(error) = &stored {
            events::BypassUnkept { error }.emit();
        }
        stored.is_ok()
    }
}

impl Actor {
    fn told(&self, act: &str, by: &str) -> Value {
        let mut body = json!({ "act": act, "by": by });
        if let Some(account) = &self.account {
            put(&mut body, "account", json!(account));
        }
        if let Some(uid) = self.uid {
            put(&mut body, "uid", json!(uid));
        }
        body
    }
}
