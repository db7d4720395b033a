//! CDS Hooks through the real binary: cards beforehand, feedback, and the order that follows by HL7.

use std::net::SocketAddr;
use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use serde_json::{Value, json};

use crate::support::console::{Answer, ask, post};
use crate::support::gate::{Gate, Hospital, text};
use crate::support::ledger::{decisions_of, entries, findings};
use crate::support::message::Draft;
use crate::support::upstream::Upstream;
use crate::support::{bytes_of, repository};

const SIGN: &str = "/cds-services/orgate-order-sign";

fn sample(file: &str) -> Vec<u8> {
    bytes_of(&format!("tests/data/cds_hooks/{file}"))
}

fn call(gate: &Gate, path: &str, file: &str, headers: &[(&str, &str)]) -> Answer {
    let headers = [&[("Content-Type", "application/json")], headers].concat();
    ask(gate.console(), "POST", path, &headers, &sample(file))
}

fn cards(gate: &Gate, path: &str, file: &str) -> Vec<Value> {
    let answer = call(gate, path, file, &[]);
    assert_eq!(answer.status, 200, "{file}: {}", text(&answer.body));
    answer.json()["cards"].as_array().expect("cards").clone()
}

fn inquiries(gate: &Gate) -> Vec<Value> {
    let all = entries(gate.data()).into_iter();
    all.filter(|e| e["kind"] == "access" && e["body"]["act"] == "inquiry").collect()
}

pub(crate) fn feedback(console: SocketAddr, card: &Value) -> Answer {
    let told = json!({
        "feedback": [{
            "card": card["uuid"],
            "outcome": "overridden",
            "overrideReason": {
                "reason": { "code": "life-saving", "system": "urn:orgate:override-reason" },
                "userComment": "失血性休克",
            },
            "outcomeTimestamp": "2026-03-02T00:10:00Z",
        }]
    });
    post(console, &format!("{SIGN}/feedback"), &told)
}

/// The rules that an emergency order of this surgeon meets by HL7.
pub(crate) fn emergency(gate: &Gate, id: &str) -> Vec<String> {
    let answer = gate.connect().ask(&Draft::emergency(id).bytes());
    assert_eq!(crate::support::reply::code(&answer), "AA");
    findings(&decisions_of(gate.data(), id)[0])
}

#[test]
fn a_refused_order_is_a_critical_card_that_names_who_may_and_its_inquiry_is_in_the_ledger() {
    let (hospital, gate, upstream) = Gate::simple(&[]);
    let cards = cards(&gate, SIGN, "good/order-sign-refused.json");
    let [card] = &cards[..] else { panic!("{cards:?}") };
    assert_eq!(card["indicator"], "critical");
    assert!(card["summary"].as_str().expect("text").contains("手术权限"), "{card}");
    assert!(card["suggestions"][0]["label"].as_str().expect("text").contains("D1004"), "{card}");
    assert_eq!(card["overrideReasons"][0]["code"], "life-saving");
    assert!(card["detail"].as_str().expect("text").contains("综合评估后授予术者相应的手术权限"));

    let told = inquiries(&gate);
    let [entry] = &told[..] else { panic!("{told:?}") };
    let body = &entry["body"];
    assert_eq!(body["interface"], "cds-hooks");
    assert_eq!(body["caller"], json!({ "client": "loopback", "user": "D1002" }));
    assert_eq!(body["verdict"]["decision"], "block");
    let entries = entries(gate.data());
    assert!(entries.iter().all(|entry| entry["kind"] != "decision"), "an inquiry is no order");
    assert!(upstream.frames().is_empty(), "and nothing moves");
    let id = entry["id"].as_str().expect("an id");
    let explained = hospital.run(&["explain", "--entry", id, "--format", "json"]);
    assert_eq!(explained.status.code(), Some(1), "{}", text(&explained.stderr));
    let explained: Value = serde_json::from_slice(&explained.stdout).expect("JSON");
    assert_eq!(explained["entry"], id);
}

#[test]
fn feedback_attests_the_emergency_that_follows_by_hl7_and_after_a_restart_too() {
    let (hospital, mut gate, _upstream) = Gate::simple(&[]);
    assert!(emergency(&gate, "E1").contains(&"override-unattested flag".to_owned()));
    let first = cards(&gate, SIGN, "good/order-sign-refused.json").remove(0);
    assert_eq!(feedback(gate.console(), &first).status, 200);
    let rules = emergency(&gate, "E2");
    assert!(rules.contains(&"grant-missing overridden".to_owned()), "{rules:?}");
    assert!(!rules.contains(&"override-unattested flag".to_owned()), "{rules:?}");

    let attested = entries(gate.data()).into_iter().find(|entry| entry["kind"] == "override");
    let attested = attested.expect("an attestation");
    let body = &attested["body"];
    assert_eq!((&body["act"], &body["by"]), (&json!("attested"), &json!("D1002")));
    assert_eq!(body["cases"], json!([{ "procedure": "52.7x00", "surgeon": "D1005" }]));
    let entry = decisions_of(gate.data(), "E2").remove(0);
    assert_eq!(entry["body"]["attested_in"], json!([attested["id"]]));
    let explained = hospital.run(&["explain", "--entry", entry["id"].as_str().expect("an id")]);
    assert!(explained.status.success(), "{}", text(&explained.stderr));

    // What was asked and attested before a restart is known after it.
    let second = cards(&gate, SIGN, "good/order-sign-refused.json").remove(0);
    gate.stop();
    let gate = hospital.start();
    assert!(!emergency(&gate, "E3").contains(&"override-unattested flag".to_owned()));
    assert_eq!(feedback(gate.console(), &second).status, 200);
    let unknown = json!({ "uuid": "6f1c2a00-0000-4000-8000-000000000099" });
    let answer = feedback(gate.console(), &unknown);
    assert_eq!(answer.status, 404);
    assert_eq!(answer.json()["resourceType"], "OperationOutcome");
}

#[test]
fn calls_of_every_good_shape_are_answered() {
    let (_hospital, gate, _upstream) = Gate::simple(&[]);
    let select = "/cds-services/orgate-order-select";
    let book = "/cds-services/orgate-appointment-book";
    // Path, file, the indicators of the cards, the inquiries recorded.
    let expected: [(&str, &str, &[&str], usize); 13] = [
        (SIGN, "order-sign-refused", &["critical"], 1),
        (SIGN, "order-sign-clean", &[], 1),
        (SIGN, "order-sign-emergency", &["warning"], 1),
        (SIGN, "order-sign-not-surgical", &[], 0),
        (SIGN, "order-sign-several", &["critical", "critical"], 3),
        (SIGN, "order-sign-bare-list", &["critical"], 1),
        (SIGN, "order-sign-prefetched-surgeon", &["critical"], 1),
        (SIGN, "order-sign-surgeon-is-user", &[], 1),
        (SIGN, "order-sign-emergency-unresolved", &["warning"], 1),
        (SIGN, "order-sign-no-prefetch", &[], 1),
        (select, "order-select-one-of-two", &["critical"], 1),
        (book, "appointment-book-bare-list", &["critical"], 1),
        (book, "appointment-book-bundle", &["critical"], 1),
    ];
    let files = std::fs::read_dir(repository("tests/data/cds_hooks/good")).expect("a folder");
    assert_eq!(files.count(), expected.len(), "every file is in the table");
    let mut recorded = 0;
    for (path, name, indicators, asked) in expected {
        let cards = cards(&gate, path, &format!("good/{name}.json"));
        let shown: Vec<&str> =
            cards.iter().map(|card| card["indicator"].as_str().expect("text")).collect();
        assert_eq!(shown, indicators, "{name}: {cards:#?}");
        for card in &cards {
            assert!(card["summary"].as_str().expect("text").chars().count() < 140);
            assert_eq!(card["source"]["label"], "术闸 orgate");
        }
        recorded += asked;
        assert_eq!(inquiries(&gate).len(), recorded, "{name}");
    }
    let emergency = cards(&gate, SIGN, "good/order-sign-emergency.json").remove(0);
    assert!(emergency["summary"].as_str().expect("text").contains("超权限"), "{emergency}");
    assert!(emergency.get("overrideReasons").is_some(), "it lacks its attestation");
    let english = call(&gate, SIGN, "good/order-sign-refused.json", &[("Accept-Language", "en")]);
    assert_eq!(english.header("content-language"), Some("en"));
    let summary = english.json()["cards"][0]["summary"].clone();
    assert!(summary.as_str().expect("text").starts_with("Will be refused"), "{summary}");
}

#[test]
fn a_bad_call_gets_its_status_and_an_outcome_that_says_what_is_wrong() {
    let (_hospital, gate, _upstream) = Gate::simple(&[]);
    let files = std::fs::read_dir(repository("tests/data/cds_hooks/bad")).expect("a folder");
    for file in files {
        let name = file.expect("a file").file_name().into_string().expect("a name");
        let answer = call(&gate, SIGN, &format!("bad/{name}"), &[]);
        assert_eq!(
            answer.status.to_string(),
            name.get(..3).unwrap_or_default(),
            "{name}: {}",
            text(&answer.body)
        );
        let outcome = answer.json();
        assert_eq!(outcome["resourceType"], "OperationOutcome", "{name}");
        let issue = &outcome["issue"][0];
        assert!(issue["details"]["text"].is_string() && issue["diagnostics"].is_string(), "{name}");
    }
    let good = sample("good/order-sign-clean.json");
    let post = |path: &str, kind: &str, body: &[u8]| {
        ask(gate.console(), "POST", path, &[("Content-Type", kind)], body).status
    };
    assert_eq!(post("/cds-services/orgate-patient-view", "application/json", &good), 404);
    assert_eq!(post(SIGN, "text/plain", &good), 415);
    assert_eq!(post(SIGN, "application/json", &vec![b' '; 1024 * 1024 + 1]), 413);
    assert_eq!(post(&format!("{SIGN}/feedback"), "application/json", b"{}"), 400);
    let unreadable = inquiries(&gate);
    let mut whys: Vec<&str> =
        unreadable.iter().filter_map(|entry| entry["body"]["unreadable"].as_str()).collect();
    whys.sort_unstable();
    assert_eq!(whys.len(), 4, "who asked about what nobody can read is recorded too: {whys:?}");
    assert!(whys.contains(&"unresolved-surgeon"), "{whys:?}");
    gate.still_serves("S1");
}

#[test]
fn web_pages_of_the_configured_origins_may_call_and_no_others() {
    let upstream = Upstream::accepting();
    let hospital = Hospital::new().set("[cds_hooks]\norigins = [\"https://his.example\"]").route(
        "his",
        upstream.address,
        &[],
    );
    let gate = hospital.start();
    let preflight = |origin| {
        let headers = [("Origin", origin), ("Access-Control-Request-Method", "POST")];
        ask(gate.console(), "OPTIONS", SIGN, &headers, b"")
    };
    let own = preflight("https://his.example");
    assert_eq!(own.status, 204);
    assert_eq!(own.header("access-control-allow-origin"), Some("https://his.example"));
    assert!(own.header("access-control-allow-headers").expect("headers").contains("Authorization"));
    for foreign in ["https://evil.example", "null", "https://his.example.evil.example"] {
        let answer = preflight(foreign);
        assert_eq!((answer.status, answer.header("access-control-allow-origin")), (403, None));
        let answer = call(&gate, SIGN, "good/order-sign-clean.json", &[("Origin", foreign)]);
        assert_eq!((answer.status, answer.header("access-control-allow-origin")), (403, None));
    }
    let answer =
        call(&gate, SIGN, "good/order-sign-clean.json", &[("Origin", "https://his.example")]);
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("access-control-allow-origin"), Some("https://his.example"));
}

#[test]
fn with_a_client_configured_only_its_tokens_are_let_in_and_each_once() {
    let random = SystemRandom::new();
    let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
    let pkcs8 = EcdsaKeyPair::generate_pkcs8(algorithm, &random).expect("a key");
    let pair = EcdsaKeyPair::from_pkcs8(algorithm, pkcs8.as_ref(), &random).expect("a key");
    let (x, y) = pair.public_key().as_ref()[1..].split_at(32);
    let base64url = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    let key =
        json!({ "kty": "EC", "crv": "P-256", "kid": "a", "x": base64url(x), "y": base64url(y) });
    let token = |jti: &str, service: &str| {
        let now = orgate::clock::Clock::System.now().as_second();
        let claims = json!({
            "iss": "https://his.example", "aud": format!("https://gate.example{service}"),
            "iat": now, "exp": now + 300, "jti": jti,
        });
        let header = json!({ "alg": "ES256", "typ": "JWT", "kid": "a" });
        let parts = [header, claims].map(|part| base64url(part.to_string().as_bytes()));
        let signed = parts.join(".");
        let signature = pair.sign(&random, signed.as_bytes()).expect("a signature");
        format!("Bearer {signed}.{}", base64url(signature.as_ref()))
    };
    let upstream = Upstream::accepting();
    let hospital = Hospital::new();
    let jwks = hospital.file("jwks.json", json!({ "keys": [key] }).to_string());
    let hospital = hospital
        .console("public_url = \"https://gate.example\"")
        .set(&format!(
            "[[cds_hooks.client]]\nissuer = \"https://his.example\"\njwks_file = {jwks:?}"
        ))
        .route("his", upstream.address, &[]);
    let gate = hospital.start();
    let sign = |headers: &[(&str, &str)]| call(&gate, SIGN, "good/order-sign-clean.json", headers);
    let none = sign(&[]);
    assert_eq!(none.status, 401, "not even this machine");
    assert!(none.header("www-authenticate").expect("a scheme").starts_with("Bearer"));
    let good = token("1", SIGN);
    assert_eq!(sign(&[("Authorization", &good)]).status, 200);
    assert_eq!(sign(&[("Authorization", &good)]).status, 401, "used before");
    let other = token("2", "/cds-services/orgate-order-select");
    assert_eq!(sign(&[("Authorization", &other)]).status, 401, "meant for another service");
    let caller = inquiries(&gate)[0]["body"]["caller"].clone();
    assert_eq!(caller["client"], "https://his.example");
    let discovery = ask(gate.console(), "GET", "/cds-services", &[], b"");
    assert_eq!(discovery.status, 200, "what there is may be known");
}

#[test]
fn with_the_ledger_down_no_card_is_shown_and_routes_go_on() {
    let upstream = Upstream::accepting();
    let hospital = Hospital::new().route("his", upstream.address, &[]);
    let gate = hospital.start_by(&mut hospital.command_under("trap '' XFSZ"));
    let size = std::fs::metadata(&crate::support::ledger::files(gate.data())[0]).expect("a file");
    let limit = format!("--fsize={}:unlimited", size.len());
    let done = Command::new("prlimit").args(["--pid", &gate.pid(), &limit]).status();
    assert!(done.expect("prlimit runs").success());
    let answer = call(&gate, SIGN, "good/order-sign-clean.json", &[]);
    assert_eq!(answer.status, 503, "{}", text(&answer.body));
    assert!(answer.header("retry-after").is_some());
    let answer = gate.connect().ask(&Draft::emergency("E1").bytes());
    assert_eq!(crate::support::reply::code(&answer), "AA", "an emergency passes all the same");
}

#[test]
fn a_call_through_a_proxy_on_this_machine_is_not_from_this_machine() {
    let (_hospital, gate, _upstream) = Gate::simple(&[]);
    for header in [("X-Forwarded-For", "10.0.0.9"), ("Forwarded", "for=10.0.0.9")] {
        let answer = call(&gate, SIGN, "good/order-sign-clean.json", &[header]);
        assert_eq!(answer.status, 401);
    }
    assert!(inquiries(&gate).is_empty());
}

#[test]
fn nothing_of_a_patient_in_a_call_is_logged_or_counted() {
    let upstream = Upstream::accepting();
    let hospital = Hospital::new().log("trace").route("his", upstream.address, &[]);
    let mut gate = hospital.start();
    for folder in ["good", "bad"] {
        for file in repository(&format!("tests/data/cds_hooks/{folder}")).read_dir().expect("files")
        {
            let name = file.expect("a file").file_name().into_string().expect("a name");
            call(&gate, SIGN, &format!("{folder}/{name}"), &[]);
        }
    }
    let card = cards(&gate, SIGN, "good/order-sign-refused.json").remove(0);
    feedback(gate.console(), &card);
    let (_, metrics) = gate.page("/metrics");
    gate.stop();
    let log = gate.log();
    assert!(metrics.contains("orgate_inquiries_total") && log.contains("emergency attested"));
    for mark in ["P2699001", "赵样例", "E2699001", "失血性休克"] {
        assert!(!log.contains(mark) && !metrics.contains(mark), "{mark}\n{log}\n{metrics}");
    }
}
