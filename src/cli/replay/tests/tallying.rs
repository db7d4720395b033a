//! Figures against a plain recount of the same verdicts.

use std::collections::{BTreeSet, HashMap};

use jiff::civil::date;
use proptest::prelude::*;

use crate::cli::replay::ranked::{Count, Distinct, Ranked, Spellings};
use crate::cli::replay::tally::{Seen, Tally};
use crate::domain::order::{Action, Stage, Urgency};
use crate::domain::procedure::{Grade, ProcedureCode};
use crate::domain::rule::Rule;
use crate::domain::surgeon::SurgeonId;
use crate::domain::verdict::{CaseVerdict, Decision, Effect, Finding, Stance, Subject, Verdict};

/// Rules of every kind, and what they do.
const RULES: [Rule; 5] = [
    Rule::TechniqueNotInCatalogue,
    Rule::SurgeonUnknown,
    Rule::SurgeonNotLicensed,
    Rule::GrantMissing,
    Rule::EmergencySurgery,
];

pub(super) fn finding(rule: Rule, effect: Effect) -> Finding {
    let (text_zh, text_en) = (String::new(), String::new());
    Finding { rule, effect, lifted: true, cites: &[], text_zh, text_en, subject: Subject::Message }
}

pub(super) fn case(surgeon: u8, code: u8, findings: Vec<Finding>) -> CaseVerdict {
    CaseVerdict {
        surgeon: SurgeonId::new(&format!("D{surgeon}")),
        surgeon_name: Some(format!("医师{surgeon}")),
        procedure: ProcedureCode::new(&format!("51.{code}")),
        procedure_name: Some(format!("手术{code}")),
        grade: Grade::from_number(1 + code % 4),
        findings,
        department: (surgeon > 0).then(|| format!("科室{surgeon}")),
        group: 0,
        surgeon_place: None,
        procedure_place: None,
    }
}

pub(super) fn verdict(decision: Decision, urgency: Urgency, cases: Vec<CaseVerdict>) -> Verdict {
    Verdict {
        decision,
        stage: Some(Stage::Order),
        action: Some(Action::New),
        urgency: Some(urgency),
        cases,
        ..Verdict::passing(Stance::Enforce)
    }
}

fn verdicts() -> impl Strategy<Value = Vec<Verdict>> {
    let effect = prop::sample::select(vec![Effect::Block, Effect::Flag, Effect::Overridden]);
    let findings = prop::collection::vec((prop::sample::select(RULES.to_vec()), effect), 0..3);
    let one = (0u8..4, 0u8..5, findings).prop_map(|(surgeon, code, findings)| {
        let findings = findings.into_iter().map(|(rule, effect)| finding(rule, effect));
        case(surgeon, code, findings.collect())
    });
    let decision = prop::sample::select(vec![
        Decision::Forward,
        Decision::ForwardFlagged,
        Decision::Override,
        Decision::Unavailable,
        Decision::Block,
    ]);
    let urgency = prop::sample::select(vec![Urgency::Elective, Urgency::Emergency]);
    let whole = (decision, urgency, prop::collection::vec(one, 0..3));
    prop::collection::vec(whole.prop_map(|(d, u, cases)| verdict(d, u, cases)), 0..20)
}

fn tally<'v>(verdicts: impl IntoIterator<Item = &'v Verdict>) -> Tally {
    let mut tally = Tally::default();
    for (at, verdict) in verdicts.into_iter().enumerate() {
        let day = (at % 2 == 0).then(|| date(2026, 3, 2));
        tally.judged(
            verdict,
            Seen { kind: "OMG^O19", day: day.or(Some(date(2026, 4, 2))), unreadable: None },
        );
    }
    tally
}

proptest! {
    #[test]
    fn the_figures_are_those_of_a_plain_recount(verdicts in verdicts()) {
        let tally = tally(&verdicts);
        let cases = || verdicts.iter().flat_map(|v| &v.cases);
        prop_assert_eq!(tally.messages(), verdicts.len() as u64);
        prop_assert_eq!(tally.cases.checked(), cases().count() as u64);
        let emergencies = verdicts.iter().filter(|v| v.urgency == Some(Urgency::Emergency));
        prop_assert_eq!(tally.emergencies.decisions.checked(), emergencies.count() as u64);
        for rule in RULES {
            let blocks = |v: &&Verdict| v.findings().any(|(_, f)| f.rule == rule && f.effect == Effect::Block);
            let blocking: Vec<_> = verdicts.iter().filter(blocks).collect();
            let Some(of_rule) = tally.rules.get(&rule) else {
                prop_assert!(verdicts.iter().all(|v| v.findings().all(|(_, f)| f.rule != rule)));
                continue;
            };
            prop_assert_eq!(of_rule.blocked, blocking.len() as u64);
            let alone = |v: &&&Verdict| v.findings().all(|(_, f)| f.effect != Effect::Block || f.rule == rule);
            prop_assert_eq!(of_rule.blocked_alone, blocking.iter().filter(alone).count() as u64);
            let surgeons: BTreeSet<_> = cases()
                .filter(|c| c.findings.iter().any(|f| f.rule == rule && f.effect == Effect::Block))
                .map(|c| c.surgeon.clone())
                .collect();
            prop_assert_eq!(of_rule.surgeons.count(), surgeons.len() as u64);
        }
        let unmapped = cases().filter(|c| c.findings.iter().any(|f| f.rule == Rule::TechniqueNotInCatalogue));
        let counted: u64 = tally.unmapped.sorted().iter().map(|(_, row)| row.cases).sum();
        prop_assert_eq!(counted, unmapped.count() as u64);
    }

    #[test]
    fn every_table_of_cases_adds_up_to_all_cases(verdicts in verdicts()) {
        let tally = tally(&verdicts);
        let all = tally.cases.checked();
        let departments: u64 = tally.departments.sorted().iter().map(|(_, d)| d.checked()).sum();
        let surgeons: u64 = tally.surgeons.sorted().iter().map(|(_, p)| p.decisions.checked()).sum();
        let months: u64 = tally.months.sorted().iter().map(|(_, d)| d.checked()).sum();
        let grades: u64 = tally.grades.values().map(|d| d.checked()).sum();
        prop_assert_eq!([departments, surgeons, months, grades], [all; 4]);
    }

    #[test]
    fn the_order_of_messages_does_not_matter(verdicts in verdicts()) {
        let (there, back) = (tally(&verdicts), tally(verdicts.iter().rev()));
        prop_assert_eq!(there.decisions, back.decisions);
        prop_assert_eq!(there.cases, back.cases);
        prop_assert_eq!(&there.rules, &back.rules);
        prop_assert_eq!(there.surgeons.sorted(), back.surgeons.sorted());
        prop_assert_eq!(there.departments.sorted(), back.departments.sorted());
        prop_assert_eq!(there.unmapped.sorted(), back.unmapped.sorted());
    }

    #[test]
    fn a_table_below_its_bound_counts_exactly_and_above_it_stays_bounded(
        names in prop::collection::vec(0u8..40, 0..200), most in 2usize..50,
    ) {
        let mut table = Ranked::<Times>::holding(most);
        let mut plain: HashMap<String, u64> = HashMap::new();
        for name in &names {
            let name = format!("n{name}");
            table.under(&name).0 += 1;
            *plain.entry(name).or_default() += 1;
        }
        let rows = table.sorted();
        prop_assert!(rows.len() <= most);
        prop_assert!(rows.is_sorted_by(|a, b| a.1.0 >= b.1.0));
        for (name, times) in &rows {
            prop_assert!(times.0 <= plain[*name]);
            prop_assert!(table.let_go() > 0 || times.0 == plain[*name]);
        }
    }
}

#[derive(Debug, Default)]
struct Times(u64);

impl Count for Times {
    fn weight(&self) -> (u64, u64) {
        (self.0, 0)
    }
}

#[test]
fn a_frequent_name_that_comes_late_is_kept_though_rare_ones_filled_the_table() {
    let mut table = Ranked::<Times>::holding(10);
    (0..1_000).for_each(|at| table.under(&format!("rare {at}")).0 += 1);
    (0..50).for_each(|_| table.under("frequent").0 += 1);
    (0..1_000).for_each(|at| table.under(&format!("rarer {at}")).0 += 1);
    assert_eq!(
        table.sorted().first().map(|(name, times)| (*name, times.0)),
        Some(("frequent", 50))
    );
}

#[test]
fn names_spellings_and_counts_of_different_things_are_bounded() {
    let mut table = Ranked::<Times>::default();
    table.under(&"长".repeat(1_000)).0 += 1;
    assert_eq!(table.sorted()[0].0.chars().count(), 64);
    let mut spellings = Spellings::default();
    (0..100).for_each(|at| spellings.add(&format!("name {at}")));
    spellings.add("name 3");
    spellings.add(" ");
    assert_eq!(spellings.sorted().len(), 5);
    assert_eq!(spellings.sorted()[0], "name 3");
    let mut distinct = Distinct::default();
    (0..20_000).for_each(|at| distinct.see(&at));
    assert!(distinct.at_limit() && distinct.count() == 10_000);
}

#[test]
fn a_case_kept_back_by_another_is_told_by_what_it_is_itself() {
    let clean = case(1, 1, Vec::new());
    let bad = case(2, 1, vec![finding(Rule::GrantMissing, Effect::Block)]);
    let lifted = case(3, 1, vec![finding(Rule::GrantMissing, Effect::Overridden)]);
    let tally = tally(&[verdict(Decision::Block, Urgency::Emergency, vec![clean, bad, lifted])]);
    assert_eq!((tally.cases.forward, tally.cases.blocked, tally.cases.overridden), (1, 2, 0));
    assert_eq!((tally.decisions.blocked, tally.emergencies.decisions.blocked), (1, 1));
    let rule = &tally.rules[&Rule::GrantMissing];
    assert_eq!(
        (rule.emergencies_blocked, rule.emergencies_lifted, rule.surgeons.count()),
        (1, 1, 1)
    );
}
