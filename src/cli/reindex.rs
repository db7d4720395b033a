//! `orgate ledger reindex`: case index, search index and override files dropped and built anew from the ledger.

use std::time::Duration;

use crate::app;
use crate::cases::Cases;
use crate::cli::{EXIT_USAGE, open_cases};
use crate::config::Settings;
use crate::gate::of_entry;
use crate::ledger::{self, Filter, Kind};

/// Rebuilds the index and says how much it holds. 0 good, 2 ledger or index cannot be used: then the old
/// index stays.
pub(super) async fn run(settings: &Settings) -> u8 {
    let cases = match open_cases(settings).await {
        Ok(cases) => cases,
        Err(error) => {
            eprintln!("{error}");
            return EXIT_USAGE;
        }
    };
    let rebuilt = rebuild(&cases, settings).await;
    cases.close(Duration::from_secs(10)).await;
    match app::reindex(settings).await {
        Ok(entries) => say!("检索索引已重建 the search index is rebuilt: {entries}"),
        Err(error) => {
            eprintln!("{error}");
            return EXIT_USAGE;
        }
    }
    match rebuilt {
        Ok((entries, documents, unknown)) => {
            say!("病例索引已重建 the case index is rebuilt");
            say!("判定条目 decisions  {entries}");
            say!("病例文书 documents  {documents}");
            if unknown > 0 {
                say!(
                    "无法理解的条目（其他版本所写） entries that this version does not understand: {unknown}"
                );
            }
            0
        }
        Err(error) => {
            eprintln!("{error}");
            EXIT_USAGE
        }
    }
}

async fn rebuild(cases: &Cases, settings: &Settings) -> Result<(u64, u64, u64), String> {
    let mut rebuild = cases.rebuild().await.map_err(|error| error.to_string())?;
    let (mut entries, mut unknown, mut seq) = (0, 0, 0);
    let filter = Filter { kinds: vec![Kind::Decision], ..Filter::default() };
    let read = ledger::entries(&settings.ledger_dir, filter).map_err(|error| error.to_string())?;
    for entry in read {
        let entry = entry.map_err(|error| error.to_string())?;
        entries += 1;
        seq = entry.seq;
        match of_entry(&entry.id.to_string(), entry.body()) {
            Ok(documents) => rebuild.take(documents).await.map_err(|error| error.to_string())?,
            Err(_) => unknown += 1,
        }
    }
    let documents = rebuild.finish(seq).await.map_err(|error| error.to_string())?;
    Ok((entries, documents, unknown))
}
