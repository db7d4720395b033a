//! Reading the tail of the files as they grow: every entry once and in order, from any place, whatever the hint says.

use proptest::prelude::*;
use tokio::runtime::Runtime;

use super::*;
use crate::ledger::{Batch, Durability, FileName, Filter, Reached, Tail, entries};

fn all(data_dir: &Path) -> Vec<(u64, EntryId)> {
    let entries = entries(&store::folder(data_dir), Filter::default()).unwrap();
    entries.map(|entry| entry.map(|entry| (entry.seq, entry.id)).unwrap()).collect()
}

fn batch(up_to: u64, entries: usize, bytes: usize) -> Batch {
    Batch { up_to, entries, bytes }
}

/// Everything up to `up_to`, in batches of a size.
fn read(tail: &mut Tail, size: Batch) -> Vec<(u64, EntryId)> {
    let mut out = Vec::new();
    while tail.place().seq < size.up_to {
        let taken = tail.take(size).unwrap();
        assert!(!taken.is_empty() && taken.len() <= size.entries);
        out.extend(taken.iter().map(|(entry, _)| (entry.seq, entry.id)));
    }
    out
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn whatever_is_on_disk_is_given_once_and_in_order(
        steps in prop::collection::vec((0_u64..9, 1_usize..7, 1_usize..4000), 1..8),
        part_bytes in 300_u64..4000,
        restart in any::<bool>(),
    ) {
        Runtime::new().unwrap().block_on(async {
            let data = tempfile::tempdir().unwrap();
            let (ledger, _) = open_folder(data.path(), Config { part_bytes, ..config() });
            let mut tail = Tail::new(&store::folder(data.path()), Reached::default());
            let (mut nth, mut seen) = (0, Vec::new());
            for (count, entries, bytes) in steps {
                for _ in 0..count {
                    nth += 1;
                    let _ = ledger.append(draft(nth, at(MORNING)), Durability::OnDisk).await.unwrap();
                }
                let head = *ledger.heads().borrow();
                prop_assert_eq!(head, ledger.head());
                seen.extend(read(&mut tail, batch(head.seq, entries, bytes)));
                if restart {
                    tail = Tail::new(&store::folder(data.path()), tail.place());
                }
            }
            let head = ledger.head().seq;
            ledger.close().await;
            let mut expected = all(data.path());
            expected.retain(|(seq, _)| *seq <= head);
            prop_assert_eq!(seen, expected);
            Ok(())
        })?;
    }

    #[test]
    fn a_wrong_hint_costs_a_search_and_nothing_else(
        after in 0_u64..40,
        day in 1_i8..4,
        part in 1_u32..4,
        offset in 0_u64..9000,
    ) {
        Runtime::new().unwrap().block_on(async {
            let data = tempfile::tempdir().unwrap();
            let (ledger, _) = open_folder(data.path(), Config { part_bytes: 3000, ..config() });
            for nth in 0..40 {
                let _ = ledger.append(draft(nth, at(MORNING)), Durability::OnDisk).await.unwrap();
            }
            let head = ledger.head().seq;
            ledger.close().await;
            let file = FileName { day: jiff::civil::date(2026, 3, day), part };
            let place = Reached { seq: after, end: Some((file, offset)) };
            let mut tail = Tail::new(&store::folder(data.path()), place);
            let seen = read(&mut tail, batch(head, 1000, usize::MAX));
            let mut expected = all(data.path());
            expected.retain(|(seq, _)| *seq > after && *seq <= head);
            prop_assert_eq!(seen, expected);
            Ok(())
        })?;
    }
}

#[tokio::test]
async fn what_is_not_yet_on_disk_for_sure_is_not_given() {
    let data = tempfile::tempdir().unwrap();
    let (ledger, _) = open_folder(data.path(), config());
    for nth in 0..5 {
        let _ = ledger.append(draft(nth, at(MORNING)), Durability::OnDisk).await.unwrap();
    }
    let mut tail = Tail::new(&store::folder(data.path()), Reached::default());
    assert_eq!(tail.take(batch(3, 100, 1 << 20)).unwrap().len(), 3);
    assert!(tail.take(batch(3, 100, 1 << 20)).unwrap().is_empty());
    assert_eq!(tail.take(batch(4, 100, 1 << 20)).unwrap().len(), 1);
    ledger.close().await;
}

#[tokio::test]
async fn a_broken_line_stops_the_reader_after_what_is_whole_and_is_never_skipped() {
    let data = tempfile::tempdir().unwrap();
    let (ledger, _) = open_folder(data.path(), config());
    for nth in 0..5 {
        let _ = ledger.append(draft(nth, at(MORNING)), Durability::OnDisk).await.unwrap();
    }
    let head = ledger.head().seq;
    ledger.close().await;
    let file = store::folder(data.path()).join("2026-03-02.jsonl");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replacen("\"nth\":2", "\"nth\":7", 1)).unwrap();
    let mut tail = Tail::new(&store::folder(data.path()), Reached::default());
    let taken = tail.take(batch(head, 100, 1 << 20)).unwrap();
    let place = tail.place();
    assert_eq!(taken.last().unwrap().0.seq, place.seq);
    for _ in 0..2 {
        let broken = tail.take(batch(head, 100, 1 << 20));
        assert!(matches!(broken, Err(LedgerError::Broken(_))), "{broken:?}");
        assert_eq!(tail.place(), place);
    }
}

#[tokio::test]
async fn a_reader_that_was_away_while_old_files_were_removed_goes_on_with_what_there_is() {
    let data = tempfile::tempdir().unwrap();
    let (ledger, _) = open_folder(data.path(), Config { part_bytes: 1000, ..config() });
    for nth in 0..20 {
        let _ = ledger.append(draft(nth, at(MORNING)), Durability::OnDisk).await.unwrap();
    }
    let head = ledger.head().seq;
    ledger.close().await;
    let folder = store::folder(data.path());
    for part in ["2026-03-02.jsonl", "2026-03-02.2.jsonl"] {
        std::fs::remove_file(folder.join(part)).unwrap();
    }
    let left = all(data.path());
    let mut tail = Tail::new(&folder, Reached { seq: 1, end: None });
    assert_eq!(read(&mut tail, batch(head, 1000, usize::MAX)), left);
}
