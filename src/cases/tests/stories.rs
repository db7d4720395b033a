//! Stories, bookings and overrides, one sentence of rules.md §7 each.

use super::*;
use crate::cases::Others;

/// The entries of order and notice that a question finds after these documents.
async fn found(documents: &[Document], asked: &Asked) -> (Option<String>, Option<String>) {
    let folder = tempfile::tempdir().unwrap();
    let cases = open(folder.path()).await;
    enter_all(&cases, documents);
    let live = cases.story(asked).await;
    assert!(live.known);
    cases.flush(Duration::from_secs(60)).await.unwrap();
    let written = cases.story(asked).await;
    assert_eq!(live, written, "memory and tables say the same");
    (live.order.map(|c| c.entry), live.notice.map(|c| c.entry))
}

fn entries(order: Option<&str>, notice: Option<&str>) -> (Option<String>, Option<String>) {
    (order.map(str::to_owned), notice.map(str::to_owned))
}

#[tokio::test]
async fn order_and_notice_are_found_by_number_whatever_else_they_say() {
    let notice = Document { patient: None, codes: vec![code("B")], day: day(7), ..notice("n") };
    let found = found(&[order("o"), notice], &asked(Some("1"))).await;
    assert_eq!(found, entries(Some("o"), Some("n")));
}

#[tokio::test]
async fn another_number_is_another_case_even_for_the_same_patient_code_and_day() {
    assert_eq!(found(&[order("o")], &asked(Some("2"))).await, entries(None, None));
}

#[tokio::test]
async fn without_a_number_patient_a_common_code_and_the_day_join() {
    let two = Document { codes: vec![code("B"), code("A")], ..order("o") };
    let (asked, day_off) = (asked(None), Document { day: day(6), ..order("o") });
    assert_eq!(found(&[two], &asked).await, entries(Some("o"), None));
    assert_eq!(found(&[day_off], &asked).await, entries(None, None));
    let stranger = Document { patient: Redacted::new("Q"), ..order("o") };
    assert_eq!(found(&[stranger], &asked).await, entries(None, None));
    let other_code = Document { codes: vec![code("B")], ..order("o") };
    assert_eq!(found(&[other_code], &asked).await, entries(None, None));
    let nobody = Document { patient: None, ..unnumbered(order("o")) };
    let asked = Asked { patient: None, ..asked };
    assert_eq!(found(&[nobody], &asked).await, entries(None, None), "no patient joins nothing");
}

#[tokio::test]
async fn a_notice_without_number_is_found_for_a_record_with_one_through_the_order() {
    let documents = [order("o"), unnumbered(notice("n"))];
    let other_code = Asked { codes: vec![code("B")], ..asked(Some("1")) };
    assert_eq!(found(&documents, &other_code).await, entries(Some("o"), Some("n")));
}

#[tokio::test]
async fn a_change_replaces_what_the_order_said_and_a_refused_one_does_not() {
    let change = Document { action: Action::Change, ..order("x") };
    let documents = [order("o"), change, refused(order("y"))];
    assert_eq!(found(&documents, &asked(Some("1"))).await, entries(Some("x"), None));
}

#[tokio::test]
async fn a_refused_order_is_found_unless_an_accepted_one_stands() {
    let asked = asked(Some("1"));
    let folder = tempfile::tempdir().unwrap();
    let cases = open(folder.path()).await;
    cases.enter(vec![refused(order("a"))], None);
    let story = cases.story(&asked).await;
    assert!(story.order.unwrap().refused);
    cases.enter(vec![Document { at: later(1), ..order("b") }], None);
    let story = cases.story(&asked).await;
    assert!(!story.order.unwrap().refused);
}

#[tokio::test]
async fn an_observing_route_refuses_nothing() {
    let blocked = Document { decision: Decision::Block, enforced: false, ..order("o") };
    let folder = tempfile::tempdir().unwrap();
    let cases = open(folder.path()).await;
    cases.enter(vec![blocked], None);
    let order = cases.story(&asked(Some("1"))).await.order.unwrap();
    assert!(!order.refused && order.decision == Decision::Block);
}

#[tokio::test]
async fn a_withdrawn_order_is_not_in_force_nor_is_its_notice_until_it_is_placed_again() {
    let asked = asked(Some("1"));
    let mut documents = vec![order("o"), notice("n"), withdrawn(order("w"))];
    assert_eq!(found(&documents, &asked).await, entries(None, None));
    documents.push(Document { action: Action::Change, ..order("r") });
    assert_eq!(found(&documents, &asked).await, entries(Some("r"), Some("n")));
}

#[tokio::test]
async fn a_notice_that_comes_after_its_order_was_withdrawn_is_in_force() {
    let documents = [order("o"), withdrawn(order("w")), notice("n")];
    assert_eq!(found(&documents, &asked(Some("1"))).await, entries(None, Some("n")));
}

#[tokio::test]
async fn a_second_notice_replaces_the_first_a_withdrawal_ends_it_and_a_refused_one_says_nothing() {
    let asked = asked(Some("1"));
    let mut documents = vec![order("o"), notice("a"), notice("b"), refused(notice("c"))];
    assert_eq!(found(&documents, &asked).await, entries(Some("o"), Some("b")));
    documents.push(refused(withdrawn(notice("d"))));
    assert_eq!(found(&documents, &asked).await, entries(Some("o"), Some("b")));
    documents.push(withdrawn(notice("e")));
    assert_eq!(found(&documents, &asked).await, entries(Some("o"), None));
}

#[tokio::test]
async fn a_copy_of_an_old_message_changes_nothing_whenever_it_comes() {
    let copy = |entry: &str, of: &str, document: Document| Document {
        entry: entry.to_owned(),
        message: Some(of.to_owned()),
        ..document
    };
    let documents = [
        order("o"),
        notice("a"),
        notice("b"),
        copy("late", "a", notice("a")),
        copy("again", "o", refused(order("o"))),
    ];
    assert_eq!(found(&documents, &asked(Some("1"))).await, entries(Some("o"), Some("b")));
    let documents = [refused(order("o")), copy("accepted", "o", order("o"))];
    let found = found(&documents, &asked(Some("1"))).await;
    assert_eq!(found, entries(Some("accepted"), None), "a copy of what was refused is new");
}

#[tokio::test]
async fn a_notice_before_its_order_is_found_when_the_order_has_come() {
    let documents = [unnumbered(notice("n")), order("o")];
    assert_eq!(found(&documents, &asked(Some("1"))).await, entries(Some("o"), Some("n")));
}

#[tokio::test]
async fn a_corrected_entry_never_was() {
    // As a gate of its own keeps it, and as one of several that remember what they have written.
    for recent_max in [0, 10] {
        let correction = Document { supersedes: Some("a".to_owned()), ..refused(order("b")) };
        let folder = tempfile::tempdir().unwrap();
        let config = Config { recent_max, ..config() };
        let cases = Cases::open(pool(folder.path()).await, config).await.unwrap();
        cases.enter(vec![overridden(order("a"))], None);
        cases.flush(Duration::from_secs(60)).await.unwrap();
        let other = Asked { codes: vec![code("Z")], patient: None, ..asked(Some("9")) };
        assert_eq!(cases.overrides(&surgeon("D1"), now(), &other).await, 1);
        cases.enter(vec![correction], None);
        for _ in 0..2 {
            let story = cases.story(&asked(Some("1"))).await;
            assert_eq!(story.order.unwrap().entry, "b");
            assert_eq!(cases.overrides(&surgeon("D1"), now(), &other).await, 0);
            cases.flush(Duration::from_secs(60)).await.unwrap();
        }
    }
}

#[tokio::test]
async fn a_booking_counts_only_in_force_overlapping_and_of_another_order() {
    let folder = tempfile::tempdir().unwrap();
    let cases = open(folder.path()).await;
    enter_all(&cases, &[notice("n")]);
    let at = |hour: i64| notice("n").bookings[0].from + SignedDuration::from_hours(hour);
    let (own, other) = (asked(Some("1")), Asked { patient: None, ..asked(Some("2")) });
    let booked = async |from, to, who: &str, asked: &Asked| {
        let found = cases.bookings(&[surgeon("D7"), surgeon(who)], at(from), at(to), asked).await;
        found.into_iter().map(|booking| booking.entry).collect::<Vec<_>>()
    };
    for _ in 0..2 {
        assert_eq!(booked(1, 3, "D1", &other).await, ["n"]);
        assert_eq!(booked(-1, 1, "D1", &other).await, ["n"]);
        assert_eq!(booked(2, 3, "D1", &other).await, [""; 0], "one may follow the other");
        assert_eq!(booked(-1, 0, "D1", &other).await, [""; 0]);
        assert_eq!(booked(0, 1, "D2", &other).await, [""; 0]);
        assert_eq!(booked(0, 1, "D1", &own).await, [""; 0], "the own notice is no other");
        assert_eq!(booked(0, 1, "D1", &asked(None)).await, [""; 0]);
        cases.flush(Duration::from_secs(60)).await.unwrap();
    }
    cases.enter(vec![Document { at: later(9), ..withdrawn(order("w")) }], None);
    assert_eq!(booked(1, 3, "D1", &other).await, ["n"], "that withdrawal had no order");
    cases.enter(vec![Document { at: later(10), ..withdrawn(notice("w2")) }], None);
    assert_eq!(booked(1, 3, "D1", &other).await, [""; 0]);
}

#[tokio::test]
async fn overrides_count_each_patient_and_operation_once() {
    let folder = tempfile::tempdir().unwrap();
    let cases = open(folder.path()).await;
    let again = Document { day: day(20), order_no: Redacted::new("3"), ..order("g") };
    let watched = Document { enforced: false, order_no: Redacted::new("4"), ..order("h") };
    enter_all(
        &cases,
        &[
            overridden(order("a")),
            overridden(notice("b")),
            overridden(unnumbered(order("c"))),
            overridden(Document { patient: Redacted::new("Q"), ..unnumbered(order("d")) }),
            overridden(again),
            overridden(Document { patient: Redacted::new("R"), ..watched }),
        ],
    );
    let other = Asked { patient: Redacted::new("Z"), ..asked(Some("9")) };
    for _ in 0..2 {
        assert_eq!(cases.overrides(&surgeon("D1"), now(), &other).await, 3);
        assert_eq!(cases.overrides(&surgeon("D1"), now(), &asked(Some("1"))).await, 2);
        assert_eq!(cases.overrides(&surgeon("D1"), later(4), &other).await, 2);
        assert_eq!(cases.overrides(&surgeon("D2"), now(), &other).await, 0);
        cases.flush(Duration::from_secs(60)).await.unwrap();
    }
}

#[tokio::test]
async fn an_emergency_asks_no_index_beyond_this_machine_but_memory() {
    let folder = tempfile::tempdir().unwrap();
    let emergency = Asked { emergency: true, ..asked(Some("1")) };
    for (recent_max, known) in [(0, false), (1, true)] {
        let config = Config { local: false, recent_max, ..config() };
        let cases = Cases::open(pool(folder.path()).await, config).await.unwrap();
        cases.enter(vec![order(&format!("o{recent_max}"))], None);
        cases.flush(Duration::from_secs(60)).await.unwrap();
        let story = cases.story(&emergency).await;
        assert_eq!((story.known, story.order.is_some()), (known, known));
        assert!(cases.story(&asked(Some("1"))).await.known);
    }
}

#[tokio::test]
async fn with_a_shared_index_gone_stories_are_told_from_memory_as_far_as_it_goes() {
    let folder = tempfile::tempdir().unwrap();
    let pool = pool(folder.path()).await;
    let config = Config { local: false, recent_max: 10, ..config() };
    let cases = Cases::open(pool.clone(), config).await.unwrap();
    cases.enter(vec![order("o")], None);
    cases.flush(Duration::from_secs(60)).await.unwrap();
    pool.close().await;
    assert!(cases.story(&asked(Some("1"))).await.order.is_some());
    let other = Asked { patient: Redacted::new("Z"), ..asked(Some("9")) };
    assert!(!cases.story(&other).await.known, "that there is none, nobody can say");
}

#[tokio::test]
async fn what_one_gate_enters_another_hears_once_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let pool = pool(folder.path()).await;
    let one = Cases::open(pool.clone(), Config { local: false, ..config() }).await.unwrap();
    let two = Config { node: "gate-2".to_owned(), local: false, recent_max: 10, ..config() };
    let two = Cases::open(pool, two).await.unwrap();
    one.enter(vec![order("a")], Some(1));
    one.enter(vec![notice("b")], Some(2));
    one.known_at("http://server/fhir/ServiceRequest/7", " 1 ");
    one.flush(Duration::from_secs(60)).await.unwrap();
    let mut others = Others::default();
    let heard = two.of_others(&mut others, Timestamp::MIN).await.unwrap();
    let entries: Vec<_> = heard.documents.iter().map(|document| &*document.entry).collect();
    assert_eq!(entries, ["a", "b"]);
    let [known] = heard.addresses.as_slice() else { panic!("one address") };
    assert_eq!((&*known.address, &*known.order_no), ("http://server/fhir/ServiceRequest/7", "1"));
    assert!(two.of_others(&mut others, Timestamp::MIN).await.unwrap().nothing());
    assert!(one.of_others(&mut Others::default(), Timestamp::MIN).await.unwrap().nothing());
}

/// A gate that was given away keeps its rows. Years of them would drive what is new out of memory at every start.
#[tokio::test]
async fn a_gate_that_has_judged_nothing_of_late_is_heard_from_its_end_on() {
    let folder = tempfile::tempdir().unwrap();
    let pool = pool(folder.path()).await;
    let one = Cases::open(pool.clone(), Config { local: false, ..config() }).await.unwrap();
    let two = Config { node: "gate-2".to_owned(), local: false, recent_max: 10, ..config() };
    let two = Cases::open(pool, two).await.unwrap();
    let (old, new) = (order("a"), notice("b"));
    let since = old.at.saturating_add(jiff::SignedDuration::from_hours(1)).unwrap();
    one.enter(vec![old], Some(1));
    one.flush(Duration::from_secs(60)).await.unwrap();
    let mut others = Others::default();
    assert!(two.of_others(&mut others, since).await.unwrap().nothing());
    one.enter(vec![new], Some(2));
    one.flush(Duration::from_secs(60)).await.unwrap();
    let heard = two.of_others(&mut others, since).await.unwrap();
    assert_eq!(heard.documents.len(), 1, "what comes later is heard");
}
