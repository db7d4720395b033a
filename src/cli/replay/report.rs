//! The figures of a replay as they are told: sorted, cut to what can be read, with their words.
//! The JSON report is this, written out; its keys are stable. The HTML report is made from it.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;

use crate::cli::replay::ranked::{Count, NAMES_MAX, Ranked};
use crate::cli::replay::tally::{
    Decisions, Emergencies, OfRule, OfType, Person, Sources, Tally, Unfound,
};
use crate::cli::replay::words;
use crate::domain::rule::Rule;
use crate::rules::table::{Lift, row};

/// Rows of a table in the JSON report.
const ROWS_MAX: usize = 1_000;
/// The rules that would cost most.
const COSTLIEST: usize = 10;

/// What the replay was done with.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Basis {
    pub(super) orgate: &'static str,
    pub(super) replayed_at: String,
    pub(super) route: String,
    pub(super) mapping: String,
    pub(super) timezone: String,
    /// `message`, or the moment.
    pub(super) judged_as_of: String,
    pub(super) register_version: i64,
    pub(super) catalogue_entries: usize,
    /// Different names a table can hold.
    pub(super) names_max: usize,
}

impl Basis {
    /// `as_of`: the one moment of judging, if there is one.
    pub(super) fn new(
        (route, mapping): (&str, &str),
        zone: &TimeZone,
        (now, as_of): (Timestamp, Option<Timestamp>),
        (register_version, catalogue_entries): (i64, usize),
    ) -> Self {
        let write = |time: Timestamp| {
            time.to_zoned_datetime(zone.clone()).strftime("%Y-%m-%dT%H:%M:%S%:z").to_string()
        };
        Self {
            orgate: env!("CARGO_PKG_VERSION"),
            replayed_at: write(now),
            route: route.to_owned(),
            mapping: mapping.to_owned(),
            timezone: zone.iana_name().unwrap_or("UTC").to_owned(),
            judged_as_of: as_of.map_or_else(|| "message".to_owned(), write),
            register_version,
            catalogue_entries,
            names_max: NAMES_MAX,
        }
    }
}

/// All of it.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    pub(super) basis: Basis,
    pub(super) sources: Sources,
    pub(super) messages: Messages,
    /// Of messages.
    pub(super) decisions: Decisions,
    /// Of cases: a surgeon with a procedure.
    pub(super) cases: Decisions,
    pub(super) stages: Vec<Named>,
    pub(super) costliest_rules: Vec<RuleRow>,
    pub(super) rules: Vec<RuleRow>,
    pub(super) emergencies: Emergencies,
    pub(super) unmapped_codes: Table<UnfoundRow>,
    pub(super) unknown_surgeons: Table<UnfoundRow>,
    pub(super) departments: Table<Named>,
    pub(super) surgeons: Table<PersonRow>,
    pub(super) grades: Vec<Named>,
    pub(super) months: Table<Named>,
    pub(super) unreadable: Vec<Reason>,
    pub(super) gaps: Vec<Reason>,
    pub(super) types: Table<TypeRow>,
}

/// Messages counted.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Messages {
    pub(super) total: u64,
    pub(super) checked: u64,
    pub(super) not_surgical: u64,
    pub(super) repeated: u64,
    pub(super) replies: u64,
    pub(super) scheduling_unmet: u64,
    pub(super) withdrawn: u64,
    pub(super) without_time: u64,
    pub(super) first_day: Option<jiff::civil::Date>,
    pub(super) last_day: Option<jiff::civil::Date>,
}

/// Rows in their order, and what they leave out.
#[derive(Debug, Serialize)]
pub(super) struct Table<R> {
    pub(super) rows: Vec<R>,
    /// Names that are known and not listed.
    pub(super) not_listed: u64,
    /// Names let go because there were too many; counts of the others may be too low by these.
    pub(super) let_go: u64,
}

impl<R> Table<R> {
    fn new<'t, C: Count>(
        all: Vec<(&'t str, &'t C)>,
        ranked: &Ranked<C>,
        row: impl Fn(&'t str, &'t C) -> R,
    ) -> Self {
        let not_listed = all.len().saturating_sub(ROWS_MAX) as u64;
        let rows = all.into_iter().take(ROWS_MAX).map(|(name, count)| row(name, count)).collect();
        Self { rows, not_listed, let_go: ranked.let_go() }
    }

    /// The first rows.
    pub(super) fn first(&self, most: usize) -> &[R] {
        self.rows.get(..most).unwrap_or(&self.rows)
    }

    /// How many names stand behind the first rows.
    pub(super) fn after(&self, most: usize) -> u64 {
        self.rows.len().saturating_sub(most) as u64 + self.not_listed + self.let_go
    }
}

/// Decisions under a name; an empty name is that of cases that give none.
#[derive(Debug, Serialize)]
pub(super) struct Named {
    pub(super) name: String,
    #[serde(flatten)]
    pub(super) decisions: Decisions,
}

/// A surgeon; `id` is the name where a message gives no number.
#[derive(Debug, Serialize)]
pub(super) struct PersonRow {
    pub(super) id: String,
    pub(super) names: Vec<String>,
    #[serde(flatten)]
    pub(super) decisions: Decisions,
}

/// A code or number that was not found.
#[derive(Debug, Serialize)]
pub(super) struct UnfoundRow {
    pub(super) key: String,
    pub(super) names: Vec<String>,
    pub(super) cases: u64,
    pub(super) blocked: u64,
}

/// A message type.
#[derive(Debug, Serialize)]
pub(super) struct TypeRow {
    pub(super) name: String,
    #[serde(flatten)]
    pub(super) counts: OfType,
}

/// A reason with its count.
#[derive(Debug, Serialize)]
pub(super) struct Reason {
    pub(super) name: &'static str,
    pub(super) zh: &'static str,
    pub(super) en: &'static str,
    pub(super) messages: u64,
}

/// An article that a rule rests on.
#[derive(Debug, Serialize)]
pub(super) struct Cited {
    /// The regulation's short name, with which `article` begins.
    #[serde(skip)]
    pub(super) short: &'static str,
    pub(super) article: String,
    pub(super) regulation: &'static str,
    pub(super) words: &'static str,
}

/// A rule and what it did.
#[derive(Debug, Serialize)]
pub(super) struct RuleRow {
    pub(super) rule: &'static str,
    pub(super) title_zh: &'static str,
    pub(super) title_en: &'static str,
    pub(super) cites: Vec<Cited>,
    /// An emergency never lifts it.
    pub(super) never_lifted: bool,
    pub(super) messages: u64,
    pub(super) findings_block: u64,
    pub(super) findings_flag: u64,
    pub(super) findings_overridden: u64,
    pub(super) blocked: u64,
    pub(super) blocked_alone: u64,
    pub(super) surgeons: u64,
    pub(super) procedures: u64,
    /// There may be more surgeons or procedures than counted.
    pub(super) at_least: bool,
    pub(super) emergencies_blocked: u64,
    pub(super) emergencies_lifted: u64,
}

impl RuleRow {
    fn new(rule: Rule, figures: &OfRule) -> Self {
        let row = row(rule);
        let cited = row.cites.iter().map(|article| Cited {
            short: article.regulation.abbreviation(),
            article: article.to_string(),
            regulation: article.regulation.title(),
            words: article.words,
        });
        Self {
            rule: rule.as_str(),
            title_zh: words::rule(rule.as_str()),
            title_en: row.title,
            cites: cited.collect(),
            never_lifted: row.lift == Lift::Never,
            messages: figures.messages,
            findings_block: figures.findings_block,
            findings_flag: figures.findings_flag,
            findings_overridden: figures.findings_overridden,
            blocked: figures.blocked,
            blocked_alone: figures.blocked_alone,
            surgeons: figures.surgeons.count(),
            procedures: figures.procedures.count(),
            at_least: figures.surgeons.at_limit() || figures.procedures.at_limit(),
            emergencies_blocked: figures.emergencies_blocked,
            emergencies_lifted: figures.emergencies_lifted,
        }
    }
}

impl Report {
    /// Puts the figures of `tally` in order.
    pub(super) fn new(tally: &Tally, basis: Basis) -> Self {
        let named = |name: &str, decisions: &Decisions| Named {
            name: name.to_owned(),
            decisions: *decisions,
        };
        let grade = |grade: u8| if grade == 0 { String::new() } else { grade.to_string() };
        let rules: Vec<_> = tally.rules.iter().collect();
        Self {
            basis,
            sources: tally.sources,
            messages: messages(tally),
            decisions: tally.decisions,
            cases: tally.cases,
            stages: tally.stages.iter().map(|(stage, d)| named(stage.as_str(), d)).collect(),
            costliest_rules: costliest(&rules),
            rules: rules.iter().map(|(rule, figures)| RuleRow::new(**rule, figures)).collect(),
            emergencies: tally.emergencies,
            unmapped_codes: unfound(&tally.unmapped),
            unknown_surgeons: unfound(&tally.unknown_surgeons),
            departments: Table::new(tally.departments.sorted(), &tally.departments, named),
            surgeons: Table::new(tally.surgeons.sorted(), &tally.surgeons, person),
            grades: tally.grades.iter().map(|(g, d)| named(&grade(*g), d)).collect(),
            months: Table::new(tally.months.by_name(), &tally.months, named),
            unreadable: reasons(&tally.unreadable),
            gaps: tally
                .gaps
                .iter()
                .map(|(gap, messages)| Reason {
                    name: gap.as_str(),
                    zh: words::gap(gap.as_str()),
                    en: gap.as_str(),
                    messages: *messages,
                })
                .collect(),
            types: Table::new(tally.types.sorted(), &tally.types, |name, counts| TypeRow {
                name: name.to_owned(),
                counts: *counts,
            }),
        }
    }
}

fn messages(tally: &Tally) -> Messages {
    Messages {
        total: tally.messages(),
        checked: tally.decisions.checked(),
        not_surgical: tally.decisions.not_surgical,
        repeated: tally.repeated,
        replies: tally.replies,
        scheduling_unmet: tally.scheduling_unmet,
        withdrawn: tally.withdrawn,
        without_time: tally.without_time,
        first_day: tally.first_day,
        last_day: tally.last_day,
    }
}

/// The rules that would refuse most messages.
fn costliest(rules: &[(&Rule, &OfRule)]) -> Vec<RuleRow> {
    let mut costly: Vec<_> = rules.iter().filter(|(_, figures)| figures.blocked > 0).collect();
    costly.sort_by_key(|(_, figures)| std::cmp::Reverse((figures.blocked, figures.blocked_alone)));
    costly.iter().take(COSTLIEST).map(|(rule, figures)| RuleRow::new(**rule, figures)).collect()
}

fn person(id: &str, person: &Person) -> PersonRow {
    PersonRow { id: id.to_owned(), names: person.names.sorted(), decisions: person.decisions }
}

fn unfound(ranked: &Ranked<Unfound>) -> Table<UnfoundRow> {
    Table::new(ranked.sorted(), ranked, |key, unfound| UnfoundRow {
        key: key.to_owned(),
        names: unfound.names.sorted(),
        cases: unfound.cases,
        blocked: unfound.blocked,
    })
}

fn reasons(counts: &std::collections::BTreeMap<&'static str, u64>) -> Vec<Reason> {
    let reason = |(name, messages): (&&'static str, &u64)| {
        let (zh, en) = words::reason(name);
        Reason { name, zh, en, messages: *messages }
    };
    let mut reasons: Vec<_> = counts.iter().map(reason).collect();
    reasons.sort_by_key(|reason| std::cmp::Reverse(reason.messages));
    reasons
}
