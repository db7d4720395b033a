//! `judge` against a second reading of the rules (`reading.rs`), over made-up hospitals and messages.

mod conduct;
mod grants;
mod person;
mod reading;
mod technique;

use std::collections::BTreeSet;

use orgate::domain::order::Urgency;
use orgate::domain::rule::Rule;
use orgate::domain::verdict::{Decision, Verdict};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestCaseError;

use crate::model::reading::{Expected, Heard, expected};
use crate::support::cases;
use crate::support::dice::Dice;
use crate::support::generate::{bytes, world};
use crate::support::world::World;

/// What `judge` said, in the model's words. Cases as a set: a pair named twice is one case.
fn heard(verdict: &Verdict) -> Expected {
    let cases = verdict.cases.iter().map(|case| Heard {
        group: case.group,
        surgeon: case.surgeon.as_ref().map(|id| id.as_str().to_owned()),
        procedure: case.procedure.as_ref().map(|code| code.as_str().to_owned()),
        findings: case.findings.iter().map(|f| (f.rule, f.effect.as_str())).collect(),
    });
    Expected {
        decision: verdict.decision,
        cases: cases.collect(),
        gaps: verdict.gaps.iter().map(|gap| gap.as_str()).collect(),
        acted_on: verdict.refused(),
    }
}

fn agree(world: &World) -> Result<(), TestCaseError> {
    prop_assert_eq!(heard(&world.judge()), expected(world), "{:#?}", world);
    Ok(())
}

// Together 100,000, in two tests so that two cores share them.
proptest! {
    #![proptest_config(cases(60_000))]

    #[test]
    fn judge_and_the_second_reading_of_the_rules_agree(bytes in bytes()) {
        agree(&world(&mut Dice::new(&bytes)))?;
    }
}

proptest! {
    #![proptest_config(cases(40_000))]

    #[test]
    fn judge_and_the_second_reading_of_the_rules_agree_on_emergencies(bytes in bytes()) {
        let mut world = world(&mut Dice::new(&bytes));
        let urgency = Some(Urgency::Emergency);
        world.order.groups.iter_mut().for_each(|group| group.urgency = urgency);
        agree(&world)?;
    }
}

#[test]
fn the_made_up_hospitals_reach_every_rule_every_effect_and_every_decision() {
    let mut rules = BTreeSet::new();
    let mut effects = BTreeSet::new();
    let mut decisions = BTreeSet::new();
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    for _ in 0..4_000 {
        let drawn = bytes().new_tree(&mut runner).expect("bytes can be drawn").current();
        let verdict = world(&mut Dice::new(&drawn)).judge();
        decisions.insert(verdict.decision);
        for (_, finding) in verdict.findings() {
            rules.insert(finding.rule);
            effects.insert(finding.effect.as_str());
        }
    }
    let missed: Vec<_> = Rule::ALL.iter().filter(|rule| !rules.contains(rule)).collect();
    assert!(missed.is_empty(), "never reached: {missed:?}");
    assert_eq!(effects.len(), 3);
    // `not-surgical` is the mapping's to say, never that of `judge`.
    let of_judge = [
        Decision::Forward,
        Decision::ForwardFlagged,
        Decision::Override,
        Decision::Unavailable,
        Decision::Block,
    ];
    assert_eq!(decisions.into_iter().collect::<Vec<_>>(), of_judge);
}
