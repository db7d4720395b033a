//! Two gates, one of which is cut off from the database, and so from the other; senders still reach it.

use std::collections::HashMap;
use std::net::TcpListener;
use std::sync::Arc;

use orgate::clock::monotonic;

use crate::faults::scene::{Scene, Site};
use crate::faults::standin::Standin;
use crate::faults::table::Fault;
use crate::faults::wire::Said;
use crate::support::eventually;
use crate::support::gate::Hospital;
use crate::support::ledger::of_kind;
use crate::support::message::Draft;
use crate::support::postgres::{Cluster, PASSWORD};
use crate::support::proxy::Proxy;
use crate::support::room::Room;

/// Override files that become overdue.
const OVERDUE: usize = 40;

/// A surgeon of whom the load knows nothing; the grant comes and goes.
fn by_another(id: String) -> Draft {
    Draft { surgeon: "D1005^秦可欣", ..Draft::clean(id) }
}

#[test]
fn one_is_cut_off_and_goes_on_with_what_it_has() {
    let fault =
        Fault::named("two gates, one partitioned (recovery: until a grant suspended meanwhile is)");
    let standin = Standin::new();
    let database = Cluster::shared().database();
    let first = Hospital::empty()
        .sharing(&database.url(), "gate-1")
        .route("his", standin.upstream.address, &[])
        .filled();
    first.grant("D1005", "51.2300", "active");
    assert!(first.run(&["check"]).status.success(), "it makes the tables");
    // The second gate's room has a cable to another, where the database is to be found.
    let (room, server) = (Arc::new(Room::with_network()), Room::with_network());
    let (_, there) = room.cable(&server);
    let listener = server.inside(|| TcpListener::bind((there, 0)).expect("a port"));
    let database_door = Proxy::on(listener, database.address());
    let listener = room.inside(|| TcpListener::bind("127.0.0.1:0").expect("a port"));
    let onward = Proxy::on(listener, standin.upstream.address);
    let url = database.url_by(database_door.address, PASSWORD);
    let second = Hospital::empty().sharing(&url, "gate-2").route("his", onward.address, &[]);
    // It is there first, so it has the duties.
    let second = Site::start_in(second, &room);
    let owner = || database.psql("select node from orgate_office.duties where name = 'overrides'");
    eventually("the second gate has the duty", || (owner() == "gate-2").then_some(()));
    let own = second.gate.address();
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let door = room.inside(|| Proxy::on(listener, own));
    let mut scene = Scene::of(fault, standin, vec![Site::start(first), second]);
    scene.reached_by(1, door.address);
    scene.begin();
    scene.flows_since(monotonic());
    for site in [0, 1] {
        assert_eq!(scene.asks(site, &by_another(format!("probe-{site}-before"))), Said::Accepted);
    }

    server.sh("ip link set dev cable down");
    scene.sites[0].hospital.grant("D1005", "51.2300", "suspended");
    let mut nth = 0;
    eventually("the first gate refuses", || {
        nth += 1;
        let order = by_another(format!("probe-first-{nth}"));
        (scene.asks(0, &order) == Said::Refused).then_some(())
    });
    scene.sites[1].gate.says("the register does not answer");
    assert_eq!(scene.asks(1, &by_another("probe-meanwhile".to_owned())), Said::Accepted);
    eventually("the first gate takes the duty over", || (owner() == "gate-1").then_some(()));
    scene.flows_since(monotonic());

    server.sh("ip link set dev cable up");
    let healed = monotonic();
    let mut nth = 0;
    eventually("the second gate refuses", || {
        nth += 1;
        (scene.asks(1, &by_another(format!("probe-after-{nth}"))) == Said::Refused).then_some(())
    });
    scene.recovered_after(healed.elapsed());
    scene.flows_since(monotonic());
    // Both are there, and some files are overdue.
    database.psql(&format!(
        "update orgate_office.override_files set due = 0, \
         body = jsonb_set(body::jsonb, '{{at}}', '\"2026-01-01T00:00:00Z\"')::text \
         where entry in (select entry from orgate_office.override_files order by entry limit {OVERDUE})"
    ));
    let acts = || database.psql("select count(*) from orgate_office.override_acts");
    eventually("all of them are escalated", || (acts() == OVERDUE.to_string()).then_some(()));
    scene.end();
    each_is_escalated_once(&scene);
}

fn each_is_escalated_once(scene: &Scene) {
    let mut escalated: HashMap<String, usize> = HashMap::new();
    for site in &scene.sites {
        let acts = of_kind(&site.data(), "override").into_iter();
        for act in acts.filter(|act| act["body"]["act"] == "escalated") {
            let file = format!("{} {}", act["body"]["entry"], act["body"]["case"]);
            *escalated.entry(file).or_default() += 1;
        }
    }
    assert_eq!(escalated.len(), OVERDUE);
    assert!(escalated.values().all(|times| *times == 1), "{escalated:?}");
}
