//! What an entry tells to people: how it is listed and found, and which override files it opens or acts on. One way,
//! live and when the index is built anew.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::domain::order::{Group, Order, Person as Named, Primary, Stage};
use crate::domain::rule::Rule;
use crate::domain::verdict::{Decision, Stance};
use crate::gate::attested_entry::INQUIRY;
use crate::gate::order_facts::OrderFacts;
use crate::ledger::{Entry, Kind, Place};
use crate::overrides::file::Attested;
use crate::overrides::{FileId, Opened, Opening, Person, Recorded};
use crate::search::{Row, Term};

/// What an entry tells.
pub struct Told {
    /// For the search index.
    pub row: Row,
    /// Which files it opens.
    pub opening: Option<Opening>,
    /// What it does to files, with the body it stands in.
    pub act: Option<(Recorded, String)>,
    /// How it is shown in lists; only decisions are.
    pub shown: Option<Shown>,
}

/// A decision as lists and the live page show it. It holds the patient's number: what is shown of it depends on the
/// page, and nothing of it is logged.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shown {
    /// The entry.
    pub entry: String,
    /// When it was decided.
    pub at: Timestamp,
    /// By which route it came.
    pub route: String,
    /// `order`, `notice` or `record`; absent where it could not be read.
    pub stage: Option<String>,
    /// `new`, `change`, `withdraw`, `other`.
    pub action: Option<String>,
    /// `elective`, `urgent`, `emergency`.
    pub urgency: Option<String>,
    /// What was decided.
    pub decision: String,
    /// `observe` or `enforce`.
    pub stance: String,
    /// The departments of its groups.
    pub departments: Vec<String>,
    /// The patient's number.
    pub patient: Option<String>,
    /// The numbers of its orders.
    pub orders: Vec<String>,
    /// The first operating time.
    pub operating_time: Option<String>,
    /// What could not be known.
    pub gaps: Vec<String>,
    /// One for each surgeon and procedure.
    pub cases: Vec<ShownCase>,
    /// A copy of a message that was forwarded before.
    pub copy: bool,
}

/// A case of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShownCase {
    /// The surgeon's staff number.
    pub surgeon: Option<String>,
    /// Their name.
    pub surgeon_name: Option<String>,
    /// The procedure's code.
    pub procedure: Option<String>,
    /// Its name.
    pub procedure_name: Option<String>,
    /// Its effective grade.
    pub grade: Option<u8>,
    /// What was found.
    pub findings: Vec<ShownFinding>,
}

/// A finding of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShownFinding {
    /// Which rule.
    pub rule: String,
    /// `block`, `flag`, `overridden`.
    pub effect: String,
}

impl Shown {
    /// The highest grade.
    pub fn grade(&self) -> Option<u8> {
        self.cases.iter().filter_map(|case| case.grade).max()
    }
}

#[derive(Deserialize)]
struct Body {
    facts: Option<KeptFacts>,
    policy: KeptPolicy,
    retransmission_of: Option<String>,
    route: String,
    verdict: KeptVerdict,
    without_ledger: Option<KeptWithout>,
}

#[derive(Deserialize)]
struct KeptPolicy {
    override_deadline_h: u32,
}

#[derive(Deserialize)]
struct KeptFacts {
    orders: Vec<OrderFacts>,
}

#[derive(Deserialize)]
struct KeptWithout {
    supersedes: Option<String>,
}

#[derive(Deserialize)]
struct KeptVerdict {
    action: Option<String>,
    cases: Vec<KeptCase>,
    decision: String,
    gaps: Vec<String>,
    operating_time: Option<String>,
    stage: Option<String>,
    stance: String,
    urgency: Option<String>,
}

#[derive(Deserialize)]
struct KeptCase {
    findings: Vec<ShownFinding>,
    procedure: KeptProcedure,
    surgeon: KeptSurgeon,
}

#[derive(Deserialize)]
struct KeptProcedure {
    code: Option<String>,
    grade: Option<u8>,
    name: Option<String>,
}

#[derive(Deserialize)]
struct KeptSurgeon {
    id: Option<String>,
    name: Option<String>,
}

/// What other kinds of entries tell of: members that have no say in their meaning are left out.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Other {
    account: Option<String>,
    by: Option<serde_json::Value>,
    entry: Option<String>,
}

/// What an entry tells; what this version does not understand is at least found by its kind.
pub fn told(entry: &Entry, place: &Place) -> Told {
    let id = entry.id.to_string();
    let mut row = Row {
        seq: entry.seq,
        entry: id.clone(),
        at: entry.time,
        kind: entry.kind.as_str(),
        file: place.file.clone(),
        offset: place.offset,
        terms: Vec::new(),
        summary: "{}".to_owned(),
    };
    let nothing = |row| Told { row, opening: None, act: None, shown: None };
    if entry.kind != Kind::Decision {
        row.terms = other_terms(entry);
        let read = || Recorded::read(&id, entry.seq, entry.time, entry.body());
        let act = if entry.kind == Kind::Override { read() } else { None };
        let act = act.map(|act| (act, entry.body().to_owned()));
        return Told { act, ..nothing(row) };
    }
    let Ok(body) = serde_json::from_str::<Body>(entry.body()) else { return nothing(row) };
    let facts = body.facts.iter().flat_map(|facts| &facts.orders);
    let orders: Vec<Order> = facts.filter_map(OrderFacts::restore).collect();
    let opening = opening(&id, entry.time, &body, &orders);
    let shown = shown(id, entry.time, body, &orders);
    row.terms = terms(&shown, &orders);
    row.summary = serde_json::to_string(&shown).unwrap_or_default();
    Told { row, opening: Some(opening), act: None, shown: Some(shown) }
}

/// An inquiry as its page shows it. Lists and searches of decisions know nothing of inquiries.
pub fn inquired(entry: &Entry) -> Option<Shown> {
    #[derive(Deserialize)]
    struct Asked {
        act: String,
    }
    let asked = (entry.kind == Kind::Access).then(|| serde_json::from_str::<Asked>(entry.body()));
    asked?.ok().filter(|asked| asked.act == INQUIRY)?;
    let body = serde_json::from_str::<Body>(entry.body()).ok()?;
    let facts = body.facts.iter().flat_map(|facts| &facts.orders);
    let orders: Vec<Order> = facts.filter_map(OrderFacts::restore).collect();
    Some(shown(entry.id.to_string(), entry.time, body, &orders))
}

fn other_terms(entry: &Entry) -> Vec<Term> {
    let other: Other = serde_json::from_str(entry.body()).unwrap_or_default();
    let mut terms: Vec<Term> = other.entry.map(Term::Of).into_iter().collect();
    if entry.kind != Kind::Delivery {
        terms.push(Term::Kind(entry.kind.as_str().to_owned()));
    }
    let by = other.by.as_ref().and_then(|by| by.get("account")).and_then(|by| by.as_str());
    terms.extend(other.account.or_else(|| by.map(str::to_owned)).map(Term::Account));
    terms
}

fn shown(entry: String, at: Timestamp, body: Body, orders: &[Order]) -> Shown {
    let verdict = body.verdict;
    let groups = || orders.iter().flat_map(|order| &order.groups);
    let case = |case: KeptCase| ShownCase {
        surgeon: case.surgeon.id,
        surgeon_name: case.surgeon.name,
        procedure: case.procedure.code,
        procedure_name: case.procedure.name,
        grade: case.procedure.grade,
        findings: case.findings,
    };
    let once = |texts: &mut dyn Iterator<Item = String>| {
        let mut out: Vec<String> = texts.collect();
        out.sort();
        out.dedup();
        out
    };
    let number = |group: &Group| group.order_no.as_ref().map(|no| no.reveal().trim().to_owned());
    let patient = orders.iter().find_map(|order| order.patient.as_ref());
    Shown {
        entry,
        at,
        route: body.route,
        stage: verdict.stage,
        action: verdict.action,
        urgency: verdict.urgency,
        decision: verdict.decision,
        stance: verdict.stance,
        departments: once(&mut groups().filter_map(|group| group.department.clone())),
        patient: patient.map(|patient| patient.reveal().trim().to_owned()),
        orders: once(&mut groups().filter_map(number)),
        operating_time: verdict.operating_time,
        gaps: verdict.gaps,
        cases: verdict.cases.into_iter().map(case).collect(),
        copy: body.retransmission_of.is_some(),
    }
}

fn terms(shown: &Shown, orders: &[Order]) -> Vec<Term> {
    let mut terms = vec![Term::Decision(shown.decision.clone()), Term::Route(shown.route.clone())];
    terms.extend(shown.stage.clone().map(Term::Stage));
    terms.extend(shown.departments.iter().cloned().map(Term::Department));
    terms.extend(shown.gaps.iter().cloned().map(Term::Rule));
    for case in &shown.cases {
        terms.extend(case.surgeon.clone().map(Term::Surgeon));
        terms.extend(case.procedure.clone().map(Term::Procedure));
        terms.extend(case.findings.iter().map(|finding| Term::Rule(finding.rule.clone())));
    }
    let day = shown.operating_time.as_deref().and_then(|time| time.get(..10));
    terms.extend(day.and_then(|day| day.parse().ok()).map(Term::Day));
    for order in orders {
        terms.extend(order.patient.clone().map(Term::Patient));
        for group in &order.groups {
            terms.extend(group.order_no.clone().map(Term::Order));
            let places = group.lines.iter().flat_map(|line| &line.coded);
            let codings = places.flat_map(|place| &place.codings);
            terms.extend(codings.map(|coding| Term::Procedure(coding.code.to_string())));
        }
    }
    terms.sort();
    terms.dedup();
    terms
}

/// One file for each case that passed as an emergency.
fn opening(entry: &str, at: Timestamp, body: &Body, orders: &[Order]) -> Opening {
    let supersedes = body.without_ledger.as_ref().and_then(|done| done.supersedes.clone());
    let verdict = &body.verdict;
    let acted = |stance: Stance| stance.acts_on(Decision::Override);
    let opens = verdict.decision == Decision::Override.as_str()
        && Stance::from_name(&verdict.stance).is_some_and(acted);
    let overridden =
        |case: &&KeptCase| case.findings.iter().any(|f| f.rule == Rule::EmergencyOverride.as_str());
    let surgeons: Vec<Person> = verdict.cases.iter().map(|case| surgeon(&case.surgeon)).collect();
    let numbered = (0_u32..).zip(&verdict.cases).filter(|(_, case)| opens && overridden(case));
    let files = numbered.map(|(nth, case)| {
        let (order, group) = group_of(case, orders).unzip();
        let rules = |effect: &'static str| {
            let found = case.findings.iter().filter(move |f| f.effect == effect);
            found.map(|f| f.rule.clone()).collect::<Vec<_>>()
        };
        Opened {
            id: FileId { entry: entry.to_owned(), case: nth },
            at,
            route: body.route.clone(),
            stage: verdict.stage.clone().unwrap_or_else(|| Stage::Order.as_str().to_owned()),
            surgeon: surgeon(&case.surgeon),
            surgeons: surgeons.clone(),
            procedure: case.procedure.code.clone(),
            procedure_name: case.procedure.name.clone(),
            grade: case.procedure.grade,
            department: group.and_then(|group| group.department.clone()),
            order_no: group.and_then(|group| group.order_no.clone()),
            patient: order.and_then(|order| order.patient.clone()),
            opened_by: group.and_then(|group| group.ordering_doctor.as_ref()).map(person),
            attested: group.and_then(|group| attested(group, at)),
            lifted: rules("overridden"),
            flagged: rules("flag"),
            deadline_h: body.policy.override_deadline_h,
        }
    });
    Opening { supersedes, copy_of: body.retransmission_of.clone(), files: files.collect() }
}

fn surgeon(kept: &KeptSurgeon) -> Person {
    Person { account: None, name: kept.name.clone(), staff: kept.id.clone() }
}

fn person(named: &Named) -> Person {
    let staff = named.id.as_ref().map(ToString::to_string);
    Person { account: None, name: named.full_name(), staff }
}

fn attested(group: &Group, at: Timestamp) -> Option<Attested> {
    let attestation = &group.attestation;
    let by = attestation.by.as_ref().map(|by| Person::said(by.as_str()));
    let reason = attestation.reason.clone();
    (by.is_some() || reason.is_some()).then_some(Attested { by, reason, at })
}

/// The group that a case is of. An entry does not say so: it is the first that names its surgeon and code, else the
/// first that names its surgeon, else the first.
fn group_of<'o>(case: &KeptCase, orders: &'o [Order]) -> Option<(&'o Order, &'o Group)> {
    let groups = || orders.iter().flat_map(|o| o.groups.iter().map(move |group| (o, group)));
    let operates = |group: &Group| {
        let named = group.lines.iter().filter_map(|line| match &line.primary {
            Primary::Named(persons) => Some(persons),
            Primary::Missing | Primary::Unclear(_) => None,
        });
        let ids = named.flatten().filter_map(|person| person.id.as_ref());
        let wanted = case.surgeon.id.as_deref();
        ids.into_iter().any(|id| Some(id.as_str()) == wanted)
    };
    let codes = |group: &Group| {
        let places = group.lines.iter().flat_map(|line| &line.coded);
        let wanted = case.procedure.code.as_deref();
        places.flat_map(|place| &place.codings).any(|c| Some(c.code.as_str()) == wanted)
    };
    groups()
        .find(|(_, group)| operates(group) && codes(group))
        .or_else(|| groups().find(|(_, group)| operates(group)))
        .or_else(|| groups().next())
}
