//! What the gate tells the case index, and what it asks of it.

use super::*;
use crate::gate::{case_facts, document, of_entry};

#[tokio::test]
async fn the_case_index_says_the_same_live_and_from_the_ledger() {
    let bench = bench().await;
    let mut two = order("D2", Some(Urgency::Emergency), Action::Change);
    two.stage = Stage::Notice;
    two.groups.push(two.groups[0].clone());
    two.groups[1].order_no = Redacted::new(" N2 ");
    two.groups.push(order("D1", None, Action::Withdraw).groups.remove(0));
    let good = order("D1", None, Action::New);
    for (message, orders) in [
        ("1", vec![good.clone()]),
        ("2", vec![order("D9", None, Action::New)]),
        ("3", vec![good, two]),
    ] {
        let _ = bench.gate.pass(request(message, Subject::Orders(orders), Stance::Enforce)).await;
    }
    let live = bench.gate.cases().waiting();
    let entries = bench.entries().await;
    let again =
        entries.iter().flat_map(|entry| of_entry(&entry.id.to_string(), entry.body()).unwrap());
    let again: Vec<_> = again.collect();
    assert_eq!(live, again);
    assert_eq!(again.len(), 6, "an order, a refused one, and a batch of four");
    assert_eq!(again[4].order_no.as_ref().unwrap().reveal(), "N2");
    assert_eq!(again[3].bookings.len(), 1);
    assert_eq!(again[3].overriding().count(), 1, "{:?}", again[3]);
    assert!(again.iter().filter(|d| d.action.checked()).all(|d| d.cases.len() == 1));
}

#[tokio::test]
async fn an_entry_that_came_too_late_is_corrected_by_the_one_that_says_what_was_done() {
    let bench = bench().await;
    bench.broken.store(true, Ordering::SeqCst);
    let emergency = order("D1", Some(Urgency::Emergency), Action::New);
    let asked = {
        let zone = bench.gate.zone();
        document::asked(&emergency, &bench.gate.register().catalogue(), zone, now()).remove(0)
    };
    let _ = bench.gate.pass(checked("1", order("D1", None, Action::New))).await;
    let story = bench.gate.cases().story(&asked).await;
    assert!(
        story.order.unwrap().refused,
        "what was refused for want of a ledger is found as refused"
    );
    let _ = bench.gate.pass(checked("2", emergency)).await;
    assert!(!bench.gate.cases().story(&asked).await.order.unwrap().refused);
}

#[tokio::test]
async fn a_notice_right_behind_its_order_finds_it_and_a_second_one_is_double_booked() {
    let bench = bench().await;
    let gate = &bench.gate;
    let notice = |number: &str| {
        let mut notice = order("D1", None, Action::New);
        notice.stage = Stage::Notice;
        notice.groups[0].order_no = Redacted::new(number);
        notice
    };
    let facts = async |order: &Order| {
        let people = crate::rules::People::default();
        let catalogue = gate.register().catalogue();
        case_facts::fetch(gate.cases(), order, &people, &catalogue, gate.zone(), now()).await
    };
    let before = facts(&notice("N1")).await;
    assert!(before.stories[0].known && before.stories[0].order.is_none());
    let _ = gate.pass(checked("1", order("D1", None, Action::New))).await;
    let found = facts(&notice("N1")).await.stories.remove(0).order.unwrap();
    assert_eq!(found.procedures, [ProcedureCode::new("51.2300").unwrap()]);
    assert_eq!(found.surgeons, [SurgeonId::new("D1").unwrap()]);
    let _ = gate.pass(checked("2", notice("N1"))).await;
    assert!(facts(&notice("N1")).await.bookings.is_empty());
    assert_eq!(facts(&notice("N2")).await.bookings.len(), 1);
    let emergency = order("D2", Some(Urgency::Emergency), Action::New);
    let mut other = emergency.clone();
    other.groups[0].order_no = Redacted::new("N9");
    other.patient = Redacted::new("P9");
    let _ = gate.pass(checked("3", emergency.clone())).await;
    let counts = [facts(&emergency).await.overrides, facts(&other).await.overrides];
    assert_eq!(counts.map(|count| count[&SurgeonId::new("D2").unwrap()]), [0, 1]);
}
