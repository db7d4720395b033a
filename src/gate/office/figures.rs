//! What supervision looks at (SG 27 29): figures, rules, reviews of overrides, restricted cases still to be reported.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use jiff::civil::Date;
use jiff::{Timestamp, Unit};

use crate::accounts::{Account, Permit};
use crate::cases::figures::{Cell, Figures};
use crate::cases::report::{Report, ReportState};
use crate::domain::rule::Rule;
use crate::gate::office::{Office, OfficeError};
use crate::overrides::{Act, Behind, OverrideFile, Sought, State};
use crate::search::{Query, Term};

/// Override files of one page of the index.
const PAGE: u32 = 500;
/// Override files that are looked at: more than a large hospital has in a year.
const FILES_MAX: usize = 20_000;
/// Pages of decisions that are counted by rule for an account that sees some departments only.
const PAGES_MAX: usize = 100;

/// How often a rule applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleCount {
    /// The rule.
    pub rule: String,
    /// Entries in which it applied.
    pub count: u64,
}

/// A surgeon's overrides, or all of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reviews {
    /// The surgeon, as written.
    pub name: String,
    /// Files opened.
    pub files: u64,
    /// Still open.
    pub open: u64,
    /// Open, and the deadline has passed.
    pub overdue: u64,
    /// Closed: it was an emergency.
    pub confirmed: u64,
    /// Closed: it was none.
    pub rejected: u64,
    /// Without a whole attestation.
    pub unattested: u64,
    /// Minutes from opening to review, of those that were reviewed; sorted.
    pub minutes: Vec<i64>,
}

impl Reviews {
    fn take(&mut self, file: &OverrideFile, now: Timestamp) {
        self.files += 1;
        match file.state {
            State::Open => {
                self.open += 1;
                self.overdue += u64::from(file.due <= now);
            }
            State::Confirmed => self.confirmed += 1,
            State::Rejected => self.rejected += 1,
        }
        self.unattested += u64::from(!file.attested.iter().any(|attested| attested.whole()));
        self.minutes.extend(minutes(file));
    }

    /// Half were reviewed within so many minutes.
    pub fn median(&self) -> Option<i64> {
        self.minutes.get(self.minutes.len() / 2).copied()
    }
}

/// From opening to the last review that counts.
fn minutes(file: &OverrideFile) -> Option<i64> {
    if file.state == State::Open {
        return None;
    }
    let reviews = file.history.iter().filter(|step| step.void.is_none());
    let reviews = reviews.filter(|step| matches!(step.recorded.act, Act::Reviewed { .. }));
    let at = reviews.map(|step| step.recorded.at).next_back()?;
    let span = file.opened.at.until((Unit::Minute, at)).ok()?;
    Some(span.get_minutes().max(0))
}

/// All overrides together, those of each surgeon, and whether there were more.
pub(super) type AllReviews = (Reviews, Vec<(String, Reviews)>, bool);

/// Figures of all departments, and when they were counted.
pub(super) type Counted = (Timestamp, BTreeMap<Cell, Figures>);

/// The last day that is asked for. Days that have not ended are one question, whatever the date: what was counted before
/// midnight is given after it, with the time of its counting, and nobody waits for a new count because the day is another.
fn end(to: Date, today: Date) -> Date {
    if to < today { to } else { Date::MAX }
}

/// Those that an account sees.
fn seen(account: &Account, all: &BTreeMap<Cell, Figures>) -> BTreeMap<Cell, Figures> {
    let own = all.iter().filter(|(cell, _)| account.scope.sees(cell.department.as_deref()));
    own.map(|(cell, figures)| (cell.clone(), *figures)).collect()
}

/// Everything that the page of supervision shows.
#[derive(Clone, Debug, Default)]
pub struct Supervised {
    /// When the figures were counted: what costs much is not counted for each who looks.
    pub counted: Timestamp,
    /// Figures by month, checkpoint, department, surgeon and grade.
    pub cells: BTreeMap<Cell, Figures>,
    /// Rules that applied, the most frequent first.
    pub rules: Vec<RuleCount>,
    /// All overrides together.
    pub reviews: Reviews,
    /// Surgeons by number of overrides, the most first, with their staff numbers.
    pub surgeons: Vec<(String, Reviews)>,
    /// Cases of restricted techniques still to be reported, the oldest first; of any day.
    pub outstanding: Vec<Report>,
    /// There was more than is counted: rules or override files are too few.
    pub cut: bool,
}

impl Office {
    /// Figures of the days `from ..= to`, of the departments that the account sees.
    ///
    /// # Errors
    /// The account's roles, or an index does not answer.
    pub async fn supervised(
        self: &Arc<Self>,
        account: &Account,
        (from, to): (Date, Date),
    ) -> Result<Supervised, OfficeError> {
        Self::permit(account, Permit::See)?;
        let zone = self.parts.gate.zone();
        let to = end(to, zone.to_datetime(self.now()).date());
        let office = Arc::clone(self);
        let count = async move { office.count((from, to)).await };
        let figures = self.figures.get((from, to), count).await?;
        let (counted, cells) = (figures.0, seen(account, &figures.1));
        let start = |day: Date| zone.to_timestamp(day.at(0, 0, 0, 0)).unwrap_or(Timestamp::MIN);
        let since = start(from);
        let until = to.tomorrow().map_or(Timestamp::MAX, start);
        let (rules, rules_cut) = self.rules(account, since, until).await?;
        let departments = account.scope.departments().map(<[String]>::to_vec);
        let (office, own) = (Arc::clone(self), departments.clone());
        let reviewed = async move { office.reviews(own, since, until).await };
        let reviewed = self.reviewed.get((departments, since, until), reviewed).await?;
        let (reviews, surgeons, files_cut) = AllReviews::clone(&reviewed);
        let outstanding = self.outstanding(account).await?;
        let cut = rules_cut || files_cut;
        Ok(Supervised { counted, cells, rules, reviews, surgeons, outstanding, cut })
    }

    /// The figures alone, as of now: for who takes them away.
    ///
    /// # Errors
    /// The account's roles, or the case index does not answer.
    pub async fn cells(
        &self,
        account: &Account,
        (from, to): (Date, Date),
    ) -> Result<BTreeMap<Cell, Figures>, OfficeError> {
        Self::permit(account, Permit::See)?;
        let (_, all) = self.count((from, to)).await?;
        Ok(seen(account, &all))
    }

    async fn count(&self, (from, to): (Date, Date)) -> Result<Counted, OfficeError> {
        let gate = &self.parts.gate;
        let (zone, due_days) = (gate.zone(), self.parts.works.due_days);
        let now = self.now();
        let today = zone.to_datetime(now).date();
        Ok((now, gate.cases().supervision(from, to, zone, today, due_days).await?))
    }

    async fn outstanding(&self, account: &Account) -> Result<Vec<Report>, OfficeError> {
        let gate = &self.parts.gate;
        let today = gate.zone().to_datetime(self.now()).date();
        let mut reports = gate.cases().reports(Timestamp::MIN).await?;
        reports.retain(|report| {
            let state = report.state(today, self.parts.works.due_days);
            matches!(state, ReportState::Open | ReportState::Overdue)
                && account.scope.sees(report.department.as_deref())
        });
        reports.sort_by(|a, b| (a.day, &a.entry).cmp(&(b.day, &b.entry)));
        Ok(reports)
    }

    /// Days until a case must be reported.
    pub fn due_days(&self) -> u32 {
        self.parts.works.due_days
    }

    async fn rules_of_all(
        &self,
        since: Timestamp,
        until: Timestamp,
    ) -> Result<HashMap<String, u64>, OfficeError> {
        let (search, mut counts) = (&self.parts.search, HashMap::new());
        for rule in Rule::ALL {
            let term = Term::Rule(rule.as_str().to_owned());
            let count = search.count(&term, since).await?;
            // What was counted since the end of the days is of no concern.
            let after = if count == 0 { 0 } else { search.count(&term, until).await? };
            counts.insert(rule.as_str().to_owned(), count.saturating_sub(after));
        }
        Ok(counts)
    }

    async fn rules(
        self: &Arc<Self>,
        account: &Account,
        since: Timestamp,
        until: Timestamp,
    ) -> Result<(Vec<RuleCount>, bool), OfficeError> {
        let mut counts: HashMap<String, u64> = HashMap::new();
        let mut cut = false;
        if account.scope.departments().is_none() {
            let office = Arc::clone(self);
            let count = async move { office.rules_of_all(since, until).await };
            let all = self.rules.get((since, until), count).await?;
            counts.clone_from(&all);
        } else {
            let mut query = Query { since: Some(since), until: Some(until), ..Query::default() };
            cut = true;
            for _ in 0..PAGES_MAX {
                let told = self.find(account, &query).await?;
                for shown in &told.decisions {
                    let found = shown.cases.iter().flat_map(|case| &case.findings);
                    let mut rules: Vec<&String> = found.map(|finding| &finding.rule).collect();
                    rules.sort();
                    rules.dedup();
                    rules.iter().for_each(|rule| *counts.entry((*rule).clone()).or_default() += 1);
                }
                query.before = told.next;
                if told.next.is_none() {
                    cut = false;
                    break;
                }
            }
        }
        let mut rules: Vec<RuleCount> = counts
            .into_iter()
            .filter(|(_, count)| *count > 0)
            .map(|(rule, count)| RuleCount { rule, count })
            .collect();
        rules.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.rule.cmp(&b.rule)));
        Ok((rules, cut))
    }

    async fn reviews(
        &self,
        departments: Option<Vec<String>>,
        since: Timestamp,
        until: Timestamp,
    ) -> Result<AllReviews, OfficeError> {
        let now = self.now();
        let mut all = Reviews::default();
        let mut by_surgeon: BTreeMap<String, Reviews> = BTreeMap::new();
        let mut sought =
            Sought { departments, before: Some(until), limit: PAGE, ..Sought::default() };
        let (mut looked, mut cut) = (0, false);
        loop {
            let files = self.parts.overrides.list(&sought).await?;
            let full = files.len() >= usize::try_from(PAGE).unwrap_or(usize::MAX);
            for file in files.iter().filter(|file| file.opened.at >= since) {
                all.take(file, now);
                let surgeon = &file.opened.surgeon;
                let number = surgeon.staff.clone().unwrap_or_default();
                let own = by_surgeon.entry(number).or_default();
                if own.name.is_empty() {
                    own.name = surgeon.name.clone().unwrap_or_default();
                }
                own.take(file, now);
            }
            looked += files.len();
            match files.last() {
                Some(last) if full && last.opened.at >= since => {
                    sought.behind = Some(Behind::file(last));
                    if looked >= FILES_MAX {
                        cut = true;
                        break;
                    }
                }
                _ => break,
            }
        }
        all.minutes.sort_unstable();
        let mut surgeons: Vec<(String, Reviews)> = by_surgeon.into_iter().collect();
        surgeons.iter_mut().for_each(|(_, own)| own.minutes.sort_unstable());
        surgeons.sort_by(|a, b| b.1.files.cmp(&a.1.files).then_with(|| a.0.cmp(&b.0)));
        Ok((all, surgeons, cut))
    }
}

#[cfg(test)]
mod tests {
    use jiff::ToSpan;

    use super::*;

    #[test]
    fn the_month_to_date_is_the_same_question_after_midnight_and_a_month_that_has_ended_is_another()
    {
        let evening = Date::constant(2026, 11, 26);
        let morning = evening + 1.day();
        assert_eq!(end(evening, evening), end(morning, morning));
        assert_eq!(end(morning, evening), end(evening, evening), "nothing is judged tomorrow yet");
        assert_eq!(end(evening, morning), evening, "a day that has ended ends the question");
    }
}
