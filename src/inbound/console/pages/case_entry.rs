//! A decision entry of the ledger as its page shows it: the verdict, each finding with its articles, facts, message.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::Deserialize;
use serde_json::Value;

use crate::domain::article::{self, Article};
use crate::domain::rule::Rule;
use crate::gate::office::Opened;
use crate::gate::rederive::Sender;
use crate::hl7::charset::CharsetSetting;
use crate::inbound::console::pages::Desk;
use crate::inbound::console::pages::case_facts::{Fact, facts};
use crate::inbound::console::pages::case_message::{Received, received};
use crate::inbound::console::pages::search::purpose_words;
use crate::inbound::console::pages::words::{Lang, local, moment};
use crate::ledger::{Entry, Kind};
use crate::rules::table::row;
use jiff::tz::TimeZone;

#[derive(Deserialize)]
struct Body {
    answer: Option<String>,
    control_id: String,
    facts: Option<Value>,
    mapping: String,
    message: Option<String>,
    message_bytes: u64,
    message_sha256: String,
    register_version: i64,
    retransmission_of: Option<String>,
    route: String,
    sender: Option<Sender>,
    unreadable: Option<String>,
    verdict: Verdict,
    without_ledger: Option<Value>,
}

#[derive(Deserialize)]
struct Verdict {
    cases: Vec<Case>,
    decision: String,
    gaps: Vec<String>,
    operating_time: Option<String>,
    stage: Option<String>,
    stance: String,
    urgency: Option<String>,
}

#[derive(Deserialize)]
struct Case {
    findings: Vec<Finding>,
    procedure: Named,
    surgeon: Named,
}

#[derive(Deserialize)]
struct Named {
    code: Option<String>,
    grade: Option<u8>,
    id: Option<String>,
    name: Option<String>,
}

#[derive(Deserialize)]
struct Finding {
    cites: Vec<String>,
    effect: String,
    lifted: bool,
    rule: String,
    text_en: String,
    text_zh: String,
}

/// An article in full.
pub(super) struct Cited {
    pub(super) title: &'static str,
    pub(super) number: &'static str,
    pub(super) before: &'static str,
    pub(super) words: &'static str,
    pub(super) after: &'static str,
}

/// A finding with its articles.
pub(super) struct Found {
    pub(super) rule: String,
    pub(super) title: String,
    pub(super) effect: String,
    pub(super) lifted: bool,
    pub(super) text: String,
    pub(super) cites: String,
    pub(super) articles: Vec<Cited>,
}

/// A surgeon and a procedure.
pub(super) struct Ruled {
    pub(super) surgeon: String,
    pub(super) procedure: String,
    pub(super) grade: Option<u8>,
    pub(super) findings: Vec<Found>,
}

/// What came after: delivery, acts, looks.
pub(super) struct Tells {
    pub(super) at: String,
    pub(super) what: String,
    pub(super) words: String,
}

/// One step of the case.
pub(super) struct Step {
    pub(super) entry: String,
    pub(super) seq: u64,
    pub(super) at: String,
    pub(super) current: bool,
    pub(super) decision: String,
    pub(super) stance: String,
    pub(super) stage: Option<String>,
    pub(super) urgency: Option<String>,
    pub(super) route: String,
    pub(super) mapping: String,
    pub(super) control_id: String,
    pub(super) operating_time: String,
    pub(super) register_version: i64,
    pub(super) sender: Option<Sender>,
    pub(super) copy_of: Option<String>,
    pub(super) unreadable: Option<String>,
    pub(super) unrecorded: bool,
    pub(super) gaps: Vec<(String, String)>,
    pub(super) cases: Vec<Ruled>,
    pub(super) facts: Vec<Fact>,
    pub(super) message: Vec<Received>,
    pub(super) message_kept: bool,
    pub(super) message_bytes: u64,
    pub(super) message_sha256: String,
    pub(super) answer: Vec<Received>,
    pub(super) tells: Vec<Tells>,
}

/// The articles of a finding: those of its rule that it cites, and whatever else bears that number.
fn cited(rule: &str, cites: &[String]) -> Vec<Cited> {
    let of_rule = Rule::from_id(rule).map(|rule| row(rule).cites).unwrap_or_default();
    let mut articles: Vec<Article> = Vec::new();
    for cite in cites {
        let bears = |article: &&Article| article.to_string() == *cite;
        let own: Vec<Article> = of_rule.iter().filter(bears).copied().collect();
        let all = article::ALL.iter().filter(bears).copied();
        articles.extend(if own.is_empty() { all.collect() } else { own });
    }
    let mut seen: Vec<Article> = Vec::new();
    articles.retain(|article| {
        let fresh = !seen.contains(article);
        seen.push(*article);
        fresh
    });
    articles.into_iter().map(Cited::of).collect()
}

impl Cited {
    /// The whole article, with the words that matter between what stands before and after them.
    fn of(article: Article) -> Self {
        let whole = article.in_full().and_then(|whole| whole.split_once(article.words));
        let (before, after) = whole.unwrap_or_default();
        Self {
            title: article.regulation.title(),
            number: article.number,
            before,
            words: article.words,
            after,
        }
    }
}

fn joined(name: Option<String>, number: Option<String>) -> String {
    [name, number].into_iter().flatten().collect::<Vec<_>>().join(" ")
}

fn ruled(case: Case, lang: Lang) -> Ruled {
    let found = |finding: Finding| Found {
        title: lang.rule(&finding.rule),
        articles: cited(&finding.rule, &finding.cites),
        cites: finding.cites.join("、"),
        effect: finding.effect,
        lifted: finding.lifted,
        text: match lang {
            Lang::Zh => finding.text_zh,
            Lang::En => finding.text_en,
        },
        rule: finding.rule,
    };
    Ruled {
        surgeon: joined(case.surgeon.name, case.surgeon.id),
        procedure: joined(case.procedure.name, case.procedure.code),
        grade: case.procedure.grade,
        findings: case.findings.into_iter().map(found).collect(),
    }
}

fn laid(kept: Option<&str>, charset: &CharsetSetting, lang: Lang) -> Vec<Received> {
    let bytes = kept.and_then(|kept| BASE64.decode(kept).ok());
    bytes.map(|bytes| received(&bytes, charset, lang)).unwrap_or_default()
}

/// A step, of an entry that was opened. `looks`: also who looked at it.
pub(super) fn step(opened: &Opened, lang: Lang, desk: &Desk, looks: bool) -> Option<Step> {
    let entry = &opened.entry;
    let body: Body = serde_json::from_str(entry.body()).ok()?;
    let verdict = body.verdict;
    let (zone, charset) = (desk.zone(), desk.charset_of(&body.route));
    let tells = opened.of.iter().filter(|entry| looks || entry.kind != Kind::Access);
    Some(Step {
        entry: entry.id.to_string(),
        seq: entry.seq,
        at: moment(entry.time, zone),
        current: false,
        decision: verdict.decision,
        stance: verdict.stance,
        stage: verdict.stage,
        urgency: verdict.urgency,
        route: body.route,
        mapping: body.mapping,
        control_id: body.control_id,
        operating_time: verdict.operating_time.map_or_else(String::new, |at| local(&at, zone)),
        register_version: body.register_version,
        sender: body.sender,
        copy_of: body.retransmission_of,
        unreadable: body.unreadable,
        unrecorded: body.without_ledger.is_some(),
        gaps: verdict.gaps.into_iter().map(|gap| (lang.rule(&gap), gap)).collect(),
        cases: verdict.cases.into_iter().map(|case| ruled(case, lang)).collect(),
        facts: body.facts.as_ref().map(|value| facts(value, lang)).unwrap_or_default(),
        message_kept: body.message.is_some(),
        message: laid(body.message.as_deref(), &charset, lang),
        message_bytes: body.message_bytes,
        message_sha256: body.message_sha256,
        answer: laid(body.answer.as_deref(), &charset, lang),
        tells: tells.map(|entry| tell(entry, lang, zone)).collect(),
    })
}

fn tell(entry: &Entry, lang: Lang, zone: &TimeZone) -> Tells {
    let body: Value = serde_json::from_str(entry.body()).unwrap_or_default();
    let text = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default();
    let by = body.get("by").and_then(|by| by.get("name").or_else(|| by.get("account")));
    let by = by.and_then(Value::as_str).unwrap_or_default();
    let (what, words) = match entry.kind {
        Kind::Delivery => {
            let took = body.get("took_us").and_then(Value::as_u64).unwrap_or_default();
            let outcome = match text("outcome") {
                "answered" => lang.say("下游已答复", "answered downstream"),
                "timeout" => lang.say("下游超时", "no answer in time"),
                other => other,
            };
            let words = format!(
                "{outcome} {} · {}.{:03} ms",
                text("answer_code"),
                took / 1000,
                took % 1000
            );
            (lang.say("转发", "forwarded"), words)
        }
        Kind::Override => {
            let conclusion = lang.state(text("conclusion"));
            (lang.act(text("act")), format!("{by} {conclusion} {}", text("reason")))
        }
        Kind::Access => {
            let act = match text("act") {
                "exported" => lang.say("导出", "exported"),
                "searched" => lang.say("检索", "searched"),
                _ => lang.say("查阅", "viewed"),
            };
            (
                act,
                format!(
                    "{} [{}] {}",
                    text("name"),
                    text("account"),
                    purpose_words(text("purpose"), lang)
                ),
            )
        }
        Kind::Decision | Kind::Register | Kind::Bypass | Kind::Anchor => {
            (entry.kind.as_str(), String::new())
        }
    };
    Tells { at: moment(entry.time, zone), what: what.to_owned(), words }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_cites_the_words_of_its_own_rule() {
        let articles = cited("discussion-incomplete", &["SG 22".to_owned()]);
        assert!(articles.iter().any(|article| article.words.contains("处置预案")));
        assert!(articles.iter().all(|article| article.title.contains("手术分级管理办法")));
        assert!(cited("no-such-rule", &["SG 33".to_owned()]).len() == 1);
    }
}
