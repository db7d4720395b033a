//! What a run is held against: nothing grows, nobody falls behind, and everybody has counted the same.

use std::collections::HashSet;
use std::time::Duration;

use orgate::clock::monotonic;
use sqlx::Row as _;
use sqlx::sqlite::{SqliteConnectOptions, SqlitePool};

use crate::soak::agree::Counted;
use crate::soak::book::{Book, so_many};
use crate::soak::downstream::alert;
use crate::soak::people::PASSWORD;
use crate::soak::samples::{Sample, median, range, slope};
use crate::soak::traffic::{LABORATORY, LINES, Message};
use crate::soak::{House, PEOPLE, Run, counters, people, size};
use crate::support::browser::Browser;
use crate::support::gate::text;

/// What the gate remembers of messages and orders (`src/gate/memory.rs`) is full after so long: 200,000 order numbers at
/// some 850 new ones a second take four minutes; as long again for the memory that comes and goes meanwhile. Memory and
/// files of shorter runs are printed and not judged.
const FULL_AFTER: Duration = Duration::from_secs(8 * 60);
/// The addresses of FHIR orders are not: 16 a second are full after three and a half hours. 200,000 take 94 MiB.
const ADDRESSES_MIB_PER_HOUR: f64 = 16.0 * 3600.0 / 200_000.0 * 94.0;
/// Memory of its own may grow by so many MiB an hour once the rest is full: that, and what the slope of a quarter of an
/// hour leaves open. A leak of ten bytes for each message is 38 MiB an hour more.
const GROWTH_MIB_PER_HOUR: f64 = ADDRESSES_MIB_PER_HOUR + 16.0;
/// Open files may be so many more in the last third than in the second.
const FILES_MORE: f64 = 4.0;
/// Readers of the ledger may be so far behind at the end of the load: ten seconds of it.
const BEHIND_ENTRIES: f64 = 20_000.0;
/// And have so long to read the rest.
const CATCH_UP: Duration = Duration::from_secs(60);

/// The columns of [`row`].
pub(super) const HEAD: &str = "minute  answers  p50 ms  p99 ms  p999 ms   max ms | own MiB  mapped   share  files  threads  CPU %  wal MiB  entries  behind";

/// A minute.
pub(super) fn row(minute: usize, book: &Book, samples: &[Sample]) -> String {
    let times = book.times(minute..minute + 1);
    let ms = |part: usize| at(&times, part);
    let last = samples.last().cloned().unwrap_or_default();
    let before = samples.iter().rev().find(|sample| sample.at < last.at - 55.0);
    let before = before.or(samples.first()).cloned().unwrap_or_default();
    let cpu = 100.0 * (last.cpu - before.cpu) / (last.at - before.at);
    let behind: Vec<String> =
        last.behind.iter().map(|(reader, entries)| format!("{reader} {entries:.0}")).collect();
    format!(
        "{:6} {:8} {:7.2} {:7.2} {:8.2} {:8.2} | {:7.1} {:7.1} {:7.1} {:6.0} {:8.0} {cpu:6.1} {:8.1} {:8.0}  {}",
        minute + 1,
        times.len(),
        ms(500),
        ms(990),
        ms(999),
        ms(1000),
        last.own,
        last.mapped,
        last.share,
        last.files,
        last.threads,
        last.wal,
        last.entries,
        behind.join(", ")
    )
}

/// A part of 1,000 of sorted times in µs, in ms.
fn at(times: &[u32], part: usize) -> f64 {
    let place = (times.len() * part / 1000).min(times.len().saturating_sub(1));
    times.get(place).map_or(0.0, |time| f64::from(*time) / 1000.0)
}

/// Everything; ends the gate.
pub(super) fn all(house: &mut House, run: &Run) {
    let last = run.samples.last().cloned().unwrap_or_default();
    let behind = caught_up(house);
    let found = search(house);
    // To look is to write an entry.
    let caught_up = caught_up(house).and(behind);
    let after = counters(&house.gate);
    let repeated = after.one("orgate_refusals_repeated_total");
    house.gate.stop();
    let counted = Counted::of(house.gate.data());
    print(house, run, &counted, caught_up);
    let mut faults = Vec::new();
    steady(run, &mut faults);
    if last.most_behind() > BEHIND_ENTRIES {
        faults.push(format!("readers of the ledger fall behind: {:?}", last.behind));
    }
    if caught_up.is_none() {
        faults.push(format!("not caught up within {CATCH_UP:?}"));
    }
    same(house, run, &counted, repeated, &mut faults);
    told(house, &counted, &mut faults);
    indexed(house, &counted, &mut faults);
    if found == 0 {
        faults.push("the search does not find the last order".to_owned());
    }
    let verified = house.hospital.run(&["ledger", "verify"]);
    println!("ledger verify: {}", text(&verified.stdout).trim());
    if !verified.status.success() {
        faults.push(text(&verified.stderr));
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// How long it took until every reader of the ledger had read all; `None` if it took too long.
fn caught_up(house: &House) -> Option<Duration> {
    let began = monotonic();
    loop {
        let course = crate::soak::Course { began, length: CATCH_UP };
        let now = Sample::take(&house.gate, course);
        if now.most_behind() == 0.0 {
            return Some(began.elapsed());
        }
        if began.elapsed() > CATCH_UP {
            return None;
        }
        std::thread::sleep(Duration::from_millis(200));
    }
}

/// What the console finds of the last clean order of the first line.
fn search(house: &House) -> usize {
    let name = people::name(PEOPLE);
    house.hospital.account(&name, PASSWORD, &["--role", "viewer"]);
    let mut browser = Browser::first_login(&house.gate, &name, PASSWORD);
    let word = browser.get("/search").field("word");
    let order = last_clean(house);
    let page = browser.post("/search", &[("word", &word), ("order", &order)]);
    page.body.matches("data-entry=\"").count()
}

/// The number of the last clean order of the first line.
fn last_clean(house: &House) -> String {
    let sent = house.book.accepted.length(0);
    let numbers = (0..u64::try_from(sent).expect("not so many")).rev();
    let clean = numbers.map(|nth| Message::nth(0, nth)).find(|message| message.is_first());
    clean.expect("a clean order").order_no()
}

fn print(house: &House, run: &Run, counted: &Counted, caught_up: Option<Duration>) {
    let Run { samples, changes, pages, sent, sent_by_fhir, .. } = run;
    let times = house.book.times(0..usize::MAX);
    let half = &samples[samples.len() / 2..];
    let ms = |part: usize| at(&times, part);
    println!(
        "\nanswers from when a message was due: p50 {:.2} ms, p99 {:.2} ms, p999 {:.2} ms, longest {:.2} ms",
        ms(500),
        ms(990),
        ms(999),
        ms(1000)
    );
    let (least, most) = range(half, |sample| sample.own);
    println!(
        "memory of its own, second half: {least:.1} to {most:.1} MiB, {:+.2} MiB an hour",
        3600.0 * slope(half, |sample| sample.own)
    );
    let (least, most) = range(half, |sample| sample.files);
    println!("open files, second half: {least:.0} to {most:.0}");
    let (first, last) = (&samples[0], &samples[samples.len() - 1]);
    println!(
        "CPU: {:.0} µs for each message, {:.0} % of one processor",
        1e6 * (last.cpu - first.cpu) / f64::from(u32::try_from(times.len()).expect("not so many")),
        100.0 * (last.cpu - first.cpu) / (last.at - first.at)
    );
    println!(
        "people: {} pages, slowest {} ms, {} refused as too many at once",
        so_many(&pages.opened),
        so_many(&pages.slowest),
        so_many(&pages.busy)
    );
    println!("changes: {changes:?}; readers had read all after {caught_up:?}");
    println!("sent: {sent} by MLLP, {sent_by_fhir} by FHIR; ledger: {:?}", counted.kinds);
    println!("decisions: {:?}", counted.decisions);
    println!("passed before the ledger was done, and entered again: {}", counted.corrected);
    println!("on disk: {:.0} MiB", size(house.gate.data()));
}

/// Memory and files stay as they are.
fn steady(run: &Run, faults: &mut Vec<String>) {
    if run.length < FULL_AFTER {
        println!("too short to judge memory and files: {:?}", run.length);
        return;
    }
    let samples = &run.samples;
    let growth = 3600.0 * slope(&samples[samples.len() / 2..], |sample| sample.own);
    if growth > GROWTH_MIB_PER_HOUR {
        faults.push(format!("memory grows by {growth:.1} MiB an hour"));
    }
    let third = samples.len() / 3;
    let of = |part: &[Sample]| median(part, |sample| sample.files);
    let (second, last) = (of(&samples[third..2 * third]), of(&samples[2 * third..]));
    if last > second + FILES_MORE {
        faults.push(format!("open files grow from {second} to {last}"));
    }
}

/// Senders, the downstream systems and the ledger have counted the same.
fn same(house: &House, run: &Run, counted: &Counted, repeated: f64, faults: &mut Vec<String>) {
    let book = &house.book;
    faults.extend(book.wrong());
    let mut equal = |what: &str, one: u64, other: u64| {
        println!("{what}: {one} = {other}");
        if one != other {
            faults.push(format!("{what}: {one} and {other}"));
        }
    };
    let whole = 0..LINES + LABORATORY;
    let (accepted, refused) = (book.accepted.sum(whole.clone()), book.refused.sum(whole.clone()));
    equal("sent and answered", run.sent, accepted + refused);
    equal("accepted and come downstream", accepted, book.came.sum(whole.clone()));
    let orders = book.accepted.sum(0..LINES);
    equal("orders accepted and passed in the ledger", orders, counted.passed.sum(0..LINES));
    let [probed, stopped] = book.probes.each_ref().map(so_many);
    let blocked = counted.decided("his", "block");
    let again = counted_as(repeated);
    equal("refused and in the ledger or repeated", refused + stopped, blocked + again);
    let [clean, no, other] = book.fhir.each_ref().map(so_many);
    equal("FHIR sent and answered", run.sent_by_fhir, clean + no + other);
    equal("FHIR accepted and come to the server", clean + other, so_many(&book.fhir_came));
    equal("FHIR orders and passed in the ledger", clean, counted.decided("fhir", "forward"));
    equal("FHIR refused and in the ledger", no, counted.decided("fhir", "block"));
    let delivered = counted.kinds.get("delivery").copied().unwrap_or(0);
    equal("orders accepted and deliveries", orders + probed + clean, delivered);
    let reloads = u64::try_from(run.changes.reloads).expect("few") + 1;
    equal("configurations", reloads, counted.configurations);
    equal("gaps", 0, counted.gaps.values().sum());
    for (name, one, other) in [
        ("accepted and come downstream", &book.accepted, &book.came),
        ("accepted and passed in the ledger", &book.accepted, &counted.passed),
    ] {
        let lines = if name.ends_with("ledger") { 0..LINES } else { whole.clone() };
        let differ = one.differ(other, lines);
        if !differ.is_empty() {
            let shown = &differ[..differ.len().min(5)];
            faults.push(format!("{name}, {} differ: {shown:?}", differ.len()));
        }
    }
}

/// Counters are floating point; none of these is too large for it.
fn counted_as(value: f64) -> u64 {
    format!("{value:.0}").parse().expect("a whole number")
}

/// Every alert that is due has come, and no other.
fn told(house: &House, counted: &Counted, faults: &mut Vec<String>) {
    let file = std::fs::read(house.hospital.path("alerts.jsonl")).unwrap_or_default();
    let lines = file.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    let mut by_file = HashSet::new();
    let mut twice = 0;
    let decisions = ["orgate.order.blocked", "orgate.order.flagged", "orgate.override.opened"];
    for told in lines.map(alert).filter(|(kind, _)| decisions.contains(&kind.as_str())) {
        twice += usize::from(!by_file.insert(told));
    }
    let told = house.told.lock().expect("no panic");
    let by_hook: HashSet<(String, String)> = told.keys().cloned().collect();
    let again: u32 = told.values().map(|times| times - 1).sum();
    let mut wanted = counted.due.clone();
    compare("alerts in the file", &wanted, &by_file, faults);
    wanted.retain(|(kind, _)| kind != "orgate.order.flagged");
    compare("alerts by webhook", &wanted, &by_hook, faults);
    println!("told twice: {twice} in the file, {again} by webhook");
}

type Alerts = HashSet<(String, String)>;

fn compare(what: &str, due: &Alerts, came: &Alerts, faults: &mut Vec<String>) {
    println!("{what}: {} due, {} came", due.len(), came.len());
    if due != came {
        let missing: Vec<_> = due.difference(came).take(5).collect();
        let more: Vec<_> = came.difference(due).take(5).collect();
        faults.push(format!("{what}: missing {missing:?}, not due {more:?}"));
    }
}

/// The indexes hold what the ledger holds.
fn indexed(house: &House, counted: &Counted, faults: &mut Vec<String>) {
    let data = house.gate.data();
    let count = |file: &str, table: &str| {
        let options = SqliteConnectOptions::new().filename(data.join(file)).read_only(true);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.expect("a runtime").block_on(async {
            let pool = SqlitePool::connect_with(options).await.expect("the database opens");
            let sql = sqlx::AssertSqlSafe(format!("select count(*) from {table}"));
            let row = sqlx::query(sql).fetch_one(&pool).await.expect("it answers");
            u64::try_from(row.get::<i64, _>(0)).expect("a count")
        })
    };
    let overrides = counted.overrides;
    let decisions = counted.kinds.get("decision").copied().unwrap_or(0) - counted.corrected;
    for (what, file, table, wanted) in [
        ("entries in the search", "search.db", "search_entries", counted.entries),
        ("override files", "search.db", "override_files", overrides),
        ("documents of cases", "cases.db", "documents", decisions),
    ] {
        let held = count(file, table);
        println!("{what}: {held} of {wanted}");
        if held != wanted {
            faults.push(format!("{what}: {held} and not {wanted}"));
        }
    }
}
