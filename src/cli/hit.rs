//! After an import: the open orders and notices that a change newly prohibits, stops or leaves uncovered
//! (MT 25(一), SG 28; rules.md §8).

use crate::app::{AppError, open_cases};
use crate::cases::OpenDocument;
use crate::cases::error::CasesError;
use crate::clock::Clock;
use crate::config::Settings;
use crate::domain::consequence::Consequence;

/// Why they cannot be listed.
#[derive(Debug, thiserror::Error)]
pub(super) enum HitError {
    /// The index cannot be opened.
    #[error(transparent)]
    Open(#[from] AppError),
    /// The index does not answer.
    #[error(transparent)]
    Cases(#[from] CasesError),
}

/// Prints every open order and notice that a consequence hits.
///
/// # Errors
/// The case index cannot be read.
pub(super) async fn tell(
    settings: &Settings,
    consequences: &[Consequence],
) -> Result<(), HitError> {
    // Without an index no gate has run here, so nothing can be open.
    if consequences.is_empty() || !settings.cases_file().exists() {
        return Ok(());
    }
    let now = Clock::System.now();
    let today = settings.node.zone.to_datetime(now).date();
    let cases = open_cases(settings).await?;
    let open = cases.open_documents(today, now, consequences).await?;
    let hit = hits(&open, consequences);
    for (document, consequence) in &hit {
        say!("受影响 hit: {}  {consequence}", line(document));
    }
    if !hit.is_empty() {
        say!("受影响的在途申请与通知 open orders and notices hit: {}", hit.len());
    }
    Ok(())
}

fn hits<'h>(
    open: &'h [OpenDocument],
    consequences: &'h [Consequence],
) -> Vec<(&'h OpenDocument, &'h Consequence)> {
    let of = |document: &'h OpenDocument| {
        let hit = consequences
            .iter()
            .filter(|c| c.hits(&document.codes, &document.surgeons, document.grade, document.day));
        hit.map(move |consequence| (document, consequence))
    };
    open.iter().flat_map(of).collect()
}

/// Day, checkpoint, department, surgeons, codes, masked number, entry.
fn line(document: &OpenDocument) -> String {
    let surgeons: Vec<&str> = document.surgeons.iter().map(|id| id.as_str()).collect();
    let codes: Vec<&str> = document.codes.iter().map(|code| code.as_str()).collect();
    format!(
        "{} {} {} {} {} {} {}",
        document.day,
        document.stage.as_str(),
        document.department.as_deref().unwrap_or("-"),
        surgeons.join(","),
        codes.join(","),
        document.order.as_deref().unwrap_or("-"),
        document.entry
    )
}
