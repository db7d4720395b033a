//! Who else is there: people at the console, a FHIR client, and a registrar by whom grants come and go.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::Scope;
use std::time::Duration;

use orgate::clock::monotonic;
use serde_json::{Value, json};

use crate::soak::book::{Book, one_more};
use crate::soak::senders::{Course, Line};
use crate::soak::traffic::{Calendar, PROBED, SURGEONS, probe, surgeon};
use crate::support::browser::{Browser, Page};
use crate::support::gate::{Gate, Hospital};
use crate::support::http::Client;
use crate::support::resource::STAFF;

/// People at the console.
pub(super) const PEOPLE: usize = 5;
/// Their first password.
pub(super) const PASSWORD: &str = "first-word-of-all-7";
/// Each opens a page so often.
const PAGE_EVERY: Duration = Duration::from_secs(1);
/// What they open, in turn; the search is a form.
const PAGES: [&str; 6] =
    ["/live", "/overrides", "/search", "/supervision", "/register", "/operations"];
/// Of so many searches, one is followed to the entry that was found first: nobody opens more patients in an hour.
const FOLLOWED: u64 = 10;

/// FHIR requests a second.
pub(super) const FHIR_RATE: u32 = 20;

/// The configuration is read again so often.
pub(super) const RELOAD_EVERY: Duration = Duration::from_secs(30);
/// And at every other time a grant is suspended, or in force again.
const SETTING: [&str; 2] = ["keep_message_kib = 64", "keep_message_kib = 63"];

/// An order that is to be judged otherwise is so after this time, however busy the machine is.
const SEEN_WITHIN: Duration = Duration::from_secs(30);

/// What people met with.
#[derive(Default)]
pub(super) struct Pages {
    pub(super) opened: AtomicU64,
    /// Refused, since too many were asked for at once.
    pub(super) busy: AtomicU64,
    /// The longest, in ms.
    pub(super) slowest: AtomicU64,
}

/// Logs people in and lets them look, each with the live page open besides.
pub(super) fn come<'s>(scope: &'s Scope<'s, '_>, gate: &Gate, course: Course, pages: &'s Pages) {
    for nth in 0..PEOPLE {
        let browser = Browser::first_login(gate, &name(nth), PASSWORD);
        let mut events = browser.watch("/live/stream");
        // It ends with the gate.
        std::thread::spawn(move || events.drain());
        scope.spawn(move || browse(browser, course, pages));
    }
}

/// The account of a person.
pub(super) fn name(nth: usize) -> String {
    format!("person{nth}")
}

fn browse(mut browser: Browser, course: Course, pages: &Pages) {
    let word = browser.get("/search").field("word");
    let mut searches = 0;
    for (nth, path) in (0..).zip(PAGES.iter().cycle()) {
        if !course.wait(PAGE_EVERY * nth) {
            return;
        }
        let began = monotonic();
        let page = match *path {
            "/search" => {
                searches += 1;
                search(&mut browser, &word, searches)
            }
            path => browser.get(path),
        };
        let took = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        match page.status {
            200 => one_more(&pages.opened),
            503 => one_more(&pages.busy),
            status => panic!("{path}: {status} {}", page.body),
        }
        pages.slowest.fetch_max(took, Ordering::Relaxed);
    }
}

fn search(browser: &mut Browser, word: &str, nth: u64) -> Page {
    let (sought, _) = surgeon(1 + nth % SURGEONS);
    let page = browser.post("/search", &[("word", word), ("surgeon", &sought)]);
    let entry = page.body.split("data-entry=\"").nth(1).and_then(|rest| rest.split('"').next());
    match entry.filter(|_| nth.is_multiple_of(FOLLOWED)) {
        Some(entry) => browser.get(&format!("/entries/{entry}?purpose=quality")),
        None => page,
    }
}

/// Orders by FHIR at a lower rate: eight of ten are clean, one is refused, one is not surgical.
pub(super) fn order_by_fhir(gate: SocketAddr, course: Course, book: &Book) -> u64 {
    let mut client = Client::connect(gate);
    for nth in 0_u32.. {
        if !course.wait(Duration::from_secs(1) * nth / FHIR_RATE) {
            return u64::from(nth);
        }
        let (place, wanted) = match nth % 10 {
            0 => (1, 422),
            1 => (2, 201),
            _ => (0, 201),
        };
        let answer = client.write("POST", "/fhir/ServiceRequest", &resource(nth).to_string());
        if answer.status() != wanted {
            book.say(format!("FHIR {nth}: {answer:?}"));
        }
        one_more(&book.fhir[place]);
    }
    0
}

fn resource(nth: u32) -> Value {
    let (id, name) = surgeon(1 + u64::from(nth) % SURGEONS);
    let (code, display) = match nth % 10 {
        0 => ("52.7x00", "根治性胰十二指肠切除术"),
        1 => ("L0101", "血常规"),
        _ => ("51.2300", "腹腔镜下胆囊切除术"),
    };
    let performer = json!({"identifier": {"system": STAFF, "value": id}, "display": name});
    let performer = if nth % 10 == 1 { json!([]) } else { json!([performer]) };
    json!({
        "resourceType": "ServiceRequest",
        "identifier": [{"system": "urn:sample:orders", "value": format!("F{nth:07}")}],
        "status": "active",
        "intent": "order",
        "priority": "routine",
        "code": {"coding": [{"system": "urn:sample:chs", "code": code, "display": display}]},
        "subject": {"reference": format!("Patient/PF{nth:07}"), "display": "赵样例"},
        "performer": performer
    })
}

/// What the one who changes things has done.
#[derive(Debug, Default)]
pub(super) struct Changes {
    pub(super) reloads: usize,
    pub(super) suspensions: usize,
    /// From the import's end until an order was refused.
    pub(super) slowest: Duration,
}

/// Reads the configuration again and again; at every other time, a grant is suspended or in force again.
pub(super) fn change(
    hospital: &mut Hospital,
    gate: &Gate,
    course: Course,
    (book, calendar): (&Book, &Calendar),
) -> Changes {
    let (mut done, mut probes) = (Changes::default(), 0);
    let mut line = Line::open(gate.route("his"));
    let mut until = |wanted| until((&mut line, &mut probes), (book, calendar), wanted);
    for nth in 1_u32.. {
        if !course.wait(RELOAD_EVERY * nth) {
            return done;
        }
        reload(hospital, gate, done.reloads);
        done.reloads += 1;
        if nth.is_multiple_of(4) {
            hospital.grant(PROBED, "51.2300", "active");
            until("AA");
        } else if nth.is_multiple_of(2) {
            hospital.grant(PROBED, "51.2300", "suspended");
            done.slowest = done.slowest.max(until("AE"));
            done.suspensions += 1;
        }
    }
    done
}

/// Has the configuration read again for the nth time, each time with another setting than before.
pub(super) fn reload(hospital: &mut Hospital, gate: &Gate, nth: usize) {
    hospital.change_head(SETTING[nth % 2], SETTING[(nth + 1) % 2]);
    hospital.configure();
    gate.hang_up();
}

/// Asks until the answer is as wanted; gives how long that took.
pub(super) fn until(
    (line, probes): (&mut Line, &mut usize),
    (book, calendar): (&Book, &Calendar),
    wanted: &str,
) -> Duration {
    let began = monotonic();
    loop {
        let (code, id) = line.ask(&probe(*probes, calendar));
        *probes += 1;
        one_more(&book.probes[usize::from(code != "AA")]);
        if code == wanted {
            return began.elapsed();
        }
        assert!(began.elapsed() < SEEN_WITHIN, "never {wanted}, but {code} to {id}");
    }
}
