//! Inquiries and attestations: recorded apart from orders, and found again by the order they are about.

use super::*;
use crate::domain::rule::Rule;
use crate::gate::attested::{AttestError, Attestable, Attestations, AttestedCase, Reason};
use crate::gate::inquiry::{Caller, Inquired, Inquiry, InquiryError};
use crate::ledger::EntryId;

fn caller() -> Caller {
    let system = Caller::system("https://his.example".to_owned());
    Caller { user: Some("D7".to_owned()), ..system }
}

fn inquiry(order: Order) -> Inquiry {
    Inquiry {
        interface: "cds-hooks",
        caller: caller(),
        route: "cds-hooks".into(),
        stance: Arc::new(RouteStance { stance: Stance::Enforce, departments: Vec::new() }),
        mapping: "m".into(),
        message: Bytes::from_static(b"{}"),
        control_id: "d1577c69".to_owned(),
        subject: Subject::Orders(vec![order]),
        terms: Arc::new(Terms::new(Policy::default(), 4096)),
    }
}

fn reason() -> Reason {
    Reason {
        code: "life-saving".to_owned(),
        comment: Some("失血性休克".to_owned()),
        display: "抢救生命".to_owned(),
    }
}

fn unattested(surgeon: &str, urgency: Option<Urgency>) -> Order {
    let mut order = order(surgeon, urgency, Action::New);
    order.groups[0].attestation = Attestation::default();
    order
}

async fn asked(bench: &Bench, order: Order) -> Inquired {
    let inquiry = Inquiry { terms: bench.gate.terms(), ..inquiry(order) };
    bench.gate.inquire(inquiry).await.unwrap()
}

async fn all(bench: &Bench) -> Vec<Entry> {
    bench.ledger.close().await;
    let folder = bench.folder.path().join("ledger");
    crate::ledger::entries(&folder, Filter::default()).unwrap().map(Result::unwrap).collect()
}

/// Whether the emergency order of `surgeon` passes as an override that lacks its attestation.
async fn is_unattested(gate: &Gate, message: &'static str, surgeon: &str) -> bool {
    let order = unattested(surgeon, Some(Urgency::Emergency));
    let Outcome::Forward(passage) = gate.pass(checked(message, order)).await else {
        panic!("an emergency was refused")
    };
    let verdict = passage.verdict().unwrap();
    assert_eq!(verdict.decision, Decision::Override);
    verdict.findings().any(|(_, finding)| finding.rule == Rule::OverrideUnattested)
}

#[tokio::test]
async fn an_inquiry_is_an_access_entry_that_can_be_derived_again_and_leaves_no_order_behind() {
    let bench = bench().await;
    let refused = asked(&bench, unattested("D2", None)).await;
    assert_eq!(refused.verdict.decision, Decision::Block);
    let clean = asked(&bench, unattested("D1", None)).await;
    assert_eq!(clean.verdict.decision, Decision::Forward);
    assert!(!clean.attestable);
    assert!(!bench.gate.memory().knows_order("N1"), "an inquiry is no order");
    assert!(bench.gate.cases().waiting().is_empty(), "nor a document of a case");
    // The same question again is judged again.
    assert_ne!(asked(&bench, unattested("D2", None)).await.entry, refused.entry);

    let entries = all(&bench).await;
    let told: Vec<&Entry> = entries.iter().filter(|e| e.kind == Kind::Access).collect();
    assert_eq!(told.len(), 3);
    assert!(entries.iter().all(|entry| entry.kind != Kind::Decision));
    for entry in told {
        let value: serde_json::Value = serde_json::from_str(entry.body()).unwrap();
        assert_eq!(crate::ledger::canonical(&value).unwrap(), entry.body());
        assert_eq!(value["act"], "inquiry");
        assert_eq!(value["interface"], "cds-hooks");
        assert_eq!(value["caller"]["user"], "D7");
        assert!(rederive(entry.body(), &entry.id.to_string()).unwrap().same());
    }
}

#[tokio::test]
async fn a_refusal_names_the_colleagues_who_hold_the_grant() {
    let bench = bench().await;
    let refused = asked(&bench, unattested("D2", None)).await;
    let [(code, colleagues)] = &refused.colleagues[..] else { panic!("{:?}", refused.colleagues) };
    assert_eq!(code.as_str(), "51.2300");
    let names: Vec<&str> = colleagues.iter().map(|(id, _)| id.as_str()).collect();
    assert_eq!(names, ["D1"]);
}

#[tokio::test]
async fn with_the_ledger_down_no_inquiry_is_answered_and_nothing_attested() {
    let bench = bench().await;
    let before = asked(&bench, unattested("D2", None)).await;
    bench.broken.store(true, Ordering::SeqCst);
    for urgency in [None, Some(Urgency::Emergency)] {
        let answer = bench.gate.inquire(inquiry(unattested("D2", urgency))).await;
        assert_eq!(answer.unwrap_err(), InquiryError::LedgerUnavailable);
    }
    let attested = bench.gate.attest(before.entry, &reason(), &caller()).await;
    assert_eq!(attested.unwrap_err(), AttestError::LedgerUnavailable);
}

#[tokio::test]
async fn an_attested_emergency_is_not_unattested_and_its_entry_says_where_that_was_said() {
    let bench = bench().await;
    assert!(is_unattested(&bench.gate, "before", "D2").await);
    let refused = asked(&bench, unattested("D2", None)).await;
    assert!(refused.attestable);
    let attested = bench.gate.attest(refused.entry, &reason(), &caller()).await.unwrap();
    assert!(!is_unattested(&bench.gate, "after", "D2").await);
    assert!(is_unattested(&bench.gate, "other surgeon", "D9").await);
    let mut other = unattested("D2", Some(Urgency::Emergency));
    other.patient = Redacted::new("P2");
    let outcome = bench.gate.pass(checked("other patient", other)).await;
    let Outcome::Forward(passage) = outcome else { panic!("refused") };
    assert!(passage.verdict().unwrap().findings().any(|(_, f)| f.rule == Rule::OverrideUnattested));
    // An elective order is refused as before: an attestation makes no emergency.
    let elective = bench.gate.pass(checked("elective", unattested("D2", None))).await;
    assert_eq!(decision(&elective), Decision::Block);

    let entries = all(&bench).await;
    let said = entries.iter().find(|entry| entry.kind == Kind::Override).unwrap();
    let value: serde_json::Value = serde_json::from_str(said.body()).unwrap();
    assert_eq!(crate::ledger::canonical(&value).unwrap(), said.body());
    assert_eq!(said.id, attested);
    assert_eq!((&value["act"], &value["by"]), (&"attested".into(), &"D7".into()));
    assert_eq!(value["inquiry"], refused.entry.to_string());
    let with: Vec<&Entry> =
        entries.iter().filter(|entry| entry.body().contains("\"attested_in\"")).collect();
    let [with] = with[..] else { panic!("{} entries", with.len()) };
    assert!(with.body().contains(&format!("\"attested_in\":[\"{attested}\"]")));
    assert!(with.body().contains("\"attested_reason\":\"抢救生命：失血性休克\""));
    assert!(rederive(with.body(), &with.id.to_string()).unwrap().same());
    let documents = crate::gate::of_entry(&with.id.to_string(), with.body()).unwrap();
    assert!(documents[0].cases.iter().all(|case| !case.unattested));
}

#[tokio::test]
async fn what_was_asked_and_attested_is_known_again_after_a_restart_for_a_day() {
    let bench = bench().await;
    let first = asked(&bench, unattested("D2", None)).await;
    let second = asked(&bench, unattested("D9", None)).await;
    bench.gate.attest(first.entry, &reason(), &caller()).await.unwrap();
    let entries = all(&bench).await;

    let again = super::bench().await;
    for entry in &entries {
        let (id, old) = (entry.id.to_string(), entry.time - jiff::SignedDuration::from_hours(25));
        again.gate.recall_attestation(entry.kind, &id, old, entry.body());
    }
    assert!(is_unattested(&again.gate, "too old", "D2").await);
    for entry in &entries {
        let id = entry.id.to_string();
        again.gate.recall_attestation(entry.kind, &id, entry.time, entry.body());
    }
    assert!(!is_unattested(&again.gate, "recalled", "D2").await);
    // What was asked before the restart can be attested after it.
    assert!(is_unattested(&again.gate, "not yet", "D9").await);
    again.gate.attest(second.entry, &reason(), &caller()).await.unwrap();
    assert!(!is_unattested(&again.gate, "now", "D9").await);
}

#[tokio::test]
async fn only_an_inquiry_that_an_emergency_would_lift_can_be_attested() {
    let bench = bench().await;
    let clean = asked(&bench, unattested("D1", None)).await;
    let nobody = {
        let mut order = unattested("D2", None);
        order.patient = None;
        asked(&bench, order).await
    };
    assert!(!nobody.attestable, "nobody knows whose life");
    for entry in [clean.entry, nobody.entry, EntryId::new(now())] {
        let attested = bench.gate.attest(entry, &reason(), &caller()).await;
        assert_eq!(attested.unwrap_err(), AttestError::Unknown);
    }
    // Only the system that asked may attest, and only what a person asked.
    let refused = asked(&bench, unattested("D2", None)).await;
    let other = Caller::system("https://other.example".to_owned());
    let attested = bench.gate.attest(refused.entry, &reason(), &other).await;
    assert_eq!(attested.unwrap_err(), AttestError::Unknown);
    let mut nobody_asks = inquiry(unattested("D2", None));
    nobody_asks.caller.user = None;
    assert!(!bench.gate.inquire(nobody_asks).await.unwrap().attestable);
    // An emergency that is already attested needs nothing, one that is not does.
    let emergency = order("D2", Some(Urgency::Emergency), Action::New);
    assert!(!asked(&bench, emergency).await.attestable);
    let emergency = unattested("D2", Some(Urgency::Emergency));
    let asked = asked(&bench, emergency).await;
    assert_eq!(asked.verdict.decision, Decision::Override);
    assert!(asked.attestable);
}

#[tokio::test]
async fn an_attestation_covers_its_own_procedures_and_not_what_a_message_adds() {
    let bench = bench().await;
    let refused = asked(&bench, unattested("D2", None)).await;
    bench.gate.attest(refused.entry, &reason(), &caller()).await.unwrap();
    let mut more = unattested("D2", Some(Urgency::Emergency));
    let mut line = more.groups[0].lines[0].clone();
    line.coded[0].codings[0].code = ProcedureCode::new("99.9999").unwrap();
    more.groups[0].lines.push(line);
    let Outcome::Forward(passage) = bench.gate.pass(checked("more", more)).await else {
        panic!("refused")
    };
    assert!(passage.verdict().unwrap().findings().any(|(_, f)| f.rule == Rule::OverrideUnattested));
}

#[tokio::test]
async fn where_an_attestation_is_required_one_given_meanwhile_lets_the_same_bytes_pass() {
    let bench = bench_by(Policy { require_attestation: true, ..Policy::default() }).await;
    let order = || unattested("D2", Some(Urgency::Emergency));
    let terms = || bench.gate.terms();
    let sent = || Request { terms: terms(), ..checked("the same bytes", order()) };
    let Outcome::Refuse(first) = bench.gate.pass(sent()).await else { panic!("passed") };
    let Outcome::Refuse(again) = bench.gate.pass(sent()).await else { panic!("passed") };
    assert_eq!(first.answer, again.answer, "repeated from memory");
    let asked = asked(&bench, order()).await;
    assert_eq!(asked.verdict.decision, Decision::Block);
    bench.gate.attest(asked.entry, &reason(), &caller()).await.unwrap();
    assert_eq!(decision(&bench.gate.pass(sent()).await), Decision::Override);
}

#[tokio::test]
async fn who_leads_to_no_staff_number_is_on_record_and_attests_without_a_name_also_after_a_restart()
{
    let bench = bench().await;
    let mut nameless = inquiry(unattested("D2", None));
    let reference = Some("Practitioner/12".to_owned());
    nameless.caller = Caller { user: None, user_reference: reference, ..caller() };
    let asked = bench.gate.inquire(nameless).await.unwrap();
    assert!(asked.attestable);
    bench.gate.attest(asked.entry, &reason(), &caller()).await.unwrap();
    let entries = all(&bench).await;
    let entry = entries.iter().find(|entry| entry.kind == Kind::Access).unwrap();
    assert!(entry.body().contains("\"user_reference\":\"Practitioner/12\""));
    let value: serde_json::Value = serde_json::from_str(entry.body()).unwrap();
    assert_eq!(crate::ledger::canonical(&value).unwrap(), entry.body());
    let again = super::bench().await;
    again.gate.recall_attestation(entry.kind, &entry.id.to_string(), entry.time, entry.body());
    again.gate.attest(asked.entry, &reason(), &caller()).await.unwrap();
    let entries = [entries, all(&again).await].concat();
    let attested: Vec<_> = entries.iter().filter(|entry| entry.kind == Kind::Override).collect();
    assert_eq!(attested.len(), 2);
    for entry in attested {
        let value: serde_json::Value = serde_json::from_str(entry.body()).unwrap();
        assert_eq!((value.get("by"), &value["act"]), (None, &"attested".into()));
    }
}

fn attestable() -> Attestable {
    let case = AttestedCase { procedure: "51.2300".to_owned(), surgeon: "D2".to_owned() };
    let (cases, by) = (std::iter::once(Some(case)), Some("D7".to_owned()));
    Attestable::new(Redacted::new("P1"), cases, "his".to_owned(), by).unwrap()
}

#[test]
fn what_was_asked_can_be_attested_for_a_day_from_then_and_no_longer() {
    let asked = Attestations::default();
    let day = jiff::SignedDuration::from_hours(24);
    // As after a restart: asked long ago, and read from the ledger just now.
    asked.asked("01A".to_owned(), now() - day, attestable());
    assert!(asked.attestable("01A", now()).is_some());
    assert!(asked.attestable("01A", now() + jiff::SignedDuration::from_secs(1)).is_none());
}

#[test]
fn the_newest_inquiry_can_always_be_attested_however_many_there_are() {
    let asked = Attestations::of_most(100, 100);
    for nth in 0..2_000 {
        let entry = format!("{nth}");
        asked.asked(entry.clone(), now(), attestable());
        asked.settle();
        for _ in 0..3 {
            assert!(asked.attestable(&entry, now()).is_some(), "{nth}");
        }
    }
}

#[tokio::test]
async fn an_attestation_that_nobody_waits_for_any_more_is_attested_all_the_same() {
    let bench = bench().await;
    let refused = asked(&bench, unattested("D2", None)).await;
    let (reason, caller) = (reason(), caller());
    let mut attest = Box::pin(bench.gate.attest(refused.entry, &reason, &caller));
    // Begun, and the caller is gone before the ledger has it.
    tokio::select! {
        biased;
        attested = &mut attest => panic!("{attested:?}"),
        () = std::future::ready(()) => drop(attest),
    }
    let mut tries = 0..1_000;
    loop {
        let nth = tries.next().expect("attested at last");
        let message: &'static str = format!("order {nth}").leak();
        if !is_unattested(&bench.gate, message, "D2").await {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(all(&bench).await.iter().any(|entry| entry.kind == Kind::Override));
}
