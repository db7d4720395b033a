//! Faults of the database that gates share.

use std::time::Duration;

use orgate::clock::monotonic;

use crate::faults::scene::{Scene, Site, WHILE};
use crate::faults::standin::Standin;
use crate::faults::table::Fault;
use crate::support::gate::Hospital;
use crate::support::postgres::{Cluster, Database, PASSWORD};
use crate::support::proxy::Proxy;

fn filled(database: &Database) {
    Hospital::empty().sharing(&database.url(), "filler").filled();
}

/// A gate that finds the register at `url`.
fn at(fault: Fault, url: &str) -> Scene {
    let standin = Standin::new();
    let hospital =
        Hospital::empty().sharing(url, "gate-1").route("his", standin.upstream.address, &[]);
    Scene::of(fault, standin, vec![Site::start(hospital)])
}

/// The fault is there when the gate starts.
fn from_the_start(mut scene: Scene, mends: impl FnOnce()) {
    scene.begin();
    std::thread::sleep(WHILE);
    mends();
    scene.recovers_since(monotonic());
    scene.end();
}

#[test]
fn it_is_down_at_the_start() {
    let fault = Fault::named("database down at the start");
    let mut cluster = Cluster::new();
    let database = cluster.database();
    filled(&database);
    cluster.stop();
    let scene = at(fault, &database.url());
    from_the_start(scene, || cluster.start());
}

#[test]
fn it_refuses_the_password() {
    let fault = Fault::named("database refuses the password");
    let cluster = Cluster::new();
    let database = cluster.database();
    filled(&database);
    let url = database.url_by(database.address(), "another");
    from_the_start(at(fault, &url), || {
        database.psql("alter role gate password 'another'");
    });
}

#[test]
fn it_is_killed_under_load() {
    let fault = Fault::named("database killed under load");
    let cluster = std::cell::RefCell::new(Cluster::new());
    let database = cluster.borrow().database();
    filled(&database);
    at(fault, &database.url())
        .play(|_| cluster.borrow_mut().kill(), |_| cluster.borrow_mut().start());
}

#[test]
fn it_answers_after_five_seconds() {
    let fault = Fault::named("database slow (5 s)");
    let database = Cluster::shared().database();
    filled(&database);
    let proxy = Proxy::before(database.address());
    let url = database.url_by(proxy.address, PASSWORD);
    at(fault, &url).play(|_| proxy.delay(Duration::from_secs(5)), |_| proxy.let_through());
}

/// No byte more can be written: the server gives up when it needs another segment of its journal, and cannot start.
#[test]
fn its_disk_is_full() {
    let fault = Fault::named("database disk full");
    let cluster = std::cell::RefCell::new(Cluster::on_a_small_disk());
    let database = cluster.borrow().database();
    filled(&database);
    at(fault, &database.url())
        .play(|_| cluster.borrow_mut().fill(), |_| cluster.borrow_mut().make_room());
}
