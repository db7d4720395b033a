//! A chain that is broken: each feed tells by itself whether it can read on.

use tokio::sync::watch;

use crate::feed::Feeds;
use crate::feed::tests::{config, ground, open};

#[tokio::test]
async fn what_one_feed_can_read_says_nothing_of_what_another_cannot() {
    let data = tempfile::tempdir().unwrap();
    let ledger = open(data.path());
    let configs = vec![config(data.path(), "a"), config(data.path(), "b")];
    let feeds = Feeds::open(configs, ground(data.path()), &ledger).unwrap();
    let notices = feeds.notices().clone();
    let (_stop, stopped) = watch::channel(false);
    let dispatches = feeds.dispatches(&stopped);
    dispatches[0].chain.fails("its chain is broken");
    dispatches[1].chain.works();
    dispatches[1].chain.fails("its chain is broken");
    let told: Vec<String> =
        notices.after(0, 9).into_iter().map(|(_, noticed)| noticed.subject).collect();
    assert_eq!(told, ["ledger/chain/a", "ledger/chain/b"]);
    ledger.close().await;
}
