//! Full disks, failed syncs, crashes, full queues, two openers; and that batches form by themselves.

use std::time::Duration;

use super::disk::Disk;
use super::{MORNING, at, config, draft, open, open_folder, until, verify};
use crate::ledger::verify::verify as verify_files;
use crate::ledger::{
    Config, Durability, Entries, Expected, FileStore, Filter, Kind, LedgerError, store,
};

fn ids(disk: &Disk) -> Vec<String> {
    verify_files(disk, Expected::default()).unwrap();
    let entries = Entries::new(std::sync::Arc::new(disk.clone()), Filter::default()).unwrap();
    let entries = entries.map(Result::unwrap).filter(|entry| entry.kind != Kind::Anchor);
    entries.map(|entry| entry.id.to_string()).collect()
}

fn reasons(disk: &Disk) -> Vec<String> {
    let filter = Filter { kinds: vec![Kind::Anchor], ..Filter::default() };
    let entries = Entries::new(std::sync::Arc::new(disk.clone()), filter).unwrap();
    let bodies = entries.map(|entry| serde_json::from_str(entry.unwrap().body()).unwrap());
    bodies.map(|body: serde_json::Value| body["reason"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn sixty_four_concurrent_appends_share_a_few_syncs() {
    let disk = Disk::default();
    let (ledger, _) = open(disk.store(), config());
    disk.state().sync_delay = Duration::from_millis(20);
    let before = disk.state().syncs;
    let mut tasks = tokio::task::JoinSet::new();
    for nth in 0..64 {
        let ledger = ledger.clone();
        tasks.spawn(async move {
            ledger.append(draft(nth, at(MORNING)), Durability::OnDisk).await.unwrap()
        });
    }
    let mut seqs: Vec<_> = tasks.join_all().await.iter().map(|r| r.seq().unwrap()).collect();
    seqs.sort_unstable();
    assert_eq!(seqs, (2..66).collect::<Vec<_>>());
    let syncs = disk.state().syncs - before;
    assert!(syncs <= 8, "{syncs} syncs");
    assert_eq!(ledger.figures().entries(), 65);
}

#[tokio::test]
async fn what_nobody_waits_for_is_written_by_itself_at_every_pace() {
    let disk = Disk::default();
    let (ledger, _) = open(disk.store(), config());
    let pauses = [0, 0, 1, 3, 7, 30, 0, 12, 60, 2].map(Duration::from_millis);
    for (nth, pause) in (1..).zip(pauses) {
        // Into a writer that rests, one that is about to look, and one that has just looked.
        tokio::time::sleep(pause).await;
        if nth % 2 == 0 {
            ledger.append_later(draft(nth, at(MORNING)));
        } else {
            let _ = ledger.append(draft(nth, at(MORNING)), Durability::Soon).await.unwrap();
        }
        if nth % 3 == 0 {
            let expected = nth + 1;
            until(|| ledger.figures().entries() == expected).await;
        }
    }
    until(|| ledger.figures().entries() == 11).await;
    assert_eq!(ids(&disk).len(), 10);
}

#[tokio::test]
async fn a_full_disk_refuses_who_waits_keeps_what_was_handed_over_and_recovers() {
    let disk = Disk::default();
    let (ledger, _) = open(disk.store(), config());
    let first = draft(1, at(MORNING));
    let (refused, later, after) =
        (draft(2, at(MORNING)), draft(3, at(MORNING)), draft(4, at(MORNING)));
    let _ = ledger.append(first.clone(), Durability::OnDisk).await.unwrap();
    disk.state().free = Some(100);
    let error = ledger.append(refused.clone(), Durability::OnDisk).await.unwrap_err();
    assert_eq!(error, LedgerError::Unavailable { kind: std::io::ErrorKind::StorageFull });
    assert!(!ledger.healthy());
    for durability in [Durability::OnDisk, Durability::Soon] {
        assert!(ledger.append(refused.clone(), durability).await.is_err());
    }
    ledger.append_later(later.clone());
    disk.state().free = None;
    until(|| ledger.healthy()).await;
    let _ = ledger.append(after.clone(), Durability::OnDisk).await.unwrap();
    assert_eq!(ledger.close().await, 0);
    let expected = [first, later, after].map(|draft| draft.id.to_string());
    assert_eq!(ids(&disk), expected);
    assert_eq!(reasons(&disk), ["start", "write-error"]);
}

/// The kernel calls pages clean whose write-back failed; a second sync then "succeeds" over a hole.
#[tokio::test]
async fn after_a_failed_sync_writing_goes_on_in_a_new_part_and_nothing_rests_on_the_doubtful_tail()
{
    let disk = Disk::default();
    let (ledger, _) = open(disk.store(), config());
    let (first, refused, after) =
        (draft(1, at(MORNING)), draft(2, at(MORNING)), draft(3, at(MORNING)));
    let _ = ledger.append(first.clone(), Durability::OnDisk).await.unwrap();
    disk.state().failing_syncs = 3;
    assert!(ledger.append(refused, Durability::OnDisk).await.is_err());
    until(|| ledger.healthy()).await;
    let _ = ledger.append(after.clone(), Durability::OnDisk).await.unwrap();
    let survived = disk.crash(0);
    assert_eq!(ids(&survived), [first, after].map(|draft| draft.id.to_string()));
    assert_eq!(reasons(&survived), ["start", "sync-error"]);
    let verified = verify_files(&survived, Expected::default()).unwrap();
    assert_eq!(verified.files, 2);
}

#[tokio::test]
async fn a_receipt_for_the_queue_is_honoured_though_the_disk_fails_meanwhile() {
    let disk = Disk::default();
    let (ledger, _) = open(disk.store(), Config { soon: Duration::from_millis(1), ..config() });
    disk.state().free = Some(0);
    let soon = draft(1, at(MORNING));
    let receipt = ledger.append(soon.clone(), Durability::Soon).await.unwrap();
    assert_eq!((receipt.id(), receipt.seq()), (soon.id, None));
    until(|| !ledger.healthy()).await;
    disk.state().free = None;
    until(|| ledger.figures().entries() >= 3).await;
    assert_eq!(ids(&disk.crash(0)), [soon.id.to_string()]);
}

#[tokio::test]
async fn a_full_queue_refuses_within_its_bound() {
    let disk = Disk::default();
    let small = Config { queue_bytes: 1000, queue_wait: Duration::from_millis(1), ..config() };
    let (ledger, _) = open(disk.store(), small);
    disk.state().sync_delay = Duration::from_millis(100);
    let mut tasks = tokio::task::JoinSet::new();
    for nth in 0..8 {
        let ledger = ledger.clone();
        tasks
            .spawn(async move { ledger.append(draft(nth, at(MORNING)), Durability::OnDisk).await });
    }
    let outcomes = tasks.join_all().await;
    assert!(outcomes.contains(&Err(LedgerError::Overloaded)));
    assert!(outcomes.iter().any(Result::is_ok));
}

#[tokio::test]
async fn what_finds_no_room_in_the_lane_is_counted_as_lost() {
    let disk = Disk::default();
    let (ledger, _) = open(disk.store(), Config { later_bytes: 1500, ..config() });
    disk.state().free = Some(0);
    assert!(ledger.append(draft(0, at(MORNING)), Durability::OnDisk).await.is_err());
    for nth in 0..10 {
        ledger.append_later(draft(nth, at(MORNING)));
    }
    let lost = ledger.status().borrow().lost;
    assert!(lost > 0 && lost < 10, "{lost}");
    disk.state().free = None;
    until(|| ledger.healthy()).await;
    ledger.append_later(draft(11, at(MORNING)));
    assert_eq!(ledger.close().await, lost);
    assert_eq!(ids(&disk).len() as u64, 11 - lost);
    ledger.append_later(draft(12, at(MORNING)));
    assert_eq!(ledger.close().await, lost + 1);
}

#[tokio::test]
async fn a_ledger_opens_unhealthy_on_a_full_disk_and_recovers() {
    let disk = Disk::default();
    disk.state().failing_rotate = true;
    let (ledger, _) = open(disk.store(), config());
    assert!(!ledger.healthy());
    disk.state().failing_rotate = false;
    until(|| ledger.healthy()).await;
    let _ = ledger.append(draft(1, at(MORNING)), Durability::OnDisk).await.unwrap();
    assert_eq!(reasons(&disk), ["start"]);
}

#[tokio::test]
async fn a_file_that_was_only_created_is_removed_at_the_next_start() {
    let disk = Disk::default();
    let (ledger, _) = open(disk.store(), config());
    let _ = ledger.append(draft(1, at(MORNING)), Durability::OnDisk).await.unwrap();
    disk.state().failing_rotate = true;
    let tomorrow = draft(2, at("2026-03-03T01:00:00Z"));
    assert!(ledger.append(tomorrow.clone(), Durability::OnDisk).await.is_err());
    let survived = disk.crash(0);
    let (ledger, recovered) = open(survived.store(), config());
    assert_eq!((recovered.head.seq, recovered.torn.is_none()), (2, true));
    assert_eq!(ledger.append(tomorrow, Durability::OnDisk).await.unwrap().seq(), Some(5));
    assert_eq!(reasons(&survived), ["start", "start", "day"]);
}

#[tokio::test]
async fn a_second_opener_of_one_folder_is_refused_until_the_first_has_closed() {
    let folder = tempfile::tempdir().unwrap();
    let (ledger, _) = open_folder(folder.path(), config());
    let error = FileStore::open(folder.path()).unwrap_err();
    assert!(matches!(error, LedgerError::Locked { .. }), "{error}");
    assert_eq!(ledger.close().await, 0);
    assert!(!ledger.healthy());
    let closed = ledger.append(draft(1, at(MORNING)), Durability::OnDisk).await;
    assert_eq!(closed, Err(LedgerError::Closed));
    let (_ledger, recovered) = open_folder(folder.path(), config());
    assert_eq!(recovered.head.seq, 1);
}

#[tokio::test]
async fn a_last_line_torn_at_any_byte_is_cut_and_the_next_anchor_says_so() {
    let disk = Disk::default();
    let (ledger, _) = open(disk.store(), config());
    for nth in 0..2 {
        let _ = ledger.append(draft(nth, at(MORNING)), Durability::OnDisk).await.unwrap();
    }
    ledger.close().await;
    let whole = disk.newest();
    let start = whole[..whole.len() - 1].iter().rposition(|b| *b == b'\n').unwrap() + 1;
    for end in start + 1..whole.len() {
        let torn_disk = disk.with_newest(&whole[..end]);
        let torn = verify_files(&torn_disk, Expected::default()).unwrap().torn.unwrap();
        assert_eq!(torn.bytes, (end - start) as u64);
        let (_ledger, recovered) = open(torn_disk.store(), config());
        assert_eq!((recovered.torn.as_ref(), recovered.head.seq), (Some(&torn), 2));
        let entries: Vec<_> = recovered.recent(at(MORNING)).unwrap().map(Result::unwrap).collect();
        let said = format!(r#""torn_bytes":{}"#, end - start);
        assert!(entries.last().unwrap().body().contains(&said));
        let verified = verify_files(&torn_disk, Expected::default()).unwrap();
        assert_eq!((verified.entries, verified.torn), (3, None));
    }
}

#[tokio::test]
async fn a_torn_last_line_in_a_real_file_is_cut_at_the_next_start() {
    let folder = tempfile::tempdir().unwrap();
    let (ledger, _) = open_folder(folder.path(), config());
    let _ = ledger.append(draft(1, at(MORNING)), Durability::OnDisk).await.unwrap();
    ledger.close().await;
    let path = store::folder(folder.path()).join("2026-03-02.jsonl");
    let file = std::fs::OpenOptions::new().write(true).open(path).unwrap();
    file.set_len(file.metadata().unwrap().len() - 7).unwrap();
    let (ledger, recovered) = open_folder(folder.path(), config());
    assert_eq!(recovered.head.seq, 1);
    let receipt = ledger.append(draft(2, at(MORNING)), Durability::OnDisk).await.unwrap();
    assert_eq!(receipt.seq(), Some(3));
    let verified = verify(folder.path()).unwrap();
    assert_eq!((verified.entries, verified.torn), (3, None));
}
