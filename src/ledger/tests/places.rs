//! Where the tail says entries stand, and that nothing is given that may yet be cut off.

use proptest::prelude::*;

use crate::ledger::store::{Files, Store, folder};
use crate::ledger::tests::disk::Disk;
use crate::ledger::tests::{MORNING, at, config, draft, open, open_folder, until};
use crate::ledger::{Batch, Config, Durability, Place, Reached, Tail, entry_at};

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap()
}

fn batch(up_to: u64, entries: usize) -> Batch {
    Batch { up_to, entries, bytes: usize::MAX }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn every_entry_is_read_once_in_order_whenever_one_looks(
        bursts in proptest::collection::vec((1_u64..6, 1_usize..5), 1..8),
        after in 0_u64..12,
    ) {
        let data = tempfile::tempdir().unwrap();
        let own = Config { part_bytes: 900, ..config() };
        runtime().block_on(async {
            let (ledger, _) = open_folder(data.path(), own);
            let folder = folder(data.path());
            let mut tail = Tail::after(&folder, after);
            let mut read = Vec::new();
            for (count, most) in bursts {
                for nth in 0..count {
                    let _ = ledger.append(draft(nth, at(MORNING)), Durability::OnDisk).await.unwrap();
                }
                read.extend(tail.take(batch(ledger.head().seq, most)).unwrap());
            }
            let head = ledger.head().seq;
            while tail.place().seq < head {
                let more = tail.take(batch(head, 7)).unwrap();
                assert!(!more.is_empty(), "stuck at {} before {head}", tail.place().seq);
                read.extend(more);
            }
            let seqs: Vec<u64> = read.iter().map(|(entry, _)| entry.seq).collect();
            let expected: Vec<u64> = (after + 1..=head).collect();
            assert_eq!(seqs, expected);
            for (entry, place) in &read {
                assert_eq!(entry_at(&folder, place).unwrap().as_ref(), Some(entry));
            }
            ledger.close().await;
        });
    }
}

#[test]
fn what_is_not_yet_durable_is_not_given() {
    let disk = Disk::default();
    runtime().block_on(async {
        let (ledger, _) = open(disk.store(), config());
        let _ = ledger.append(draft(1, at(MORNING)), Durability::OnDisk).await.unwrap();
        let head = ledger.head().seq;
        // Bytes of a batch whose sync fails are shown, and then cut off.
        disk.state().failing_syncs = 2;
        assert!(ledger.append(draft(2, at(MORNING)), Durability::OnDisk).await.is_err());
        let mut tail = Tail::of(disk.store().files(), Reached::default());
        let read = tail.take(batch(head, 100)).unwrap();
        assert_eq!(read.last().unwrap().0.seq, head);
        disk.recover();
        until(|| ledger.healthy()).await;
        let _ = ledger.append(draft(3, at(MORNING)), Durability::OnDisk).await.unwrap();
        let more = tail.take(batch(ledger.head().seq, 100)).unwrap();
        let seqs: Vec<u64> = more.iter().map(|(entry, _)| entry.seq).collect();
        assert_eq!(seqs, (head + 1..=ledger.head().seq).collect::<Vec<_>>());
        assert!(more.iter().all(|(entry, _)| !entry.body().contains("\"nth\":2")));
        ledger.close().await;
    });
    assert!(!Files::list(&disk).unwrap().is_empty());
}

#[test]
fn an_entry_whose_file_is_gone_is_none() {
    let data = tempfile::tempdir().unwrap();
    let place = Place { file: "2026-03-02.jsonl".to_owned(), offset: 7 };
    assert_eq!(entry_at(data.path(), &place).unwrap(), None);
    let odd = Place { file: "../secret".to_owned(), offset: 0 };
    assert_eq!(entry_at(data.path(), &odd).unwrap(), None);
}
