//! Several alerts as one text for people, within a limit of bytes: what is grave is always among the lines, and
//! what finds no room is counted.

use std::collections::BTreeMap;

use crate::feed::alert::kind::AlertKind;
use crate::feed::sink::Letter;

/// Room kept for the line that counts the rest.
const REST_BYTES: usize = 400;

/// How the text is read.
#[derive(Clone, Copy, Debug)]
pub(super) enum Mark {
    /// As it is.
    Plain,
    /// Marks mean something.
    Markdown,
}

/// Letters as text.
pub(super) struct Digest {
    /// One line: how many of what.
    pub(super) title: String,
    /// One line each, in their order, and one about the rest.
    pub(super) lines: Vec<String>,
}

/// The digest of letters whose lines, each with its break, take at most `bytes`.
pub(super) fn digest(letters: &[Letter], bytes: usize, mark: Mark) -> Digest {
    let title = match letters {
        [only] => format!("术闸告警：{}", words(only.text("type"))),
        many => format!("术闸告警 {} 条：{}", many.len(), counts(many.iter())),
    };
    let write = |letter| match mark {
        Mark::Plain => line(letter),
        Mark::Markdown => plain(&line(letter)),
    };
    let lines: Vec<String> = letters.iter().map(write).collect();
    let mut shown = vec![false; lines.len()];
    let mut room = bytes.saturating_sub(REST_BYTES);
    for grave in [true, false] {
        for ((letter, line), shown) in letters.iter().zip(&lines).zip(&mut shown) {
            let fits = line.len() < room;
            if (letter.text("severity") == "high") == grave && fits {
                *shown = true;
                room -= line.len() + 1;
            }
        }
    }
    let rest: Vec<&Letter> = letters
        .iter()
        .zip(&shown)
        .filter(|(_, shown)| !**shown)
        .map(|(letter, _)| letter)
        .collect();
    let mut lines: Vec<String> =
        lines.into_iter().zip(&shown).filter(|(_, shown)| **shown).map(|(line, _)| line).collect();
    if !rest.is_empty() {
        let more = format!("另有 {} 条：{}，详见控制台", rest.len(), counts(rest.into_iter()));
        lines.push(clipped(&more, REST_BYTES).to_owned());
    }
    Digest { title, lines }
}

fn line(letter: &Letter) -> String {
    let grave = match letter.text("severity") {
        "high" => "【紧急】",
        "medium" => "【注意】",
        _ => "【提示】",
    };
    // Date and time, without year and fractions.
    let time = letter.text("time").get(5..19).unwrap_or_default().replace('T', " ");
    let patient = letter.at("/patient/id").as_str();
    let patient = patient.map_or_else(String::new, |id| format!(" · 患者 {id}"));
    let text = letter.data_text("text_zh");
    one_line(&format!("{grave}{time} {text}{patient} · {}", letter.text("subject")))
}

/// How many of which type, in words.
fn counts<'l>(letters: impl Iterator<Item = &'l Letter>) -> String {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for letter in letters {
        *counts.entry(words(letter.text("type"))).or_default() += 1;
    }
    let counts = counts.iter().map(|(words, count)| format!("{words} {count}"));
    counts.collect::<Vec<_>>().join("、")
}

fn words(name: &str) -> &'static str {
    let kind = AlertKind::ALL.iter().find(|kind| kind.as_str() == name);
    kind.map_or("告警", |kind| kind.chinese())
}

/// Line breaks of whatever a message brought along would make lines of their own.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// The front of a text, in whole characters.
pub(super) fn clipped(text: &str, bytes: usize) -> &str {
    let mut end = bytes.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default()
}

/// Text inside Markdown: what a message brought along must neither mark, link nor call anybody.
fn plain(text: &str) -> String {
    let wide = |c| match c {
        '<' => '＜',
        '>' => '＞',
        '[' => '［',
        ']' => '］',
        '*' => '＊',
        '`' => '’',
        '#' => '＃',
        '@' => '＠',
        '\\' => '＼',
        other => other,
    };
    text.chars().map(wide).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn letter(severity: &str, text: &str) -> Letter {
        let event = json!({
            "id": "E-x", "type": "orgate.order.blocked", "severity": severity, "subject": "E",
            "time": "2026-03-02T08:30:00.000000+08:00", "data": {"text_zh": text},
        });
        Letter { id: "E-x".to_owned(), event }
    }

    #[test]
    fn one_alert_is_one_line_and_many_are_counted() {
        let one = digest(&[letter("high", "手术医嘱拒绝 · 科室 0301")], 4096, Mark::Plain);
        assert_eq!(one.title, "术闸告警：拒绝");
        assert_eq!(one.lines, ["【紧急】03-02 08:30:00 手术医嘱拒绝 · 科室 0301 · E"]);
        let many = digest(&vec![letter("low", "x"); 500], 4096, Mark::Plain);
        assert_eq!(many.title, "术闸告警 500 条：拒绝 500");
        assert!(many.lines.last().unwrap().starts_with("另有 "));
    }

    #[test]
    fn what_a_message_brought_along_calls_nobody() {
        assert_eq!(plain("<@all> [x](http://y)"), "＜＠all＞ ［x］(http://y)");
        let line = digest(&[letter("low", "a\nb\r")], 999, Mark::Markdown).lines.remove(0);
        assert!(!line.contains('\n') && !line.contains('\r'));
    }

    proptest! {
        #[test]
        fn a_digest_keeps_its_limit_and_what_is_grave_comes_first(
            letters in prop::collection::vec(("high|medium|low", "\\PC{0,60}"), 1..80),
            bytes in 1000_usize..6000,
        ) {
            let letters: Vec<Letter> = letters.iter().map(|(s, t)| letter(s, t)).collect();
            let digest = digest(&letters, bytes, Mark::Markdown);
            let taken: usize = digest.lines.iter().map(|line| line.len() + 1).sum();
            prop_assert!(taken <= bytes);
            let grave = letters.iter().filter(|l| l.text("severity") == "high").count();
            let shown = digest.lines.iter().filter(|l| l.starts_with("【紧急】")).count();
            let others = digest.lines.iter().filter(|l| l.starts_with("【提示】")).count();
            prop_assert!(shown == grave || others == 0 || digest.lines.len() < letters.len());
        }
    }
}
