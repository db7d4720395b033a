//! The console's pages over HTTP: who gets in, what the headers forbid, forms of others, live verdicts, a review.

use crate::support::browser::Browser;
use crate::support::eventually;
use crate::support::gate::{Gate, Hospital};
use crate::support::ledger::entries;
use crate::support::message::Draft;
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
fn nobody_gets_in_without_the_password_and_the_first_one_must_be_changed() {
    let (hospital, gate, _upstream) = house(&[("wang", &["--role", "viewer"])]);
    let mut browser = Browser::new(&gate);
    for page in ["/", "/live", "/live/stream", "/overrides", "/overrides/01X.0", "/password"] {
        assert_eq!(browser.get(page).header("location"), Some("/login"), "{page}");
    }
    let refused = browser.log_in("wang", "wrong");
    assert_eq!(refused.status, 403);
    assert!(refused.body.contains("账号或密码不正确"), "{}", refused.body);
    // In, but nowhere else than to the page on which the password is changed.
    assert_eq!(browser.log_in("wang", PASSWORD).header("location"), Some("/password"));
    assert_eq!(browser.get("/live").header("location"), Some("/password"));
    let mut browser = Browser::first_login(&gate, "wang", PASSWORD);
    let live = browser.get("/live");
    assert_eq!(live.status, 200);
    let form = [("word", &*live.field("word"))];
    assert_eq!(browser.post("/logout", &form).header("location"), Some("/login"));
    assert_eq!(browser.get("/live").header("location"), Some("/login"));
    let listed = hospital.run(&["account", "list"]);
    assert!(String::from_utf8_lossy(&listed.stdout).contains("wang\twang\t-\tviewer\t*\tactive"));
    let acts: Vec<String> = entries(gate.data())
        .iter()
        .filter(|entry| entry["kind"] == "access")
        .map(|entry| entry["body"]["act"].as_str().expect("an act").to_owned())
        .collect();
    assert_eq!(acts.first().map(String::as_str), Some("login-refused"));
    assert_eq!(acts.last().map(String::as_str), Some("logout"));
}

#[test]
fn pages_load_nothing_from_elsewhere_and_their_headers_forbid_it() {
    let (_hospital, gate, _upstream) = house(&[("wang", &["--role", "reviewer"])]);
    let mut browser = Browser::first_login(&gate, "wang", PASSWORD);
    for path in ["/login", "/live", "/overrides", "/password", "/overrides/none.0"] {
        let page = browser.get(path);
        let policy = page.header("content-security-policy").expect("a policy");
        assert!(policy.starts_with("default-src 'none'; script-src 'self'"), "{policy}");
        assert!(!policy.contains("unsafe"), "{policy}");
        assert_eq!(page.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(page.header("cache-control"), Some("no-store"));
        for elsewhere in ["http://", "https://", "<style", " style=", " onclick=", "javascript:"] {
            assert!(!page.body.contains(elsewhere), "{path}: {elsewhere}");
        }
    }
    let login = Browser::new(&gate).log_in("wang", &format!("{PASSWORD}-new"));
    let cookie = login.header("set-cookie").expect("a cookie");
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax"), "{cookie}");
    for asset in ["console.css", "records.css", "figures.css", "console.js"] {
        assert_eq!(browser.get(&format!("/static/{asset}")).status, 200);
    }
    let english = browser.post("/language", &[("lang", "en"), ("back", "/overrides")]);
    assert_eq!(english.header("location"), Some("/overrides"));
    assert!(browser.get("/overrides").body.contains("Waiting for review"));
    let away = browser.post("/language", &[("lang", "zh"), ("back", "//elsewhere.example")]);
    assert_eq!(away.header("location"), Some("/"));
}

#[test]
fn a_verdict_shows_as_it_is_decided_with_the_patient_masked_and_text_as_text() {
    let (_hospital, gate, _upstream) = house(&[
        ("wang", &["--role", "viewer"]),
        ("li", &["--role", "viewer", "--department", "0999"]),
    ]);
    let mut browser = Browser::first_login(&gate, "wang", PASSWORD);
    let mut other = Browser::first_login(&gate, "li", PASSWORD);
    let mut all = browser.watch("/live/stream");
    let mut blocked = browser.watch("/live/stream?decision=block");
    let draft = Draft {
        code: "99.9999^<script>alert(1)</script>^CHS2.0",
        department: "0301",
        ..Draft::clean("L2")
    };
    let mut client = gate.connect();
    client.ask(&Draft::clean("L1").bytes());
    client.ask(&draft.bytes());
    let first = all.next("verdict");
    assert!(first.contains("data-decision=\"forward\"") || first.contains("flagged"), "{first}");
    assert!(first.contains("••••01") && !first.contains("P2699001"), "{first}");
    let refused = blocked.next("verdict");
    assert!(refused.contains("data-decision=\"block\""), "{refused}");
    assert!(!refused.contains("<script"), "{refused}");
    let page = eventually("the page shows both", || {
        let page = browser.get("/live").body;
        // Counts that took long are kept for a moment.
        let counted = page.contains("<dd data-count=\"block\">1</dd>");
        (page.matches("data-entry").count() == 2 && counted).then_some(page)
    });
    assert!(!page.contains("<script>") && !page.contains("P2699001"));
    // Who sees one department only sees nothing of the others.
    assert_eq!(other.get("/live").body.matches("data-entry").count(), 0);
}

#[test]
fn an_override_is_reviewed_by_a_second_person_and_never_by_the_same_or_by_a_form_of_others() {
    let (_hospital, gate, _upstream) = house(&[
        ("qin", &["--role", "reviewer", "--staff", "D1005", "--display", "秦可欣"]),
        ("wang", &["--role", "reviewer", "--staff", "D9001"]),
        ("li", &["--role", "viewer"]),
    ]);
    gate.connect().ask(&Draft::emergency("V1").bytes());
    let mut own = Browser::first_login(&gate, "qin", PASSWORD);
    let mut second = Browser::first_login(&gate, "wang", PASSWORD);
    let mut viewer = Browser::first_login(&gate, "li", PASSWORD);
    let file = eventually("the file is listed", || {
        let list = second.get("/overrides").body;
        let (_, rest) = list.split_once("href=\"/overrides/")?;
        Some(format!("/overrides/{}", rest.split('"').next()?))
    });
    let page = second.get(&file);
    assert!(page.body.contains("P2699001") && !second.get("/overrides").body.contains("P2699001"));
    let looked = entries(gate.data()).into_iter().any(|entry| {
        entry["body"]["act"] == "viewed" && entry["body"]["patients"][0] == "P2699001"
    });
    assert!(looked, "opening a file is on record");
    let review = |browser: &mut Browser, word: &str, more: &[&str]| {
        let form = [("word", word), ("act", "confirm"), ("reason", "已核对病历"), ("suspend", "")];
        browser.post_with(&file, &form, more)
    };
    // Forms that are not of this session, or that another site sent.
    let word = page.field("word");
    assert_eq!(review(&mut second, "", &[]).status, 403);
    assert_eq!(review(&mut own, &word, &[]).status, 403);
    assert_eq!(review(&mut second, &word, &["Sec-Fetch-Site: cross-site"]).status, 403);
    // The surgeon, and who may only look.
    let own_page = own.get(&file);
    assert!(own_page.body.contains("id=\"barred\""));
    let refused = review(&mut own, &own_page.field("word"), &[]);
    assert_eq!(refused.status, 409);
    assert!(refused.body.contains("术者不得审核自己的越权手术"), "{}", refused.body);
    assert!(!viewer.get(&file).body.contains("<textarea"));
    let viewer_word = viewer.get(&file).field("word");
    assert_eq!(review(&mut viewer, &viewer_word, &[]).status, 403);
    let done = review(&mut second, &word, &["Sec-Fetch-Site: same-origin"]);
    assert_eq!(done.status, 303, "{}", done.body);
    let to = done.header("location").expect("back to the file").to_owned();
    let closed = second.get(&to);
    assert!(closed.body.contains("已认可并结案") && closed.body.contains("已核对病历"));
    let acts = entries(gate.data());
    let acts: Vec<_> = acts.iter().filter(|entry| entry["kind"] == "override").collect();
    assert_eq!(acts.len(), 1, "what was refused left no entry");
}
