//! The configuration as the ledger knows it: which files the gate goes by, told at its start and at every reload.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::config::written::{Difference, FileDifference, Written};
use crate::gate::terms::Configuration;
use crate::ledger::{Body, Draft, Entry, EntryId, Kind};

/// What these entries are known by among changes of stances and bypasses.
const ACT: &str = "configuration";

/// The entry of the configuration that the gate starts with, and what it is known by.
pub(super) fn begun(written: &Written, now: Timestamp) -> (Draft, Configuration) {
    let (id, digest) = (EntryId::new(now), written.digest());
    let body = json!({ "act": ACT, "by": "start", "digest": digest, "files": files(written) });
    // Texts only, so the body is canonical.
    let body = Body::of(&body).unwrap_or_else(|_| Body::empty());
    let draft = Draft { id, time: now, kind: Kind::Bypass, body };
    (draft, Configuration { entry: id.to_string().into(), digest: digest.into() })
}

/// What is told of a reload.
pub(super) struct Reload<'r> {
    /// `signal` or `watch`.
    pub(super) by: &'static str,
    pub(super) written: &'r Written,
    /// Keys that change now.
    pub(super) applied: &'r [Difference],
    /// Keys that differ from what the gate runs by, and need a restart.
    pub(super) restart: &'r [Difference],
    pub(super) changed: &'r [FileDifference],
    /// Routes whose stance changes: name, what was in force, what will be.
    pub(super) stances: Vec<Value>,
}

impl Reload<'_> {
    /// The body of its entry.
    pub(super) fn body(&self) -> Value {
        let keys = |all: &[Difference]| all.iter().map(|one| one.key.clone()).collect::<Vec<_>>();
        let changed = self
            .changed
            .iter()
            .map(|file| json!({ "after": file.after, "before": file.before, "file": file.path }));
        json!({
            "act": ACT,
            "applied": keys(self.applied),
            "by": self.by,
            "changed": changed.collect::<Vec<_>>(),
            "digest": self.written.digest(),
            "files": files(self.written),
            "restart": keys(self.restart),
            "stances": self.stances,
        })
    }
}

fn files(written: &Written) -> Vec<Value> {
    let one = written.sources.iter();
    one.map(|source| json!({ "file": source.path, "sha256": source.sha256 })).collect()
}

/// The id of an entry that tells a configuration, and the hash over its files.
pub(super) fn told(entry: &Entry) -> Option<(String, String)> {
    #[derive(Deserialize)]
    struct Kept {
        act: String,
        digest: String,
    }
    let kept: Kept = serde_json::from_str(entry.body()).ok()?;
    (kept.act == ACT).then(|| (entry.id.to_string(), kept.digest))
}
