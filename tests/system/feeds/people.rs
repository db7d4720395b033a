//! What people read: robots of 企业微信, 钉钉 and 飞书, and mail.

use serde_json::{Value, json};

use crate::feeds::feed;
use crate::support::eventually;
use crate::support::gate::Hospital;
use crate::support::message::Draft;
use crate::support::script::Script;
use crate::support::upstream::Upstream;

/// A robot's stand-in, and a gate that tells it.
fn robot(kind: &str, path: &str, secret: Option<&str>, more: &[&str]) -> (Script, Hospital) {
    let arguments: Vec<&str> = [kind, "0"].into_iter().chain(secret).collect();
    let receiver = Script::python("receiver.py", &arguments);
    let base = Hospital::new();
    let url = base.file("url", format!("http://{}{path}\n", receiver.address()));
    let mut keys = vec![format!("url_file = {url:?}")];
    if !more.iter().any(|key| key.starts_with("group_s")) {
        keys.push("group_s = 1".to_owned());
    }
    if let Some(secret) = secret {
        let file = base.file("secret", secret);
        keys.push(format!("secret_file = {file:?}"));
    }
    keys.extend(more.iter().map(|key| (*key).to_owned()));
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    let hospital = base.set(&feed("robot", kind, &keys));
    (receiver, hospital)
}

/// Everything a robot's group can read.
fn shown(receiver: &Script) -> String {
    let taken = receiver.told().into_iter().filter(|request| {
        let answer = &request["answer"];
        answer["errcode"] == 0 || answer["code"] == 0
    });
    taken.map(|request| request["body"].as_str().expect("a body").to_owned()).collect()
}

#[test]
fn every_robot_takes_its_message_signed_and_grouped_and_within_its_pace() {
    for (kind, path, secret) in [
        ("wecom", "/cgi-bin/webhook/send?key=k-1", None),
        ("dingtalk", "/robot/send?access_token=t-1", Some("SECabc123")),
        ("feishu", "/open-apis/bot/v2/hook/x", Some("abc123")),
    ] {
        let (receiver, hospital) = robot(kind, path, secret, &[]);
        let upstream = Upstream::accepting();
        let hospital = hospital.route("his", upstream.address, &[]);
        let mut gate = hospital.start();
        let mut client = gate.connect();
        for n in 0..60 {
            client.ask(&Draft::refused(format!("B{n}")).bytes());
        }
        client.ask(&Draft::emergency("E1").bytes());
        let all = eventually("the emergency", || {
            let shown = shown(&receiver);
            shown.contains("越权急诊").then_some(shown)
        });
        gate.stop();
        let requests = receiver.told();
        assert!(requests.len() < 20, "{kind}: grouped, not a flood of {}", requests.len());
        assert!(all.contains("grant-missing") && all.contains("D1005"), "{all}");
        assert!(!all.contains("P2699001") && !all.contains("赵样例"));
        assert!(requests.iter().all(|r| r["status"] == 200), "{requests:?}");
        let good = |r: &serde_json::Value| r["answer"]["errcode"] == 0 || r["answer"]["code"] == 0;
        assert!(requests.iter().all(good), "{requests:?}");
    }
}

#[test]
fn a_robot_that_says_too_often_is_tried_later_and_nothing_is_lost() {
    let (mut receiver, hospital) =
        robot("wecom", "/cgi-bin/webhook/send?key=k-1", None, &["group_s = 0"]);
    receiver.tell("limit 0");
    let upstream = Upstream::accepting();
    let hospital = hospital.route("his", upstream.address, &[]);
    let mut gate = hospital.start();
    gate.connect().ask(&Draft::refused("T1").bytes());
    gate.says("errcode 45009");
    receiver.tell("limit 20");
    eventually("the alert", || shown(&receiver).contains("grant-missing").then_some(()));
    gate.stop();
    assert!(!gate.log().contains("k-1"), "the key is in no log");
}

#[test]
fn mail_brings_what_came_within_its_window() {
    let mut server = Script::python("mail.py", &[]);
    let address = server.address();
    let upstream = Upstream::accepting();
    let hospital = Hospital::new()
        .set(&feed(
            "mail",
            "mail",
            &[
                &format!("smtp = \"localhost:{}\"", address.port()),
                "tls = \"none\"",
                "from = \"术闸 <orgate@hospital.example>\"",
                "to = [\"medical-affairs@hospital.example\", \"值班 <duty@hospital.example>\"]",
                "group_s = 1",
                "max_attempts = 2",
            ],
        ))
        .route("his", upstream.address, &[]);
    let mut gate = hospital.start();
    let mut client = gate.connect();
    for n in 0..3 {
        client.ask(&Draft::refused(format!("M{n}")).bytes());
    }
    // Each recipient by itself, so that none of them can keep it from another.
    let had = |mails: &[Value], to: &str| {
        let own = mails.iter().filter(|mail| mail["to"] == json!([to]));
        let text: String = own.map(|mail| mail["text"].as_str().unwrap_or_default()).collect();
        text.matches("grant-missing").count() == 3
    };
    let mails = eventually("the mail", || {
        let mails = server.told();
        let to = ["medical-affairs@hospital.example", "duty@hospital.example"];
        to.iter().all(|to| had(&mails, to)).then_some(mails)
    });
    assert!(mails.len() <= 6, "{mails:?}");
    let mail = &mails[0];
    assert_eq!(mail["from"], "orgate@hospital.example");
    assert!(mail["subject"].as_str().expect("a text").contains("术闸告警"), "{mail}");
    assert!(mail["text"].as_str().expect("a text").contains("手术医嘱拒绝"), "{mail}");

    // A server that is busy is tried again; one that refuses this mail makes it a dead letter.
    server.tell("code 451");
    client.ask(&Draft::refused("M8").bytes());
    gate.says("the mail server answered 451");
    server.tell("code 554");
    gate.says("alert laid aside");
    gate.stop();
    assert_eq!(crate::feeds::dead(&hospital, "mail").len(), 1);
}
