//! The identity provider and the page of accounts: a person comes by the provider's own pages, a local account is made
//! and closed.

use crate::oidc::{free_port, hospital_at, provider};
use crate::support::chromium::Chromium;
use crate::support::eventually;
use crate::support::ledger::entries;

#[test]
fn an_administrator_comes_by_the_identity_provider_and_makes_an_account_that_works() {
    let own = free_port(10_000);
    let public = format!("http://127.0.0.1:{own}");
    let provider = provider(0, "", &public);
    let (mut hospital, _upstream) = hospital_at(provider.address().port(), "", &public);
    hospital.listen(&format!("127.0.0.1:{own}"));
    hospital.account("root", "first-word-of-all-7", &["--role", "admin"]);
    let gate = hospital.start();
    let browser = Chromium::open(&gate);
    browser.go("/login");
    browser.picture("login-provider");
    browser.click("a[href='/login/oidc']");
    // These two pages are the provider's.
    browser.fill("input[name=login]", "chen");
    browser.fill("input[name=password]", "of no meaning");
    browser.click("button[type=submit]");
    eventually("consent is asked for", || browser.has("input[value=consent]").then_some(()));
    browser.click("button[type=submit]");
    browser.says(".who", "陈样例");
    browser.go("/accounts");
    browser.says("tr[data-account=chen]", "统一认证");
    browser.picture("accounts");
    assert!(!browser.overflows());
    browser.fill("#add input[name=name]", "sun");
    browser.fill("#add input[name=display]", "孙样例");
    browser.click("#add input[name=role-viewer]");
    browser.click("#add button");
    let password = browser.text("#password");
    browser.picture("accounts-password");
    browser.go("/accounts/sun");
    browser.picture("account");
    // Without a reason nothing is closed.
    browser.click("#acts button[value=disable]");
    browser.says("main", "请填写理由");
    browser.go("/accounts");
    browser.log_out();
    browser.first_login("sun", &password);
    assert!(!browser.has("nav a[href='/accounts']"));
    browser.log_out();
    browser.go("/login/oidc");
    browser.says(".who", "陈样例");
    browser.go("/accounts/sun");
    browser.fill("#acts input[name=reason]", "试用结束");
    browser.click("#acts button[value=disable]");
    browser.says("p.notice", "账号已停用");
    browser.says("#state", "已停用");
    let acts = entries(gate.data()).into_iter().filter(|entry| entry["body"]["of"] == "sun");
    assert_eq!(acts.count(), 2, "made and closed");
}
