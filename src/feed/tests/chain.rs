//! A chain that is broken: each feed tells by itself whether it can read on.

use std::time::Duration;

use tokio::sync::watch;

use crate::feed::filter::Filter;
use crate::feed::pace::Backoff;
use crate::feed::tests::{ground, open};
use crate::feed::{Config, Destination, Feeds};

#[tokio::test]
async fn what_one_feed_can_read_says_nothing_of_what_another_cannot() {
    let data = tempfile::tempdir().unwrap();
    let ledger = open(data.path());
    let pause = Duration::from_secs(1);
    let config = |name: &str| Config {
        name: name.to_owned(),
        print: [0; 32],
        destination: Destination::File { path: data.path().join(name) },
        filter: Filter::default(),
        full: false,
        pseudonym_key: None,
        from_start: false,
        group: Duration::ZERO,
        per_minute: None,
        timeout: pause,
        max_attempts: 2,
        backoff: Backoff { first: pause, longest: pause },
    };
    let configs = vec![config("a"), config("b")];
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
