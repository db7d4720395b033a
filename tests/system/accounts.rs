//! The page of accounts: for administrators alone; what it changes counts at once and is on record; the last
//! administrator stays.

use serde_json::Value;

use crate::support::browser::{Browser, Page};
use crate::support::gate::{Gate, Hospital};
use crate::support::ledger::entries;
use crate::support::upstream::Upstream;

const PASSWORD: &str = "first-word-of-all-7";

fn house(accounts: &[(&str, &[&str])]) -> (Hospital, Gate, Upstream) {
    let (hospital, gate, upstream) = Gate::simple(&[]);
    for (name, more) in accounts {
        hospital.account(name, PASSWORD, more);
    }
    (hospital, gate, upstream)
}

/// What a form of an account's page does.
fn act(browser: &mut Browser, name: &str, act: &str, more: &[(&str, &str)]) -> Page {
    let path = format!("/accounts/{name}");
    let word = browser.get(&path).field("word");
    let mut form = vec![("word", &*word), ("act", act)];
    form.extend(more);
    browser.post(&path, &form)
}

fn password(page: &Page) -> String {
    let (_, rest) = page.body.split_once("id=\"password\">").expect("the password is shown");
    rest.split('<').next().unwrap_or_default().to_owned()
}

/// What is on record of changes of accounts.
fn changes(gate: &Gate) -> Vec<Value> {
    let all = entries(gate.data()).into_iter().map(|entry| entry["body"].clone());
    let own = |body: &Value| body["act"].as_str().is_some_and(|act| act.starts_with("account-"));
    all.filter(own).collect()
}

#[test]
fn accounts_are_for_administrators_alone_and_by_forms_of_their_own_session() {
    let (_hospital, gate, _upstream) = house(&[
        ("root", &["--role", "admin"]),
        ("wang", &["--role", "viewer", "--role", "reviewer", "--role", "auditor"]),
    ]);
    let mut stranger = Browser::new(&gate);
    assert_eq!(stranger.get("/accounts").header("location"), Some("/login"));
    let mut wang = Browser::first_login(&gate, "wang", PASSWORD);
    let live = wang.get("/live");
    assert!(!live.body.contains("href=\"/accounts\""));
    assert_eq!((wang.get("/accounts").status, wang.get("/accounts/root").status), (403, 403));
    let word = live.field("word");
    let grab = [("word", &*word), ("act", "rights"), ("role-admin", "on"), ("reason", "x")];
    assert_eq!(wang.post("/accounts/wang", &grab).status, 403);
    let add = [("word", &*word), ("name", "ghost"), ("role-admin", "on")];
    assert_eq!(wang.post("/accounts", &add).status, 403);
    // Who keeps accounts sees no patients for that.
    let mut root = Browser::first_login(&gate, "root", PASSWORD);
    assert_eq!(root.get("/").header("location"), Some("/accounts"));
    assert_eq!(root.get("/live").status, 403);
    let list = root.get("/accounts").body;
    assert!(list.contains("data-account=\"wang\"") && list.contains("查看、审核、审计"), "{list}");
    // Without the word of this session, or sent by another site.
    let own = root.get("/accounts/wang").field("word");
    let disable = |word| [("word", word), ("act", "disable"), ("reason", "x")];
    for wrong in ["", &*word] {
        assert_eq!(root.post("/accounts/wang", &disable(wrong)).status, 403);
    }
    let elsewhere = ["Sec-Fetch-Site: cross-site"];
    assert_eq!(root.post_with("/accounts/wang", &disable(&own), &elsewhere).status, 403);
    let ghost = [("word", ""), ("name", "ghost"), ("role-admin", "on")];
    assert_eq!(root.post("/accounts", &ghost).status, 403);
    assert_eq!(wang.get("/live").status, 200);
    assert_eq!(changes(&gate), Vec::<Value>::new());
}

#[test]
fn an_account_is_made_changed_closed_and_opened_and_each_act_is_on_record() {
    let (_hospital, gate, _upstream) = house(&[("root", &["--role", "admin"])]);
    let mut root = Browser::first_login(&gate, "root", PASSWORD);
    let word = root.get("/accounts").field("word");
    let new = [
        ("word", &*word),
        ("name", "Sun"),
        ("display", "孙样例"),
        ("staff", "D9010"),
        ("role-viewer", "on"),
        ("departments", "0301，0302"),
    ];
    let made = root.post("/accounts", &new);
    assert_eq!(made.status, 200, "{}", made.body);
    assert_eq!(made.header("cache-control"), Some("no-store"));
    let first = password(&made);
    assert!(!root.get("/accounts/sun").body.contains(&first), "shown once");
    assert!(root.post("/accounts", &new).body.contains("已有同名账号"));
    // Its owner changes it at the first login, and is in.
    let mut sun = Browser::first_login(&gate, "sun", &first);
    assert_eq!((sun.get("/live").status, sun.get("/operations").status), (200, 403));
    assert!(root.get("/accounts").body.contains("0301, 0302"));
    // Nothing without a reason, but to end sessions.
    for without in ["disable", "password", "rights"] {
        let page = act(&mut root, "sun", without, &[("role-operator", "on")]);
        assert!(page.status == 409 && page.body.contains("请填写理由"), "{without}");
    }
    let more = [("role-operator", "on"), ("reason", "转信息科"), ("until", "2999-12-31")];
    assert_eq!(act(&mut root, "sun", "rights", &more).status, 303);
    assert_eq!((sun.get("/live").status, sun.get("/operations").status), (403, 200), "at once");
    assert!(root.get("/accounts/sun").body.contains("value=\"2999-12-31\""));
    assert_eq!(act(&mut root, "sun", "end-sessions", &[]).status, 303);
    assert_eq!(sun.get("/operations").header("location"), Some("/login"));
    let second = act(&mut root, "sun", "password", &[("reason", "忘记密码")]);
    let second = password(&second);
    assert_eq!(sun.log_in("sun", &format!("{first}-new")).status, 403);
    let mut sun = Browser::first_login(&gate, "sun", &second);
    assert_eq!(act(&mut root, "sun", "disable", &[("reason", "离职")]).status, 303);
    assert_eq!(sun.get("/operations").header("location"), Some("/login"));
    let refused = sun.log_in("sun", &format!("{second}-new"));
    assert!(refused.body.contains("账号已停用"), "{}", refused.body);
    assert_eq!(act(&mut root, "sun", "enable", &[("reason", "返聘")]).status, 303);
    for _ in 0..5 {
        sun.log_in("sun", "wrong-password");
    }
    assert!(root.get("/accounts").body.contains("锁定至"));
    assert_eq!(act(&mut root, "sun", "unlock", &[("reason", "本人核实")]).status, 303);
    let entered = sun.log_in("sun", &format!("{second}-new"));
    assert_eq!(entered.header("location"), Some("/"));
    let all = changes(&gate);
    let acts: Vec<&str> = all.iter().filter_map(|body| body["act"].as_str()).collect();
    let expected = [
        "account-added",
        "account-changed",
        "account-sessions-ended",
        "account-password",
        "account-disabled",
        "account-enabled",
        "account-unlocked",
    ];
    assert_eq!(acts, expected);
    assert!(all.iter().all(|body| body["account"] == "root" && body["of"] == "sun"));
    assert_eq!(all[1]["reason"], "转信息科");
    let ledger: String = entries(gate.data()).iter().map(Value::to_string).collect();
    assert!(!ledger.contains(&first) && !ledger.contains(&second), "no password is on record");
}

#[test]
fn the_last_administrator_stays_and_nobody_closes_themselves() {
    let (_hospital, gate, _upstream) = house(&[
        ("root", &["--role", "admin"]),
        ("second", &["--role", "admin", "--role", "viewer", "--until", "2999-12-31"]),
    ]);
    let mut root = Browser::first_login(&gate, "root", PASSWORD);
    let mut second = Browser::first_login(&gate, "second", PASSWORD);
    let why = ("reason", "试验");
    let closes = [
        ("disable", vec![why]),
        ("rights", vec![why, ("role-viewer", "on")]),
        ("rights", vec![why, ("role-admin", "on"), ("until", "2999-12-31")]),
    ];
    for (word, form) in &closes {
        let own = act(&mut root, "root", word, form);
        assert!(own.status == 409 && own.body.contains("请由另一位管理员办理"), "{}", own.body);
        // The other ends some day: then there would be none.
        let last = act(&mut second, "root", word, form);
        assert!(last.status == 409 && last.body.contains("至少须保留一个"), "{}", last.body);
    }
    let wrong = [
        ("rights", vec![why], "至少选择一个角色"),
        ("rights", vec![why, ("role-admin", "on"), ("until", "2020-01-01")], "最后一日已过"),
        ("rights", vec![why, ("role-admin", "on"), ("until", "bald")], "2026-12-31"),
        ("enable", vec![why], "没有需要变更的内容"),
    ];
    for (word, form, says) in wrong {
        let page = act(&mut root, "second", word, &form);
        assert!(page.status == 409 && page.body.contains(says), "{says}: {}", page.body);
    }
    assert_eq!(root.get("/accounts/nobody").status, 404);
    let word = root.get("/accounts").field("word");
    for (name, more, says) in [
        ("../x", ("role-viewer", "on"), "账号名须为"),
        ("ok-name", ("display", "x"), "至少选择一个角色"),
    ] {
        let page = root.post("/accounts", &[("word", &word), ("name", name), more]);
        assert!(page.status == 409 && page.body.contains(says), "{}", page.body);
    }
    let vendor = [("word", &*word), ("name", "firm"), ("role-operator", "on"), ("vendor", "on")];
    assert!(root.post("/accounts", &vendor).body.contains("90 天以内"));
    assert_eq!(changes(&gate), Vec::<Value>::new());
    // Made to stay, the other may go on alone.
    let more = [why, ("role-admin", "on"), ("role-viewer", "on")];
    assert_eq!(act(&mut root, "second", "rights", &more).status, 303);
    assert_eq!(act(&mut second, "root", "disable", &[why]).status, 303);
    assert_eq!(root.get("/accounts").header("location"), Some("/login"));
}

#[test]
fn a_page_that_watches_ends_when_its_account_may_not_see_any_more() {
    let (_hospital, gate, _upstream) =
        house(&[("root", &["--role", "admin"]), ("sun", &["--role", "viewer"])]);
    let mut root = Browser::first_login(&gate, "root", PASSWORD);
    let sun = Browser::first_login(&gate, "sun", PASSWORD);
    let mut watched = sun.watch("/live/stream");
    let more = [("role-operator", "on"), ("reason", "转信息科")];
    assert_eq!(act(&mut root, "sun", "rights", &more).status, 303);
    watched.ends();
}
