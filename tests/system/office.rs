//! What people do behind a running gate: override files reviewed, privileges suspended, entries found, looks recorded.

use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use orgate::accounts::{Role, Scope};
use orgate::domain::order::Redacted;
use orgate::domain::procedure::ProcedureCode;
use orgate::domain::verdict::Stance;
use orgate::gate::office::{Look, Office, OfficeError, Wanted};
use orgate::gate::stance::RouteStance;
use orgate::overrides::{Conclusion, OverrideFile, Refused, Sought, State, Target};
use orgate::register::change::{Subject, Turn};
use orgate::search::{Query, Term};
use serde_json::Value;
use tokio::runtime::Runtime;

use crate::support::client::Client;
use crate::support::eventually;
use crate::support::gate::Hospital;
use crate::support::in_process::FixedGate;
use crate::support::ledger::of_kind;
use crate::support::message::Draft;
use crate::support::reply::code;
use crate::support::upstream::Upstream;

fn account(name: &str, staff: &str, roles: &[Role]) -> orgate::accounts::Account {
    orgate::accounts::Account {
        name: name.to_owned(),
        display: format!("样例{staff}"),
        staff: Some(staff.to_owned()),
        roles: roles.to_vec(),
        scope: Scope::All,
        status: orgate::accounts::Status::Active,
        vendor: false,
        expires: None,
        must_change: false,
        locked_until: None,
        subject: None,
        created: jiff::Timestamp::UNIX_EPOCH,
        created_by: "root".to_owned(),
        last_login: None,
    }
}

/// A gate in this process, and its office.
pub(crate) struct House {
    gate: FixedGate,
    _upstream: Upstream,
}

impl House {
    pub(crate) fn new(settings: &str, console: &str) -> Self {
        let upstream = Upstream::accepting();
        let hospital = Hospital::new().set(settings).console(console);
        let hospital = hospital.route("his", upstream.address, &[]);
        Self { gate: FixedGate::start_now(hospital), _upstream: upstream }
    }

    fn client(&self) -> Client {
        Client::connect(self.gate.route("his"))
    }

    pub(crate) fn office(&self) -> (&Runtime, &Arc<Office>) {
        self.gate.office()
    }

    /// The files there are, once there are so many.
    fn files(&self, count: usize) -> Vec<OverrideFile> {
        let (runtime, office) = self.office();
        eventually("override files", || {
            let found = runtime.block_on(office.overrides().list(&Sought::default()));
            Some(found.expect("the index answers")).filter(|found| found.len() == count)
        })
    }

    pub(crate) fn entries(&self, kind: &str) -> Vec<Value> {
        of_kind(&self.gate.data(), kind)
    }
}

#[test]
fn an_override_is_closed_by_a_second_person_and_a_rejection_suspends_in_the_same_act() {
    let house = House::new("", "");
    let mut client = house.client();
    // D1002 holds a grant for 51.2300; 52.7x00 he does as an emergency.
    let draft = Draft { surgeon: "D1002^沈若川", ..Draft::emergency("O1") };
    assert_eq!(code(&client.ask(&draft.bytes())), "AA");
    // A copy of the same message opens no second file.
    assert_eq!(code(&client.ask(&draft.bytes())), "AA");
    let [file] = house.files(1).try_into().expect("one file");
    let id = file.opened.id.clone();
    assert_eq!(file.opened.surgeon.staff.as_deref(), Some("D1002"));
    assert_eq!(file.opened.department.as_deref(), Some("0301"));
    assert!(!file.is_attested() && file.opened.lifted.contains(&"grant-missing".to_owned()));
    let (runtime, office) = house.office();
    let review = |by, conclusion, reason, suspend| {
        runtime.block_on(office.review(by, &id, conclusion, reason, suspend))
    };
    let own = account("shen", "D1002", &[Role::Reviewer]);
    let second = account("wang", "D9001", &[Role::Reviewer]);
    let viewer = account("li", "D9002", &[Role::Viewer]);
    let refused = review(&own, Conclusion::Confirmed, "属实", None);
    assert!(matches!(refused, Err(OfficeError::Refused(Refused::Surgeon))), "{refused:?}");
    let refused = review(&second, Conclusion::Confirmed, "  ", None);
    assert!(matches!(refused, Err(OfficeError::Refused(Refused::NoReason))), "{refused:?}");
    let refused = review(&viewer, Conclusion::Confirmed, "属实", None);
    assert!(matches!(refused, Err(OfficeError::Forbidden(_))), "{refused:?}");
    // He holds no grant for it that could be suspended; he himself can be.
    let refused = review(&second, Conclusion::Rejected, "并非急诊", Some(Target::Grant));
    assert!(matches!(refused, Err(OfficeError::Register(_))), "{refused:?}");
    assert!(house.entries("override").is_empty(), "what is refused leaves no entry");
    let done = review(&second, Conclusion::Rejected, "并非急诊", Some(Target::Surgeon));
    let done = done.expect("a second person may");
    assert_eq!(done.file.state, State::Rejected);
    assert!(matches!(done.suspended, Some(Ok(_))), "{:?}", done.suspended);
    // The next order of his is refused, though he holds the grant.
    let next = Draft::clean("O2");
    assert_eq!(code(&client.ask(&next.bytes())), "AE");
    let [entry] = house.entries("override").try_into().expect("one act");
    assert_eq!(entry["body"]["act"], "reviewed");
    assert_eq!(entry["body"]["by"]["account"], "wang");
    assert_eq!(entry["body"]["suspend"]["of"], "surgeon");
    let suspension = eventually("the register entry", || {
        let found = house.entries("register");
        found
            .into_iter()
            .find(|e| e["body"]["what"].as_str().is_some_and(|w| w.contains("suspend")))
    });
    assert!(suspension["body"]["who"].as_str().expect("who").contains("wang"));
    // What a reviewer wrote may be of a patient: it stays with the file.
    assert!(!suspension.to_string().contains("并非急诊"), "{suspension}");
    // Reopened with a reason, by somebody who then may not review it.
    let reopened = runtime.block_on(office.reopen(&second, &id, "补充病历")).expect("reopened");
    assert_eq!(reopened.state, State::Open);
    let refused = review(&second, Conclusion::Confirmed, "属实", None);
    assert!(matches!(refused, Err(OfficeError::Refused(Refused::Opener))), "{refused:?}");
    let third = account("zhao", "D9003", &[Role::Reviewer]);
    assert!(review(&third, Conclusion::Confirmed, "属实", None).is_ok());
}

#[test]
fn a_suspension_that_was_entered_and_not_made_is_made_after_the_next_start() {
    let mut house = House::new("", "");
    let draft = Draft { surgeon: "D1002^沈若川", ..Draft::emergency("X1") };
    assert_eq!(code(&house.client().ask(&draft.bytes())), "AA");
    let [file] = house.files(1).try_into().expect("one file");
    let id = file.opened.id.clone();
    let register = house.gate.data().join("register.db");
    let second = account("wang", "D9001", &[Role::Reviewer]);
    // As if the machine had stopped between the two: the ledger has the review, the register is as it was before.
    house.gate.stop();
    let before = std::fs::read(&register).expect("the register");
    house.gate.restart_now();
    let (runtime, office) = house.office();
    let target = Some(Target::Surgeon);
    let review = office.review(&second, &id, Conclusion::Rejected, "并非急诊", target);
    let done = runtime.block_on(review).expect("a second person may");
    assert!(matches!(done.suspended, Some(Ok(_))), "{:?}", done.suspended);
    house.gate.stop();
    std::fs::write(&register, before).expect("the register of before");
    house.gate.restart_now();
    let mut turn = 0;
    eventually("the surgeon's orders are refused", || {
        turn += 1;
        let order = Draft::clean(format!("X{turn}-2"));
        (code(&house.client().ask(&order.bytes())) == "AE").then_some(())
    });
    // Resumed by a person, it stays so: what was made is not made again.
    let registrar = account("zhou", "D9004", &[Role::Registrar]);
    let (runtime, office) = house.office();
    let resume =
        office.turn(&registrar, Subject::Surgeon("D1002".to_owned()), Turn::Resume, "复训合格");
    runtime.block_on(resume).expect("it was suspended");
    house.gate.restart_now();
    let (runtime, office) = house.office();
    assert_eq!(runtime.block_on(office.suspend_outstanding()).expect("it answers"), 0);
    assert_eq!(code(&house.client().ask(&Draft::clean("X9-3").bytes())), "AA");
}

#[test]
fn a_suspended_grant_refuses_the_next_order_and_a_resumed_one_lets_it_pass() {
    let house = House::new("", "");
    let mut client = house.client();
    assert_eq!(code(&client.ask(&Draft::clean("G1").bytes())), "AA");
    let (runtime, office) = house.office();
    let registrar = account("zhou", "D9004", &[Role::Registrar]);
    let subject = Subject::Grants {
        surgeon: "D1002".to_owned(),
        code: ProcedureCode::new("51.2300").expect("a code"),
    };
    let turn = |by, way| runtime.block_on(office.turn(by, subject.clone(), way, "并发症率超标"));
    let viewer = account("li", "D9002", &[Role::Viewer, Role::Reviewer]);
    assert!(matches!(turn(&viewer, Turn::Suspend), Err(OfficeError::Forbidden(_))));
    turn(&registrar, Turn::Suspend).expect("suspended");
    assert_eq!(code(&client.ask(&Draft::clean("G2").bytes())), "AE");
    turn(&registrar, Turn::Resume).expect("resumed");
    assert_eq!(code(&client.ask(&Draft::clean("G3").bytes())), "AA");
}

#[test]
fn entries_are_found_by_whatever_they_bear_and_a_look_is_recorded() {
    let house = House::new("[policy]\n[[policy.escalation]]\nafter_h = 0\nto = [\"医务科\"]\n", "");
    let mut client = house.client();
    let odd =
        Draft {
            patient: "P26·样例^^^XYYY||赵样例", department: "0302", ..Draft::refused("S2")
        };
    for draft in [Draft::clean("S1"), odd] {
        client.ask(&draft.bytes());
    }
    let (runtime, office) = house.office();
    let viewer = account("li", "D9002", &[Role::Viewer]);
    let find = |terms: Vec<Term>| {
        let query = Query { terms, ..Query::default() };
        runtime.block_on(office.find(&viewer, &query)).expect("the index answers").decisions
    };
    eventually("both are indexed", || (find(Vec::new()).len() == 2).then_some(()));
    let patient = Term::Patient(Redacted::new("P26·样例").expect("a number"));
    for terms in [
        vec![patient.clone()],
        vec![Term::Order(Redacted::new("SQS2").expect("a number"))],
        vec![Term::Surgeon("D1005".to_owned())],
        vec![Term::Procedure("52.7x00".to_owned()), Term::Rule("grant-missing".to_owned())],
        vec![Term::Decision("block".to_owned()), Term::Route("his".to_owned())],
        vec![Term::Department("0302".to_owned())],
    ] {
        let found = find(terms.clone());
        assert_eq!(found.len(), 1, "{terms:?}");
        assert_eq!(found[0].patient.as_deref(), Some("P26·样例"));
    }
    assert!(find(vec![patient, Term::Surgeon("D1002".to_owned())]).is_empty());
    let limited = orgate::accounts::Account {
        scope: Scope::Departments(vec!["0301".to_owned()]),
        ..viewer.clone()
    };
    let all = runtime.block_on(office.find(&limited, &Query::default())).expect("found");
    assert_eq!(all.decisions.len(), 1);
    let other = find(vec![Term::Department("0302".to_owned())]).remove(0).entry;
    let hidden = runtime.block_on(office.open(&limited, &other));
    assert!(matches!(hidden, Err(OfficeError::Unknown)));
    let look = Look {
        act: "viewed",
        what: "case",
        entry: Some(other.clone()),
        patients: vec!["P26·样例".to_owned()],
        purpose: "复核".to_owned(),
    };
    runtime.block_on(office.looked(&viewer, &look)).expect("recorded");
    let opened = eventually("the look is indexed", || {
        let opened = runtime.block_on(office.open(&viewer, &other)).expect("opened");
        (!opened.of.is_empty()).then_some(opened)
    });
    assert_eq!(opened.entry.id.to_string(), other);
    assert!(opened.of.iter().any(|entry| entry.body().contains("复核")));
}

#[test]
fn the_indexes_are_built_anew_from_the_ledger_with_every_file_as_it_stood() {
    let upstream = Upstream::accepting();
    let hospital = Hospital::new().route("his", upstream.address, &[]);
    let data = hospital.data();
    let mut gate = hospital.start();
    gate.connect().ask(&Draft::emergency("R1").bytes());
    gate.stop();
    let configuration = hospital.path("orgate.toml");
    let settings = || orgate::config::load(&configuration).expect("a good configuration");
    let runtime = Runtime::new().expect("a runtime");
    let files = |what: &str| {
        let opened = runtime.block_on(orgate::app::open_search(&settings()));
        let (search, overrides) = opened.unwrap_or_else(|error| panic!("{what}: {error}"));
        let files = runtime.block_on(overrides.list(&Sought::default())).expect("listed");
        let found = runtime.block_on(search.find(&Query::default())).expect("found");
        runtime.block_on(search.close());
        (files, found.found.len())
    };
    for file in ["search.db", "search.db-wal", "search.db-shm"] {
        let _ = std::fs::remove_file(data.join(file));
    }
    assert_eq!(files("before").1, 0);
    let rebuilt = hospital.run(&["ledger", "reindex"]);
    assert!(rebuilt.status.success(), "{}", crate::support::gate::text(&rebuilt.stderr));
    let (files, found) = files("after");
    assert_eq!((files.len(), found), (1, 1));
    assert_eq!(files[0].state, State::Open);
}

/// Polls a future so many times, and lets go of it: as when a browser goes away.
async fn polled<T>(
    mut future: std::pin::Pin<Box<impl Future<Output = T>>>,
    most: usize,
) -> Option<T> {
    let mut left = most;
    std::future::poll_fn(move |context| match future.as_mut().poll(context) {
        Poll::Ready(done) => Poll::Ready(Some(done)),
        Poll::Pending => {
            left = left.saturating_sub(1);
            if left == 0 { Poll::Ready(None) } else { Poll::Pending }
        }
    })
    .await
}

#[test]
fn a_rejection_whose_browser_goes_away_suspends_all_the_same() {
    let house = House::new("", "");
    let mut client = house.client();
    let draft = Draft { surgeon: "D1002^沈若川", ..Draft::emergency("W1") };
    assert_eq!(code(&client.ask(&draft.bytes())), "AA");
    let [file] = house.files(1).try_into().expect("one file");
    let id = file.opened.id.clone();
    let (runtime, office) = house.office();
    let second = account("wang", "D9001", &[Role::Reviewer]);
    // Let go of at every point there is, until one of the attempts has closed the file, or came to its end.
    for most in 1.. {
        assert!(most < 100, "never reviewed");
        let target = Some(Target::Surgeon);
        let review = office.review(&second, &id, Conclusion::Rejected, "并非急诊", target);
        let reviewed = runtime.block_on(polled(Box::pin(review), most));
        std::thread::sleep(Duration::from_millis(300));
        if matches!(reviewed, Some(Ok(_))) || !house.entries("override").is_empty() {
            break;
        }
    }
    eventually("the surgeon is suspended", || {
        let told = house.entries("register").into_iter().map(|entry| entry["body"]["what"].clone());
        told.into_iter().find(|what| what.as_str().is_some_and(|what| what.contains("suspend")))
    });
    assert_eq!(code(&client.ask(&Draft::clean("W2").bytes())), "AE");
}

#[test]
fn a_stance_whose_browser_goes_away_is_in_force_once_it_is_in_the_ledger() {
    let house = House::new("", "");
    let (runtime, office) = house.office();
    let operator = account("sun", "D9005", &[Role::Operator]);
    let observe = RouteStance { stance: Stance::Observe, departments: Vec::new() };
    let wanted = Wanted::Whole(observe.clone());
    let set = office.set_stance(&operator, "his", wanted, "升级期间仅观察");
    assert!(runtime.block_on(polled(Box::pin(set), 1)).is_none());
    eventually("the entry", || {
        house.entries("bypass").into_iter().find(|entry| entry["body"]["act"] == "stance")
    });
    eventually("the stance is in force", || {
        let switch = office.stances().of("his").expect("a route");
        (*switch.now() == observe).then_some(())
    });
}
