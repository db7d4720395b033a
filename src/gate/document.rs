//! What was decided of a message → the documents of the case index. One way, live and from a ledger entry.

use std::collections::BTreeSet;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::cases::document::{Asked, Booked, Document, Judged, Outcome, ReportKind, Reportable};
use crate::domain::catalogue::Catalogue;
use crate::domain::order::{Action, Group, Line, Order, Person, Primary, Redacted, Stage, Urgency};
use crate::domain::procedure::{Grade, ProcedureCode};
use crate::domain::rule::Rule;
use crate::domain::surgeon::{Lookup, SurgeonId};
use crate::domain::verdict::{Decision, Effect, Verdict};
use crate::rules::People;

/// Minutes that a notice books where it gives no duration (rules.md §3.2 `surgeon-double-booked`).
pub const BOOKED_MIN: u32 = 60;

/// What was decided of a message, as far as its cases go.
#[derive(Clone, Debug)]
pub(super) struct Decided<'d> {
    pub(super) entry: &'d str,
    pub(super) at: Timestamp,
    /// Route and digest; `None` where the protocol has no message ids.
    pub(super) message: Option<String>,
    pub(super) supersedes: Option<&'d str>,
    pub(super) decision: Decision,
    pub(super) enforced: bool,
    pub(super) refused: bool,
    pub(super) cases: Vec<Judged>,
    /// Of which case, which technique.
    pub(super) reportable: Vec<ReportableCase>,
}

/// A technique that a case must be reported for, as an entry's `reportable` holds it.
#[derive(Clone, Debug, PartialEq, Eq, serde::Deserialize, serde::Serialize)]
pub struct ReportableCase {
    /// Which case of the verdict.
    pub case: usize,
    /// Whether it is on the city's watch list, else restricted.
    pub city_monitored: bool,
    /// The technique, as its list numbers it.
    pub technique: String,
}

/// What codes and persons of the message mean.
#[derive(Clone, Copy)]
pub(super) struct Known<'k> {
    pub(super) people: &'k People,
    pub(super) catalogue: &'k Catalogue,
    pub(super) zone: &'k TimeZone,
}

/// What the index asks of each case of a verdict.
pub(super) fn judged(verdict: &Verdict) -> Vec<Judged> {
    let case = |case: &crate::domain::verdict::CaseVerdict| {
        let findings = case.findings.iter();
        let told = findings.map(|f| (f.rule.as_str(), f.effect.as_str()));
        let (surgeon, procedure) = (case.surgeon.clone(), case.procedure.clone());
        judged_case(surgeon, procedure, case.grade, told)
    };
    verdict.cases.iter().map(case).collect()
}

/// One case, of its findings' rules and effects.
pub(super) fn judged_case<'f>(
    surgeon: Option<SurgeonId>,
    procedure: Option<ProcedureCode>,
    grade: Option<Grade>,
    findings: impl Iterator<Item = (&'f str, &'f str)>,
) -> Judged {
    let mut out = Judged {
        surgeon,
        procedure,
        grade,
        outcome: Outcome::Clean,
        unattested: false,
        restricted: false,
    };
    for (rule, effect) in findings {
        let outcome = if effect == Effect::Block.as_str() {
            Outcome::Blocked
        } else if rule == Rule::EmergencyOverride.as_str() {
            Outcome::Overridden
        } else {
            Outcome::Flagged
        };
        out.outcome = out.outcome.max(outcome);
        out.unattested |= rule == Rule::OverrideUnattested.as_str();
        out.restricted |= rule == "technique-restricted";
    }
    out
}

/// The documents of a decision: in each order, the groups of one number that want the same are one.
pub(super) fn documents(
    orders: &[Order],
    known: Known<'_>,
    decided: &Decided<'_>,
) -> Vec<Document> {
    let bundles = orders.iter().flat_map(|order| bundles(order).map(move |b| (order, b)));
    let bundles: Vec<(&Order, Vec<&Group>)> = bundles.collect();
    let mut out: Vec<Document> = (0_u32..)
        .zip(&bundles)
        .map(|(nth, (order, groups))| document(nth, order, groups, known, decided))
        .collect();
    let lines = bundles.iter().map(|(_, groups)| groups.iter().flat_map(|group| &group.lines));
    let expected: Vec<usize> =
        lines.map(|lines| lines.map(|line| pairs(line, known.catalogue)).sum()).collect();
    for (index, case) in decided.cases.iter().enumerate() {
        // An entry does not say which group a case is of, but cases stand in the order of the message:
        // of documents that name its surgeon and procedure, it is of the first that lacks one.
        let fits = |document: &Document| {
            let surgeon = case.surgeon.as_ref().is_none_or(|own| document.surgeons.contains(own));
            let code = |own| document.procedures.contains(own) || document.codes.contains(own);
            document.action.checked() && surgeon && case.procedure.as_ref().is_none_or(code)
        };
        let lacks = |(document, expected): (&Document, &usize)| {
            fits(document) && document.cases.len() < *expected
        };
        let place = out.iter().zip(&expected).position(lacks);
        let place = place.or_else(|| out.iter().position(fits)).unwrap_or(0);
        let Some(document) = out.get_mut(place) else { continue };
        document.grade = document.grade.max(case.grade);
        let techniques = decided.reportable.iter().filter(|r| r.case == index);
        document.reportable.extend(techniques.map(|reportable| Reportable {
            technique: reportable.technique.clone(),
            kind: if reportable.city_monitored {
                ReportKind::CityMonitored
            } else {
                ReportKind::Restricted
            },
            surgeon: case.surgeon.clone(),
            procedure: case.procedure.clone(),
        }));
        document.cases.push(case.clone());
    }
    out
}

/// What each group of an order asks the index, by group.
pub(super) fn asked(
    order: &Order,
    catalogue: &Catalogue,
    zone: &TimeZone,
    now: Timestamp,
) -> Vec<Asked> {
    let bundles: Vec<Vec<&Group>> = bundles(order).collect();
    let of = |group: &Group| {
        let own = bundles.iter().find(|b| b.iter().any(|other| std::ptr::eq(*other, group)));
        let lines: Vec<&Line> = own.into_iter().flatten().flat_map(|g| &g.lines).collect();
        let (day, _) = operating_day(order, &lines, zone, now);
        Asked {
            order_no: number(group),
            patient: order.patient.as_ref().and_then(trimmed),
            codes: codes(&lines, catalogue),
            day,
            emergency: order.urgency() == Urgency::Emergency,
            now,
        }
    };
    order.groups.iter().map(of).collect()
}

/// Groups of one number that want the same, in the order of the message.
fn bundles(order: &Order) -> impl Iterator<Item = Vec<&Group>> {
    let class = |group: &Group| match group.action {
        Action::New | Action::Change => 0,
        Action::Withdraw => 1,
        Action::Other => 2,
    };
    let mut out: Vec<Vec<&Group>> = Vec::new();
    for group in &order.groups {
        let same = |other: &&Group| number(other) == number(group) && class(other) == class(group);
        match out.iter_mut().find(|bundle| bundle.first().is_some_and(same)) {
            Some(bundle) => bundle.push(group),
            None => out.push(vec![group]),
        }
    }
    out.into_iter()
}

fn document(
    nth: u32,
    order: &Order,
    groups: &[&Group],
    known: Known<'_>,
    decided: &Decided<'_>,
) -> Document {
    let lines: Vec<&Line> = groups.iter().flat_map(|group| &group.lines).collect();
    let (day, timed) = operating_day(order, &lines, known.zone, decided.at);
    let first = groups.first();
    let action = first.map_or(Action::Other, |group| group.action);
    let books = order.stage == Stage::Notice && action.checked();
    let surgeons = lines.iter().flat_map(|line| surgeons(line, known.people));
    let surgeons: BTreeSet<SurgeonId> = surgeons.collect();
    let procedures = lines.iter().flat_map(|line| procedures(line, known.catalogue));
    let procedures: BTreeSet<ProcedureCode> = procedures.collect();
    let booked = lines.iter().filter(|_| books).flat_map(|line| booked(line, known.people));
    Document {
        entry: decided.entry.to_owned(),
        nth,
        at: decided.at,
        message: decided.message.clone(),
        supersedes: decided.supersedes.map(str::to_owned),
        stage: order.stage,
        action,
        decision: decided.decision,
        enforced: decided.enforced,
        refused: decided.refused,
        urgency: groups.iter().filter_map(|group| group.urgency).max(),
        order_no: first.and_then(|group| number(group)),
        patient: order.patient.as_ref().and_then(trimmed),
        day,
        timed,
        codes: codes(&lines, known.catalogue),
        procedures: procedures.into_iter().collect(),
        surgeons: surgeons.into_iter().collect(),
        grade: None,
        department: groups.iter().find_map(|group| group.department.clone()),
        bookings: booked.collect(),
        cases: Vec::new(),
        reportable: Vec::new(),
    }
}

fn number(group: &Group) -> Option<Redacted> {
    group.order_no.as_ref().and_then(trimmed)
}

/// Numbers are compared without blanks around them.
fn trimmed(text: &Redacted) -> Option<Redacted> {
    Redacted::new(text.reveal().trim())
}

/// The day of the first stated time, else that of the message, else of now; and whether it was stated.
fn operating_day(
    order: &Order,
    lines: &[&Line],
    zone: &TimeZone,
    now: Timestamp,
) -> (jiff::civil::Date, bool) {
    let stated = lines.iter().find_map(|line| line.times.first().copied());
    let time = stated.or(order.message_time).unwrap_or(now);
    (zone.to_datetime(time).date(), stated.is_some())
}

/// Every code, and the items they resolve to, each once.
fn codes(lines: &[&Line], catalogue: &Catalogue) -> Vec<ProcedureCode> {
    let codings = lines.iter().flat_map(|line| &line.coded).flat_map(|place| &place.codings);
    let mut out = BTreeSet::new();
    for coding in codings {
        out.extend(catalogue.resolve(&coding.code).map(|procedure| procedure.code.clone()));
        out.insert(coding.code.clone());
    }
    out.into_iter().collect()
}

/// The catalogue items of a line, one a place; else its first code.
pub(super) fn procedures(line: &Line, catalogue: &Catalogue) -> Vec<ProcedureCode> {
    let resolved = line.coded.iter().filter_map(|place| {
        let mut codings = place.codings.iter();
        codings.find_map(|coding| catalogue.resolve(&coding.code)).map(|p| p.code.clone())
    });
    let resolved: Vec<ProcedureCode> = resolved.collect();
    if !resolved.is_empty() {
        return resolved;
    }
    let first = line.coded.iter().find_map(|place| place.codings.first());
    first.map(|coding| coding.code.clone()).into_iter().collect()
}

/// How many cases a line is: surgeons by procedures, each at least one.
fn pairs(line: &Line, catalogue: &Catalogue) -> usize {
    let surgeons = match &line.primary {
        Primary::Named(persons) => persons.len(),
        Primary::Missing | Primary::Unclear(_) => 1,
    };
    let procedures: BTreeSet<ProcedureCode> = procedures(line, catalogue).into_iter().collect();
    surgeons.max(1) * procedures.len().max(1)
}

/// The primary surgeons of a line: by the register's id where it knows them, else by the message's.
pub(super) fn surgeons(line: &Line, people: &People) -> Vec<SurgeonId> {
    let id = |person: &Person| match person.key().map(|key| people.lookup(&key)) {
        Some(Lookup::Found(surgeon)) => Some(surgeon.id.clone()),
        _ => person.id.clone(),
    };
    match &line.primary {
        Primary::Named(persons) => persons.iter().filter_map(id).collect(),
        Primary::Missing | Primary::Unclear(_) => Vec::new(),
    }
}

/// From when to when a line takes its surgeons' time; `None` where it states none.
pub(super) fn span(line: &Line) -> Option<(Timestamp, Timestamp)> {
    let from = *line.times.first()?;
    let minutes = i64::from(line.duration_min.filter(|m| *m > 0).unwrap_or(BOOKED_MIN));
    Some((from, from.saturating_add(SignedDuration::from_mins(minutes)).unwrap_or(from)))
}

fn booked(line: &Line, people: &People) -> Vec<Booked> {
    let Some((from, to)) = span(line) else { return Vec::new() };
    surgeons(line, people).into_iter().map(|surgeon| Booked { surgeon, from, to }).collect()
}

/// Tells copies of one message; `None` where it has no id of its own, and the same bytes may mean anew.
pub(super) fn message_name(control_id: &str, route: &str, digest: &str) -> Option<String> {
    (!control_id.is_empty()).then(|| format!("{route} {digest}"))
}
