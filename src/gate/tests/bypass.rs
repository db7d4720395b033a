//! A bypass over a register that hangs, and what was recorded afterwards.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::domain::discussion::Discussion;
use crate::domain::order::{Action, Urgency};
use crate::domain::surgeon::{Surgeon, SurgeonId};
use crate::domain::verdict::{Decision, Gap, Stance};
use crate::gate::afterwards::{Afterwards, Recorded};
use crate::gate::bypass::{Actor, BypassError};
use crate::gate::of_entry;
use crate::gate::passage::Outcome;
use crate::gate::rederive::rederive;
use crate::gate::tests::{bench, bench_of, checked, decision, order};
use crate::register::source::{
    About, Bearers, Fetch, Latest, Page, Reading, Sought, Source, Update,
};
use crate::register::sources::sql::SqlSource;
use crate::rules::Policy;

/// A register that answers everything but who somebody is: that it never does.
struct Hung(SqlSource);

impl Source for Hung {
    fn is_local(&self) -> bool {
        false
    }
    fn version(&self) -> Fetch<'_, i64> {
        self.0.version()
    }
    fn since(&self, known: Option<i64>) -> Fetch<'_, Update> {
        self.0.since(known)
    }
    fn surgeon<'a>(&'a self, _: &'a SurgeonId) -> Fetch<'a, Reading<Option<Surgeon>>> {
        Box::pin(std::future::pending())
    }
    fn page<'a>(&'a self, _: Option<&'a str>, _: u32) -> Fetch<'a, Reading<Page>> {
        Box::pin(std::future::pending())
    }
    fn latest_discussions(&self, most: u32) -> Fetch<'_, Reading<Latest>> {
        self.0.latest_discussions(most)
    }
    fn bearers<'a>(&'a self, _: &'a str) -> Fetch<'a, Reading<Bearers>> {
        Box::pin(std::future::pending())
    }
    fn discussions<'a>(&'a self, about: &'a About) -> Fetch<'a, Reading<Vec<Discussion>>> {
        self.0.discussions(about)
    }
    fn colleagues<'a>(
        &'a self,
        sought: &'a Sought,
    ) -> Fetch<'a, Reading<Vec<(SurgeonId, String)>>> {
        self.0.colleagues(sought)
    }
}

fn somebody() -> Actor {
    Actor { by: "周样例".to_owned(), account: None, uid: Some(1000) }
}

#[tokio::test]
async fn a_register_that_hangs_keeps_nothing_from_passing_and_the_entry_says_it_was_not_judged() {
    let bench = bench_of(Policy::default(), |source| Arc::new(Hung(source))).await;
    let half_an_hour = SignedDuration::from_mins(30);
    let on = bench.gate.bypass_on(somebody(), "授权库无响应", half_an_hour).await.unwrap();
    assert!(on.recorded && on.kept);
    let outcome = bench.gate.pass(checked("1", order("D1", None, Action::New))).await;
    let Outcome::Forward(passage) = outcome else { panic!("refused during a bypass") };
    let verdict = passage.verdict().unwrap();
    assert_eq!((verdict.stance, verdict.decision), (Stance::Bypass, Decision::ForwardFlagged));
    assert_eq!(verdict.gaps, [Gap::PrivilegesUnavailable]);
    assert!(bench.gate.memory().knows_order("N1"), "what follows it is surgical all the same");
    let entry = bench.entries().await.remove(0);
    let body: Value = serde_json::from_str(entry.body()).unwrap();
    assert_eq!(body["bypass"], serde_json::json!({"entry": on.entry, "judged": false}));
    assert!(body.get("facts").is_none() && body["message"].is_string());
    assert!(rederive(entry.body(), "x").is_err());
    assert!(of_entry("x", entry.body()).unwrap().is_empty());
}

#[tokio::test]
async fn what_is_recorded_afterwards_is_judged_as_of_its_time_derivable_and_recorded_once() {
    let bench = bench().await;
    let told = Afterwards { by: "周样例".to_owned(), reason: "停电".to_owned() };
    let at: Timestamp = "2026-03-01T20:00:00Z".parse().unwrap();
    let request = || checked("1", order("D2", Some(Urgency::Emergency), Action::New));
    let recorded = bench.gate.record_afterwards(request(), at, &told).await.unwrap();
    let Recorded::Entered(id, verdict) = recorded else { panic!("known already") };
    assert_eq!((verdict.stance, verdict.decision), (Stance::Bypass, Decision::Override));
    let again = bench.gate.record_afterwards(request(), at, &told).await.unwrap();
    let Recorded::Already(before) = again else { panic!("recorded twice") };
    assert_eq!(before, id.to_string());
    let entries = bench.entries().await;
    assert_eq!(entries.len(), 1);
    let body: Value = serde_json::from_str(entries[0].body()).unwrap();
    assert_eq!(body["facts"]["judged_at"], "2026-03-01T20:00:00Z");
    let derived = rederive(entries[0].body(), &before).unwrap();
    assert!(derived.same(), "{}\n{}", derived.recorded, derived.derived);
    let documents = of_entry(&before, entries[0].body()).unwrap();
    assert!(documents.iter().all(|document| document.opened_override() && !document.refused));
    assert!(!documents.is_empty());
}

#[tokio::test]
async fn a_refusal_does_not_outlive_the_switch_nor_a_bypass_its_end() {
    let bench = bench().await;
    let request = || checked("1", order("D2", None, Action::New));
    assert_eq!(decision(&bench.gate.pass(request()).await), Decision::Block);
    let gate = &bench.gate;
    let second = SignedDuration::from_secs(1);
    assert_eq!(gate.bypass_on(somebody(), " ", second).await, Err(BypassError::NoReason));
    assert_eq!(
        gate.bypass_on(somebody(), "x", SignedDuration::from_hours(13)).await,
        Err(BypassError::TooLong(12))
    );
    assert_eq!(gate.bypass_off(somebody(), "").await, Err(BypassError::NotOn));
    gate.bypass_on(somebody(), "演练", SignedDuration::from_hours(1)).await.unwrap();
    assert!(matches!(gate.pass(request()).await, Outcome::Forward(_)));
    gate.bypass_off(somebody(), "").await.unwrap();
    assert!(matches!(gate.pass(request()).await, Outcome::Refuse(_)));
    // By the clock that nobody sets: the other one stands still here.
    gate.bypass_on(somebody(), "演练", second).await.unwrap();
    while gate.bypass().now(crate::gate::tests::now()).is_some() {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    assert!(matches!(gate.pass(request()).await, Outcome::Refuse(_)));
}
