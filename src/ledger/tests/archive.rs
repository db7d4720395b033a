//! Packed files read like others: entries, places, what follows.

use jiff::civil::date;

use crate::ledger::archive::{archive, copy};
use crate::ledger::store::folder;
use crate::ledger::tests::{MORNING, at, config, draft, open_folder, verify};
use crate::ledger::{Batch, Config, Durability, Tail, entry_at};

const ALL: Batch = Batch { up_to: u64::MAX, entries: usize::MAX, bytes: usize::MAX };

#[tokio::test(flavor = "multi_thread")]
async fn every_entry_is_found_at_its_place_before_and_after_packing_and_by_who_stands_in_between() {
    let data = tempfile::tempdir().unwrap();
    let own = Config { part_bytes: 900, ..config() };
    let (ledger, _) = open_folder(data.path(), own.clone());
    for nth in 0..12 {
        let _ = ledger.append(draft(nth, at(MORNING)), Durability::OnDisk).await.unwrap();
    }
    let folder = folder(data.path());
    let before = Tail::after(&folder, 0).take(ALL).unwrap();
    let mut half = Tail::after(&folder, 0);
    let begun = half.take(Batch { entries: before.len() / 2, ..ALL }).unwrap();
    let packed = archive(&folder, date(2027, 1, 1)).unwrap();
    assert!(packed.len() >= 3, "{packed:?}");
    assert_eq!(Tail::after(&folder, 0).take(ALL).unwrap(), before);
    for (entry, place) in &before {
        assert_eq!(entry_at(&folder, place).unwrap().as_ref(), Some(entry));
    }
    let mut read = begun;
    read.extend(half.take(ALL).unwrap());
    assert_eq!(read, before);
    // The writer goes on in its own file, and so does the next one.
    let _ = ledger.append(draft(99, at(MORNING)), Durability::OnDisk).await.unwrap();
    let head = ledger.head();
    ledger.close().await;
    assert_eq!(verify(data.path()).unwrap().head, head);
    let (ledger, recovered) = open_folder(data.path(), own);
    assert_eq!(recovered.head, head);
    let to = tempfile::tempdir().unwrap();
    let copied = copy(&folder, to.path(), Some(head)).unwrap();
    assert_eq!(copied.head, head, "not what came after");
    ledger.close().await;
}
