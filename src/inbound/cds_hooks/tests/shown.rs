//! Cards: what a doctor reads.

use serde_json::Value;

use crate::domain::article::{SG_16, SG_22};
use crate::domain::order::{Action, Stage, Urgency};
use crate::domain::procedure::{Grade, ProcedureCode};
use crate::domain::rule::Rule;
use crate::domain::surgeon::SurgeonId;
use crate::domain::verdict::{
    CaseVerdict, Decision, Effect, Finding, Gap, Stance, Subject, Verdict,
};
use crate::gate::inquiry::Inquired;
use crate::inbound::cds_hooks::cards::card;
use crate::inbound::cds_hooks::language::Language;
use crate::inbound::cds_hooks::request::uuid;
use crate::ledger::EntryId;

fn finding(rule: Rule, effect: Effect) -> Finding {
    Finding {
        rule,
        effect,
        lifted: true,
        cites: if rule == Rule::GrantMissing { &[SG_16] } else { &[SG_22] },
        text_zh: format!("{rule} 的中文<b>句子*"),
        text_en: format!("the sentence of {rule}"),
        subject: Subject::Surgeon,
    }
}

fn inquired(decision: Decision, findings: Vec<Finding>) -> Inquired {
    let case = CaseVerdict {
        surgeon: SurgeonId::new("D1005"),
        surgeon_name: Some("秦可欣".to_owned()),
        procedure: ProcedureCode::new("52.7x00"),
        procedure_name: Some("根治性胰十二指肠切除术".to_owned()),
        grade: Some(Grade::Four),
        findings,
        department: None,
        group: 0,
        surgeon_place: None,
        procedure_place: None,
    };
    let verdict = Verdict {
        decision,
        stage: Some(Stage::Order),
        action: Some(Action::New),
        urgency: Some(Urgency::Elective),
        cases: vec![case],
        ..Verdict::passing(Stance::Enforce)
    };
    let code = ProcedureCode::new("52.7x00").unwrap();
    let colleague = (SurgeonId::new("D1004").unwrap(), "陆文舟".to_owned());
    let refused = decision == Decision::Block;
    Inquired {
        entry: EntryId::new("2026-03-02T00:00:00Z".parse().unwrap()),
        verdict,
        colleagues: if refused { vec![(code, vec![colleague])] } else { Vec::new() },
        attestable: refused,
    }
}

fn shown(asked: &Inquired, language: Language) -> Value {
    let card = card(asked, language, Some("https://gate.example/"));
    serde_json::to_value(card.unwrap()).unwrap()
}

fn blocked() -> Inquired {
    let findings = vec![
        finding(Rule::DiscussionMissing, Effect::Flag),
        finding(Rule::GrantMissing, Effect::Block),
    ];
    inquired(Decision::Block, findings)
}

#[test]
fn a_refusal_is_critical_and_says_who_may_why_not_and_how_to_go_on() {
    let asked = blocked();
    let card = shown(&asked, Language::Chinese);
    assert_eq!(card["uuid"], uuid(asked.entry.bits()));
    assert_eq!(card["indicator"], "critical");
    assert!(card["summary"].as_str().unwrap().starts_with("将被拒绝：grant-missing"));
    assert_eq!(card["source"]["topic"]["code"], "grant-missing");
    assert_eq!(card["suggestions"][0]["label"], "改由有授权的 陆文舟（D1004）主刀");
    assert_eq!(card["selectionBehavior"], "at-most-one");
    assert_eq!(card["overrideReasons"][0]["code"], "life-saving");
    let url = format!("https://gate.example/entries/{}", asked.entry);
    assert_eq!(card["links"][0]["url"], url);
    let detail = card["detail"].as_str().unwrap();
    for part in [
        "D1005 秦可欣",
        "52.7x00",
        "四级",
        "`grant-missing`",
        "`discussion-missing`",
        SG_16.words,
        "第16条",
        "陆文舟",
    ] {
        assert!(detail.contains(part), "{part}: {detail}");
    }
    // What a message or the register says is text, not Markdown or HTML.
    assert!(detail.contains("\\<b\\>句子\\*"), "{detail}");
}

#[test]
fn a_card_is_in_english_where_that_is_asked_for() {
    let card = shown(&blocked(), Language::English);
    let text = card.to_string();
    assert!(card["summary"].as_str().unwrap().starts_with("Will be refused: the sentence of"));
    assert!(card["overrideReasons"][0]["display"].as_str().unwrap().starts_with("Life-saving"));
    assert!(text.contains("article 16") && !text.contains("将被拒绝"), "{text}");
}

#[test]
fn what_is_flagged_lifted_or_only_observed_is_a_warning_and_what_is_clean_no_card() {
    let flagged =
        inquired(Decision::ForwardFlagged, vec![finding(Rule::DiscussionMissing, Effect::Flag)]);
    let overridden =
        inquired(Decision::Override, vec![finding(Rule::GrantMissing, Effect::Overridden)]);
    let mut observed = blocked();
    observed.verdict.stance = Stance::Observe;
    let leads = [
        (flagged, "请注意："),
        (overridden, "急诊，将作为超权限手术放行："),
        (observed, "（仅观察）"),
    ];
    for (asked, lead) in leads {
        let card = shown(&asked, Language::Chinese);
        assert_eq!(card["indicator"], "warning");
        assert!(card["summary"].as_str().unwrap().starts_with(lead), "{card}");
    }
    let clean = inquired(Decision::Forward, Vec::new());
    assert!(card(&clean, Language::Chinese, None).is_none());
}

#[test]
fn a_gap_is_said_and_can_be_critical() {
    let mut asked = inquired(Decision::Unavailable, Vec::new());
    asked.verdict.gaps = vec![Gap::PrivilegesUnavailable];
    let card = shown(&asked, Language::Chinese);
    assert_eq!(card["indicator"], "critical");
    assert!(card["summary"].as_str().unwrap().contains("授权库"));
}

#[test]
fn a_summary_is_shorter_than_140_characters_whatever_the_finding_says() {
    for length in [100, 130, 133, 134, 135, 139, 200, 5000] {
        let mut asked = blocked();
        for finding in &mut asked.verdict.cases[0].findings {
            finding.text_zh = "长".repeat(length);
        }
        let card = shown(&asked, Language::Chinese);
        let summary = card["summary"].as_str().unwrap();
        assert!(summary.chars().count() < 140, "{length}");
        assert_eq!(summary.ends_with('…'), length > 134, "{length}");
    }
}

#[test]
fn a_refusal_that_no_emergency_lifts_offers_no_reason_to_go_on() {
    let mut asked = blocked();
    asked.attestable = false;
    asked.verdict.urgency = Some(Urgency::Emergency);
    let card = shown(&asked, Language::Chinese);
    assert!(card.get("overrideReasons").is_none());
    assert!(card["detail"].as_str().unwrap().contains("请立即电话联系医务科"));
}
