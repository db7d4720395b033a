//! Files that end within a line, as a full disk or a crash leaves them.

use std::fs;
use std::path::Path;
use std::time::Duration;

use serde_json::json;

use crate::feed::dead::{DeadLetter, DeadLetters};
use crate::feed::notices::Notices;
use crate::feed::sink::Sink as _;
use crate::feed::sinks::file::File;
use crate::feed::tests::{letter, now};
use crate::feed::watch::{Watch, What};

/// Cuts the end of the file off, within the last character of more than one byte.
fn tear(path: &Path) {
    let text = fs::read(path).unwrap();
    let last = text.iter().rposition(|byte| *byte >= 0x80).unwrap();
    fs::write(path, &text[..last]).unwrap();
}

#[test]
fn a_dead_letter_after_a_torn_one_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let dead = DeadLetters::new(folder.path(), "f");
    let letter = |id: &str| DeadLetter {
        at: "2026-03-02T00:30:00Z".to_owned(),
        attempts: 2,
        why: "refused".to_owned(),
        event: json!({"id": id, "data": {"text_zh": "示例"}}),
    };
    dead.add(&[letter("a"), letter("b")]).unwrap();
    tear(&folder.path().join("f.dead.jsonl"));
    dead.add(&[letter("c")]).unwrap();
    let kept: Vec<String> =
        dead.list().unwrap().iter().map(|letter| letter.id().to_owned()).collect();
    assert_eq!(kept, ["a", "c"]);
}

#[tokio::test]
async fn an_alert_after_a_torn_line_of_the_file_has_a_line_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("alerts.jsonl");
    fs::write(&path, "{\"id\":\"torn").unwrap();
    let (mut file, letter) = (File::new(path.clone()), letter());
    for _ in 0..2 {
        file.deliver(std::slice::from_ref(&letter)).await.unwrap();
    }
    let text = fs::read_to_string(&path).unwrap();
    let event = letter.event.to_string();
    assert_eq!(text.lines().collect::<Vec<_>>(), ["{\"id\":\"torn", &event, &event]);
}

#[test]
fn a_notice_torn_within_a_character_stops_no_start() {
    let folder = tempfile::tempdir().unwrap();
    let notices = Notices::open(folder.path(), &[]).unwrap();
    let watch = Watch::new(notices.clone(), now(), Duration::ZERO);
    watch.light(What::Route, "his").fails("refused");
    watch.light(What::Route, "lis").fails("refused");
    drop((watch, notices));
    tear(&folder.path().join("notices.jsonl"));
    let notices = Notices::open(folder.path(), &[0]).unwrap();
    assert_eq!(notices.after(0, 9).len(), 1);
}
