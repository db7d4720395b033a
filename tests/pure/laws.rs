//! Laws that hold for every register and every message, whatever the rules say in detail.

use std::collections::BTreeSet;

use jiff::civil::Date;
use jiff::{Span, Timestamp};
use orgate::domain::grant::Scope;
use orgate::domain::order::{Action, Primary, Stage, Urgency};
use orgate::domain::procedure::ProcedureCode;
use orgate::domain::rule::Rule;
use orgate::domain::surgeon::SurgeonId;
use orgate::domain::verdict::{Decision, Effect, Stance, Verdict};
use orgate::rules::table::{Lift, row};
use proptest::prelude::*;

use crate::support::dice::Dice;
use crate::support::generate::{bytes, world};
use crate::support::world::{Enforced, World};
use crate::support::{cases, make};

/// How many cases each law is tried with.
const USUAL: u32 = 1_500;

fn drawn(bytes: &[u8]) -> World {
    world(&mut Dice::new(bytes))
}

/// What may not depend on the order of anything: cases without their group, findings and effects.
type Outline = BTreeSet<(Option<SurgeonId>, Option<ProcedureCode>, BTreeSet<(Rule, &'static str)>)>;

fn outline(verdict: &Verdict) -> Outline {
    let cases = verdict.cases.iter().map(|case| {
        let findings = case.findings.iter().map(|f| (f.rule, f.effect.as_str())).collect();
        (case.surgeon.clone(), case.procedure.clone(), findings)
    });
    cases.collect()
}

/// The words that medical affairs would use: does it get through at all?
fn rank(decision: Decision) -> u8 {
    match decision {
        Decision::NotSurgical
        | Decision::Forward
        | Decision::ForwardFlagged
        | Decision::Override => 0,
        Decision::Unavailable => 1,
        Decision::Block => 2,
    }
}

proptest! {
    #![proptest_config(cases(USUAL))]

    #[test]
    fn a_good_grant_more_never_turns_forward_into_block(
        bytes in bytes(),
        surgeon in any::<prop::sample::Index>(),
        item in any::<prop::sample::Index>(),
    ) {
        let before = drawn(&bytes);
        let mut after = before.clone();
        let scope = Scope::Item(item.get(&after.items).code.clone());
        // Evaluated on the day of judging at the earliest, so good at every time that an order can have.
        let day = after.zone.to_datetime(after.now).date().saturating_add(Span::new().days(1));
        let at = surgeon.index(after.surgeons.len());
        if let Some(surgeon) = after.surgeons.get_mut(at) {
            surgeon.grants.push(make::grant(scope, Some(day)));
        }
        let (before, after) = (before.judge(), after.judge());
        prop_assert!(
            rank(after.decision) <= rank(before.decision),
            "{:?} became {:?}", before.decision, after.decision
        );
    }

    #[test]
    fn an_emergency_never_ends_worse_than_the_same_order_as_elective(bytes in bytes()) {
        let with = |urgency| {
            let mut world = drawn(&bytes);
            world.order.groups.iter_mut().for_each(|group| group.urgency = urgency);
            world.judge()
        };
        let emergency = with(Some(Urgency::Emergency));
        for calm in [None, Some(Urgency::Elective), Some(Urgency::Urgent)] {
            let calm = with(calm);
            prop_assert!(rank(emergency.decision) <= rank(calm.decision));
            prop_assert!(calm.findings().all(|(_, found)| found.effect != Effect::Overridden));
        }
        prop_assert_ne!(emergency.decision, Decision::Unavailable);
    }

    #[test]
    fn a_finding_that_nothing_lifts_is_never_overridden(bytes in bytes()) {
        for (_, finding) in drawn(&bytes).judge().findings() {
            if row(finding.rule).lift == Lift::Never {
                prop_assert!(!finding.lifted);
                prop_assert_ne!(finding.effect, Effect::Overridden);
            }
        }
    }

    #[test]
    fn the_order_of_groups_lines_teams_and_grants_changes_nothing(bytes in bytes()) {
        let forwards = drawn(&bytes);
        let mut backwards = forwards.clone();
        backwards.items.reverse();
        backwards.surgeons.reverse();
        backwards.surgeons.iter_mut().for_each(|surgeon| surgeon.grants.reverse());
        backwards.order.groups.reverse();
        for group in &mut backwards.order.groups {
            group.lines.reverse();
            for line in &mut group.lines {
                line.team.reverse();
                line.times.reverse();
                line.coded.reverse();
            }
        }
        let (one, other) = (forwards.judge(), backwards.judge());
        prop_assert_eq!(one.decision, other.decision);
        prop_assert_eq!(one.gaps.clone(), other.gaps.clone());
        prop_assert_eq!(resolved(&one), resolved(&other));
    }

    #[test]
    fn a_withdrawal_is_always_forwarded_and_never_judged(bytes in bytes()) {
        for action in [Action::Withdraw, Action::Other] {
            let mut world = drawn(&bytes);
            world.order.groups.iter_mut().for_each(|group| group.action = action);
            let verdict = world.judge();
            prop_assert_eq!(verdict.decision, Decision::Forward);
            prop_assert!(verdict.cases.is_empty() && verdict.gaps.is_empty());
            prop_assert!(!verdict.refused());
            let groups = &world.order.groups;
            let acts = groups.iter().any(|group| world.enforced.holds(group.department.as_deref()));
            let stance = if acts { Stance::Enforce } else { Stance::Observe };
            prop_assert_eq!(verdict.stance, stance);
        }
    }

    #[test]
    fn observing_decides_as_enforcing_and_refuses_nothing(bytes in bytes()) {
        let mut world = drawn(&bytes);
        world.enforced = Enforced::Everybody;
        let enforced = world.judge();
        world.enforced = Enforced::Nobody;
        let observed = world.judge();
        prop_assert_eq!(observed.decision, enforced.decision);
        prop_assert_eq!(outline(&observed), outline(&enforced));
        prop_assert_eq!(&observed.gaps, &enforced.gaps);
        prop_assert!(!observed.refused());
        prop_assert_eq!(enforced.refused(), rank(enforced.decision) > 0);
    }

    #[test]
    fn a_record_is_never_refused_and_holds_no_block(bytes in bytes()) {
        let mut world = drawn(&bytes);
        world.order.stage = Stage::Record;
        let verdict = world.judge();
        prop_assert!(matches!(verdict.decision, Decision::Forward | Decision::ForwardFlagged));
        prop_assert!(verdict.findings().all(|(_, found)| found.effect == Effect::Flag));
    }

    #[test]
    fn a_refused_message_says_why_and_a_clean_one_has_nothing_to_say(bytes in bytes()) {
        let verdict = drawn(&bytes).judge();
        let blocks = verdict.findings().any(|(_, found)| found.effect == Effect::Block);
        let opened = verdict.findings().any(|(_, found)| found.rule == Rule::EmergencyOverride);
        match verdict.decision {
            Decision::Block => prop_assert!(blocks),
            Decision::Unavailable => prop_assert!(!verdict.gaps.is_empty()),
            Decision::Override => prop_assert!(opened),
            Decision::ForwardFlagged => {
                prop_assert!(verdict.findings().next().is_some() || !verdict.gaps.is_empty());
            }
            Decision::Forward => {
                prop_assert!(verdict.findings().next().is_none() && verdict.gaps.is_empty());
            }
            Decision::NotSurgical => prop_assert!(false, "a surgical message was judged"),
        }
        if rank(verdict.decision) > 0 {
            prop_assert!(!opened, "no override is opened in a message that is kept back");
        }
    }

    #[test]
    fn findings_stand_in_the_order_of_the_rules_each_once_with_both_sentences(bytes in bytes()) {
        let verdict = drawn(&bytes).judge();
        for case in &verdict.cases {
            let rules: Vec<Rule> = case.findings.iter().map(|found| found.rule).collect();
            prop_assert!(rules.is_sorted_by(|one, next| one < next), "{:?}", rules);
        }
        for (_, found) in verdict.findings() {
            let chinese = found.text_zh.chars().any(|c| ('一'..='龥').contains(&c));
            prop_assert!(chinese && !found.text_en.is_empty() && !found.cites.is_empty());
        }
        prop_assert!(verdict.cases.iter().map(|case| case.group).is_sorted());
    }

    #[test]
    fn judging_does_not_panic_at_the_ends_of_time(bytes in bytes(), ends in any::<[bool; 4]>()) {
        let mut world = drawn(&bytes);
        let [now, stated, day, blank] = ends;
        let end = |last: bool| if last { Timestamp::MAX } else { Timestamp::MIN };
        world.now = end(now);
        world.order.message_time = world.order.message_time.map(|_| end(stated));
        let day = if day { Date::MAX } else { Date::MIN };
        for surgeon in &mut world.surgeons {
            surgeon.licence_to = surgeon.licence_to.map(|_| day);
            for grant in &mut surgeon.grants {
                grant.valid_to = grant.valid_to.map(|_| day);
                grant.evaluated_on = grant.evaluated_on.map(|_| day);
            }
        }
        for line in world.order.groups.iter_mut().flat_map(|group| &mut group.lines) {
            line.times.iter_mut().for_each(|time| *time = end(stated));
            if blank {
                line.primary = Primary::Named(vec![make::person(None, &[" ", ""])]);
                line.coded.iter_mut().for_each(|place| place.codings.clear());
            }
        }
        world.judge();
    }

    #[test]
    fn judging_twice_gives_the_same_verdict(bytes in bytes()) {
        let world = drawn(&bytes);
        prop_assert_eq!(world.judge(), world.judge());
    }
}

/// The outline without the codes of procedures that did not resolve: the first code stands for them.
fn resolved(verdict: &Verdict) -> Outline {
    let mut verdict = verdict.clone();
    for case in &mut verdict.cases {
        if case.grade.is_none() {
            case.procedure = None;
        }
    }
    outline(&verdict)
}
