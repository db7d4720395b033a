//! Scans page by page: everything once, and no page reads what pages before have read.

use jiff::tz::TimeZone;
use sqlx::{AssertSqlSafe, Row as _};

use super::*;
use crate::cases::store::{PAGE, Scan, Span};

/// So many documents that a scan has three pages; several share an instant and a day.
fn many(cases: &Cases, each: impl Fn(i64) -> Document) -> usize {
    let many = 2 * PAGE + 3;
    for nth in 0..many {
        let own = |text: &str| Redacted::new(format!("{text}{nth}"));
        let document = Document {
            message: Some(format!("message {nth}")),
            order_no: own("N"),
            patient: own("P"),
            at: later(nth / 7),
            ..each(nth)
        };
        cases.enter(vec![document], Some(u64::try_from(nth).unwrap() + 1));
    }
    usize::try_from(many).unwrap()
}

fn judged(document: Document) -> Document {
    let Document { cases, .. } = overridden(document.clone());
    Document { cases, decision: Decision::Override, ..document }
}

#[tokio::test]
async fn every_document_is_counted_once_however_many_pages_there_are() {
    let folder = tempfile::tempdir().unwrap();
    let cases = open(folder.path()).await;
    let many = many(&cases, |nth| judged(order(&format!("E{:05}", (nth * 7919) % 100_003))));
    cases.flush(Duration::from_secs(60)).await.unwrap();
    let cells = cases.supervision(day(1), day(28), &TimeZone::UTC, day(2), 3).await.unwrap();
    let checked: u64 = cells.values().map(|figures| figures.checked).sum();
    assert_eq!(checked, u64::try_from(many).unwrap());
    let none = cases.supervision(day(3), day(28), &TimeZone::UTC, day(3), 3).await.unwrap();
    assert!(none.is_empty(), "{none:?}");
}

#[tokio::test]
async fn every_open_order_that_is_hit_is_found_however_many_pages_there_are() {
    let folder = tempfile::tempdir().unwrap();
    let cases = open(folder.path()).await;
    // Of five, one is of the past, one has no time, two of them are of somebody else.
    let many = many(&cases, |nth| {
        let kind = nth % 5;
        let own = if kind < 2 { "D2" } else { "D1" };
        Document {
            day: if kind >= 3 { day(1) } else { day(5 + i8::try_from(nth % 3).unwrap()) },
            timed: kind != 4,
            surgeons: vec![surgeon(own)],
            ..order(&format!("E{:05}", (nth * 7919) % 100_003))
        }
    });
    let hit = || async {
        let (today, of) = (day(2), of(Some("D1")));
        let open = cases.open_documents(today, later(1_000), &[of]).await.unwrap();
        let mut entries: Vec<String> = open.into_iter().map(|open| open.entry).collect();
        let all = entries.len();
        entries.sort();
        entries.dedup();
        assert_eq!(entries.len(), all, "each once");
        entries
    };
    cases.flush(Duration::from_secs(60)).await.unwrap();
    let wanted = |nth: &usize| matches!(nth % 5, 2 | 4);
    let wanted: Vec<usize> = (0..many).filter(wanted).collect();
    let mut wanted: Vec<String> =
        wanted.iter().map(|nth| format!("E{:05}", (nth * 7919) % 100_003)).collect();
    wanted.sort();
    assert_eq!(hit().await, wanted);
}

#[tokio::test]
async fn a_page_begins_where_the_page_before_has_ended() {
    let folder = tempfile::tempdir().unwrap();
    let cases = open(folder.path()).await;
    let span = Span { from: now(), to: later(1) };
    let scans = [
        (Scan::At(span), "documents_at ((at,entry,nth)>(?,?,?) AND at<?)"),
        (Scan::Coming(day(1), None), "documents_day ((day,entry,nth)>(?,?,?))"),
        (Scan::Untimed(now(), None), "documents_untimed ((at,entry,nth)>(?,?,?))"),
        (Scan::Reports(now()), "documents_reports ((at,entry,nth)>(?,?,?))"),
    ];
    let sought = surgeon("D1");
    let of = Some(&sought);
    let named = [
        (Scan::Coming(day(1), of), "documents_day ((day,entry,nth)>(?,?,?))"),
        (Scan::Untimed(now(), of), "documents_untimed ((at,entry,nth)>(?,?,?))"),
    ];
    for (scan, index) in scans.into_iter().chain(named) {
        let query = sqlx::query(AssertSqlSafe(format!("explain query plan {}", scan.sql())));
        let plan = query.fetch_all(cases.inner.store.reader()).await.unwrap();
        let plan: Vec<String> = plan.iter().map(|row| row.try_get("detail").unwrap()).collect();
        assert_eq!(plan[0], format!("SEARCH d USING INDEX {index}"), "{plan:?}");
        assert!(!plan.iter().any(|step| step.contains("ORDER BY")), "nothing is sorted: {plan:?}");
    }
}

#[tokio::test]
async fn a_surgeon_is_found_by_any_number_and_whoever_else_is_hit_too() {
    let folder = tempfile::tempdir().unwrap();
    let cases = open(folder.path()).await;
    let numbers = ["D1", "D10", "d1", "100%", "100_", "1\"0", "a\\b", "工号１"];
    for (nth, number) in (1_u64..).zip(numbers) {
        let own = |text: &str| Redacted::new(format!("{text}{nth}"));
        let (timed, surgeons) = (nth % 2 == 0, vec![surgeon(number)]);
        let document =
            Document { order_no: own("N"), patient: own("P"), timed, surgeons, ..order(number) };
        cases.enter(vec![document], Some(nth));
    }
    cases.flush(Duration::from_secs(60)).await.unwrap();
    let hit = |of: Vec<Option<&'static str>>| {
        let (cases, of) = (cases.clone(), of.into_iter().map(super::of).collect::<Vec<_>>());
        async move {
            let open = cases.open_documents(day(2), later(1_000), &of).await.unwrap();
            let mut entries: Vec<String> = open.into_iter().map(|open| open.entry).collect();
            entries.sort();
            entries
        }
    };
    let sorted = |mut texts: Vec<&'static str>| {
        texts.sort_unstable();
        texts
    };
    for number in numbers {
        assert_eq!(hit(vec![Some(number)]).await, [number]);
    }
    let two = ["D10", "100%"];
    assert_eq!(hit(two.map(Some).to_vec()).await, sorted(two.to_vec()));
    let all = numbers.to_vec();
    assert_eq!(hit(all.iter().copied().map(Some).collect()).await, sorted(all.clone()), "by all");
    assert_eq!(hit(vec![Some("D1"), None]).await, sorted(all), "of anybody");
    assert_eq!(hit(Vec::new()).await, Vec::<String>::new());
}
