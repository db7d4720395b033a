//! Taken twice is taken once; the cursor never runs back; what tells of an entry is found by it.

use crate::search::ask::{Query, SCAN_MAX};
use crate::search::row::{Row, Term};
use crate::search::tests::{at, index, patient, row};

#[tokio::test]
async fn taking_again_changes_nothing_and_the_cursor_never_runs_back() {
    let index = index().await;
    let rows = [row(1, vec![patient("P1")]), row(2, vec![patient(" P1 ")])];
    index.take(&rows, 2).await.unwrap();
    index.take(&rows, 1).await.unwrap();
    assert_eq!(index.cursor().await.unwrap(), 2);
    let query = Query { terms: vec![patient("P1")], ..Query::default() };
    let page = index.find(&query).await.unwrap();
    let seqs: Vec<u64> = page.found.iter().map(|found| found.seq).collect();
    assert_eq!(seqs, [2, 1], "blanks around a number do not tell patients apart");
    let found = index.entry("E2").await.unwrap().unwrap();
    assert_eq!((found.offset, found.at, found.summary.as_str()), (200, at(2), "{\"seq\":2}"));
    assert!(index.entry("E3").await.unwrap().is_none());
    index.clear().await.unwrap();
    assert_eq!((index.cursor().await.unwrap(), index.entry("E2").await.unwrap()), (0, None));
}

#[tokio::test]
async fn what_tells_of_an_entry_is_found_by_it_oldest_first_and_is_no_decision() {
    let index = index().await;
    let told = |seq, kind| Row { kind, ..row(seq, vec![Term::Of("E1".to_owned())]) };
    let rows = [row(1, Vec::new()), told(2, "delivery"), told(3, "override")];
    index.take(&rows, 3).await.unwrap();
    let of: Vec<String> =
        index.of("E1").await.unwrap().into_iter().map(|found| found.kind).collect();
    assert_eq!(of, ["delivery", "override"]);
    let all = index.find(&Query::default()).await.unwrap();
    assert_eq!(all.found.len(), 1);
}

#[tokio::test]
async fn a_long_search_stops_and_goes_on_where_it_stopped() {
    let index = index().await;
    let common = || Term::Route("his".to_owned());
    let total = u64::from(SCAN_MAX) + 500;
    for start in (1..=total).step_by(2_000) {
        let rows: Vec<Row> = (start..(start + 2_000).min(total + 1))
            .map(|seq| match seq {
                3 => row(seq, vec![common(), Term::Stage("order".to_owned())]),
                _ => row(seq, vec![common()]),
            })
            .collect();
        index.take(&rows, start).await.unwrap();
    }
    // The rarest term leads, so this one does not.
    let both = vec![common(), Term::Stage("order".to_owned())];
    let page = index.find(&Query { terms: both, ..Query::default() }).await.unwrap();
    assert_eq!((page.found.len(), page.next), (1, None));
    let nobody = Some(vec!["0301".to_owned(), "0302".to_owned()]);
    let mut query = Query { terms: vec![common()], departments: nobody, ..Query::default() };
    let page = index.find(&query).await.unwrap();
    assert_eq!((page.found.len(), page.next), (0, Some(500)));
    query.before = page.next;
    let page = index.find(&query).await.unwrap();
    assert_eq!((page.found.len(), page.next), (0, None));
}
