//! Logging in by an OpenID provider that others wrote (node-oidc-provider): who gets in, who does not, and what is on
//! record of both.

use std::net::{SocketAddr, TcpListener};
use std::process::Command;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use serde_json::Value;

use crate::support::browser::{Browser, Page};
use crate::support::gate::{Gate, Hospital, text};
use crate::support::ledger::entries;
use crate::support::message::Draft;
use crate::support::script::Script;
use crate::support::upstream::Upstream;
use crate::support::{eventually, foreign_program, repository};

const PASSWORD: &str = "first-word-of-all-7";
const SECRET: &str = "a-secret-of-this-client";
/// Where the provider sends browsers back to; the tests take the path of it to the gate.
const PUBLIC: &str = "http://console.test";

/// A provider that sends browsers back to a gate with this public address.
pub(crate) fn provider(port: u16, place: &str, public: &str) -> Script {
    Script::start(&mut command(port, place, public))
}

fn command(port: u16, place: &str, public: &str) -> Command {
    let mut command = Command::new(foreign_program("ORGATE_TEST_NODE"));
    command
        .arg(repository("tests/system/foreign/oidc/provider.mjs"))
        .args([&port.to_string(), &format!("{public}/login/oidc/done"), SECRET, place])
        .env("NODE_PATH", foreign_program("ORGATE_TEST_OIDC_MODULES"));
    command
}

/// A port where nobody listens, out of the range from which the system gives others.
pub(crate) fn free_port(apart: u16) -> u16 {
    let first = 10_000 + apart + u16::try_from(std::process::id() % 9_000).expect("a small number");
    let free = |port: &u16| TcpListener::bind(("127.0.0.1", *port)).is_ok();
    (first..first + 500).find(free).expect("a free port")
}

/// A hospital whose console asks the provider at this port.
fn hospital(port: u16, more: &str) -> (Hospital, Upstream) {
    hospital_at(port, more, PUBLIC)
}

/// The same hospital with a provider that has https, and this table besides.
fn by_https(hospital: Hospital, port: u16, ca: &str) -> Hospital {
    let secret = hospital.file("secret", SECRET);
    hospital.console(&format!("public_url = \"{PUBLIC}\"")).set(&format!(
        "[console.oidc]\nissuer = \"https://127.0.0.1:{port}\"\nclient_id = \"orgate\"\n\
         client_secret_file = {secret:?}\nca_file = {ca:?}\nscopes = [\"profile\", \"hospital\"]\n\
         [console.oidc.roles]\nyiwuke = [\"viewer\"]\n"
    ))
}

/// The same with a public address of its own.
pub(crate) fn hospital_at(port: u16, more: &str, public: &str) -> (Hospital, Upstream) {
    let upstream = Upstream::accepting();
    let hospital = Hospital::new();
    let secret = hospital.file("secret", format!("{SECRET}\n"));
    let table = format!(
        "[console.oidc]\nissuer = \"http://127.0.0.1:{port}\"\nclient_id = \"orgate\"\n\
         client_secret_file = {secret:?}\nscopes = [\"profile\", \"hospital\"]\n{more}\n\
         [console.oidc.roles]\nyiwuke = [\"reviewer\", \"viewer\"]\nguanli = [\"viewer\", \"admin\"]\n"
    );
    let hospital = hospital.console(&format!("public_url = \"{public}\"")).set(&table);
    (hospital.route("his", upstream.address, &[]), upstream)
}

fn house(place: &str, more: &str) -> (Script, Hospital, Gate, Upstream) {
    let provider = provider(0, place, PUBLIC);
    let (hospital, upstream) = hospital(provider.address().port(), more);
    let gate = hospital.start();
    (provider, hospital, gate, upstream)
}

/// A path of the provider that a page sends to.
fn path(page: &Page, provider: SocketAddr) -> String {
    let to = page.header("location").unwrap_or_else(|| panic!("it leads nowhere: {}", page.body));
    to.strip_prefix(&format!("http://{provider}")).unwrap_or(to).to_owned()
}

/// Logs in at the provider as this person; gives the path by which it comes back to the gate.
fn answered(provider: SocketAddr, start: &str, person: &str) -> String {
    let mut browser = Browser::at(provider);
    let mut page = browser.get(start);
    for _ in 0..12 {
        if page.status == 303 {
            let to = path(&page, provider);
            if let Some(back) = to.strip_prefix(PUBLIC) {
                return back.to_owned();
            }
            page = browser.get(&to);
            if page.status == 200 {
                let form: &[(&str, &str)] = if page.body.contains("name=\"login\"") {
                    &[("prompt", "login"), ("login", person), ("password", "of no meaning")]
                } else {
                    &[("prompt", "consent")]
                };
                page = browser.post(&to, form);
            }
        } else {
            break;
        }
    }
    panic!("the provider does not lead back: {}\n{}", page.head, page.body)
}

/// Begins a login; gives the path at the provider.
fn begun(browser: &mut Browser, provider: SocketAddr) -> String {
    let page = browser.get("/login/oidc");
    assert_eq!(page.status, 303, "{}", page.body);
    path(&page, provider)
}

fn log_in(browser: &mut Browser, provider: &Script, person: &str) -> Page {
    let address = provider.address();
    let start = begun(browser, address);
    browser.get(&answered(address, &start, person))
}

fn accesses(gate: &Gate, act: &str) -> Vec<Value> {
    let all = entries(gate.data()).into_iter();
    let own = all.filter(|entry| entry["kind"] == "access" && entry["body"]["act"] == act);
    own.map(|entry| entry["body"].clone()).collect()
}

/// The reasons of refused logins, in their order.
fn refusals(gate: &Gate) -> Vec<String> {
    let why = |body: &Value| body["why"].as_str().unwrap_or_default().to_owned();
    accesses(gate, "login-refused").iter().map(why).collect()
}

#[test]
fn who_the_provider_knows_is_in_with_the_roles_of_their_groups_and_reviews_nobody_of_their_own() {
    let (provider, hospital, gate, _upstream) = house("", "");
    gate.connect().ask(&Draft::emergency("V1").bytes());
    let mut zhang = Browser::new(&gate);
    let login = zhang.get("/login");
    assert!(login.body.contains("href=\"/login/oidc\"") && login.body.contains("统一认证登录"));
    let page = zhang.get("/login/oidc");
    let cookie = page.header("set-cookie").expect("a cookie");
    for word in ["orgate-oidc=", "HttpOnly", "SameSite=Lax", "Max-Age=600"] {
        assert!(cookie.contains(word), "{cookie}");
    }
    let to = path(&page, provider.address());
    for word in ["response_type=code", "code_challenge_method=S256", "state=", "nonce="] {
        assert!(to.contains(word), "{to}");
    }
    let back = answered(provider.address(), &to, "zhang");
    let entered = zhang.get(&back);
    assert_eq!(entered.header("location"), Some("/"), "{}", entered.body);
    assert_eq!(zhang.cookie("orgate-oidc"), None, "each login is tried once");
    assert_eq!(zhang.get("/").header("location"), Some("/live"));
    assert!(zhang.get("/live").body.contains("张样例"));
    assert!(zhang.get("/password").body.contains("密码在统一认证系统中更改"));
    assert_eq!(zhang.get("/operations").status, 403, "no group of theirs runs the gate");
    let body = &accesses(&gate, "login")[0];
    assert_eq!((&body["account"], &body["by"]), (&"zhang".into(), &"oidc".into()));
    assert_eq!(body["staff"], "D1005");
    // Their staff number tells them from the surgeon, who is D1005 as well.
    let file = eventually("the file is listed", || {
        let list = zhang.get("/overrides").body;
        let (_, rest) = list.split_once("href=\"/overrides/")?;
        Some(format!("/overrides/{}", rest.split('"').next()?))
    });
    let page = zhang.get(&file);
    let word = page.field("word");
    let form = [("word", &*word), ("act", "confirm"), ("reason", "已核对"), ("suspend", "")];
    let own = zhang.post(&file, &form);
    assert!(own.body.contains("术者不得审核自己的越权手术"), "{}", own.body);
    let mut li = Browser::new(&gate);
    assert_eq!(log_in(&mut li, &provider, "li").header("location"), Some("/"));
    let word = li.get(&file).field("word");
    let form = [("word", &*word), ("act", "confirm"), ("reason", "已核对"), ("suspend", "")];
    assert_eq!(li.post(&file, &form).status, 303);
    let listed = text(&hospital.run(&["account", "list"]).stdout);
    assert!(listed.contains("zhang\t张样例\tD1005\tviewer,reviewer\t*\tactive"), "{listed}");
    assert!(listed.contains("li.si\t李样例\tD9001\tviewer,reviewer\t*\tactive"), "{listed}");
    for secret in [SECRET, "id_token", "access_token", "code="] {
        assert!(!gate.log().contains(secret), "{secret} in a log");
    }
}

#[test]
fn claims_of_the_id_token_itself_do_as_well_and_departments_limit_what_is_seen() {
    let (provider, _hospital, gate, _upstream) =
        house("id-token", "departments_claim = \"departments\"");
    let other = Draft { department: "0302", ..Draft::clean("L2") };
    gate.connect().ask(&Draft { department: "0301", ..Draft::clean("L1") }.bytes());
    gate.connect().ask(&other.bytes());
    let mut chen = Browser::new(&gate);
    assert_eq!(log_in(&mut chen, &provider, "chen").header("location"), Some("/"));
    eventually("their department's alone", || {
        (chen.get("/live").body.matches("data-entry").count() == 1).then_some(())
    });
    let page = chen.get("/accounts/chen").body;
    assert!(page.contains("统一认证") && page.contains("0301"), "{page}");
    // Of whom no departments are told, nothing is seen.
    let mut zhang = Browser::new(&gate);
    assert_eq!(log_in(&mut zhang, &provider, "zhang").header("location"), Some("/"));
    assert_eq!(zhang.get("/live").body.matches("data-entry").count(), 0);
}

#[test]
fn an_answer_to_another_login_or_with_another_nonce_or_a_code_used_before_lets_nobody_in() {
    let (provider, _hospital, gate, _upstream) = house("", "");
    let address = provider.address();
    let refused = |browser: &mut Browser, back: &str| {
        let page = browser.get(back);
        assert_eq!(page.status, 403, "{}", page.body);
        assert!(page.body.contains("请重新登录"), "{}", page.body);
        assert_eq!(browser.get("/live").header("location"), Some("/login"));
    };
    // Never begun here: as when somebody is made to follow a link with the code of another.
    let mut own = Browser::new(&gate);
    let start = begun(&mut own, address);
    let back = answered(address, &start, "zhang");
    let mut victim = Browser::new(&gate);
    refused(&mut victim, &back);
    assert_eq!(refusals(&gate), Vec::<String>::new(), "a stranger fills no ledger");
    // Begun here, but answered to another login.
    begun(&mut victim, address);
    refused(&mut victim, &back);
    // Another nonce than this login's: the provider puts it into a token that is good in all else.
    let mut nonce = Browser::new(&gate);
    let start = begun(&mut nonce, address);
    let (before, rest) = start.split_once("nonce=").expect("a nonce");
    let rest = rest.split_once('&').map_or("", |(_, rest)| rest);
    let tampered = format!("{before}nonce=another&{rest}");
    refused(&mut nonce, &answered(address, &tampered, "zhang"));
    // The code of one login with the state of another: PKCE.
    let mut mixed = Browser::new(&gate);
    let start = begun(&mut mixed, address);
    let own_state = state(&answered(address, &start, "zhang"));
    refused(&mut mixed, &back.replace(&state(&back), &own_state));
    // None of this was in the way of its owner.
    assert_eq!(own.get(&back).header("location"), Some("/"));
    // Used before.
    let mut again = Browser::new(&gate);
    let start = begun(&mut again, address);
    let cookie = again.cookie("orgate-oidc").expect("a cookie").to_owned();
    let back = answered(address, &start, "zhang");
    assert_eq!(again.get(&back).header("location"), Some("/"));
    let mut thief = Browser::new(&gate);
    thief.hold("orgate-oidc", &cookie);
    refused(&mut thief, &back);
    // Another issuer says that it answers; the person was not let in there.
    let mut issuer = Browser::new(&gate);
    let start = begun(&mut issuer, address);
    let back = answered(address, &start, "zhang");
    refused(&mut issuer, &back.replace("iss=http%3A%2F%2F127.0.0.1", "iss=http%3A%2F%2F127.0.0.2"));
    let mut declined = Browser::new(&gate);
    let start = begun(&mut declined, address);
    let own_state = state(&answered(address, &start, "zhang"));
    let page = declined.get(&format!("/login/oidc/done?error=access_denied&state={own_state}"));
    assert!(page.status == 403 && page.body.contains("未允许登录"), "{}", page.body);
    let all = ["state", "token-nonce", "code", "code", "state", "declined"];
    assert_eq!(refusals(&gate), all);
}

fn state(back: &str) -> String {
    let (_, rest) = back.split_once("state=").expect("a state");
    rest.split('&').next().unwrap_or_default().to_owned()
}

#[test]
fn without_a_role_or_with_a_closed_account_or_the_name_of_a_local_one_nobody_is_in() {
    let provider = provider(0, "", PUBLIC);
    let (hospital, _upstream) = hospital(provider.address().port(), "");
    hospital.account("wang", PASSWORD, &["--role", "admin"]);
    let gate = hospital.start();
    let refused = |person: &str, says: &str| {
        let mut browser = Browser::new(&gate);
        let page = log_in(&mut browser, &provider, person);
        assert_eq!(page.status, 403);
        assert!(page.body.contains(says), "{}", page.body);
        assert_eq!(browser.get("/live").header("location"), Some("/login"));
    };
    refused("zhao", "在本系统没有角色");
    refused("wang", "同名账号属于他人");
    let listed = text(&hospital.run(&["account", "list"]).stdout);
    assert!(!listed.contains("zhao") && listed.contains("wang\twang\t-\tadmin"), "{listed}");
    let mut local = Browser::first_login(&gate, "wang", PASSWORD);
    let mut zhang = Browser::new(&gate);
    assert_eq!(log_in(&mut zhang, &provider, "zhang").header("location"), Some("/"));
    let word = local.get("/accounts/zhang").field("word");
    let form = [("word", &*word), ("act", "disable"), ("reason", "调离")];
    assert_eq!(local.post("/accounts/zhang", &form).status, 303);
    assert_eq!(zhang.get("/live").header("location"), Some("/login"), "out at once");
    refused("zhang", "账号已停用");
    assert_eq!(refusals(&gate), ["no-role", "taken", "disabled"]);
    let body = &accesses(&gate, "login-refused")[0];
    assert_eq!((&body["name"], &body["staff"]), (&"赵样例".into(), &"D9003".into()));
}

#[test]
fn a_provider_that_is_down_costs_its_own_logins_only_and_new_keys_are_found() {
    let port = free_port(0);
    let (hospital, _upstream) = hospital(port, "");
    hospital.account("sun", PASSWORD, &["--role", "viewer"]);
    let gate = hospital.start();
    let mut browser = Browser::new(&gate);
    let page = browser.get("/login/oidc");
    assert_eq!(page.status, 503);
    assert!(page.body.contains("统一认证系统暂时无法使用"), "{}", page.body);
    assert!(page.body.contains("name=\"password\""), "the form of local accounts is there");
    let mut local = Browser::first_login(&gate, "sun", PASSWORD);
    assert_eq!(local.get("/live").status, 200);
    let first = provider(port, "", PUBLIC);
    assert_eq!(first.address().port(), port);
    eventually("it is asked again", || (browser.get("/login/oidc").status == 303).then_some(()));
    assert_eq!(log_in(&mut browser, &first, "zhang").header("location"), Some("/"));
    // It goes while somebody sits before its page.
    let mut waiting = Browser::new(&gate);
    let start = begun(&mut waiting, first.address());
    let back = answered(first.address(), &start, "zhang");
    drop(first);
    let page = waiting.get(&back);
    assert_eq!(page.status, 503, "{}", page.body);
    assert_eq!(local.get("/live").status, 200);
    assert_eq!(browser.get("/live").status, 200, "sessions go on");
    assert_eq!(refusals(&gate), ["provider"]);
    // And comes back with other keys, while the gate still knows the old ones.
    let second = provider(port, "", PUBLIC);
    assert_eq!(second.address().port(), port);
    let mut again = Browser::new(&gate);
    assert_eq!(log_in(&mut again, &second, "li").header("location"), Some("/"));
}

/// An authority that nobody knows, and a certificate for this machine of it: PEM files, and the key's.
fn authority(hospital: &Hospital, name: &str) -> (String, String, String) {
    let key = KeyPair::generate().expect("a key");
    let mut own = CertificateParams::default();
    own.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let ca = own.self_signed(&key).expect("a certificate");
    let issuer = Issuer::from_params(&own, &key);
    let server_key = KeyPair::generate().expect("a key");
    let server = CertificateParams::new(vec!["127.0.0.1".to_owned()]).expect("a name");
    let server = server.signed_by(&server_key, &issuer).expect("a certificate");
    let file = |kind: &str, text: String| hospital.file(&format!("{name}-{kind}.pem"), text);
    (file("ca", ca.pem()), file("server", server.pem()), file("key", server_key.serialize_pem()))
}

#[test]
fn a_provider_with_a_certificate_of_the_house_is_known_by_its_authority_and_by_no_other() {
    let hospital = Hospital::new();
    let (ca, certificate, key) = authority(&hospital, "own");
    let (other, ..) = authority(&hospital, "other");
    let mut command = command(0, "", PUBLIC);
    let provider = Script::start(command.env("TLS_CERT", certificate).env("TLS_KEY", key));
    let port = provider.address().port();
    let plain =
        SocketAddr::from(([127, 0, 0, 1], provider.says("plain ").parse().expect("a port")));
    let elsewhere = by_https(Hospital::new(), port, &other);
    let untrusting = elsewhere.start();
    let mut wrong = Browser::new(&untrusting);
    assert_eq!(wrong.get("/login/oidc").status, 503, "it may be anybody");
    let house = by_https(Hospital::new(), port, &ca);
    let gate = house.start();
    let mut zhang = Browser::new(&gate);
    let page = zhang.get("/login/oidc");
    let to = page.header("location").expect("the provider");
    let (_, start) = to.split_once(&format!("https://127.0.0.1:{port}")).expect("by https");
    assert_eq!(zhang.get(&answered(plain, start, "zhang")).header("location"), Some("/"));
}
