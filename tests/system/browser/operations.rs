//! The page of operations: a stance is changed, counts for the next message, is recorded, and outlives a restart.

use crate::browser::{PASSWORD, house};
use crate::support::chromium::Chromium;
use crate::support::eventually;
use crate::support::ledger::entries;
use crate::support::message::Draft;
use crate::support::reply::code;

#[test]
fn a_department_is_switched_to_enforce_from_the_next_message_on_and_over_a_restart() {
    let (hospital, mut gate, upstream) = house(
        &["stance = \"observe\""],
        &[
            ("ops", &["--role", "operator", "--display", "周样例"]),
            ("dept", &["--role", "operator", "--department", "0999"]),
        ],
    );
    let mut client = gate.connect();
    assert_eq!(code(&client.ask(&Draft::refused("D1").bytes())), "AA", "only observed");
    let browser = Chromium::open(&gate);
    browser.first_login("ops", PASSWORD);
    browser.go("/operations");
    browser.says("tr[data-route=his]", "仅观察");
    browser.picture("operations");
    browser.click("tr[data-route=his] a");
    browser.picture("operations-route");
    // Without a reason the browser itself sends nothing.
    browser.fill("#one input[name=department]", "0301");
    browser.click("#one button[value=department-enforce]");
    assert!(browser.path().starts_with("/operations/routes/"));
    browser.fill("#one input[name=reason]", "普外科上线");
    browser.click("#one button[value=department-enforce]");
    browser.says("p.notice", "下一条报文起生效");
    browser.says("tr[data-route=his]", "执行（0301）");
    browser.says("tr[data-route=his]", "与配置文件不同");
    browser.says("tr[data-route=his]", "周样例：普外科上线");
    browser.picture("operations-changed");
    // The same connection, the next message; and another department as before.
    assert_eq!(code(&client.ask(&Draft::refused("D2").bytes())), "AE");
    let other = Draft { department: "0302", ..Draft::refused("D3") };
    assert_eq!(code(&client.ask(&other.bytes())), "AA");
    let seen = upstream.frames().len();
    let written: Vec<_> =
        entries(gate.data()).into_iter().filter(|entry| entry["body"]["act"] == "stance").collect();
    assert_eq!(written.len(), 1);
    let body = &written[0]["body"];
    assert_eq!((&body["act"], &body["reason"]), (&"stance".into(), &"普外科上线".into()));
    assert_eq!(body["to"]["departments"][0], "0301");
    gate.stop();
    let gate = hospital.start();
    assert_eq!(code(&gate.connect().ask(&Draft::refused("D4").bytes())), "AE");
    assert_eq!(upstream.frames().len(), seen, "nothing refused went on");
    // Back to observing: a refusal that was repeated until now is no longer.
    let browser = Chromium::open(&gate);
    browser.log_in("ops", &format!("{PASSWORD}-new"));
    eventually("inside", || browser.has("header nav").then_some(()));
    browser.go("/operations");
    browser.click("#verify");
    eventually("verified", || {
        browser.go("/operations");
        browser.text("#verified").contains("完整").then_some(())
    });
    browser.go("/operations/routes/his");
    browser.click("#whole input[value=observe]");
    browser.fill("#whole input[name=reason]", "演练结束");
    browser.click("#whole button");
    browser.says("tr[data-route=his]", "仅观察");
    assert!(!browser.text("tr[data-route=his]").contains("与配置文件不同"));
    assert_eq!(code(&gate.connect().ask(&Draft::refused("D4").bytes())), "AA");
    browser.log_out();
    // Who sees one department changes that one only.
    browser.first_login("dept", PASSWORD);
    browser.go("/operations/routes/his");
    assert!(!browser.has("#whole"));
    browser.script(
        "document.querySelector('#one option').value = '0301'; \
         document.querySelector('#one input[name=reason]').value = 'x'",
    );
    browser.click("#one button[value=department-enforce]");
    browser.says("main", "只能变更本科室");
}
