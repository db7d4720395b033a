//! What a replay counts. Pure: verdicts in, figures out. Holds names of surgeons, procedures and
//! departments, never anything of a patient; its size does not depend on the number of messages.

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde::Serialize;

use crate::cli::replay::ranked::{Count, Distinct, Ranked, Spellings};
use crate::domain::order::{Action, Stage, Urgency};
use crate::domain::rule::Rule;
use crate::domain::verdict::{CaseVerdict, Decision, Effect, Finding, Gap, Verdict};

/// Message types are a handful; whatever a broken feed writes into MSH-9, no more are kept.
const TYPES_MAX: usize = 500;
/// Months are few; a feed with broken dates may name any.
const MONTHS_MAX: usize = 600;

/// Files and bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Sources {
    /// Files read.
    pub(super) files: u64,
    /// Of these, without any message.
    pub(super) without_message: u64,
    /// Files and folders that could not be read.
    pub(super) failed: u64,
    /// Bytes read.
    pub(super) bytes: u64,
    /// Of these, bytes that belong to no message.
    pub(super) outside: u64,
}

/// Decisions counted: of messages, or of cases.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Decisions {
    #[serde(rename = "not-surgical", skip_serializing_if = "is_zero")]
    pub(super) not_surgical: u64,
    pub(super) forward: u64,
    #[serde(rename = "forward-flagged")]
    pub(super) flagged: u64,
    #[serde(rename = "override")]
    pub(super) overridden: u64,
    pub(super) unavailable: u64,
    #[serde(rename = "block")]
    pub(super) blocked: u64,
}

/// Cases are surgical by their nature; only messages may be none of the gate's business.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
fn is_zero(count: &u64) -> bool {
    *count == 0
}

impl Decisions {
    /// Counts one.
    pub(super) fn add(&mut self, decision: Decision) {
        *match decision {
            Decision::NotSurgical => &mut self.not_surgical,
            Decision::Forward => &mut self.forward,
            Decision::ForwardFlagged => &mut self.flagged,
            Decision::Override => &mut self.overridden,
            Decision::Unavailable => &mut self.unavailable,
            Decision::Block => &mut self.blocked,
        } += 1;
    }

    /// All that were checked.
    pub(super) fn checked(&self) -> u64 {
        self.forward + self.flagged + self.overridden + self.unavailable + self.blocked
    }
}

impl Count for Decisions {
    fn weight(&self) -> (u64, u64) {
        (self.blocked + self.unavailable, self.checked())
    }
}

/// Decisions with the names given beside a number.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Person {
    pub(super) decisions: Decisions,
    pub(super) names: Spellings,
}

impl Count for Person {
    fn weight(&self) -> (u64, u64) {
        self.decisions.weight()
    }
}

/// How often something that could not be found was named, and under which names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Unfound {
    pub(super) cases: u64,
    pub(super) blocked: u64,
    pub(super) names: Spellings,
}

impl Count for Unfound {
    fn weight(&self) -> (u64, u64) {
        (self.cases, self.blocked)
    }
}

/// Messages of a type.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct OfType {
    pub(super) messages: u64,
    pub(super) checked: u64,
}

impl Count for OfType {
    fn weight(&self) -> (u64, u64) {
        (self.messages, self.checked)
    }
}

/// What a rule did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct OfRule {
    /// Messages with such a finding.
    pub(super) messages: u64,
    /// Findings by effect.
    pub(super) findings_block: u64,
    pub(super) findings_flag: u64,
    pub(super) findings_overridden: u64,
    /// Messages it would refuse.
    pub(super) blocked: u64,
    /// Messages that no other rule would refuse.
    pub(super) blocked_alone: u64,
    /// Emergencies among the messages it would refuse.
    pub(super) emergencies_blocked: u64,
    /// Emergencies in which the emergency lifted it.
    pub(super) emergencies_lifted: u64,
    /// Of the cases it would refuse.
    pub(super) surgeons: Distinct,
    pub(super) procedures: Distinct,
}

/// What would happen to emergencies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Emergencies {
    pub(super) decisions: Decisions,
    /// Overrides without a full attestation.
    pub(super) unattested: u64,
}

/// What is known of a judged message besides its verdict.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Seen<'s> {
    /// MSH-9.
    pub(super) kind: &'s str,
    /// The day of the message's own time.
    pub(super) day: Option<Date>,
    /// Why it could not be read.
    pub(super) unreadable: Option<&'static str>,
}

/// All figures of a replay.
#[derive(Debug)]
pub(super) struct Tally {
    pub(super) sources: Sources,
    pub(super) decisions: Decisions,
    pub(super) stages: BTreeMap<Stage, Decisions>,
    /// Byte for byte a message seen before; not judged again.
    pub(super) repeated: u64,
    /// Answers of the other side (MSA), in captures of both directions.
    pub(super) replies: u64,
    pub(super) scheduling_unmet: u64,
    pub(super) withdrawn: u64,
    /// Judged as of now for want of a time of their own.
    pub(super) without_time: u64,
    pub(super) first_day: Option<Date>,
    pub(super) last_day: Option<Date>,
    pub(super) cases: Decisions,
    pub(super) rules: BTreeMap<Rule, OfRule>,
    pub(super) gaps: BTreeMap<Gap, u64>,
    pub(super) unreadable: BTreeMap<&'static str, u64>,
    pub(super) emergencies: Emergencies,
    pub(super) departments: Ranked<Decisions>,
    pub(super) surgeons: Ranked<Person>,
    /// 1 to 4; 0 where the procedure did not resolve.
    pub(super) grades: BTreeMap<u8, Decisions>,
    pub(super) months: Ranked<Decisions>,
    pub(super) types: Ranked<OfType>,
    pub(super) unmapped: Ranked<Unfound>,
    pub(super) unknown_surgeons: Ranked<Unfound>,
}

impl Default for Tally {
    fn default() -> Self {
        Self {
            sources: Sources::default(),
            decisions: Decisions::default(),
            stages: BTreeMap::new(),
            repeated: 0,
            replies: 0,
            scheduling_unmet: 0,
            withdrawn: 0,
            without_time: 0,
            first_day: None,
            last_day: None,
            cases: Decisions::default(),
            rules: BTreeMap::new(),
            gaps: BTreeMap::new(),
            unreadable: BTreeMap::new(),
            emergencies: Emergencies::default(),
            departments: Ranked::default(),
            surgeons: Ranked::default(),
            grades: BTreeMap::new(),
            months: Ranked::holding(MONTHS_MAX),
            types: Ranked::holding(TYPES_MAX),
            unmapped: Ranked::default(),
            unknown_surgeons: Ranked::default(),
        }
    }
}

impl Tally {
    /// Messages in all, repeated ones included.
    pub(super) fn messages(&self) -> u64 {
        self.decisions.not_surgical + self.decisions.checked() + self.repeated
    }

    /// A message that is none of the gate's business.
    pub(super) fn not_surgical(&mut self, kind: &str, reply: bool, scheduling: bool) {
        self.decisions.add(Decision::NotSurgical);
        self.types.under(kind).messages += 1;
        self.replies += u64::from(reply);
        self.scheduling_unmet += u64::from(scheduling);
    }

    /// A message that was judged.
    pub(super) fn judged(&mut self, verdict: &Verdict, seen: Seen<'_>) {
        let decision = verdict.decision;
        self.decisions.add(decision);
        if let Some(stage) = verdict.stage {
            self.stages.entry(stage).or_default().add(decision);
        }
        let of_type = self.types.under(seen.kind);
        of_type.messages += 1;
        of_type.checked += 1;
        self.withdrawn += u64::from(verdict.action == Some(Action::Withdraw));
        if let Some(why) = seen.unreadable {
            *self.unreadable.entry(why).or_default() += 1;
        }
        for gap in &verdict.gaps {
            *self.gaps.entry(*gap).or_default() += 1;
        }
        if let Some(day) = seen.day {
            self.first_day = Some(self.first_day.map_or(day, |first| first.min(day)));
            self.last_day = Some(self.last_day.map_or(day, |last| last.max(day)));
        }
        if is_emergency(verdict) {
            self.emergencies.decisions.add(decision);
            let unattested = has(verdict, Rule::OverrideUnattested);
            self.emergencies.unattested += u64::from(decision == Decision::Override && unattested);
        }
        let month = seen.day.map(|day| day.strftime("%Y-%m").to_string());
        for case in &verdict.cases {
            self.case(verdict, case, month.as_deref());
        }
        self.of_rules(verdict);
    }

    fn case(&mut self, verdict: &Verdict, case: &CaseVerdict, month: Option<&str>) {
        let decision = case_decision(verdict, case);
        self.cases.add(decision);
        self.departments.under(case.department.as_deref().unwrap_or("")).add(decision);
        self.grades.entry(case.grade.map_or(0, |g| g.number())).or_default().add(decision);
        self.months.under(month.unwrap_or("")).add(decision);
        let surgeon = case.surgeon.as_ref().map_or("", |id| id.as_str());
        let name = case.surgeon_name.as_deref().unwrap_or("");
        let person = self.surgeons.under(if surgeon.is_empty() { name } else { surgeon });
        person.decisions.add(decision);
        person.names.add(name);

        let blocked = decision == Decision::Block;
        let found = |rule| case.findings.iter().any(|f| f.rule == rule);
        if found(Rule::SurgeonUnknown) || found(Rule::SurgeonAmbiguous) {
            unfound(&mut self.unknown_surgeons, surgeon, name, blocked);
        }
        if found(Rule::TechniqueNotInCatalogue) || found(Rule::ProcedureMissing) {
            let code = case.procedure.as_ref().map_or("", |code| code.as_str());
            let name = case.procedure_name.as_deref().unwrap_or("");
            unfound(&mut self.unmapped, code, name, blocked);
        }
    }

    fn of_rules(&mut self, verdict: &Verdict) {
        let emergency = is_emergency(verdict);
        let mut did: BTreeMap<Rule, [bool; 2]> = BTreeMap::new();
        for (case, finding) in verdict.findings() {
            let [blocked, lifted] = did.entry(finding.rule).or_default();
            *blocked |= finding.effect == Effect::Block;
            *lifted |= finding.effect == Effect::Overridden;
            self.rules.entry(finding.rule).or_default().finding(case, finding);
        }
        let blocking = did.values().filter(|[blocked, _]| *blocked).count();
        for (rule, [blocked, lifted]) in did {
            let of_rule = self.rules.entry(rule).or_default();
            of_rule.messages += 1;
            of_rule.blocked += u64::from(blocked);
            of_rule.blocked_alone += u64::from(blocked && blocking == 1);
            of_rule.emergencies_blocked += u64::from(blocked && emergency);
            of_rule.emergencies_lifted += u64::from(lifted);
        }
    }
}

impl OfRule {
    fn finding(&mut self, case: &CaseVerdict, finding: &Finding) {
        match finding.effect {
            Effect::Flag => self.findings_flag += 1,
            Effect::Overridden => self.findings_overridden += 1,
            Effect::Block => {
                self.findings_block += 1;
                let by_id = case.surgeon.as_ref().map(|id| id.as_str());
                if let Some(surgeon) = by_id.or(case.surgeon_name.as_deref()) {
                    self.surgeons.see(&surgeon);
                }
                let by_code = case.procedure.as_ref().map(|code| code.as_str());
                if let Some(procedure) = by_code.or(case.procedure_name.as_deref()) {
                    self.procedures.see(&procedure);
                }
            }
        }
    }
}

/// What one case comes to: its own findings, and what its message is kept back for.
fn case_decision(verdict: &Verdict, case: &CaseVerdict) -> Decision {
    let has = |effect| case.findings.iter().any(|f| f.effect == effect);
    if has(Effect::Block) {
        Decision::Block
    } else if verdict.decision == Decision::Unavailable {
        Decision::Unavailable
    } else if has(Effect::Overridden) {
        // Without an override for its message, a case that only an emergency lets pass does not pass.
        verdict.decision.max(Decision::Override)
    } else if case.findings.is_empty() {
        Decision::Forward
    } else {
        Decision::ForwardFlagged
    }
}

fn is_emergency(verdict: &Verdict) -> bool {
    verdict.urgency == Some(Urgency::Emergency)
}

fn has(verdict: &Verdict, rule: Rule) -> bool {
    verdict.findings().any(|(_, finding)| finding.rule == rule)
}

fn unfound(table: &mut Ranked<Unfound>, key: &str, name: &str, blocked: bool) {
    let row = table.under(if key.is_empty() { name } else { key });
    row.cases += 1;
    row.blocked += u64::from(blocked);
    row.names.add(name);
}
