//! One line for people, of a decision.

use crate::feed::alert::decision::{Case, Finding, Verdict};
use crate::feed::alert::kind::AlertKind;

/// Cases that are named in the line; the rest is counted.
const CASES: usize = 2;

pub(super) struct Words<'w> {
    pub(super) kind: AlertKind,
    pub(super) verdict: &'w Verdict,
    pub(super) departments: &'w [String],
    /// Why it was not stopped, whatever was decided.
    pub(super) passed: Option<(&'static str, &'static str)>,
    pub(super) rule: &'w str,
}

impl Words<'_> {
    pub(super) fn chinese(&self) -> String {
        let stage = match self.verdict.stage.as_deref() {
            Some("order") => "手术医嘱",
            Some("notice") => "手术通知",
            Some("record") => "手术记录",
            _ => "消息",
        };
        let observed = self.passed.map_or("", |passed| passed.0);
        let mut parts = vec![format!("{stage}{}{observed}", self.kind.chinese())];
        if !self.departments.is_empty() {
            parts.push(format!("科室 {}", self.departments.join("、")));
        }
        parts.extend(self.people().map(|case| person(case, "术者", "级")));
        parts.extend(self.more().map(|more| format!("另有 {more} 例")));
        parts.push(self.finding().map_or_else(
            || self.rule.to_owned(),
            |finding| format!("{}：{}", self.rule, finding.text_zh),
        ));
        parts.join(" · ")
    }

    pub(super) fn english(&self) -> String {
        let stage = self.verdict.stage.as_deref().unwrap_or("message");
        let observed = self.passed.map_or("", |passed| passed.1);
        let mut parts = vec![format!("{stage} {}{observed}", self.kind.english())];
        if !self.departments.is_empty() {
            parts.push(format!("department {}", self.departments.join(", ")));
        }
        parts.extend(self.people().map(|case| person(case, "surgeon", "grade")));
        parts.extend(self.more().map(|more| format!("{more} more")));
        parts.push(self.finding().map_or_else(
            || self.rule.to_owned(),
            |finding| format!("{}: {}", self.rule, finding.text_en),
        ));
        parts.join(" · ")
    }

    /// The cases it is about: those with the finding that gives the alert its id, else all.
    fn concerned(&self) -> impl Iterator<Item = &Case> + Clone {
        let has = |case: &&Case| case.findings.iter().any(|f| f.rule == self.rule);
        let any = self.verdict.cases.iter().any(|case| has(&case));
        self.verdict.cases.iter().filter(move |case| !any || has(case))
    }

    fn people(&self) -> impl Iterator<Item = &Case> {
        self.concerned().take(CASES)
    }

    fn more(&self) -> Option<usize> {
        self.concerned().count().checked_sub(CASES).filter(|more| *more > 0)
    }

    fn finding(&self) -> Option<&Finding> {
        // Of an override, what the emergency lifted says more than that it is one.
        let lifted = (self.kind == AlertKind::OverrideOpened)
            .then(|| self.verdict.findings().find(|finding| finding.effect == "overridden"));
        lifted.flatten().or_else(|| self.verdict.findings().find(|f| f.rule == self.rule))
    }
}

fn person(case: &Case, surgeon: &str, grade: &str) -> String {
    let who = [case.surgeon.id.as_deref(), case.surgeon.name.as_deref()];
    let what = [case.procedure.code.as_deref(), case.procedure.name.as_deref()];
    let mut text = format!("{surgeon} {}", joined(who));
    if what.iter().any(Option::is_some) {
        text.push_str(&format!(" → {}", joined(what)));
    }
    if let Some(number) = case.procedure.grade {
        let number = number.to_string();
        let words = if grade.is_ascii() { format!("{grade} {number}") } else { number + grade };
        text.push_str(&format!(" ({words})"));
    }
    text
}

fn joined(words: [Option<&str>; 2]) -> String {
    let words: Vec<&str> = words.into_iter().flatten().collect();
    if words.is_empty() { "?".to_owned() } else { words.join(" ") }
}
