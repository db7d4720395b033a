//! What `orgate check`, the metric and the alert say of certificates.

use std::os::unix::fs::PermissionsExt as _;

use serde_json::Value;

use crate::support::certificates::{Authority, Pair, self_signed};
use crate::support::eventually;
use crate::support::gate::{Hospital, text};
use crate::support::upstream::{Upstream, nobody};
use crate::tls::{hospital, table};

/// `orgate check` of a route that shows this pair: its exit code, and what it says.
fn check(pair: &Pair, key_mode: u32) -> (Option<i32>, String) {
    let hospital = Hospital::new();
    let [cert, key] = hospital.pair("gate", pair);
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(key_mode)).expect("a mode");
    let tls = table("mllp.tls", &[("cert", &cert), ("key", &key)]);
    let hospital = hospital.route("his", nobody(), &[&tls]);
    let out = hospital.run(&["check"]);
    (out.status.code(), text(&out.stdout))
}

#[test]
fn check_says_when_a_certificate_is_to_be_renewed_and_when_it_has_expired() {
    let authority = Authority::new("the hospital's CA");
    let names = ["localhost"];
    let until = |days| authority.issue_for("gate", &names, (-40, days));
    let (code, said) = check(&until(90), 0o600);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("certificate of his, listener: gate expires on"), "{said}");
    assert!(!said.contains("warning"), "{said}");
    let (code, said) = check(&until(12), 0o600);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("gate.pem: his, listener: warning: the certificate of gate"), "{said}");
    assert!(said.contains("in 11 days, renew it"), "{said}");
    let (code, said) = check(&until(-1), 0o600);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("expired on") && said.contains("renew it now"), "{said}");
    let early = authority.issue_for("gate", &names, (2, 90));
    let (code, said) = check(&early, 0o600);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("holds only from"), "{said}");
}

#[test]
fn check_says_when_key_and_certificate_do_not_belong_together_and_who_may_read_the_key() {
    let pair = self_signed("gate");
    let (code, said) = check(&pair, 0o644);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("everybody on this machine may read the private key"), "{said}");
    let other = Pair { cert: pair.cert, key: self_signed("other").key };
    let (code, said) = check(&other, 0o600);
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("does not belong to the certificate"), "{said}");
    assert!(said.contains("orgate.toml:"), "{said}");
}

#[test]
fn check_warns_of_a_console_that_others_reach_without_tls() {
    let warned = |listen: &str, tls: bool| {
        let (mut hospital, _, [_, cert, key]) = hospital();
        hospital.listen(listen);
        let keys = [("cert", cert.as_str()), ("key", &key)];
        let hospital = if tls { hospital.set(&table("console.tls", &keys)) } else { hospital };
        text(&hospital.run(&["check"]).stdout).contains("cross the network unencrypted")
    };
    assert!(warned("0.0.0.0:8088", false));
    assert!(!warned("127.0.0.1:8088", false));
    assert!(!warned("0.0.0.0:8088", true));
}

#[test]
fn a_certificate_that_expires_soon_is_told_once() {
    let upstream = Upstream::accepting();
    let hospital = Hospital::new();
    let alerts = hospital.path("alerts.jsonl");
    let feed = format!("[[feed]]\nname = \"f\"\nkind = \"file\"\npath = {alerts:?}\n");
    let authority = Authority::new("the hospital's CA");
    let pair = authority.issue_for("gate", &["localhost"], (-1, 12));
    let [cert, key] = hospital.pair("gate", &pair);
    let tls = table("mllp.tls", &[("cert", &cert), ("key", &key)]);
    let hospital = hospital.set(&feed).route("his", upstream.address, &[&tls]);
    let mut gate = hospital.start();
    gate.says("certificate must be renewed");
    let told = || -> Vec<Value> {
        let text = std::fs::read_to_string(&alerts).unwrap_or_default();
        text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
    };
    eventually("the alert", || (!told().is_empty()).then_some(()));
    // The page is rendered after many looks at the file.
    eventually("the metric", || {
        let (_, page) = gate.page("/metrics");
        let line = page.lines().find(|line| line.contains("expiry_seconds{"))?;
        let left: f64 = line.rsplit(' ').next()?.parse().ok()?;
        (left > 10.0 * 86_400.0 && left < 12.0 * 86_400.0).then_some(())
    });
    // Nor is it told again by the next start.
    gate.stop();
    let mut gate = hospital.start();
    gate.says("certificate must be renewed");
    gate.stop();
    let told = told();
    assert_eq!(told.len(), 1, "{told:#?}");
    assert_eq!(told[0]["type"], "orgate.certificate.expiring");
    assert_eq!(told[0]["subject"], "certificate/his/listener");
    assert!(told[0]["data"]["why"].as_str().expect("why").contains("gate expires on"), "{told:?}");
}
