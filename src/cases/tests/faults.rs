//! Crashes, a database that is down, too much at once, two gates, and many documents.

use super::*;

/// What a gate does at start: reads its ledger on.
async fn catch_up(cases: &Cases, ledger: &[Document]) {
    let begun = cases.begin_catch_up().await.unwrap();
    let mut last = begun.after;
    for (seq, document) in (1_u64..).zip(ledger).filter(|(seq, _)| *seq > begun.after) {
        cases.catch_up(vec![document.clone()], seq).await;
        last = seq;
    }
    cases.caught_up(begun, last).await.unwrap();
}

#[tokio::test]
async fn a_crash_between_entering_and_writing_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = [order("o"), Document { at: later(1), ..notice("n") }];
    let slow = Config { gather: Duration::from_secs(3600), ..config() };
    let cases = Cases::open(pool(folder.path()).await, slow).await.unwrap();
    enter_all(&cases, &ledger);
    assert!(cases.story(&asked(Some("1"))).await.notice.is_some());
    drop(cases);
    let cases = open(folder.path()).await;
    assert!(cases.story(&asked(Some("1"))).await.order.is_none(), "nothing was written");
    assert!(cases.behind(), "a start is behind until it has read the ledger");
    catch_up(&cases, &ledger).await;
    assert!(!cases.behind());
    let story = cases.story(&asked(Some("1"))).await;
    assert!(story.order.is_some() && story.notice.is_some());
}

#[tokio::test]
async fn the_cursor_stays_before_what_was_left_out_for_want_of_room() {
    let folder = tempfile::tempdir().unwrap();
    let small = Config { pending_max: 2, gather: Duration::from_millis(50), ..config() };
    let cases = Cases::open(pool(folder.path()).await, small).await.unwrap();
    let begun = cases.begin_catch_up().await.unwrap();
    cases.caught_up(begun, 0).await.unwrap();
    let ledger: Vec<Document> = (0..9)
        .map(|nth| Document {
            order_no: Redacted::new(format!("{nth}")),
            ..order(&format!("e{nth}"))
        })
        .collect();
    enter_all(&cases, &ledger);
    assert!(cases.behind());
    cases.flush(Duration::from_secs(60)).await.unwrap();
    assert_eq!(cases.begin_catch_up().await.unwrap().after, 0);
    assert!(cases.story(&asked(Some("8"))).await.order.is_none());
    catch_up(&cases, &ledger).await;
    assert!(!cases.behind());
    assert!(cases.story(&asked(Some("8"))).await.order.is_some());
}

#[tokio::test]
async fn with_the_database_gone_the_story_is_not_known_and_entering_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let pool = pool(folder.path()).await;
    let cases = Cases::open(pool.clone(), config()).await.unwrap();
    pool.close().await;
    cases.enter(vec![order("o")], Some(1));
    assert!(!cases.story(&asked(Some("1"))).await.known);
    assert!(cases.bookings(&[surgeon("D1")], now(), later(9), &asked(None)).await.is_empty());
    assert!(cases.reports(now()).await.is_err());
}

#[tokio::test]
async fn a_rebuild_that_is_not_finished_changes_nothing_and_one_that_is_drops_what_no_entry_tells()
{
    let folder = tempfile::tempdir().unwrap();
    let cases = open(folder.path()).await;
    enter_all(&cases, &[order("stray"), notice("n")]);
    cases.flush(Duration::from_secs(60)).await.unwrap();
    let rebuild = cases.rebuild().await.unwrap();
    drop(rebuild);
    assert!(cases.story(&asked(Some("1"))).await.order.is_some());
    let mut rebuild = cases.rebuild().await.unwrap();
    rebuild.take(vec![notice("n")]).await.unwrap();
    assert_eq!(rebuild.finish(7).await.unwrap(), 1);
    let story = cases.story(&asked(Some("1"))).await;
    assert!(story.order.is_none() && story.notice.is_some());
}

#[tokio::test]
async fn two_gates_that_share_a_database_share_stories_and_rebuild_only_their_own() {
    let folder = tempfile::tempdir().unwrap();
    let first = open(folder.path()).await;
    let other = Config { node: "gate-2".to_owned(), ..config() };
    let second = Cases::open(pool(folder.path()).await, other).await.unwrap();
    first.enter(vec![order("o")], Some(1));
    first.flush(Duration::from_secs(60)).await.unwrap();
    second.enter(vec![Document { at: later(1), ..notice("n") }], Some(1));
    let story = second.story(&asked(Some("1"))).await;
    assert!(story.order.is_some() && story.notice.is_some());
    second.flush(Duration::from_secs(60)).await.unwrap();
    let rebuild = second.rebuild().await.unwrap();
    rebuild.finish(0).await.unwrap();
    let story = first.story(&asked(Some("1"))).await;
    assert!(story.order.is_some() && story.notice.is_none());
}

#[tokio::test]
async fn a_hundred_thousand_documents_are_taken_and_one_story_among_them_is_found() {
    const DOCUMENTS: u32 = 100_000;
    let folder = tempfile::tempdir().unwrap();
    let cases = open(folder.path()).await;
    let mut rebuild = cases.rebuild().await.unwrap();
    for nth in 0..DOCUMENTS {
        let number = format!("{}", nth / 2);
        let of_stage =
            if nth % 2 == 0 { order(&format!("e{nth}")) } else { notice(&format!("e{nth}")) };
        let document = Document {
            at: later(i64::from(nth)),
            order_no: Redacted::new(number.clone()),
            patient: Redacted::new(format!("P{}", nth / 8)),
            day: if nth < DOCUMENTS - 5_000 { day(1) } else { day(5) },
            ..of_stage
        };
        rebuild.take(vec![document]).await.unwrap();
    }
    assert_eq!(rebuild.finish(1).await.unwrap(), u64::from(DOCUMENTS));
    let asked = Asked { patient: Redacted::new("P10000"), day: day(1), ..asked(Some("40001")) };
    let story = cases.story(&asked).await;
    assert_eq!(story.order.unwrap().entry, "e80002");
    assert_eq!(story.notice.unwrap().entry, "e80003");
    let open =
        cases.open_documents(day(5), later(i64::from(DOCUMENTS)), &[of(None)]).await.unwrap();
    assert_eq!(open.len(), 5_000);
}
