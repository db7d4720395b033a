//! The list of who may do what, on paper for when everything is down.

use std::process::Command;

use crate::support::foreign_program;
use crate::support::gate::{Hospital, text};

fn exported(hospital: &Hospital, more: &[&str]) -> String {
    let out = hospital.run(&[&["export", "privileges"], more].concat());
    assert!(out.status.success(), "{}", text(&out.stderr));
    text(&out.stdout)
}

#[test]
fn the_list_holds_who_may_and_nobody_else_with_version_and_time() {
    let hospital = Hospital::new();
    let page = exported(&hospital, &["--format", "html"]);
    for part in ["手术授权名册", "register version <strong>1</strong>", "52.7x00", "林启明"]
    {
        assert!(page.contains(part), "{part}");
    }
    assert!(!page.contains("http://") && !page.contains("https://"), "it needs nothing else");
    let rows = exported(&hospital, &[]);
    // D1005 holds no grant for it, D1026 is suspended, and nobody does what is stopped.
    assert!(!rows.lines().any(|row| row.contains("D1005") && row.contains("52.7x00")));
    assert!(!rows.contains("D1026"));
    assert!(!rows.contains("47.1100"));
    assert!(page.contains("Nobody may"));
    let before = rows.lines().count();
    hospital.grant("D1005", "52.7x00", "active");
    let after = exported(&hospital, &[]);
    assert_eq!(after.lines().count(), before + 1);
    let own = after.lines().find(|row| row.contains("D1005") && row.contains("52.7x00"));
    assert!(own.is_some_and(|row| row.contains("院医务〔2026〕9号")), "{own:?}");
    assert!(exported(&hospital, &["--format", "html"]).contains("version <strong>2</strong>"));
    let one = exported(&hospital, &["--department", "no such department"]);
    assert_eq!(one.lines().count(), 1, "only the head");
    let out = hospital.run(&["export", "grants", "--format", "html"]);
    assert_eq!(out.status.code(), Some(2));
}

#[test]
fn it_prints_on_paper_in_a_real_browser() {
    let hospital = Hospital::new();
    let page = hospital.file("list.html", exported(&hospital, &["--format", "html"]));
    let paper = hospital.path("list.pdf");
    let profile = hospital.path("profile");
    let printed = Command::new(foreign_program("ORGATE_TEST_CHROMIUM"))
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--no-pdf-header-footer"])
        .arg(format!("--user-data-dir={}", profile.display()))
        .arg(format!("--print-to-pdf={}", paper.display()))
        .arg(format!("file://{page}"))
        .output()
        .expect("chromium runs");
    assert!(printed.status.success(), "{}", text(&printed.stderr));
    let paper = std::fs::read(paper).expect("a printed page");
    assert!(paper.starts_with(b"%PDF-") && paper.len() > 10_000);
}
