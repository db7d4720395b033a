//! The page of supervision.

use crate::browser::{PASSWORD, house};
use crate::support::browser::Browser;
use crate::support::chromium::Chromium;
use crate::support::eventually;
use crate::support::ledger::entries;
use crate::support::message::Draft;

#[test]
fn charts_say_what_their_tables_say_and_an_export_needs_role_and_purpose() {
    let (_hospital, gate, _upstream) = house(
        &[],
        &[
            ("wang", &["--role", "viewer"]),
            ("li", &["--role", "viewer", "--department", "0999"]),
            ("audit", &["--role", "auditor"]),
        ],
    );
    let mut client = gate.connect();
    for id in 0..6 {
        client.ask(&Draft::clean(format!("S{id}")).bytes());
    }
    for id in 0..3 {
        client.ask(&Draft::refused(format!("T{id}")).bytes());
    }
    client.ask(&Draft { department: "0302", ..Draft::emergency("U1") }.bytes());
    client.ask(&Draft { department: "<b>0303", ..Draft::refused("U2") }.bytes());
    let browser = Chromium::open(&gate);
    browser.first_login("wang", PASSWORD);
    eventually("all are counted", || {
        browser.go("/supervision");
        (browser.text("dl.counts").contains("11")
            && browser.text("section[aria-labelledby=h-rules]").contains("判定条数")
            && browser.text("section[aria-labelledby=h-overrides] table").contains("D1005"))
        .then_some(())
    });
    let months = "section[aria-labelledby=h-months]";
    browser.says(&format!("{months} table tbody tr"), "11");
    assert!(browser.has(&format!("{months} svg[role=img] rect.s-block")));
    assert_eq!(browser.script("return document.querySelectorAll('svg b, svg script').length"), 0);
    assert!(browser.text("section[aria-labelledby=h-departments] table").contains("<b>0303"));
    assert!(!browser.text("main").contains("P2699001"));
    assert!(!browser.has("form[action='/supervision/export']"));
    browser.picture("supervision");
    browser.print("supervision");
    browser.click("form[action='/language'] button");
    browser.says("h1", "Supervision");
    let mut limited = Browser::first_login(&gate, "li", PASSWORD);
    let page = limited.get("/supervision").body;
    assert!(page.contains("<dt>已判定</dt><dd>0</dd>"), "{page}");
    let mut auditor = Browser::first_login(&gate, "audit", PASSWORD);
    let word = auditor.get("/supervision").field("word");
    let ask = |browser: &mut Browser, word: &str, purpose: &str| {
        let form = [("word", word), ("stage", "order"), ("purpose", purpose), ("format", "csv")];
        browser.post("/supervision/export", &form)
    };
    assert_eq!(ask(&mut auditor, "x", "季度督查").status, 403);
    assert_eq!(ask(&mut auditor, &word, " ").status, 400);
    let viewer = limited.get("/live").field("word");
    assert_eq!(ask(&mut limited, &viewer, "季度督查").status, 403);
    let given = ask(&mut auditor, &word, "季度督查");
    assert_eq!(given.status, 200);
    assert!(given.header("content-disposition").is_some_and(|name| name.contains(".csv")));
    let rows: Vec<&str> = given.body.lines().collect();
    assert!(rows[0].starts_with("\u{feff}month,stage,department"), "{}", rows[0]);
    assert!(rows.iter().any(|row| row.contains(",order,0301,D1002,")), "{rows:?}");
    let recorded = entries(gate.data()).into_iter().filter(|entry| {
        entry["body"]["act"] == "exported" && entry["body"]["purpose"] == "季度督查"
    });
    assert_eq!(recorded.count(), 1);
}
