//! A decision entry → its alerts.

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use crate::domain::order::Redacted;
use crate::domain::rule::Rule;
use crate::domain::verdict::Decision;
use crate::feed::alert::kind::{AlertKind, Severity};
use crate::feed::alert::wording;
use crate::feed::alert::{Alert, Personal};
use crate::ledger::Entry;
use crate::rules::table::{Setting, row};

#[derive(Deserialize)]
pub(super) struct Body {
    #[serde(default)]
    control_id: String,
    facts: Option<Facts>,
    #[serde(default)]
    reportable: Vec<Reportable>,
    retransmission_of: Option<String>,
    #[serde(default)]
    route: String,
    unreadable: Option<String>,
    verdict: Box<RawValue>,
    without_ledger: Option<WithoutLedger>,
}

#[derive(Deserialize)]
struct Facts {
    orders: Vec<OrderFacts>,
}

#[derive(Deserialize)]
struct OrderFacts {
    encounter: Option<String>,
    groups: Vec<GroupFacts>,
    patient: Option<String>,
}

#[derive(Deserialize)]
struct GroupFacts {
    attested_by: Option<String>,
    attested_reason: Option<String>,
    department: Option<String>,
    order_no: Option<String>,
    ordering_doctor: Option<Named>,
    site: Option<String>,
}

#[derive(Deserialize, serde::Serialize, PartialEq)]
struct Named {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    name: Vec<String>,
}

#[derive(Deserialize)]
struct Reportable {
    technique: String,
}

#[derive(Deserialize)]
struct WithoutLedger {
    moved: bool,
    supersedes: Option<String>,
}

/// The verdict as an entry keeps it.
#[derive(Deserialize)]
pub(super) struct Verdict {
    pub(super) cases: Vec<Case>,
    decision: String,
    gaps: Vec<String>,
    pub(super) stage: Option<String>,
    stance: String,
}

#[derive(Deserialize)]
pub(super) struct Case {
    pub(super) findings: Vec<Finding>,
    pub(super) procedure: Procedure,
    pub(super) surgeon: Surgeon,
}

#[derive(Deserialize)]
pub(super) struct Procedure {
    pub(super) code: Option<String>,
    pub(super) grade: Option<u8>,
    pub(super) name: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct Surgeon {
    pub(super) id: Option<String>,
    pub(super) name: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct Finding {
    pub(super) effect: String,
    lifted: bool,
    pub(super) rule: String,
    pub(super) text_en: String,
    pub(super) text_zh: String,
}

impl Verdict {
    pub(super) fn findings(&self) -> impl Iterator<Item = &Finding> {
        self.cases.iter().flat_map(|case| &case.findings)
    }

    /// The first finding for which a test holds.
    fn first(&self, test: impl Fn(&Finding) -> bool) -> Option<&str> {
        self.findings().find(|finding| test(finding)).map(|finding| finding.rule.as_str())
    }
}

/// Reports are opened for these; they are alerts of their own.
fn of_a_list(finding: &Finding) -> bool {
    matches!(finding.rule.as_str(), "technique-restricted" | "technique-monitored")
}

/// At the record: it was done otherwise than ordered, or would have been refused before.
fn deviates(finding: &Finding) -> bool {
    let story = [
        Rule::OperatorChanged,
        Rule::ProcedureChanged,
        Rule::OrderNotFound,
        Rule::OrderRefused,
        Rule::UrgencyChanged,
    ];
    Rule::from_id(&finding.rule).is_some_and(|rule| {
        story.contains(&rule) || row(rule).defaults.first() == Some(&Setting::Block)
    })
}

/// At the record, of high severity (rules.md §3: B there means alert with high severity).
fn grave_at_record(finding: &Finding) -> bool {
    Rule::from_id(&finding.rule)
        .is_some_and(|rule| row(rule).defaults.last() == Some(&Setting::Block))
}

/// Enough of a body to know that there is nothing to tell, which is so of most.
#[derive(Deserialize)]
struct Glance<'b> {
    #[serde(default)]
    reportable: Vec<IgnoredAny>,
    #[serde(borrow)]
    verdict: GlanceVerdict<'b>,
}

#[derive(Deserialize)]
struct GlanceVerdict<'b> {
    decision: &'b str,
    gaps: Vec<IgnoredAny>,
}

impl Glance<'_> {
    fn tells_nothing(&self) -> bool {
        let quiet = Decision::from_name(self.verdict.decision) == Some(Decision::Forward);
        quiet && self.verdict.gaps.is_empty() && self.reportable.is_empty()
    }
}

pub(super) fn alerts(entry: &Entry) -> Vec<Alert> {
    if serde_json::from_str::<Glance<'_>>(entry.body()).is_ok_and(|glance| glance.tells_nothing()) {
        return Vec::new();
    }
    let Ok(body) = serde_json::from_str::<Body>(entry.body()) else { return Vec::new() };
    let Ok(verdict) = serde_json::from_str::<Verdict>(body.verdict.get()) else {
        return Vec::new();
    };
    let mut told = Vec::new();
    told.extend(main(&verdict, !body.reportable.is_empty()));
    if !body.reportable.is_empty() {
        let rule = verdict.first(of_a_list).unwrap_or("technique-restricted");
        told.push((AlertKind::RestrictedCase, Severity::Low, rule));
    }
    if let Some(gap) = verdict.gaps.first() {
        let grave = matches!(gap.as_str(), "ledger-unavailable" | "overloaded");
        let severity = if grave { Severity::High } else { Severity::Medium };
        told.push((AlertKind::Gap, severity, gap));
    }
    let about = |(kind, severity, rule)| alert(entry, &body, &verdict, kind, severity, rule);
    told.into_iter().map(about).collect()
}

/// What the decision as a whole is.
fn main(verdict: &Verdict, reported: bool) -> Option<(AlertKind, Severity, &str)> {
    let told = |finding: &Finding| !(reported && of_a_list(finding));
    match verdict.decision.as_str() {
        "block" => {
            let blocks = |finding: &Finding| finding.effect == "block";
            // What not even an emergency lifts is the gravest there is.
            let grave = verdict.first(|f| blocks(f) && !f.lifted).is_some();
            let severity = if grave { Severity::High } else { Severity::Medium };
            Some((AlertKind::OrderBlocked, severity, verdict.first(blocks)?))
        }
        "override" => {
            Some((AlertKind::OverrideOpened, Severity::High, Rule::EmergencyOverride.as_str()))
        }
        "forward-flagged" if verdict.stage.as_deref() == Some("record") => {
            let deviation = verdict.first(|f| told(f) && deviates(f));
            let grave = verdict.first(grave_at_record).is_some();
            let severity = if grave { Severity::High } else { Severity::Medium };
            let deviation = deviation.map(|rule| (AlertKind::RecordDeviation, severity, rule));
            let flagged = || verdict.first(told);
            deviation.or_else(|| Some((AlertKind::OrderFlagged, Severity::Low, flagged()?)))
        }
        "forward-flagged" => Some((AlertKind::OrderFlagged, Severity::Low, verdict.first(told)?)),
        _ => None,
    }
}

fn alert(
    entry: &Entry,
    body: &Body,
    verdict: &Verdict,
    kind: AlertKind,
    severity: Severity,
    rule: &str,
) -> Alert {
    let id = entry.id.to_string();
    let groups = body.groups();
    let mut departments: Vec<String> =
        groups.clone().filter_map(|g| g.department.clone()).collect();
    departments.sort_unstable();
    departments.dedup();
    let observed = verdict.stance == "observe";
    let passed = match verdict.stance.as_str() {
        "observe" => Some(("（观察，未拦截）", " (observed only)")),
        "bypass" => Some(("（旁路，未拦截）", " (bypassed, not stopped)")),
        _ => None,
    };
    let words = wording::Words { kind, verdict, departments: &departments, passed, rule };
    Alert {
        id: format!("{id}-{rule}"),
        kind,
        severity,
        time: entry.time,
        zh: words.chinese(),
        en: words.english(),
        subject: id,
        node: entry.node.clone(),
        departments,
        observed,
        rule: rule.to_owned(),
        data: body.data(kind),
        personal: body.personal(),
    }
}

impl Body {
    fn groups(&self) -> impl Iterator<Item = &GroupFacts> + Clone {
        let orders = self.facts.iter().flat_map(|facts| &facts.orders);
        orders.flat_map(|order| &order.groups)
    }

    fn data(&self, kind: AlertKind) -> Map<String, Value> {
        let mut data = Map::new();
        let mut put = |key: &str, value: Value| drop(data.insert(key.to_owned(), value));
        put("route", json!(self.route));
        put("control_id", json!(self.control_id));
        put("verdict", serde_json::from_str(self.verdict.get()).unwrap_or_default());
        let doctors = distinct(self.groups().filter_map(|group| group.ordering_doctor.as_ref()));
        if !doctors.is_empty() {
            put("ordering_doctors", json!(doctors));
        }
        let sites = distinct(self.groups().filter_map(|group| group.site.as_ref()));
        if !sites.is_empty() {
            put("sites", json!(sites));
        }
        if kind == AlertKind::OverrideOpened {
            let attested =
                |group: &GroupFacts| group.attested_by.is_some() && group.attested_reason.is_some();
            put("attested", json!(self.groups().any(attested)));
        }
        if kind == AlertKind::RestrictedCase {
            let techniques = distinct(self.reportable.iter().map(|one| &one.technique));
            put("techniques", json!(techniques));
        }
        if let Some(why) = &self.unreadable {
            put("unreadable", json!(why));
        }
        if let Some(before) = &self.retransmission_of {
            put("retransmission_of", json!(before));
        }
        if let Some(done) = &self.without_ledger {
            put(
                "unrecorded_at_first",
                json!({ "moved": done.moved, "supersedes": done.supersedes }),
            );
        }
        data
    }

    fn personal(&self) -> Personal {
        let orders = self.facts.iter().flat_map(|facts| &facts.orders);
        let (mut patients, mut encounters) = (
            orders.clone().filter_map(|order| order.patient.clone()),
            orders.filter_map(|order| order.encounter.clone()),
        );
        let numbers = distinct(self.groups().filter_map(|group| group.order_no.as_ref()));
        let reason = self.groups().find_map(|group| group.attested_reason.clone());
        Personal {
            patient: patients.find_map(Redacted::new),
            encounter: encounters.find_map(Redacted::new),
            orders: numbers.into_iter().filter_map(|number| Redacted::new(number.trim())).collect(),
            reason: reason.and_then(Redacted::new),
            what: None,
        }
    }
}

fn distinct<'d, T: PartialEq>(all: impl Iterator<Item = &'d T>) -> Vec<&'d T> {
    let mut out: Vec<&T> = Vec::new();
    for one in all {
        if !out.contains(&one) {
            out.push(one);
        }
    }
    out
}
