//! The gate with a real ledger and register in a temporary folder, and a disk that fails on demand.

mod bypass;
mod cases;
mod inquiries;
mod late;
mod units;

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use tempfile::TempDir;

use crate::cases::Cases;
use crate::clock::Clock;
use crate::domain::order::{
    Action, Attestation, CodedPlace, Coding, Group, Line, Order, Person, Primary, Redacted, Stage,
    Urgency,
};
use crate::domain::procedure::ProcedureCode;
use crate::domain::surgeon::SurgeonId;
use crate::domain::verdict::{Decision, Gap, Stance};
use crate::gate::bypass::Bypass;
use crate::gate::passage::Outcome;
use crate::gate::rederive::rederive;
use crate::gate::stance::RouteStance;
use crate::gate::terms::Terms;
use crate::gate::{Gate, Parts, Request, Subject};
use crate::ledger::store::{FileName, Files, Store};
use crate::ledger::{Entry, FileStore, Filter, Kind, Ledger};
use crate::register::Register;
use crate::register::import::policy::{InstitutionLevel, Policy as ImportPolicy};
use crate::register::import::{Request as ImportRequest, import, table};
use crate::register::source::Source;
use crate::register::sources::sql::SqlSource;
use crate::register::sources::sqlite;
use crate::register::sources::sqlite::Keeping;
use crate::rules::Policy;
use crate::telemetry::trace::{Trace, Tracer};

const CATALOGUE: &str = "code,name,grade,aliases\n51.2300,腹腔镜下胆囊切除术,3,LC\n";
const SURGEONS: &str = "surgeon_id,name\nD1,甲\nD2,乙\n";
const GRANTS: &str = "surgeon_id,code,document_no\nD1,51.2300,院字1号\n";

/// A ledger store on real files that fails while told to.
struct Flaky(FileStore, Arc<AtomicBool>);

impl Flaky {
    fn check(&self) -> io::Result<()> {
        if self.1.load(Ordering::SeqCst) { Err(io::Error::other("no disk")) } else { Ok(()) }
    }
}

impl Store for Flaky {
    fn files(&self) -> Arc<dyn Files> {
        self.0.files()
    }
    fn rotate(&mut self, file: FileName) -> io::Result<()> {
        self.check()?;
        self.0.rotate(file)
    }
    fn resume(&mut self, file: FileName) -> io::Result<()> {
        self.check()?;
        self.0.resume(file)
    }
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.check()?;
        self.0.append(bytes)
    }
    fn sync(&mut self) -> io::Result<()> {
        self.check()?;
        self.0.sync()
    }
    fn cut(&mut self, length: u64) -> io::Result<()> {
        self.check()?;
        self.0.cut(length)
    }
    fn remove(&mut self, file: FileName) -> io::Result<()> {
        self.check()?;
        self.0.remove(file)
    }
    fn sync_time(&mut self) -> io::Result<Duration> {
        self.0.sync_time()
    }
}

struct Bench {
    folder: TempDir,
    gate: Arc<Gate>,
    ledger: Ledger,
    broken: Arc<AtomicBool>,
}

fn now() -> Timestamp {
    "2026-03-02T00:00:00Z".parse().unwrap()
}

async fn fill(folder: &Path, grants: &str) {
    let mut files = Vec::new();
    for (name, text) in [("catalogue", CATALOGUE), ("surgeons", SURGEONS), ("grants", grants)] {
        let path = folder.join(name).with_extension("csv");
        std::fs::write(&path, text).unwrap();
        files.push((table(name).unwrap(), path));
    }
    let policy =
        ImportPolicy { institution_level: InstitutionLevel::Tertiary, zone: TimeZone::UTC };
    let request =
        ImportRequest { files, merge: false, dry_run: false, who: "t".into(), at: now(), policy };
    let source = sqlite::open(&folder.join("register.db")).await.unwrap();
    import(&source, &request).await.unwrap();
    source.close().await;
}

async fn bench() -> Bench {
    bench_by(Policy::default()).await
}

async fn bench_by(policy: Policy) -> Bench {
    bench_of(policy, |source| Arc::new(source)).await
}

async fn bench_of(policy: Policy, of: impl FnOnce(SqlSource) -> Arc<dyn Source>) -> Bench {
    let folder = tempfile::tempdir().unwrap();
    fill(folder.path(), GRANTS).await;
    let zone = TimeZone::get("Asia/Shanghai").unwrap();
    let clock = Clock::Fixed(now());
    let broken = Arc::new(AtomicBool::new(false));
    let store = Flaky(FileStore::open(folder.path()).unwrap(), Arc::clone(&broken));
    let config = crate::ledger::Config {
        retry: Duration::from_millis(20),
        ..crate::ledger::Config::new("t", zone.clone())
    };
    let (ledger, _) = Ledger::open(store, config, clock).unwrap();
    let source = sqlite::open(&folder.path().join("register.db")).await.unwrap();
    let register = Register::open(crate::register::Config::default(), of(source)).await.unwrap();
    let pool = sqlite::connect(&folder.path().join("cases.db"), Keeping::Whole).await.unwrap();
    // Nothing is written behind while a test looks at what waits.
    let gather = std::time::Duration::from_secs(3600);
    let config = crate::cases::Config { gather, ..crate::cases::Config::embedded("t") };
    let cases = Cases::open(pool, config).await.unwrap();
    let gate = Gate::new(Parts {
        register,
        cases,
        ledger: ledger.clone(),
        terms: Arc::new(Terms::new(policy, 4096)),
        zone,
        clock,
        sync_every: true,
        tracer: Tracer::off(),
    });
    let longest = jiff::SignedDuration::from_hours(12);
    let gate = gate.with(Bypass::restore(&folder.path().join("bypass.json"), longest, now()));
    Bench { folder, gate: Arc::new(gate), ledger, broken }
}

impl Bench {
    async fn entries(&self) -> Vec<Entry> {
        self.ledger.close().await;
        let filter = Filter { kinds: vec![Kind::Decision], ..Filter::default() };
        let folder = self.folder.path().join("ledger");
        crate::ledger::entries(&folder, filter).unwrap().map(Result::unwrap).collect()
    }
}

fn order(surgeon: &str, urgency: Option<Urgency>, action: Action) -> Order {
    let coding = Coding {
        code: ProcedureCode::new("LC").unwrap(),
        system: Some("L".to_owned()),
        display: Some("胆囊\"切除\"".to_owned()),
    };
    let person = Person { id: SurgeonId::new(surgeon), name: vec!["甲".to_owned()], place: None };
    let line = Line {
        coded: vec![CodedPlace { codings: vec![coding], place: None }],
        name: None,
        primary: Primary::Named(vec![person]),
        team: Vec::new(),
        stated_grade: None,
        times: vec!["2026-03-05T00:30:00Z".parse().unwrap()],
        duration_min: Some(60),
        place: None,
    };
    Order {
        stage: Stage::Order,
        message_time: Some(now()),
        patient: Redacted::new("P1"),
        encounter: None,
        diagnoses: Redacted::new("K80.1").into_iter().collect(),
        groups: vec![Group {
            action,
            urgency,
            order_no: Redacted::new("N1"),
            department: Some("普外科".to_owned()),
            site: None,
            ordering_doctor: None,
            attestation: Attestation {
                reason: Redacted::new("失血性休克"),
                by: SurgeonId::new("D2"),
            },
            discussion: None,
            consent: None,
            lines: vec![line],
            time_unreadable: false,
        }],
    }
}

fn request(message: &'static str, subject: Subject, stance: Stance) -> Request {
    Request {
        route: "r".into(),
        stance: Arc::new(RouteStance { stance, departments: Vec::new() }),
        mapping: "m".into(),
        message: Bytes::from_static(message.as_bytes()),
        control_id: "C1".to_owned(),
        read_elsewhere: Vec::new(),
        sender: None,
        trace: Trace::off(),
        terms: Arc::new(Terms::new(Policy::default(), 4096)),
        subject,
        register_usable: true,
        answer: Box::new(|verdict, entry| {
            let gaps: Vec<&str> = verdict.gaps.iter().map(|gap| gap.as_str()).collect();
            Some(Bytes::from(format!("{} {entry} {}", verdict.decision.as_str(), gaps.join(" "))))
        }),
    }
}

fn checked(message: &'static str, order: Order) -> Request {
    request(message, Subject::Orders(vec![order]), Stance::Enforce)
}

fn decision(outcome: &Outcome) -> Decision {
    match outcome {
        Outcome::Forward(passage) => passage.verdict().unwrap().decision,
        Outcome::Refuse(refusal) => refusal.verdict.as_ref().unwrap().decision,
    }
}

#[tokio::test]
async fn every_entry_is_canonical_and_its_verdict_can_be_derived_again() {
    let bench = bench().await;
    let good = order("D1", None, Action::New);
    let bad = order("D2", Some(Urgency::Urgent), Action::Change);
    let emergency = order("D2", Some(Urgency::Emergency), Action::New);
    let unknown = order("D9", None, Action::New);
    let withdrawn = order("D2", None, Action::Withdraw);
    let mut named = order("D1", None, Action::New);
    named.groups[0].lines[0].primary =
        Primary::Named(vec![Person { id: None, name: vec!["乙".to_owned()], place: None }]);
    let expected = [
        (checked("1", good.clone()), Decision::Forward),
        (checked("2", bad.clone()), Decision::Block),
        (checked("3", emergency.clone()), Decision::Override),
        (checked("4", unknown), Decision::Block),
        (checked("5", withdrawn), Decision::Forward),
        (checked("6", named), Decision::Block),
        (request("7", Subject::Orders(vec![good, bad]), Stance::Enforce), Decision::Block),
        (request("8", Subject::Orders(vec![emergency]), Stance::Observe), Decision::Override),
    ];
    for (request, wanted) in expected {
        assert_eq!(decision(&bench.gate.pass(request).await), wanted);
    }
    let entries = bench.entries().await;
    assert_eq!(entries.len(), 8);
    for entry in entries {
        let value: serde_json::Value = serde_json::from_str(entry.body()).unwrap();
        assert_eq!(crate::ledger::canonical(&value).unwrap(), entry.body());
        assert_ne!(entry.body(), "{}");
        let again = rederive(entry.body(), &entry.id.to_string()).unwrap();
        assert!(again.same(), "{}\n{}", again.recorded, again.derived);
    }
}

#[tokio::test]
async fn with_the_ledger_down_emergencies_withdrawals_and_observed_messages_pass_and_are_entered_later()
 {
    let bench = bench().await;
    bench.broken.store(true, Ordering::SeqCst);
    let elective = bench.gate.pass(checked("1", order("D1", None, Action::New))).await;
    let Outcome::Refuse(refusal) = elective else { panic!("an unrecorded elective order passed") };
    let verdict = refusal.verdict.unwrap();
    assert_eq!(verdict.decision, Decision::Unavailable);
    assert_eq!(verdict.gaps, [Gap::LedgerUnavailable]);
    assert!(refusal.answer.unwrap().starts_with(b"unavailable"));

    assert!(!bench.gate.memory().knows_order("N1"), "what was refused for the ledger is no order");
    let emergency = order("D1", Some(Urgency::Emergency), Action::New);
    let mut late = Vec::new();
    for request in [
        checked("2", emergency),
        checked("3", order("D1", None, Action::Withdraw)),
        request("4", Subject::Orders(vec![order("D2", None, Action::New)]), Stance::Observe),
    ] {
        let Outcome::Forward(passage) = bench.gate.pass(request).await else {
            panic!("what may not wait for the ledger was held")
        };
        assert!(passage.is_unrecorded());
        assert_eq!(passage.entry(), None);
        late.extend(passage.told_under());
    }
    assert!(bench.gate.memory().knows_order("N1"), "a notice of it is surgical, recorded or not");
    // A block stays a block: a refused emergency is not let through because the disk failed.
    let stopped = order("D9", None, Action::New);
    assert_eq!(decision(&bench.gate.pass(checked("5", stopped)).await), Decision::Block);

    bench.broken.store(false, Ordering::SeqCst);
    while !bench.gate.ledger_writes() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let entries = bench.entries().await;
    assert!(late.iter().all(|id| entries.iter().any(|entry| entry.id == *id)) && late.len() == 3);
    let unrecorded = entries.iter().filter(|entry| entry.body().contains("ledger-unavailable"));
    assert_eq!(entries.len(), 5);
    assert_eq!(unrecorded.count(), 5, "each says that it moved or was refused without an entry");
}

#[tokio::test]
async fn a_refused_message_sent_again_gets_the_same_answer_and_no_second_entry() {
    let bench = bench().await;
    let bad = || checked("same bytes", order("D2", None, Action::New));
    let Outcome::Refuse(first) = bench.gate.pass(bad()).await else { panic!("passed") };
    let Outcome::Refuse(again) = bench.gate.pass(bad()).await else { panic!("passed") };
    assert_eq!(first.answer, again.answer);
    let other = request(
        "same bytes",
        Subject::Orders(vec![order("D2", None, Action::New)]),
        Stance::Enforce,
    );
    let other = Request { route: "other route".into(), ..other };
    let Outcome::Refuse(other) = bench.gate.pass(other).await else { panic!("passed") };
    assert_ne!(first.answer, other.answer);

    // A grant given meanwhile counts at once.
    fill(bench.folder.path(), &format!("{GRANTS}D2,51.2300,院字2号\n")).await;
    bench.gate.register().catch_up().await.unwrap();
    assert!(matches!(bench.gate.pass(bad()).await, Outcome::Forward(_)));
    // What was forwarded is forwarded again, and marked.
    assert!(matches!(bench.gate.pass(bad()).await, Outcome::Forward(_)));
    let entries = bench.entries().await;
    assert_eq!(entries.len(), 4);
    let marked = format!("\"retransmission_of\":\"{}\"", entries[2].id);
    assert!(entries[3].body().contains(&marked));
}

#[tokio::test]
async fn a_message_that_cannot_be_read_is_refused_unless_it_is_a_record_or_only_observed() {
    let bench = bench().await;
    let unreadable = |stage| Subject::Unreadable { why: "segment-name", stage };
    let cases = [
        (Some(Stage::Order), Stance::Enforce, true),
        (None, Stance::Enforce, true),
        (Some(Stage::Record), Stance::Enforce, false),
        (Some(Stage::Notice), Stance::Observe, false),
    ];
    for (index, (stage, stance, refused)) in cases.into_iter().enumerate() {
        let message = ["a", "b", "c", "d"][index];
        let outcome = bench.gate.pass(request(message, unreadable(stage), stance)).await;
        assert_eq!(matches!(outcome, Outcome::Refuse(_)), refused, "{stage:?} {stance:?}");
    }
}

#[test]
fn nothing_of_the_patient_prints() {
    let text = format!("{:?}", order("D1", None, Action::New));
    assert!(!text.contains("P1") && !text.contains("K80.1") && !text.contains("休克"), "{text}");
}
