//! Feeds that come back: after restarts without them, and after a feed of their name that broke off.

use crate::feed::Feeds;
use crate::feed::cursor::{Cursor, Mark};
use crate::feed::filter::Filter;
use crate::feed::notices::Notices;
use crate::feed::reader::{Reader, Sources};
use crate::feed::tests::{config, ground, open, until_in};
use crate::feed::watch::What;

#[tokio::test]
async fn a_feed_that_comes_back_after_restarts_without_it_hears_what_is_noticed() {
    let data = tempfile::tempdir().unwrap();
    let ledger = open(data.path());
    let start = |configs| Feeds::open(configs, ground(data.path()), &ledger).unwrap();
    let own = config(data.path(), "a");
    drop(start(vec![own.clone()]));
    let had = Mark { notice: 50, ..Mark::default() };
    Cursor::new(&ground(data.path()).folder, "a").save(had).unwrap();
    drop(start(Vec::new()));
    let feeds = start(Vec::new());
    feeds.watch().light(What::Route, "his").fails("refused");
    let mut running = feeds.run(&ledger).unwrap();
    let plan = running.plan(vec![own]).unwrap();
    running.take_up(plan).await;
    until_in(&data.path().join("a"), "route/his").await;
    running.stop().await;
    ledger.close().await;
}

#[tokio::test]
async fn numbers_of_which_nothing_is_kept_are_not_waited_for() {
    let data = tempfile::tempdir().unwrap();
    let ledger = open(data.path());
    let notices = Notices::open(data.path(), &[3, 50]).unwrap();
    let folder = data.path().join("ledger");
    let sources = Sources { folder, node: "gate-1".to_owned(), heads: ledger.heads(), notices };
    let mark = Mark { notice: 3, ..Mark::default() };
    let mut reader = Reader::new(&sources, Filter::default(), String::new(), mark);
    assert!(reader.behind());
    while reader.read().await.unwrap() {}
    assert_eq!(reader.read_up_to().notice, 50);
    assert!(!reader.behind());
    ledger.close().await;
}
