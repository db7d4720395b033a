//! Servers that fail: the register goes on with what was pulled last, says so, and recovers by itself.

use std::time::Duration;

use serde_json::json;

use crate::fhir_register::ways::{grant, next_pull, order, pulling, until};
use crate::support::reply::code;
use crate::support::shelf::{Mood, Shelf, practitioner, role};
use crate::support::{eventually, gate::Gate};

/// An order of D1005 that a grant from the server covers.
fn granted(gate: &Gate, id: &str) -> String {
    code(&gate.connect().ask(&order(id)))
}

#[test]
fn whatever_a_server_does_what_was_pulled_last_stays_in_force_until_it_is_well_again() {
    let shelf = Shelf::new();
    grant(&shelf);
    for nth in 0..5 {
        shelf.put(practitioner(&format!("p{nth}"), &format!("N{nth}")));
        shelf.put(role(&format!("r{nth}"), &format!("p{nth}"), "51.2300"));
    }
    let (_hospital, mut gate, _upstream) = pulling(&shelf, "");
    until(&gate, "granted", "AA");
    for (nth, (mood, why)) in [
        (Mood::Silent, "cannot be reached"),
        (Mood::Failing, "answered with status 500"),
        (Mood::Garbage, "page 1 of Practitioner cannot be used"),
        (Mood::Slow(Duration::from_millis(200)), ""),
    ]
    .into_iter()
    .enumerate()
    {
        shelf.mood(mood.clone());
        if why.is_empty() {
            next_pull(&gate);
        } else {
            let told = eventually(&format!("{mood:?} is told"), || {
                let (status, body) = gate.page("/readyz");
                assert!(status.contains("200"), "the gate goes on: {body}");
                body.contains(why).then_some(body)
            });
            assert!(told.contains("fails now"), "{told}");
        }
        assert_eq!(granted(&gate, &format!("kept-{nth}")), "AA");
        shelf.mood(Mood::Well);
        eventually("it is well again", || {
            (!gate.page("/readyz").1.contains("fails now")).then_some(())
        });
    }
    assert!(gate.log().contains("nothing was pulled from the FHIR server"), "{}", gate.log());
    gate.stop();
}

#[test]
fn half_a_pull_and_an_empty_one_take_nothing_away() {
    for (mood, why) in [
        (Mood::HalfWay, "answered with status 500"),
        (Mood::Empty, "the FHIR server holds no Practitioner any more, 6 are known"),
        (Mood::Elsewhere, "leads to another server"),
        (Mood::Circle, "lead in a circle"),
        (Mood::CutOff, "ended after 2 of 6 resources"),
    ] {
        let shelf = Shelf::new();
        grant(&shelf);
        for nth in 0..5 {
            shelf.put(practitioner(&format!("p{nth}"), &format!("N{nth}")));
            shelf.put(role(&format!("r{nth}"), &format!("p{nth}"), "51.2300"));
        }
        let (hospital, mut gate, _upstream) = pulling(&shelf, "");
        until(&gate, "granted", "AA");
        gate.stop();
        // What a start pulls is everything.
        shelf.mood(mood.clone());
        let mut gate = hospital.start();
        eventually(&format!("{mood:?} is told"), || {
            gate.page("/readyz").1.contains(why).then_some(())
        });
        assert_eq!(granted(&gate, "kept"), "AA", "{mood:?}");
        shelf.mood(Mood::Well);
        let mut ended = role("qin-1", "qin", "06.2x00");
        ended["active"] = json!(false);
        shelf.put(ended);
        until(&gate, "ended", "AE");
        gate.stop();
    }
}

#[test]
fn a_bad_resource_is_named_by_its_id_and_nothing_of_the_pull_applies() {
    let shelf = Shelf::new();
    grant(&shelf);
    let (_hospital, gate, _upstream) = pulling(&shelf, "");
    until(&gate, "granted", "AA");
    shelf.put(role("bad-role", "qin", "no-such-code"));
    let mut ended = role("qin-1", "qin", "06.2x00");
    ended["active"] = json!(false);
    shelf.put(ended);
    gate.says("PractitionerRole/bad-role");
    assert!(gate.log().contains("is not applied"), "{}", gate.log());
    assert!(!gate.log().contains("秦可欣"), "a name in {}", gate.log());
    assert_eq!(granted(&gate, "kept"), "AA");
    shelf.put(role("bad-role", "qin", "51.2300"));
    until(&gate, "put-right", "AE");
}
