//! The end of retention (IS Q10): what is given away is entered first, and what a restore brought back is told.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::ToSpan;
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::app::backup::RESTORED;
use crate::gate::Gate;
use crate::inbound::admin::{Answer, Pruner};
use crate::ledger::archive::{self, Expired};
use crate::ledger::{Body, Draft, Durability, EntryId, Kind, Ledger, LedgerError};

/// How long the entry is waited for; a person waits.
const LEDGER_WAIT: std::time::Duration = std::time::Duration::from_secs(10);

/// How files are given away whose retention has ended.
pub(super) fn pruner((folder, days): (&Path, u32), gate: &Arc<Gate>, ledger: &Ledger) -> Pruner {
    let folder = folder.to_owned();
    let (gate, ledger) = (Arc::clone(gate), ledger.clone());
    Arc::new(move |by| {
        let (folder, gate, ledger) = (folder.clone(), Arc::clone(&gate), ledger.clone());
        Box::pin(async move {
            match prune(folder, days, &gate, &ledger, &by).await {
                Ok(files) => Answer::Pruned { files },
                Err(why) => Answer::Refused {
                    zh: "未删除任何文件，或未全部删除：".to_owned(),
                    en: why,
                },
            }
        })
    })
}

async fn prune(
    folder: PathBuf,
    days: u32,
    gate: &Gate,
    ledger: &Ledger,
    by: &str,
) -> Result<Vec<String>, String> {
    let now = gate.clock().now();
    let today = gate.zone().to_datetime(now).date();
    // A day that cannot be reckoned with keeps everything.
    let Ok(before) = today.checked_sub(i64::from(days).days()) else { return Ok(Vec::new()) };
    let looked = folder.clone();
    let expired = aside(move || archive::expired(&looked, before)).await?;
    if expired.is_empty() {
        return Ok(Vec::new());
    }
    let told = |one: &Expired| json!({ "file": one.file, "head": one.head.to_string() });
    let body = json!({
        "act": "ledger-deleted",
        "by": by,
        "files": expired.iter().map(told).collect::<Vec<Value>>(),
        "retention_days": days,
    });
    let body = Body::of(&body).map_err(|error| error.to_string())?;
    let draft = Draft { id: EntryId::new(now), time: now, kind: Kind::Access, body };
    match timeout(LEDGER_WAIT, ledger.append(draft, Durability::OnDisk)).await {
        Ok(Ok(_)) => {}
        Ok(Err(error)) => return Err(error.to_string()),
        Err(_) => return Err("the ledger cannot record it now, try again later".to_owned()),
    }
    let names = expired.iter().map(|one| one.file.clone()).collect();
    aside(move || archive::remove(&folder, &expired)).await?;
    Ok(names)
}

async fn aside<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, LedgerError> + Send + 'static,
) -> Result<T, String> {
    let done = tokio::task::spawn_blocking(work).await.map_err(|error| error.to_string())?;
    done.map_err(|error| error.to_string())
}

/// Tells the ledger that the data directory was restored, once.
pub(super) async fn tell_restored(data_dir: &Path, gate: &Gate, ledger: &Ledger) {
    let path = data_dir.join(RESTORED);
    let Ok(text) = std::fs::read(&path) else { return };
    let Ok(Value::Object(mut body)) = serde_json::from_slice::<Value>(&text) else { return };
    body.insert("act".to_owned(), json!("restored"));
    let Ok(body) = Body::of(&Value::Object(body)) else { return };
    let now = gate.clock().now();
    let draft = Draft { id: EntryId::new(now), time: now, kind: Kind::Access, body };
    if matches!(timeout(LEDGER_WAIT, ledger.append(draft, Durability::OnDisk)).await, Ok(Ok(_))) {
        // Told twice is better than never.
        let _ = std::fs::remove_file(path);
    }
}
