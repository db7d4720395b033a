//! The pages of the register: a grant is suspended by hand, a file with a bad row changes nothing.

use crate::browser::{PASSWORD, house};
use crate::support::chromium::Chromium;
use crate::support::message::Draft;
use crate::support::reply::code;

/// The row of a grant.
const ROW: &str = "document.querySelectorAll('#grants tbody tr')";

/// A file's place, typed into the field of an upload.
fn upload(browser: &Chromium, file: &str) {
    browser.go("/register/import");
    browser.script("document.querySelector('select[name=table]').value = 'grants'");
    browser.fill("input[name=file]", file);
    browser.click("form[action='/register/import'] button");
    browser.says("h1", "导入预览");
}

#[test]
fn a_grant_suspended_on_the_page_refuses_that_surgeons_next_order() {
    let (_hospital, gate, upstream) = house(
        &[],
        &[
            ("zhou", &["--role", "registrar", "--display", "周样例"]),
            ("wang", &["--role", "viewer"]),
        ],
    );
    let mut client = gate.connect();
    assert_eq!(code(&client.ask(&Draft::clean("N1").bytes())), "AA");
    let forwarded = upstream.frames().len();
    let browser = Chromium::open(&gate);
    // Who only looks finds nothing to press, and a form made by hand is refused.
    browser.first_login("wang", PASSWORD);
    browser.go("/register/surgeons/D1002");
    browser.says("h1", "沈若川");
    assert!(!browser.has("details.offer"));
    browser.log_out();
    browser.first_login("zhou", PASSWORD);
    browser.go("/register/surgeons/D1002");
    browser.picture("dossier");
    let mark = format!(
        "const row = [...{ROW}].find(row => row.cells[0].textContent === '51.2300'); \
         row.id = 'wanted'; return row.className"
    );
    assert_eq!(browser.script(&mark), "active now");
    browser.click("#wanted details.offer summary");
    browser.picture("dossier-suspending");
    // The reason is needed: without it the browser sends nothing.
    browser.click("#wanted details.offer button");
    assert_eq!(browser.path(), "/register/surgeons/D1002");
    browser.fill("#wanted textarea[name=reason]", "并发症率超标");
    browser.click("#wanted details.offer button");
    browser.says("p.notice", "已暂停");
    browser.script(&mark);
    browser.says("#wanted", "暂停");
    browser.picture("dossier-suspended");
    let answer = client.ask(&Draft::clean("N2").bytes());
    assert_eq!(code(&answer), "AE");
    assert!(String::from_utf8_lossy(&answer).contains("grant-suspended"), "it says which");
    assert_eq!(upstream.frames().len(), forwarded, "not a byte of it went on");
}

#[test]
fn a_file_with_a_bad_row_is_shown_with_the_row_and_nothing_of_it_is_applied() {
    let (hospital, gate, _upstream) = house(&[], &[("zhou", &["--role", "registrar"])]);
    let head = "surgeon_id,code,right,valid_from,status,document_no,document_on,evaluated_on";
    let row = "D1001,51.2300,perform,2024-01-01,active,院医务〔2026〕9号,2026-02-27,2026-02-01";
    let bad = format!("{head}\n{row}\nD9999,51.2300,perform,昨天,active,,,\n");
    let (bad, good) =
        (hospital.file("bad.csv", bad), hospital.file("good.csv", format!("{head}\n{row}\n")));
    let order = |id: &str| Draft { surgeon: "D1001^林启明", ..Draft::clean(id) }.bytes();
    let mut client = gate.connect();
    let browser = Chromium::open(&gate);
    browser.first_login("zhou", PASSWORD);
    upload(&browser, &bad);
    browser.says("p.fault", "未导入任何内容");
    browser.says("#faults", "valid_from");
    assert!(browser.text("#faults").contains('3'), "the line is named");
    assert!(!browser.has("input[name=upload]"), "there is nothing to apply");
    browser.picture("import-faults");
    assert_eq!(code(&client.ask(&order("M1"))), "AE", "nor was the good row taken");
    upload(&browser, &good);
    browser.says("dl.counts", "新增");
    browser.picture("import-preview");
    assert_eq!(code(&client.ask(&order("M2"))), "AE", "a preview changes nothing");
    browser.click("form[action='/register/import/apply'] button");
    browser.says("p.notice", "已导入");
    assert_eq!(code(&client.ask(&order("M3"))), "AA");
}
