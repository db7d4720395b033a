//! Case reports, supervision figures, and what a change of the register may hit.

use super::*;
use crate::cases::figures::Figures;
use crate::cases::report::{REPORT_DUE_DAYS, ReportState};
use jiff::tz::TimeZone;

fn record(entry: &str) -> Document {
    Document { stage: Stage::Record, ..order(entry) }
}

async fn states(documents: &[Document], today: Date) -> Vec<ReportState> {
    let folder = tempfile::tempdir().unwrap();
    let cases = open(folder.path()).await;
    enter_all(&cases, documents);
    let state = |reports: Vec<crate::cases::report::Report>| {
        reports.iter().map(|r| r.state(today, REPORT_DUE_DAYS)).collect::<Vec<_>>()
    };
    let live = state(cases.reports(now()).await.unwrap());
    cases.flush(Duration::from_secs(60)).await.unwrap();
    assert_eq!(live, state(cases.reports(now()).await.unwrap()));
    live
}

#[tokio::test]
async fn order_and_record_of_a_case_are_one_report_due_three_days_after_the_operation() {
    let documents = [restricted(order("o")), restricted(unnumbered(record("r")))];
    assert_eq!(states(&documents, day(8)).await, [ReportState::Open]);
    assert_eq!(states(&documents, day(9)).await, [ReportState::Overdue]);
}

#[tokio::test]
async fn a_refused_order_opens_no_report_and_another_case_opens_its_own() {
    let other = Document { order_no: Redacted::new("2"), ..restricted(order("p")) };
    let documents = [refused(restricted(order("o"))), other, restricted(record("r"))];
    assert_eq!(states(&documents, day(5)).await, [ReportState::Open, ReportState::Open]);
}

#[tokio::test]
async fn what_was_withdrawn_or_done_otherwise_is_not_reported() {
    let withdrawal = [restricted(order("o")), withdrawn(order("w"))];
    assert_eq!(states(&withdrawal, day(20)).await, [ReportState::Withdrawn]);
    let changed = [restricted(order("o")), Document { action: Action::Change, ..order("x") }];
    assert_eq!(states(&changed, day(20)).await, [ReportState::Withdrawn]);
    let done = [restricted(order("o")), record("r")];
    assert_eq!(states(&done, day(20)).await, [ReportState::Withdrawn]);
    let emergency = [restricted(order("o")), withdrawn(order("w")), restricted(record("r"))];
    assert_eq!(states(&emergency, day(20)).await, [ReportState::Overdue]);
}

#[tokio::test]
async fn a_report_once_sent_stays_sent_through_a_rebuild_and_a_later_record() {
    let folder = tempfile::tempdir().unwrap();
    let cases = open(folder.path()).await;
    enter_all(&cases, &[restricted(order("o"))]);
    let reports = cases.reports(now()).await.unwrap();
    cases.mark_sent(&reports, later(5), "王").await.unwrap();
    cases.mark_sent(&reports, later(6), "李").await.unwrap();
    cases.flush(Duration::from_secs(60)).await.unwrap();
    let mut rebuild = cases.rebuild().await.unwrap();
    rebuild.take(vec![restricted(order("o"))]).await.unwrap();
    rebuild.finish(1).await.unwrap();
    cases.enter(vec![Document { at: later(9), ..restricted(record("r")) }], None);
    let reports = cases.reports(now()).await.unwrap();
    assert_eq!(reports.len(), 1);
    assert_eq!(reports[0].sent_at, Some(later(5)));
    assert_eq!(reports[0].state(day(30), 3), ReportState::Sent);
    assert!(reports[0].performed);
}

#[tokio::test]
async fn figures_add_up_and_count_copies_once() {
    let folder = tempfile::tempdir().unwrap();
    let cases = open(folder.path()).await;
    let clean = |document: Document, outcome| {
        let mut document = overridden(document);
        document.decision = Decision::Forward;
        document.cases[0].outcome = outcome;
        document.cases[0].restricted = true;
        document
    };
    let copy = Document { message: Some("a".to_owned()), ..clean(order("a2"), Outcome::Clean) };
    enter_all(
        &cases,
        &[
            clean(order("a"), Outcome::Clean),
            copy,
            clean(order("b"), Outcome::Flagged),
            refused(clean(order("c"), Outcome::Clean)),
            overridden(order("d")),
            Document { enforced: false, ..restricted(clean(order("e"), Outcome::Clean)) },
            withdrawn(order("f")),
            overridden(notice("g")),
        ],
    );
    let zone = TimeZone::get("Asia/Shanghai").unwrap();
    let figures = async |from, to| cases.supervision(from, to, &zone, day(5), 3).await.unwrap();
    let cells = figures(day(2), day(2)).await;
    cases.flush(Duration::from_secs(60)).await.unwrap();
    assert_eq!(cells, figures(day(1), day(31)).await);
    assert!(figures(day(3), day(31)).await.is_empty());
    let (cell, order) = cells.first_key_value().unwrap();
    assert_eq!((cell.month, cell.stage), (day(1), Stage::Order));
    let expected = Figures {
        checked: 5,
        observed: 1,
        forwarded: 2,
        flagged: 1,
        overrides: 1,
        unattested: 1,
        blocked: 1,
        unavailable: 0,
        restricted: 4,
        reports: 1,
        reports_sent: 0,
        reports_overdue: 0,
    };
    assert_eq!(*order, Figures { reports: 0, ..expected });
    let total: u64 = cells.values().map(|figures| figures.reports).sum();
    assert_eq!(total, 0, "an order that was withdrawn afterwards leaves nothing to report");
    assert_eq!(cells.len(), 2);
}

#[tokio::test]
async fn open_documents_are_those_in_force_not_yet_done_and_print_no_number() {
    let folder = tempfile::tempdir().unwrap();
    let cases = open(folder.path()).await;
    let numbered = |entry: &str, number: &str| Document {
        order_no: Redacted::new(number),
        patient: Redacted::new(format!("P{number}")),
        ..order(entry)
    };
    let past = Document { day: day(1), ..numbered("past", "4") };
    let untimed = Document { day: day(1), timed: false, ..numbered("untimed", "5") };
    enter_all(
        &cases,
        &[
            numbered("open", "1"),
            numbered("done", "2"),
            Document { stage: Stage::Record, ..numbered("r", "2") },
            numbered("off", "3"),
            withdrawn(Document { day: day(1), ..numbered("w", "3") }),
            past,
            untimed,
            refused(numbered("refused", "6")),
        ],
    );
    for _ in 0..2 {
        let hit = async |by: &[Consequence]| cases.open_documents(day(2), later(60), by).await;
        assert!(hit(&[]).await.unwrap().is_empty());
        assert!(hit(&[of(Some("D9"))]).await.unwrap().is_empty(), "what is not hit is left out");
        let open = hit(&[of(Some("D9")), of(Some("D1"))]).await.unwrap();
        let entries: Vec<_> = open.iter().map(|document| document.entry.as_str()).collect();
        assert_eq!(entries, ["untimed", "open"]);
        let text = format!("{:?}", open[1].order);
        assert!(text.contains('#') && open[1].order.as_ref().unwrap().len() == 13, "{text}");
        cases.flush(Duration::from_secs(60)).await.unwrap();
    }
}
