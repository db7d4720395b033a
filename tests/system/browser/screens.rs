//! Every page of the console, on the sample hospital's day, as pictures in `target/screenshots`: at the width of a
//! desk and of a tablet, in both languages. None may be wider than its window, and none may show a word of the
//! program's own where people's words are known.

use crate::support::chromium::Chromium;
use crate::support::demo::Demo;
use crate::support::eventually;

/// Every page that an address of its own leads to.
const PAGES: [(&str, &str); 12] = [
    ("live", "/live"),
    ("overrides", "/overrides"),
    ("search", "/search?decision=block"),
    ("register", "/register"),
    ("catalogue", "/register/catalogue"),
    ("techniques", "/register/techniques"),
    ("discussions", "/register/discussions"),
    ("import", "/register/import"),
    ("history", "/register/history"),
    ("supervision", "/supervision"),
    ("operations", "/operations"),
    ("password", "/password"),
];

/// Pages that a link on another leads to: its name, the page, the link.
const LINKED: [(&str, &str, &str); 7] = [
    ("override-file", "/overrides", "#open a"),
    ("case", "/search?decision=override", "#found tbody a"),
    ("dossier", "/register?text=D1005", "main tbody a"),
    ("discussion", "/register/discussions", "main tbody a"),
    ("version", "/register/history", "main tbody a"),
    ("route", "/operations", "tr[data-route] a"),
    ("feed", "/operations", "tr[data-feed] a"),
];

/// Words of the program that are none of people's.
const RAW: [&str; 8] = [
    "grant-missing",
    "forward-flagged",
    "emergency-override",
    "feed-resent",
    "Some(",
    "undefined",
    "{{",
    "T00:00:00Z",
];

fn look(browser: &Chromium, name: &str) {
    browser.picture(&format!("all-{name}"));
    let text = browser.text("main");
    for raw in RAW {
        // The facts of a case are shown as the ledger has them.
        assert!(name.starts_with("case") || !text.contains(raw), "{name} says {raw}");
    }
}

#[test]
fn every_page_fits_a_desk_and_a_tablet_in_both_languages() {
    let demo = Demo::start();
    let browser = Chromium::at(demo.address("console: "));
    browser.go("/login");
    browser.picture("all-login");
    browser.log_in(demo.said("账号 account: "), demo.said("密码 password: "));
    eventually("the day is there", || {
        browser.go("/overrides");
        browser.has("#open a").then_some(())
    });
    for language in ["zh", "en"] {
        for (name, path) in PAGES {
            browser.go(path);
            look(&browser, &format!("{name}-{language}"));
        }
        for (name, path, link) in LINKED {
            browser.go(path);
            browser.click(link);
            eventually(name, || (!path.starts_with(&*browser.path())).then_some(()));
            look(&browser, &format!("{name}-{language}"));
        }
        browser.go("/live");
        browser.click("form[action='/language'] button");
    }
}
