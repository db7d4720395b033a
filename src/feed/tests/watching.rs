//! What is down and up: one alert each way, none lost over a restart, no flood.

use std::io;
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use proptest::prelude::*;

use crate::feed::alert::Noticed;
use crate::feed::alert::kind::{AlertKind, Severity};
use crate::feed::notices::{Disk, Notices};
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
fn a_certificate_is_told_in_its_own_words_and_nobody_is_woken_for_it() {
    let folder = tempfile::tempdir().unwrap();
    let notices = Notices::open(folder.path(), &[]).unwrap();
    let watch = Watch::new(notices.clone(), now(), Duration::ZERO);
    let light = watch.light(What::Certificate, "his/listener");
    light.fails("gate expires on 2026-04-01 at 00:00:00 UTC");
    light.fails("gate expires on 2026-04-01 at 00:00:00 UTC");
    light.works();
    let all: Vec<Noticed> = notices.after(0, 9).into_iter().map(|(_, noticed)| noticed).collect();
    let [due, renewed] = all.as_slice() else { panic!("{all:?}") };
    for noticed in [due, renewed] {
        assert_eq!(noticed.kind, AlertKind::CertificateExpiring);
        assert_eq!(noticed.severity, Severity::Medium);
        assert_eq!(noticed.subject, "certificate/his/listener");
    }
    assert_eq!(due.zh, "TLS 证书 his/listener 须更新 · gate expires on 2026-04-01 at 00:00:00 UTC");
    assert!(due.en.starts_with("certificate his/listener is to be renewed"), "{}", due.en);
    assert_eq!(renewed.zh, "TLS 证书 his/listener 已更新");
    assert_eq!(renewed.en, "certificate his/listener is renewed");
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

/// A disk that takes nothing until it is let go.
struct Hanging(mpsc::Receiver<()>);

impl Disk for Hanging {
    fn append(&mut self, _: &str) -> io::Result<()> {
        let _ = self.0.recv();
        Ok(())
    }

    fn anew(&mut self, lines: &str) -> io::Result<()> {
        self.append(lines)
    }
}

#[test]
fn who_tells_what_is_down_does_not_wait_for_the_disk() {
    let (let_go, hanging) = mpsc::channel();
    let (done, ended) = mpsc::channel();
    std::thread::spawn(move || {
        let notices = Notices::on(Hanging(hanging)).unwrap();
        let watch = Watch::new(notices.clone(), now(), Duration::ZERO);
        let light = watch.light(What::Route, "his");
        light.fails("refused");
        light.works();
        // Feeds hear of it all the same: the disk may be what it is about.
        let _ = done.send((told(&notices), *notices.last().borrow()));
    });
    let told = ended.recv_timeout(Duration::from_secs(60)).expect("it waits for the disk");
    assert_eq!(told, (vec!["route/his down".to_owned(), "route/his up".to_owned()], 2));
    drop(let_go);
}

/// A disk that is full until there is room, and then keeps what it is given.
struct Full(Arc<Mutex<(bool, String)>>);

impl Disk for Full {
    fn append(&mut self, lines: &str) -> io::Result<()> {
        let mut own = self.0.lock().unwrap();
        if own.0 {
            own.1.push_str("{\"n\":");
            return Err(io::ErrorKind::StorageFull.into());
        }
        own.1.push_str(lines);
        Ok(())
    }

    fn anew(&mut self, lines: &str) -> io::Result<()> {
        self.0.lock().unwrap().1.clear();
        self.append(lines)
    }
}

#[test]
fn what_a_full_disk_did_not_take_is_written_with_the_next() {
    let kept = Arc::new(Mutex::new((true, String::new())));
    let notices = Notices::on(Full(Arc::clone(&kept))).unwrap();
    let watch = Watch::new(notices.clone(), now(), Duration::ZERO);
    let light = watch.light(What::Route, "his");
    light.fails("refused");
    assert_eq!(notices.written().unwrap_err().kind(), io::ErrorKind::StorageFull);
    kept.lock().unwrap().0 = false;
    light.works();
    notices.written().unwrap();
    let lines = kept.lock().unwrap().1.clone();
    let numbers: Vec<u64> = lines
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["n"].as_u64().unwrap())
        .collect();
    assert_eq!(numbers, [1, 2]);
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
