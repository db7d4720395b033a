//! Gates that share a register: one pulls for all, and another when it is gone.

use crate::fhir_register::ways::{grant, until};
use crate::support::eventually;
use crate::support::gate::{Gate, Hospital};
use crate::support::postgres::Cluster;
use crate::support::shelf::{Shelf, role};
use crate::support::upstream::Upstream;

fn pulls(gate: &Gate) -> u64 {
    let (_, body) = gate.page("/metrics");
    let line = body.lines().find(|line| line.starts_with("orgate_fhir_pulls_total"));
    line.and_then(|line| line.rsplit(' ').next()?.parse().ok()).expect("a counter")
}

#[test]
fn of_two_gates_one_pulls_both_know_and_the_other_takes_over_when_it_is_killed() {
    let database = Cluster::shared().database();
    let (shelf, upstream) = (Shelf::new(), Upstream::accepting());
    grant(&shelf);
    let gate = |node| {
        let hospital = Hospital::empty().sharing(&database.url(), node).set(&shelf.table(""));
        hospital.route("his", upstream.address, &[])
    };
    let (one, two) = (gate("gate-1").filled(), gate("gate-2"));
    let (one, two) = (one.start(), two.start());
    for gate in [&one, &two] {
        until(gate, "granted", "AA");
    }
    eventually("five pulls", || (pulls(&one) + pulls(&two) >= 5).then_some(()));
    assert!(pulls(&one) == 0 || pulls(&two) == 0, "{} {}", pulls(&one), pulls(&two));
    for gate in [&one, &two] {
        let (_, body) = gate.page("/readyz");
        assert!(body.contains("register pulled by FHIR last "), "{body}");
    }
    let (mut killed, left) = if pulls(&one) > 0 { (one, two) } else { (two, one) };
    killed.kill();
    let mut ended = role("qin-1", "qin", "06.2x00");
    ended["active"] = serde_json::json!(false);
    shelf.put(ended);
    until(&left, "ended", "AE");
    assert!(pulls(&left) > 0);
}
