//! Feeds on the page of operations: how each stands, dead letters sent again, a feed enabled that a receiver disabled.

use std::net::{TcpListener, TcpStream};

use serde_json::{Value, json};

use crate::feeds::{feed, taken, wait_for};
use crate::support::browser::Browser;
use crate::support::client::Client;
use crate::support::eventually;
use crate::support::gate::{Gate, Hospital};
use crate::support::ledger::entries;
use crate::support::message::Draft;
use crate::support::script::Script;
use crate::support::upstream::Upstream;

const PASSWORD: &str = "first-word-of-all-7";

/// A gate with a feed to this receiver, and accounts.
fn house(
    receiver: &Script,
    accounts: &[(&str, &[&str])],
    console: &str,
) -> (Hospital, Gate, Upstream) {
    let url = format!("url = \"http://{}/alerts\"", receiver.address());
    let upstream = Upstream::accepting();
    let hospital = Hospital::new()
        .set(&feed("office", "webhook", &[&url, "max_attempts = 1"]))
        .console(console)
        .route("his", upstream.address, &[]);
    for (name, more) in accounts {
        hospital.account(name, PASSWORD, more);
    }
    let gate = hospital.start();
    (hospital, gate, upstream)
}

fn receiver() -> Script {
    Script::python("receiver.py", &["webhook", "0"])
}

/// The row of the feed on the page of operations.
fn row(browser: &mut Browser) -> String {
    let page = browser.get("/operations").body;
    let (_, row) = page.split_once("data-feed=\"office\"").expect("the feed is listed");
    row.split("</tr>").next().unwrap_or_default().to_owned()
}

/// Access entries of this act.
fn acts(gate: &Gate, act: &str) -> Vec<Value> {
    let all = entries(gate.data()).into_iter();
    all.filter(|entry| entry["kind"] == "access" && entry["body"]["act"] == act).collect()
}

#[test]
fn what_a_receiver_did_not_take_is_shown_with_its_reason_and_sent_again_by_an_operator_only() {
    let mut receiver = receiver();
    let (_hospital, gate, _upstream) = house(
        &receiver,
        &[
            ("ops", &["--role", "operator", "--display", "周样例"]),
            ("audit", &["--role", "auditor"]),
            ("wang", &["--role", "viewer"]),
            ("dept", &["--role", "operator", "--department", "0301"]),
        ],
        "",
    );
    let mut ops = Browser::first_login(&gate, "ops", PASSWORD);
    assert!(row(&mut ops).contains("启动以来无"), "nothing was delivered yet");
    receiver.tell("status 422");
    let mut client = gate.connect();
    for id in ["F1", "F2", "F3"] {
        client.ask(&Draft::refused(id).bytes());
    }
    eventually("three are laid aside", || {
        row(&mut ops).contains("<span class=\"down\">3</span>").then_some(())
    });
    let page = ops.get("/operations/feeds/office");
    assert!(page.body.contains("422") && page.body.contains("手术医嘱拒绝"), "{}", page.body);
    assert!(!page.body.contains("P2699001") && !page.body.contains("href=\"/entries/"));
    let (word, first) = (page.field("word"), page.field("id"));
    let act = |browser: &mut Browser, word: &str, act: &str, id: &str, reason: &str| {
        let form = [("word", word), ("act", act), ("id", id), ("reason", reason)];
        let form = if id.is_empty() { [form[0], form[1], form[3], form[3]] } else { form };
        browser.post("/operations/feeds/office", &form)
    };
    // Who may look may not act, and no form of others counts.
    for name in ["audit", "wang", "dept"] {
        let mut other = Browser::first_login(&gate, name, PASSWORD);
        let page = other.get("/operations/feeds/office");
        assert_eq!(page.status, if name == "wang" { 403 } else { 200 }, "{name}");
        assert!(!page.body.contains("resend-all"), "{name}");
        assert!(name == "audit" || !page.body.contains("手术医嘱拒绝"), "{name}");
        let own = other.get("/password").field("word");
        let refused = act(&mut other, &own, "resend-all", "", "x").status;
        assert_eq!(refused, if name == "dept" { 409 } else { 403 }, "{name}");
    }
    assert_eq!(act(&mut ops, "x", "resend-all", "", "已修复").status, 403);
    assert_eq!(act(&mut ops, &word, "resend-all", "", " ").status, 409, "a reason is needed");
    assert_eq!(act(&mut ops, &word, "resend", "", "已修复").status, 400, "none is not all");
    assert!(acts(&gate, "feed-resent").is_empty() && taken(&receiver).is_empty());
    // Still refused: it stays, and the page says why.
    let to = act(&mut ops, &word, "resend", &first, "先试一条");
    let to = to.header("location").expect("back to the feed").to_owned();
    assert!(ops.get(&to).body.contains("已送达 0，未送达 1"), "{}", ops.get(&to).body);
    receiver.tell("status 200");
    assert_eq!(act(&mut ops, &word, "resend", &first, "已修复").status, 303);
    eventually("one was taken", || {
        row(&mut ops).contains("<span class=\"down\">2</span>").then_some(())
    });
    assert_eq!(wait_for(&receiver, 1)[0]["id"], json!(first));
    assert_eq!(act(&mut ops, &word, "resend-all", "", "已修复").status, 303);
    let events = wait_for(&receiver, 3);
    eventually("none is left", || row(&mut ops).contains("<td>0</td>").then_some(()));
    assert!(events.iter().all(|event| event["type"] == "orgate.order.blocked"));
    let entered = acts(&gate, "feed-resent");
    let bodies: Vec<&Value> = entered.iter().map(|entry| &entry["body"]).collect();
    assert_eq!(bodies.len(), 3);
    assert_eq!(bodies[1]["alerts"], json!([first]));
    assert_eq!(bodies[2]["alerts"], json!([]));
    assert_eq!((&bodies[2]["account"], &bodies[2]["purpose"]), (&json!("ops"), &json!("已修复")));
    assert_eq!(bodies[2]["what"], "feed office");
    // What comes next is delivered as ever, and the page says when.
    client.ask(&Draft::refused("F4").bytes());
    eventually("delivered", || row(&mut ops).contains("（1 条）").then_some(()));
}

#[test]
fn a_feed_that_its_receiver_disabled_is_enabled_on_its_page_and_then_delivers_what_waited() {
    let mut receiver = receiver();
    let ops: (&str, &[&str]) = ("ops", &["--role", "operator"]);
    let (_hospital, gate, _upstream) = house(&receiver, &[ops], "");
    receiver.tell("status 410");
    let mut client = gate.connect();
    client.ask(&Draft::refused("G1").bytes());
    let mut ops = Browser::first_login(&gate, "ops", PASSWORD);
    eventually("disabled", || row(&mut ops).contains("停用（410）").then_some(()));
    receiver.tell("status 200");
    client.ask(&Draft::refused("G2").bytes());
    let page = ops.get("/operations/feeds/office");
    assert!(page.body.contains("id=\"enable\""), "{}", page.body);
    assert!(taken(&receiver).is_empty());
    let word = page.field("word");
    let form = [("word", &*word), ("act", "enable"), ("reason", "接收方已恢复")];
    let to = ops.post("/operations/feeds/office", &form);
    let to = to.header("location").expect("back to the feed").to_owned();
    assert!(ops.get(&to).body.contains("已启用"));
    assert_eq!(wait_for(&receiver, 2).len(), 2);
    eventually("up again", || row(&mut ops).contains("<span class=\"up\">").then_some(()));
    assert!(!ops.get("/operations/feeds/office").body.contains("id=\"enable\""));
    assert_eq!(acts(&gate, "feed-enabled").len(), 1);
}

#[test]
fn a_route_whose_downstream_system_is_gone_shows_as_down_and_the_register_tells_its_hit_rate() {
    let nobody = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("a port");
    let upstream = Upstream::accepting();
    let hospital = Hospital::new().route("gone", nobody, &[]).route("his", upstream.address, &[]);
    hospital.account("ops", PASSWORD, &["--role", "operator"]);
    let gate = hospital.start();
    let mut ops = Browser::first_login(&gate, "ops", PASSWORD);
    let before = ops.get("/operations").body;
    assert!(before.contains("尚无查询") && before.contains("未配置告警通道"), "{before}");
    let mut client = Client::connect(gate.route("his"));
    for id in ["H1", "H2"] {
        client.ask(&Draft::clean(id).bytes());
    }
    let _sender = TcpStream::connect(gate.route("gone")).expect("the route accepts");
    let mut row = |route: &str| {
        let page = ops.get("/operations").body;
        assert!(!page.contains("尚无查询") && page.contains(" %"), "{page}");
        let (_, row) = page.split_once(&format!("data-route=\"{route}\"")).expect("a route");
        row.split("</tr>").next().unwrap_or_default().to_owned()
    };
    eventually("the route is down", || {
        row("gone").contains("<span class=\"down\">中断</span>").then_some(())
    });
    assert!(row("his").contains("<span class=\"up\">正常</span>"));
}

#[test]
fn unusual_reading_is_told_to_the_feeds_and_locks_the_account_where_it_is_set_to() {
    let open_all = |lock: &str, reader: &mut dyn FnMut(&mut Browser, &str) -> u16| {
        let receiver = receiver();
        let console = format!("patients_per_hour = 2\nlock_unusual = {lock}\n");
        let li: (&str, &[&str]) = ("li", &["--role", "viewer"]);
        let (_hospital, gate, _upstream) = house(&receiver, &[li], &console);
        let mut client = gate.connect();
        for (id, patient) in [("U1", "PU1^^^X"), ("U2", "PU2^^^X"), ("U3", "PU3^^^X")] {
            client.ask(&Draft { patient, ..Draft::clean(id) }.bytes());
        }
        let mut li = Browser::first_login(&gate, "li", PASSWORD);
        let page = eventually("all are listed", || {
            let page = li.get("/live").body;
            (page.matches("href=\"/entries/").count() == 3).then_some(page)
        });
        let opened = page.split("href=\"/entries/").skip(1);
        let statuses: Vec<u16> = opened
            .map(|rest| reader(&mut li, rest.split('"').next().unwrap_or_default()))
            .collect();
        let [alert] = wait_for(&receiver, 1).try_into().expect("one alert");
        assert_eq!((&alert["type"], &alert["severity"]), (&json!("orgate.gap"), &json!("high")));
        assert_eq!(alert["data"]["account"], "li");
        assert_eq!(alert["data"]["patients_within_hour"], 3);
        let text = alert["data"]["text_zh"].as_str().expect("a text");
        assert!(text.contains("一小时内打开 3 位患者") && !text.contains("PU"), "{text}");
        assert_eq!(text.contains("已锁定"), lock == "true", "{text}");
        let after = li.get("/live");
        let again = li.log_in("li", &format!("{PASSWORD}-new")).status;
        (statuses, after.status, again)
    };
    let mut open =
        |browser: &mut Browser, entry: &str| browser.get(&format!("/entries/{entry}")).status;
    assert_eq!(open_all("false", &mut open), (vec![200, 200, 200], 200, 303));
    assert_eq!(open_all("true", &mut open), (vec![200, 200, 403], 303, 403));
}
