//! Search and case pages: a patient whose number came in GBK, found as people type it.

use crate::browser::{PASSWORD, house};
use crate::support::chromium::Chromium;
use crate::support::eventually;
use crate::support::message::{Draft, gbk};

#[test]
fn a_patient_whose_number_came_in_gbk_is_found_masked_and_opened_with_the_message_laid_out() {
    let (_hospital, gate, _upstream) = house(&[], &[("wang", &["--role", "viewer"])]);
    let draft =
        Draft {
            patient: "P26·样例珅7^^^XYYY||赵样例", charset: "GB18030", ..Draft::refused("K1")
        };
    let mut client = gate.connect();
    client.ask(&gbk(&draft.text()));
    client.ask(&Draft::clean("K2").bytes());
    let browser = Chromium::open(&gate);
    browser.first_login("wang", PASSWORD);
    eventually("it is found", || {
        browser.go("/search");
        browser.fill("input[name=patient]", "P26·样例珅7");
        browser.click("form[action='/search'] button");
        browser.has("#found").then_some(())
    });
    assert_eq!(browser.path(), "/search", "an address carries no patient");
    assert_eq!(browser.script("return document.querySelectorAll('#found tbody tr').length"), 1);
    assert!(!browser.text("#found").contains("P26·样例珅7"), "masked until it is opened");
    browser.picture("search");
    browser.click("#found tbody a");
    browser.says("main", "P26·样例珅7");
    // The message as it was received, decoded, and the article in full.
    browser.says("main", "PID");
    browser.says("main", "综合评估后授予术者相应的手术权限");
    browser.picture("case");
    browser.print("case");
}
