//! Browsers of tests that fail.

use crate::support::chromium::Chromium;
use crate::support::eventually;

/// Whether a process of this group is at work; one that is over and that nobody has asked for is not.
fn at_work(group: &str) -> bool {
    let stat = |entry: std::fs::DirEntry| std::fs::read_to_string(entry.path().join("stat")).ok();
    let all = std::fs::read_dir("/proc").expect("processes").map_while(Result::ok);
    all.filter_map(stat).any(|stat| {
        let (_, after) = stat.rsplit_once(')').expect("a name");
        let mut fields = after.split_whitespace();
        let state = fields.next().expect("a state");
        fields.nth(1) == Some(group) && state != "Z" && state != "X"
    })
}

#[test]
fn a_browser_ends_with_a_test_that_fails() {
    let (tell, told) = std::sync::mpsc::channel();
    let failing = std::thread::spawn(move || {
        let browser = Chromium::at(([127, 0, 0, 1], 9).into());
        let group = browser.group().to_string();
        tell.send((at_work(&group), group)).expect("somebody listens");
        panic!("as a test fails");
    });
    assert!(failing.join().is_err());
    let (was, group) = told.recv().expect("it was open");
    assert!(was);
    eventually("no process of it is left", || (!at_work(&group)).then_some(()));
}
