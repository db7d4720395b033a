//! Live and override pages.

use crate::browser::{PASSWORD, house};
use crate::support::chromium::Chromium;
use crate::support::eventually;
use crate::support::message::Draft;

#[test]
fn a_refusal_arrives_while_one_watches_and_the_page_speaks_both_languages() {
    let (_hospital, gate, _upstream) = house(&[], &[("wang", &["--role", "viewer"])]);
    let browser = Chromium::open(&gate);
    browser.first_login("wang", PASSWORD);
    browser.go("/live");
    browser.says("#link", "实时");
    let mut client = gate.connect();
    client.ask(&Draft::clean("B1").bytes());
    client.ask(&Draft::refused("B2").bytes());
    browser.says("tr.block", "拒绝");
    browser.says("dd[data-count=block]", "1");
    // Whose it is stays hidden, and what was asked for is not of elsewhere.
    assert!(!browser.text("#verdicts").contains("P2699001"));
    let loaded = "return performance.getEntriesByType('resource').every(e => e.name.startsWith(location.origin))";
    assert_eq!(browser.script(loaded), true);
    client.ask(&Draft::emergency("B3").bytes());
    browser.says("tr.override", "越权急诊");
    browser.picture("live");
    browser.click("form[action='/language'] button");
    browser.says("h1", "Live");
    assert!(browser.title().starts_with("Live"), "{}", browser.title());
    assert_eq!(browser.script("return document.documentElement.lang"), "en");
    browser.picture("live-en");
    // A viewer has no business elsewhere, and menu and address agree on it.
    assert!(!browser.has("nav a[href='/operations']"));
    browser.go("/operations");
    browser.says("main", "your account does not permit this");
}

#[test]
fn an_override_is_refused_to_its_surgeon_and_closed_by_a_second_person() {
    let (_hospital, gate, _upstream) = house(
        &[],
        &[
            ("qin", &["--role", "reviewer", "--staff", "D1005", "--display", "秦可欣"]),
            ("wang", &["--role", "reviewer", "--staff", "D9001", "--display", "王样例"]),
        ],
    );
    gate.connect().ask(&Draft::emergency("C1").bytes());
    let browser = Chromium::open(&gate);
    let open_file = || {
        eventually("the file is listed", || {
            browser.go("/overrides");
            browser.has("#open a").then_some(())
        });
        browser.picture("overrides");
        browser.click("#open a");
        browser.says("h1", "越权急诊");
    };
    let confirm = || {
        browser.fill("textarea[name=reason]", "已核对病历");
        browser.click("button[value=confirm]");
    };
    browser.first_login("qin", PASSWORD);
    open_file();
    assert!(browser.has("#barred"));
    confirm();
    browser.says("main", "术者不得审核自己的越权手术");
    browser.go("/live");
    browser.log_out();
    browser.first_login("wang", PASSWORD);
    open_file();
    assert!(!browser.has("#barred"));
    // A form whose word is not this session's changes nothing.
    browser.script("document.querySelectorAll('input[name=word]').forEach(i => { i.value = 'x' })");
    confirm();
    browser.says("main", "表单已失效");
    open_file();
    browser.picture("override-file");
    confirm();
    browser.says("p.notice", "已认可并结案");
    browser.picture("override-closed");
}
