//! Search and case pages over HTTP: found as people type it, masked until opened, every look on record.

use serde_json::Value;

use crate::support::browser::{Browser, Page};
use crate::support::eventually;
use crate::support::gate::{Gate, Hospital};
use crate::support::ledger::entries;
use crate::support::message::{Draft, gbk};
use crate::support::upstream::Upstream;

const PASSWORD: &str = "first-word-of-all-7";

fn house(accounts: &[(&str, &[&str])]) -> (Hospital, Gate, Upstream) {
    let (hospital, gate, upstream) = Gate::simple(&[]);
    for (name, more) in accounts {
        hospital.account(name, PASSWORD, more);
    }
    (hospital, gate, upstream)
}

fn looks(gate: &Gate, act: &str) -> Vec<Value> {
    let all = entries(gate.data()).into_iter();
    all.filter(|entry| entry["kind"] == "access" && entry["body"]["act"] == act).collect()
}

/// The entries that a page of results shows.
fn found(page: &Page) -> Vec<String> {
    let rows = page.body.split("data-entry=\"").skip(1);
    rows.filter_map(|rest| rest.split('"').next()).map(str::to_owned).collect()
}

/// A search until it finds so many.
fn search(browser: &mut Browser, form: &[(&str, &[u8])], count: usize) -> Page {
    let word = browser.get("/search").field("word");
    let mut all: Vec<(&str, &[u8])> = vec![("word", word.as_bytes())];
    all.extend(form);
    eventually("the search finds", || {
        let page = browser.post_bytes("/search", &all);
        assert_eq!(page.status, 200, "{}", page.body);
        (found(&page).len() == count).then_some(page)
    })
}

#[test]
fn a_patient_is_found_as_typed_in_gbk_or_full_width_and_stays_masked_until_opened() {
    let (_hospital, gate, _upstream) = house(&[
        ("wang", &["--role", "viewer"]),
        ("li", &["--role", "viewer", "--department", "0999"]),
    ]);
    let mut browser = Browser::first_login(&gate, "wang", PASSWORD);
    let mut client = gate.connect();
    let draft =
        Draft {
            patient: "P26·样例7^^^XYYY||赵样例", charset: "GB18030", ..Draft::refused("R1")
        };
    client.ask(&gbk(&draft.text()));
    client.ask(&Draft::clean("R2").bytes());
    // From the very bytes of an older screen, and in UTF-8 with a full-width P, 2, 6 and 7.
    let page = search(&mut browser, &[("patient", &gbk("P26·样例7"))], 1);
    let [entry] = found(&page).try_into().expect("one row");
    assert!(!page.body.contains("<td>P26·样例7"), "the row is masked");
    let wide = search(&mut browser, &[("patient", "Ｐ２６·样例７".as_bytes())], 1);
    assert_eq!(found(&wide), std::slice::from_ref(&entry));
    let searched = looks(&gate, "searched");
    assert!(searched.iter().all(|look| look["body"]["what"] == "patient"), "{searched:?}");
    assert!(searched.iter().any(|look| look["body"]["patients"][0] == "P26·样例7"));
    // An address never carries a patient.
    let by_address = browser.get("/search?patient=P2699001&order=SQR2");
    assert_eq!(found(&by_address).len(), 0);
    let case = browser.get(&format!("/entries/{entry}?purpose=complaint"));
    assert_eq!(case.status, 200, "{}", case.body);
    for shown in ["P26·样例7", "赵样例", "<th scope=\"row\">PID</th>", "grant-missing", "AE"]
    {
        assert!(case.body.contains(shown), "{shown}: {}", case.body);
    }
    assert!(case.body.contains("综合评估后授予术者相应的手术权限"), "the article in full");
    let viewed = looks(&gate, "viewed");
    let [look] = viewed.as_slice() else { panic!("one look: {viewed:?}") };
    assert_eq!(look["body"]["purpose"], "complaint");
    assert_eq!(look["body"]["patients"][0], "P26·样例7");
    // Whoever sees another department only finds and opens nothing.
    let mut other = Browser::first_login(&gate, "li", PASSWORD);
    search(&mut other, &[("patient", &gbk("P26·样例7"))], 0);
    assert_eq!(other.get(&format!("/entries/{entry}")).status, 404);
    assert_eq!(looks(&gate, "viewed").len(), 1);
}

#[test]
fn an_inquiry_is_opened_from_its_card_and_the_look_is_on_record() {
    let (_hospital, gate, _upstream) = house(&[
        ("wang", &["--role", "viewer"]),
        ("li", &["--role", "viewer", "--department", "0999"]),
    ]);
    let call = crate::support::bytes_of("tests/data/cds_hooks/good/order-sign-refused.json");
    let call: Value = serde_json::from_slice(&call).expect("JSON");
    let sign = "/cds-services/orgate-order-sign";
    let answer = crate::support::console::post(gate.console(), sign, &call);
    assert_eq!(answer.status, 200);
    let entry = looks(&gate, "inquiry").remove(0)["id"].as_str().expect("an id").to_owned();
    let mut browser = Browser::first_login(&gate, "wang", PASSWORD);
    let page = eventually("the index has it", || {
        let page = browser.get(&format!("/entries/{entry}"));
        (page.status == 200).then_some(page)
    });
    for shown in ["P2699001", "grant-missing", "并非医嘱", "D1005"] {
        assert!(page.body.contains(shown), "{shown}: {}", page.body);
    }
    let viewed = looks(&gate, "viewed");
    let [look] = viewed.as_slice() else { panic!("one look: {viewed:?}") };
    assert_eq!(look["body"]["what"], "inquiry");
    assert_eq!(
        (&look["body"]["entry"], &look["body"]["patients"][0]),
        (&entry.as_str().into(), &"P2699001".into())
    );
    // It is no decision, and whoever sees another department opens nothing.
    search(&mut browser, &[("patient", b"P2699001")], 0);
    let mut other = Browser::first_login(&gate, "li", PASSWORD);
    assert_eq!(other.get(&format!("/entries/{entry}")).status, 404);
    let login = looks(&gate, "login").remove(0);
    let login = login["id"].as_str().expect("an id");
    assert_eq!(browser.get(&format!("/entries/{login}")).status, 404, "other looks have no page");
    assert_eq!(looks(&gate, "viewed").len(), 1);
}

#[test]
fn an_order_and_its_notice_are_one_case_and_every_field_finds_them() {
    let (_hospital, gate, _upstream) = house(&[("wang", &["--role", "viewer"])]);
    let mut browser = Browser::first_login(&gate, "wang", PASSWORD);
    let mut client = gate.connect();
    client.ask(&Draft::clean("C1").bytes());
    client.ask(&Draft { control: "XO", ..Draft::clean("C1") }.bytes());
    client.ask(&Draft::refused("C2").bytes());
    let page = search(&mut browser, &[("order", b"SQC1")], 2);
    let case = browser.get(&format!("/entries/{}", found(&page)[0]));
    assert_eq!(case.body.matches("<article").count(), 2, "{}", case.body);
    assert!(case.body.contains("下游已答复"), "{}", case.body);
    for (field, text, count) in [
        ("surgeon", "Ｄ１００２", 2),
        ("procedure", "52.7X00", 1),
        ("rule", "grant-missing", 1),
        ("decision", "block", 1),
        ("route", "his", 3),
        ("department", "0301", 3),
        ("department", "0999", 0),
        ("since", "2020/01/01", 3),
        ("until", "2020-01-01", 0),
    ] {
        search(&mut browser, &[(field, text.as_bytes())], count);
    }
    let word = browser.get("/search").field("word");
    let bad = browser.post("/search", &[("word", &word), ("day", "昨天")]);
    assert!(bad.body.contains("日期请写成"), "{}", bad.body);
    assert_eq!(browser.get("/entries/nonsense").status, 404);
}

#[test]
fn a_table_is_taken_away_by_an_auditor_only_and_with_its_purpose() {
    let (_hospital, gate, _upstream) =
        house(&[("wang", &["--role", "viewer"]), ("sun", &["--role", "auditor"])]);
    gate.connect().ask(&Draft::refused("X1").bytes());
    let mut auditor = Browser::first_login(&gate, "sun", PASSWORD);
    let page = search(&mut auditor, &[("decision", b"block")], 1);
    let word = page.field("word");
    let form = |word: &str, why: &str, identified: &str| {
        [
            ("word", word),
            ("decision", "block"),
            ("export_purpose", why),
            ("format", "csv"),
            ("identified", identified),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
    };
    let post = |browser: &mut Browser, form: &[(String, String)]| {
        let form: Vec<(&str, &str)> = form.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        browser.post("/search/export", &form)
    };
    assert_eq!(post(&mut auditor, &form("", "年度督查", "")).status, 403, "a form of others");
    assert_eq!(post(&mut auditor, &form(&word, " ", "")).status, 400, "no purpose");
    let mut viewer = Browser::first_login(&gate, "wang", PASSWORD);
    let own = viewer.get("/search").field("word");
    assert_eq!(post(&mut viewer, &form(&own, "年度督查", "")).status, 403);
    assert!(looks(&gate, "exported").is_empty());
    let masked = post(&mut auditor, &form(&word, "年度督查", ""));
    assert_eq!(masked.header("content-type"), Some("text/csv; charset=utf-8"));
    assert!(masked.body.contains("D1005") && !masked.body.contains("P2699001"));
    let named = post(&mut auditor, &form(&word, "专项检查", "1"));
    assert!(named.body.contains("P2699001") && named.body.contains("SQX1"), "{}", named.body);
    let exported = looks(&gate, "exported");
    assert_eq!(exported.len(), 2);
    assert_eq!(exported[0]["body"]["purpose"], "年度督查");
    assert_eq!(exported[0]["body"]["patients"], Value::Array(Vec::new()));
    assert_eq!(exported[1]["body"]["patients"][0], "P2699001");
}
