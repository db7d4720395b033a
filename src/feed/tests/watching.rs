//! What is down and up: one alert each way, none lost over a restart, no flood.

use std::time::Duration;

use proptest::prelude::*;

use crate::feed::notices::Notices;
use crate::feed::tests::{at, now};
use crate::feed::watch::{WINDOW, Watch, What};

/// What was told so far, as `subject rule`.
fn told(notices: &Notices) -> Vec<String> {
    let all = notices.after(0, usize::MAX).into_iter();
    all.map(|(_, noticed)| format!("{} {}", noticed.subject, noticed.rule)).collect()
}

#[test]
fn each_change_is_told_once_and_only_once() {
    let folder = tempfile::tempdir().unwrap();
    let notices = Notices::open(folder.path(), &[]).unwrap();
    let watch = Watch::new(notices.clone(), now(), Duration::ZERO);
    let (his, lis) = (watch.light(What::Route, "his"), watch.light(What::Route, "lis"));
    his.works();
    for _ in 0..3 {
        his.fails("refused");
    }
    lis.fails("timeout");
    his.works();
    his.works();
    assert_eq!(told(&notices), ["route/his down", "route/lis down", "route/his up"]);
}

#[test]
fn what_was_told_to_be_down_is_told_to_be_up_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let notices = Notices::open(folder.path(), &[0]).unwrap();
    let watch = Watch::new(notices.clone(), now(), WINDOW);
    watch.light(What::Route, "his").fails("refused");
    let last = *notices.last().borrow();
    drop((watch, notices));

    // Every feed has had it, and still the last word is known.
    let notices = Notices::open(folder.path(), &[last]).unwrap();
    let watch = Watch::new(notices.clone(), now(), WINDOW);
    let light = watch.light(What::Route, "his");
    light.fails("refused");
    assert_eq!(notices.after(last, 9).len(), 0, "it is known to be down");
    light.works();
    let new = notices.after(last, 9);
    assert_eq!(new.len(), 1);
    assert_eq!(new[0].1.rule, "up");
    assert!(new[0].0 > last, "numbers are never given twice");
}

#[test]
fn a_torn_line_is_no_notice_and_spoils_none() {
    let folder = tempfile::tempdir().unwrap();
    let notices = Notices::open(folder.path(), &[]).unwrap();
    let watch = Watch::new(notices.clone(), now(), Duration::ZERO);
    watch.light(What::Register, "register").fails("away");
    drop((watch, notices));
    let file = folder.path().join("notices.jsonl");
    let mut text = std::fs::read_to_string(&file).unwrap();
    text.push_str("{\"n\":2,\"noti");
    std::fs::write(&file, text).unwrap();
    let notices = Notices::open(folder.path(), &[0]).unwrap();
    assert_eq!(told(&notices), ["register/register down"]);
}

proptest! {
    /// However a thing flaps: what is told alternates, and after the window the last word is the truth.
    #[test]
    fn the_last_word_is_the_truth(changes in prop::collection::vec(any::<bool>(), 1..40)) {
        let folder = tempfile::tempdir().unwrap();
        let notices = Notices::open(folder.path(), &[]).unwrap();
        let watch = Watch::new(notices.clone(), now(), WINDOW);
        let light = watch.light(What::Route, "his");
        for up in &changes {
            if *up { light.works() } else { light.fails("refused") }
        }
        watch.settle();
        let within = told(&notices);
        prop_assert!(within.len() <= 1, "one alert a window");
        let later = Watch::new(
            notices.clone(),
            crate::clock::Clock::Fixed(at("2026-03-02T01:30:00Z")),
            WINDOW,
        );
        let light = later.light(What::Route, "his");
        let up = changes.last().copied().unwrap_or(true);
        if up { light.works() } else { light.fails("refused") }
        let told = told(&notices);
        let alternates = told.windows(2).all(|two| two[0] != two[1]);
        prop_assert!(alternates, "{told:?}");
        let last_up = told.last().is_none_or(|word| word.ends_with("up"));
        prop_assert_eq!(last_up, up);
    }
}
