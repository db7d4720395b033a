//! Whether `config/orgate.toml` keeps its word: every key that is read stands there, with its true default.

use std::cell::RefCell;
use std::collections::BTreeSet;

use crate::config::fault::Faults;

use super::*;

const REFERENCE: &str = include_str!("../../config/orgate.toml");
const FEEDS: &str = include_str!("../../docs/feeds.md");

/// A table's own name, and a key in it.
type Key = (String, String);

thread_local! {
    static ASKED: RefCell<BTreeSet<Key>> = RefCell::default();
}

/// Keeps that a key was looked for.
pub(super) fn asked(table: &str, key: &str) {
    ASKED.with_borrow_mut(|all| all.insert((table.to_owned(), key.to_owned())));
}

/// Every table that is read only where it is written, with nothing in it.
fn every_table() -> String {
    let mut text =
        "[[mllp]]\n[mllp.tls]\n[mllp.upstream_tls]\n[[fhir]]\n[fhir.tls]\n[fhir.upstream_tls]\n\
                    [[policy.escalation]]\n[register.fhir]\n[register.fhir.tls]\n[console.tls]\n[console.oidc]\n[[cds_hooks.client]]\n"
            .to_owned();
    for kind in ["webhook", "wecom", "dingtalk", "feishu", "nats", "fhir", "hl7v2", "mail", "file"]
    {
        text += &format!("[[feed]]\nkind = \"{kind}\"\n");
    }
    text
}

/// A line of the reference that sets a key.
struct Line {
    nth: usize,
    key: Key,
    value: String,
    /// With the lines of comment that go on below it.
    comment: String,
    /// It is only shown.
    commented: bool,
}

/// A bare key at the beginning of a line, and what is written behind its `=`.
fn set(line: &str) -> Option<(&str, &str)> {
    let (key, rest) = line.split_once(" = ")?;
    key.bytes()
        .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
        .then_some((key, rest))
}

/// What the reference sets, and every table in it as a key of the one around it.
fn lines() -> Vec<Line> {
    let (mut found, mut table) = (Vec::<Line>::new(), String::new());
    for (nth, line) in REFERENCE.lines().enumerate() {
        let (commented, bare) = match line.strip_prefix("# ") {
            Some(bare) => (true, bare),
            None => (false, line),
        };
        let (text, comment) = bare.split_once(" #").unwrap_or((bare, ""));
        let heading = text.trim().trim_start_matches('[').trim_end_matches(']');
        let (key, value) = match set(text) {
            Some((key, value)) => ((table.clone(), key), value),
            None if text.starts_with('[') => {
                let (around, own) = heading.rsplit_once('.').unwrap_or(("", heading));
                table = own.to_owned();
                ((around.rsplit('.').next().unwrap_or_default().to_owned(), own), "")
            }
            None => {
                if let (Some(last), true) = (found.last_mut(), line.trim_start().starts_with('#')) {
                    last.comment += line;
                }
                continue;
            }
        };
        let key = (key.0, key.1.to_owned());
        let (value, comment) = (value.trim().to_owned(), comment.to_owned());
        found.push(Line { nth, key, value, comment, commented });
    }
    found
}

/// The settings that a text makes, but for its own hashes, line by line; sorted, since some are kept in no order.
fn shown(text: &str) -> Result<Vec<String>, Faults> {
    let mut settings = read("orgate.toml", text)?;
    settings.written = Written::default();
    for feed in &mut settings.feeds {
        feed.print = [0; 32];
    }
    let mut lines: Vec<String> = format!("{settings:#?}").lines().map(str::to_owned).collect();
    lines.sort_unstable();
    Ok(lines)
}

/// The reference with another line in the place of one.
fn with(nth: usize, other: &str) -> String {
    let lines = REFERENCE.lines().enumerate();
    lines.map(|(own, line)| format!("{}\n", if own == nth { other } else { line })).collect()
}

#[test]
fn every_key_that_is_read_stands_in_the_reference_or_with_the_kinds_of_feeds() {
    assert!(read("orgate.toml", &every_table()).is_err());
    let asked = ASKED.take();
    assert!(asked.len() > 120, "{}", asked.len());
    let written: BTreeSet<Key> = lines().into_iter().map(|line| line.key).collect();
    let told = |(table, key): &Key| table == "feed" && FEEDS.contains(&format!("`{key}`"));
    let missing: Vec<&Key> =
        asked.iter().filter(|key| !written.contains(*key) && !told(key)).collect();
    assert_eq!(missing, Vec::<&Key>::new());
}

/// The lines of the reference that only show a table, as lines that set it; without files, which are not there.
fn uncommented(table: &str, but: &[&str]) -> String {
    let heading = format!("# [{table}]");
    let lines = REFERENCE.lines().skip_while(|line| !line.starts_with(&heading)).skip(1);
    let lines = lines.take_while(|line| set(line.trim_start_matches("# ")).is_some());
    let lines = lines.filter_map(|line| line.strip_prefix("# "));
    let kept = lines.filter(|line| set(line).is_some_and(|(key, _)| !but.contains(&key)));
    kept.map(|line| format!("{line}\n")).collect()
}

#[test]
fn what_the_reference_shows_of_a_server_to_pull_from_is_the_default() {
    let own = uncommented("register.fhir", &["licence", "token_file"]);
    assert!(own.lines().count() >= 7, "{own}");
    let url = own.lines().find(|line| line.starts_with("url = ")).unwrap();
    let of = |own: &str| shown(&format!("{REFERENCE}\n[register.fhir]\n{own}\n")).unwrap();
    assert_eq!(differing(&of(&own), &of(url)), Vec::<String>::new());
    let other = own.replace("loss_max_percent = 10", "loss_max_percent = 11");
    assert_ne!(differing(&of(&own), &of(&other)), Vec::<String>::new(), "it can tell");
}

/// What is in one of two sorted lists only.
fn differing(a: &[String], b: &[String]) -> Vec<String> {
    let only = |a: &[String], b: &[String]| -> Vec<String> {
        let mut rest = b.to_vec();
        let of = |line: &&String, rest: &mut Vec<String>| {
            let found = rest.binary_search(line);
            found.map(|at| rest.remove(at)).is_err()
        };
        a.iter().filter(|line| of(line, &mut rest)).cloned().collect()
    };
    [only(a, b), only(b, a)].concat()
}

#[test]
fn what_the_reference_sets_is_the_default_unless_it_says_that_there_is_none() {
    let whole = shown(REFERENCE).unwrap();
    let (mut seen, mut compared, mut wrong) = (BTreeSet::new(), 0, Vec::new());
    for line in lines() {
        let first = seen.insert(line.key.clone());
        if line.commented || line.value.is_empty() || line.comment.contains("no default") || !first
        {
            continue;
        }
        let (table, key) = &line.key;
        match shown(&with(line.nth, "")) {
            Ok(left_out) if left_out == whole => {}
            Ok(left_out) => {
                wrong.push(format!("{table}.{key}: {:?}", differing(&left_out, &whole)))
            }
            Err(faults) => wrong.push(format!("{table}.{key}: {faults}")),
        }
        // And the comparison can tell.
        if let Ok(number) = line.value.parse::<u64>() {
            let other = shown(&with(line.nth, &format!("{key} = {}", number + 1))).unwrap();
            assert_ne!(other, whole, "{table}.{key}");
        }
        compared += 1;
    }
    assert!(compared > 60, "{compared}");
    assert_eq!(wrong, Vec::<String>::new());
}
