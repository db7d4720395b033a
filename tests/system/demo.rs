//! `orgate demo` as somebody meets it: the table, the way in, and the sample day on every page of the console.

use crate::support::browser::Browser;
use crate::support::client::Client;
use crate::support::demo::Demo;
use crate::support::eventually;
use crate::support::message::Draft;
use crate::support::reply::code;

#[test]
fn somebody_who_starts_the_demo_logs_in_and_sees_the_sample_day_on_every_page() {
    let mut demo = Demo::start();
    let table = demo.printed.iter().position(|line| line.contains("时间")).expect("a table");
    let way_in = demo.printed.iter().position(|line| line.contains("密码 password"));
    assert!(way_in.is_some_and(|line| line > table), "{:?}", demo.printed);
    let mut browser = Browser::at(demo.address("console: "));
    let (name, password) = (demo.said("账号 account: "), demo.said("密码 password: "));
    assert_eq!(browser.log_in(name, password).header("location"), Some("/"), "no other password");
    let mut page = |path: &str| {
        let page = browser.get(path);
        assert_eq!(page.status, 200, "{path}: {}", page.body);
        page.body
    };
    // Indexes follow the ledger: what was refused and let through is there a moment later.
    let live = eventually("the whole day is counted", || {
        Some(page("/live")).filter(|live| live.contains("<dd data-count=\"override\">5</dd>"))
    });
    assert!(live.contains("data-decision=\"block\"") && !live.contains("data-count=\"block\">0<"));
    assert!(live.contains("秦可欣") && live.contains("没有此项手术授权"));
    let overrides = page("/overrides");
    assert!(overrides.contains("体外膜氧合[ECMO]"), "{overrides}");
    let file = overrides.split_once("href=\"/overrides/").expect("a file").1;
    let file = format!("/overrides/{}", file.split('"').next().unwrap_or_default());
    assert!(page(&file).contains("<textarea"), "it can be reviewed");
    let refused = page("/search?decision=block&surgeon=D1005");
    let entry = refused.split_once("href=\"/entries/").expect("a refusal is found").1;
    let entry = entry.split(['"', '?']).next().unwrap_or_default();
    let case = page(&format!("/entries/{entry}"));
    assert!(case.contains("没有此项手术授权") && case.contains("52.7x00"), "{case}");
    assert!(page("/register").contains("沈若川"));
    assert!(page("/register/surgeons/D1005").contains("秦可欣"));
    assert!(page("/register/techniques").contains("限制类"));
    assert!(page("/register/discussions").contains("MDT26020001"));
    let supervision = page("/supervision");
    assert!(supervision.contains("2026-03: ") && supervision.contains("越权急诊"));
    let operations = page("/operations");
    for route in ["his-orders", "his-zop", "aims", "fhir-orders"] {
        assert!(operations.contains(&format!("data-route=\"{route}\"")), "{operations}");
    }
    // It goes on: a message sent to it is judged, and shows while one watches.
    let mut watched = browser.watch("/live/stream?decision=block");
    let mut client = Client::connect(demo.address("路由 route his-orders: "));
    let answer = client.ask(&Draft::refused("DEMO1").bytes());
    assert_eq!(code(&answer), "AE");
    assert!(watched.next("verdict").contains("data-decision=\"block\""));
    assert_eq!(demo.interrupt(), Some(0));
}
