//! Register pages over HTTP: dossiers, suspension with a reason, uploads with a preview, history.

use crate::support::browser::Browser;
use crate::support::gate::{Gate, Hospital};
use crate::support::ledger::entries;
use crate::support::message::Draft;
use crate::support::reply::code;
use crate::support::upstream::Upstream;

const PASSWORD: &str = "first-word-of-all-7";

fn house(accounts: &[(&str, &[&str])]) -> (Hospital, Gate, Upstream) {
    let (hospital, gate, upstream) = Gate::simple(&[]);
    for (name, more) in accounts {
        hospital.account(name, PASSWORD, more);
    }
    (hospital, gate, upstream)
}

#[test]
fn a_suspended_grant_refuses_the_next_order_and_only_a_registrar_may_with_a_reason() {
    let (_hospital, gate, _upstream) = house(&[
        ("zhou", &["--role", "registrar", "--display", "周样例"]),
        ("wang", &["--role", "viewer"]),
        ("li", &["--role", "registrar", "--department", "心脏外科"]),
    ]);
    let mut client = gate.connect();
    assert_eq!(code(&client.ask(&Draft::clean("S1").bytes())), "AA");
    let mut registrar = Browser::first_login(&gate, "zhou", PASSWORD);
    let page = registrar.get("/register/surgeons/D1002");
    assert!(page.body.contains("沈若川") && page.body.contains("51.2300"), "{}", page.body);
    assert!(page.body.contains("院医务"), "the document of each grant");
    let turn = |browser: &mut Browser, word: &str, way: &str, reason: &str, more: &[&str]| {
        let form = [
            ("word", word),
            ("of", "grant"),
            ("surgeon", "D1002"),
            ("code", "51.2300"),
            ("way", way),
            ("reason", reason),
        ];
        browser.post_with("/register/turn", &form, more)
    };
    let word = page.field("word");
    assert_eq!(turn(&mut registrar, "", "suspend", "并发症", &[]).status, 403);
    let elsewhere = ["Sec-Fetch-Site: cross-site"];
    assert_eq!(turn(&mut registrar, &word, "suspend", "并发症", &elsewhere).status, 403);
    assert_eq!(turn(&mut registrar, &word, "suspend", "  ", &[]).status, 409, "no reason");
    let mut viewer = Browser::first_login(&gate, "wang", PASSWORD);
    let own = viewer.get("/register/surgeons/D1002");
    assert!(!own.body.contains("action=\"/register/turn\""));
    assert_eq!(turn(&mut viewer, &own.field("word"), "suspend", "并发症", &[]).status, 403);
    let mut other = Browser::first_login(&gate, "li", PASSWORD);
    assert_eq!(other.get("/register/surgeons/D1002").status, 404, "of another department");
    let theirs = other.get("/register").field("word");
    assert_eq!(turn(&mut other, &theirs, "suspend", "并发症", &[]).status, 404);
    assert_eq!(code(&client.ask(&Draft::clean("S2").bytes())), "AA", "nothing has changed");
    let done = turn(&mut registrar, &word, "suspend", "并发症率超标", &[]);
    let to = done.header("location").expect("back to the dossier").to_owned();
    assert!(to.starts_with("/register/surgeons/D1002?done=suspend"), "{to}");
    assert_eq!(code(&client.ask(&Draft::clean("S3").bytes())), "AE");
    let told = registrar.get(&to);
    assert!(told.body.contains("已暂停") && told.body.contains("<tr class=\"suspended now\">"));
    let history = registrar.get("/register/history");
    assert!(history.body.contains("并发症率超标") && history.body.contains("周样例"));
    assert_eq!(turn(&mut registrar, &word, "resume", "复评合格", &[]).status, 303);
    assert_eq!(code(&client.ask(&Draft::clean("S4").bytes())), "AA");
}

#[test]
fn an_upload_is_previewed_row_by_row_and_applied_once_as_it_was_seen() {
    let (hospital, gate, _upstream) =
        house(&[("zhou", &["--role", "registrar"]), ("wang", &["--role", "viewer"])]);
    let mut registrar = Browser::first_login(&gate, "zhou", PASSWORD);
    let word = registrar.get("/register/import").field("word");
    let head = "surgeon_id,code,right,valid_from,status,document_no,document_on,evaluated_on\n";
    let good = format!(
        "{head}D1001,51.2300,perform,2024-01-01,active,院医务〔2026〕9号,2026-02-27,2026-02-01\n"
    );
    let bad = format!("{good}D9999,51.2300,perform,昨天,active,院医务〔2026〕9号,2026-02-27,\n");
    let form = |word: &'static str| [("word", word), ("table", "grants"), ("merge", "1")];
    let fields = [("word", &*word), ("table", "grants"), ("merge", "1")];
    let upload = |browser: &mut Browser, fields: &[(&str, &str)], text: &str| {
        browser.upload("/register/import", fields, ("授权.csv", text.as_bytes()))
    };
    assert_eq!(upload(&mut registrar, &form("0000"), &good).status, 403, "a form of others");
    let mut viewer = Browser::first_login(&gate, "wang", PASSWORD);
    let own = viewer.get("/register/import").field("word");
    let theirs = [("word", &*own), ("table", "grants")];
    assert_eq!(upload(&mut viewer, &theirs, &good).status, 403);
    let faults = upload(&mut registrar, &fields, &bad);
    assert_eq!(faults.status, 422);
    assert!(faults.body.contains("<td>3</td><td><code>valid_from</code>"), "{}", faults.body);
    assert!(!faults.body.contains("name=\"upload\""), "with a fault there is nothing to apply");
    let preview = upload(&mut registrar, &fields, &good);
    assert_eq!(preview.status, 200, "{}", preview.body);
    assert!(preview.body.contains("<dt>新增</dt><dd>1</dd>"), "{}", preview.body);
    assert!(preview.body.contains("<ins>院医务〔2026〕9号</ins>"), "{}", preview.body);
    let order = Draft { surgeon: "D1001^林启明", ..Draft::clean("I1") };
    let mut client = gate.connect();
    assert_eq!(code(&client.ask(&order.bytes())), "AE", "a preview changes nothing");
    let apply = |browser: &mut Browser, upload: &str| {
        browser.post("/register/import/apply", &[("word", &word), ("upload", upload)])
    };
    // The register changes meanwhile: what was seen is no longer what would happen.
    hospital.grant("D1007", "51.2300", "active");
    assert_eq!(apply(&mut registrar, &preview.field("upload")).status, 409);
    let preview = upload(&mut registrar, &fields, &good);
    let done = apply(&mut registrar, &preview.field("upload"));
    let to = done.header("location").expect("to its version").to_owned();
    assert!(to.starts_with("/register/history/"), "{to}");
    let version = registrar.get(&to);
    assert!(version.body.contains("已导入") && version.body.contains("D1001"), "{}", version.body);
    assert_eq!(apply(&mut registrar, &preview.field("upload")).status, 409, "once");
    let order = Draft { surgeon: "D1001^林启明", ..Draft::clean("I2") };
    assert_eq!(code(&client.ask(&order.bytes())), "AA");
    let again = upload(&mut registrar, &fields, &good);
    assert!(again.body.contains("与现有登记一致"), "{}", again.body);
}

#[test]
fn tables_are_filtered_and_a_discussion_is_masked_until_opened() {
    let (_hospital, gate, _upstream) = house(&[("wang", &["--role", "viewer"])]);
    let mut browser = Browser::first_login(&gate, "wang", PASSWORD);
    for (path, shown) in [
        ("/register", "D1002"),
        ("/register?text=%E6%B2%88%E8%8B%A5%E5%B7%9D", "沈若川"),
        ("/register/catalogue?text=47.1100", "年度评估认定无独立指征"),
        ("/register/techniques?text=N2022-10", "2024-04-22"),
        ("/register/discussions", "MDT26020001"),
        ("/register/history", "手术分级管理目录：新增"),
        ("/register/history/1", "+"),
    ] {
        let page = browser.get(path);
        assert_eq!(page.status, 200, "{path}");
        assert!(page.body.contains(shown), "{path}: {}", page.body);
        for elsewhere in ["http://", "https://", "<style", " style=", " onclick=", "<script>"] {
            assert!(!page.body.contains(elsewhere), "{path}: {elsewhere}");
        }
    }
    assert!(!browser.get("/register?text=%25").body.contains("D1002"), "nothing is a wildcard");
    let list = browser.get("/register/discussions").body;
    assert!(!list.contains("P2600103") && !list.contains("SQ2603020003"));
    let all = browser.get("/register/history/1").body;
    assert!(!all.contains("P2600103"), "nor does the history tell");
    let opened = browser.get("/register/discussions/MDT26020001").body;
    assert!(opened.contains("P2600103") && opened.contains("肝胆外科"));
    let looked = entries(gate.data()).into_iter().any(|entry| {
        entry["body"]["what"] == "discussion" && entry["body"]["patients"][0] == "P2600103"
    });
    assert!(looked, "opening it is on record");
    let english = browser.post("/language", &[("lang", "en"), ("back", "/register")]);
    assert_eq!(english.header("location"), Some("/register"));
    assert!(browser.get("/register").body.contains("Technique"));
}
