//! The outage switch at the console: operators only, with a reason, and a countdown until it ends.

use crate::browser::{PASSWORD, house};
use crate::support::chromium::Chromium;
use crate::support::ledger::switches;
use crate::support::message::Draft;
use crate::support::reply::code;

#[test]
fn an_operator_switches_the_bypass_on_and_off_and_sees_what_is_left_of_it() {
    let (_hospital, gate, _upstream) = house(
        &[],
        &[
            ("ops", &["--role", "operator", "--display", "周样例"]),
            ("dept", &["--role", "operator", "--department", "0301"]),
            ("audit", &["--role", "auditor"]),
        ],
    );
    let mut client = gate.connect();
    let browser = Chromium::open(&gate);
    browser.first_login("ops", PASSWORD);
    browser.go("/operations");
    browser.says("#bypass", "未开启");
    browser.click("#bypass summary");
    browser.script("document.querySelector('#bypass-on input[name=minutes]').value = '20'");
    // Without a reason the browser itself sends nothing.
    browser.click("#bypass-on button");
    assert_eq!(browser.path(), "/operations");
    assert!(switches(gate.data()).is_empty());
    browser.fill("#bypass-on input[name=reason]", "授权库升级失败");
    browser.click("#bypass-on button");
    browser.says("p.notice", "旁路开关已切换");
    browser.says("#bypass", "周样例：授权库升级失败");
    browser.says("[data-left]", "00:");
    browser.picture("operations-bypass");
    assert_eq!(code(&client.ask(&Draft::refused("W1").bytes())), "AA");
    browser.fill("#bypass-off input[name=reason]", "已回退");
    browser.click("#bypass-off button");
    browser.says("#bypass", "未开启");
    assert_eq!(code(&client.ask(&Draft::refused("W1").bytes())), "AE");
    let written = switches(gate.data());
    let told: Vec<_> = written.iter().map(|entry| &entry["body"]).collect();
    assert_eq!(told.len(), 2);
    assert_eq!((&told[0]["account"], &told[1]["account"]), (&"ops".into(), &"ops".into()));
    assert_eq!((&told[0]["act"], &told[1]["act"]), (&"on".into(), &"off".into()));
    browser.log_out();
    // Who may only look has no switch; who sees one department does not switch off the gate for all.
    browser.first_login("audit", PASSWORD);
    browser.go("/operations");
    browser.says("#bypass", "未开启");
    assert!(!browser.has("#bypass form"));
    browser.log_out();
    browser.first_login("dept", PASSWORD);
    browser.go("/operations");
    browser.click("#bypass summary");
    browser.fill("#bypass-on input[name=reason]", "x");
    browser.click("#bypass-on button");
    browser.says("main", "只能变更本科室");
    assert_eq!(switches(gate.data()).len(), 2);
}
