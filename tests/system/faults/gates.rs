//! Faults of one of two gates that share a register; senders turn to the other.

use orgate::clock::monotonic;

use crate::faults::scene::{Scene, Site, WHILE};
use crate::faults::standin::Standin;
use crate::faults::table::Fault;
use crate::support::gate::Hospital;
use crate::support::postgres::Cluster;

fn pair(fault: Fault) -> Scene {
    let standin = Standin::new();
    let database = Cluster::shared().database();
    let hospital = |node| {
        Hospital::empty().sharing(&database.url(), node).route("his", standin.upstream.address, &[])
    };
    let sites = vec![Site::start(hospital("gate-1").filled()), Site::start(hospital("gate-2"))];
    Scene::of(fault, standin, sites)
}

/// Nobody mends anything: the recovery is from the kill until the other gate serves whom the first served.
#[test]
fn one_is_killed() {
    let mut scene = pair(Fault::named("two gates, one killed"));
    scene.begin();
    scene.flows_since(monotonic());
    scene.sites[0].gate.kill();
    scene.recovers_since(monotonic());
    std::thread::sleep(WHILE);
    scene.start(0);
    scene.flows_since(monotonic());
    scene.end();
}

#[test]
fn both_are_restarted_in_turn() {
    let mut scene = pair(Fault::named("two gates, restarted in turn"));
    scene.begin();
    for site in [0, 1, 0, 1] {
        scene.flows_since(monotonic());
        scene.sites[site].gate.stop();
        scene.start(site);
    }
    scene.recovers_since(monotonic());
    scene.end();
}
