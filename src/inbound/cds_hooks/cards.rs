//! Verdict → card: what the doctor reads before signing. Pure.

use serde::Serialize;

use crate::domain::order::Urgency;
use crate::domain::verdict::{CaseVerdict, Decision, Effect, Finding, Gap, Verdict};
use crate::gate::inquiry::Inquired;
use crate::inbound::cds_hooks::language::Language;
use crate::inbound::cds_hooks::reasons;
use crate::inbound::cds_hooks::request::uuid;

/// A summary is shorter than this many characters (CDS Hooks 2.0).
const SUMMARY_CHARS: usize = 140;
/// The code system of rule ids.
pub(super) const RULES: &str = "urn:orgate:rule";

/// A card.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Card {
    uuid: String,
    summary: String,
    detail: String,
    indicator: &'static str,
    source: Source,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    suggestions: Vec<Suggestion>,
    #[serde(skip_serializing_if = "Option::is_none")]
    selection_behavior: Option<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    override_reasons: Vec<Coding>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    links: Vec<Link>,
}

#[derive(Debug, Serialize)]
struct Source {
    label: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    topic: Option<Coding>,
}

#[derive(Debug, Serialize)]
pub(super) struct Coding {
    pub(super) system: &'static str,
    pub(super) code: &'static str,
    pub(super) display: &'static str,
}

#[derive(Debug, Serialize)]
struct Suggestion {
    label: String,
    uuid: String,
}

#[derive(Debug, Serialize)]
struct Link {
    label: &'static str,
    url: String,
    #[serde(rename = "type")]
    kind: &'static str,
}

/// The card of one order; `None` for one that is clean. `console`: where people look at entries.
pub(super) fn card(asked: &Inquired, language: Language, console: Option<&str>) -> Option<Card> {
    let verdict = &asked.verdict;
    if matches!(verdict.decision, Decision::Forward | Decision::NotSurgical) {
        return None;
    }
    let suggestions = suggestions(asked, language);
    let console = console.map(|url| url.trim_end_matches('/'));
    let topic = first(verdict).map(|(_, finding)| Coding {
        system: RULES,
        code: finding.rule.as_str(),
        display: finding.rule.as_str(),
    });
    let link = |url: &str| Link {
        label: language.choose("在术闸中查看", "Open in orgate"),
        url: format!("{url}/entries/{}", asked.entry),
        kind: "absolute",
    };
    Some(Card {
        uuid: uuid(asked.entry.bits()),
        summary: summary(verdict, language),
        detail: detail(asked, language),
        indicator: if verdict.refused() { "critical" } else { "warning" },
        source: Source { label: "术闸 orgate", url: console.map(str::to_owned), topic },
        selection_behavior: (!suggestions.is_empty()).then_some("at-most-one"),
        suggestions,
        override_reasons: if asked.attestable { reasons::all(language) } else { Vec::new() },
        links: console.map(link).into_iter().collect(),
    })
}

/// The finding that the card is about: what refuses, else what was lifted, else the first.
fn first(verdict: &Verdict) -> Option<(&CaseVerdict, &Finding)> {
    let of = |effect| verdict.findings().find(|(_, finding)| finding.effect == effect);
    of(Effect::Block).or_else(|| of(Effect::Overridden)).or_else(|| verdict.findings().next())
}

fn summary(verdict: &Verdict, language: Language) -> String {
    let lead = match verdict.decision {
        _ if verdict.refused() => language.choose("将被拒绝：", "Will be refused: "),
        Decision::Block | Decision::Unavailable => {
            language.choose("（仅观察）将被拒绝：", "(observed only) Would be refused: ")
        }
        Decision::Override => language
            .choose("急诊，将作为超权限手术放行：", "Emergency, would pass as an override: "),
        _ => language.choose("请注意：", "Note: "),
    };
    let text = match first(verdict) {
        Some((_, finding)) => language.choose(&*finding.text_zh, &*finding.text_en).to_owned(),
        None => verdict.gaps.first().map_or("", |gap| gap_words(*gap, language)).to_owned(),
    };
    shortened(&format!("{lead}{text}"))
}

fn shortened(text: &str) -> String {
    if text.chars().count() < SUMMARY_CHARS {
        return text.to_owned();
    }
    text.chars().take(SUMMARY_CHARS - 2).chain(['…']).collect()
}

/// What could not be known, for the person who reads it.
fn gap_words(gap: Gap, language: Language) -> &'static str {
    match gap {
        Gap::PrivilegesUnavailable => language.choose(
            "授权库暂时无法查询，请稍后重试。",
            "the register of privileges cannot be asked at present; try again later",
        ),
        Gap::CalendarUnknown => language.choose(
            "缺少工作日历，备案期限无法计算，请联系医务科。",
            "no working-day calendar is loaded for the year; tell medical affairs",
        ),
        Gap::MessageUnreadable => language.choose(
            "医嘱内容无法确定地读出，请检查后重试。",
            "the order cannot be read with certainty; check it",
        ),
        Gap::LedgerUnavailable | Gap::Overloaded => language.choose(
            "系统繁忙或账本暂不可写，请稍后重试。",
            "the gate is busy or cannot record; try again later",
        ),
    }
}

/// The finding sentences by case, each with its articles in their own words; Markdown.
fn detail(asked: &Inquired, language: Language) -> String {
    let verdict = &asked.verdict;
    let mut out = String::new();
    for case in verdict.cases.iter().filter(|case| !case.findings.is_empty()) {
        out.push_str(&heading(case, language));
        for finding in &case.findings {
            out.push_str(&item(finding, language));
        }
        out.push('\n');
    }
    for gap in &verdict.gaps {
        out.push_str(&format!("- {}\n", gap_words(*gap, language)));
    }
    if !asked.colleagues.is_empty() {
        let lead = language.choose("有该手术权限的医师", "Who holds the grant");
        for (code, colleagues) in &asked.colleagues {
            let names: Vec<String> =
                colleagues.iter().map(|(id, name)| plain(&format!("{id} {name}"))).collect();
            let names = names.join(language.choose("、", ", "));
            out.push_str(&format!("\n{lead}（{}）：{names}\n", plain(code.as_str())));
        }
    }
    if asked.attestable {
        out.push_str(language.choose(
            "\n为抢救生命确需立即手术的，请选择理由继续，并按急诊开具；医务科将在事后审核。\n",
            "\nIf a life is at stake, give the reason and order it as an emergency; medical affairs will review it.\n",
        ));
    } else if verdict.refused() && verdict.urgency == Some(Urgency::Emergency) {
        out.push_str(language.choose(
            "\n此项拒绝不因急诊而解除，请立即电话联系医务科。\n",
            "\nNo emergency lifts this refusal; call medical affairs at once.\n",
        ));
    }
    let lead = language.choose("记录编号", "Entry");
    out.push_str(&format!("\n{lead} {}\n", asked.entry));
    out
}

fn heading(case: &CaseVerdict, language: Language) -> String {
    let unknown = language.choose("未注明", "not given");
    let surgeon = case.surgeon.as_ref().map(|id| id.as_str());
    let surgeon = [surgeon, case.surgeon_name.as_deref()];
    let procedure = case.procedure.as_ref().map(|code| code.as_str());
    let procedure = [procedure, case.procedure_name.as_deref()];
    let joined = |parts: [Option<&str>; 2]| {
        let parts: Vec<&str> = parts.into_iter().flatten().collect();
        if parts.is_empty() { unknown.to_owned() } else { plain(&parts.join(" ")) }
    };
    let grade = case.grade.map_or_else(String::new, |grade| match language {
        Language::Chinese => format!("（{}手术）", grade.chinese()),
        Language::English => format!(" (grade {})", grade.number()),
    });
    let words = language.choose(["术者", "手术"], ["Surgeon", "Procedure"]);
    let [who, what] = words;
    format!("**{who}** {}　**{what}** {}{grade}\n\n", joined(surgeon), joined(procedure))
}

fn item(finding: &Finding, language: Language) -> String {
    let effect = match finding.effect {
        Effect::Block => language.choose("拒绝", "refused"),
        Effect::Overridden => language.choose("急诊解除", "lifted by the emergency"),
        Effect::Flag => language.choose("提示", "flagged"),
    };
    let text = language.choose(&*finding.text_zh, &*finding.text_en);
    let mut out = format!("- **{effect}** {} `{}`\n", plain(text), finding.rule);
    for article in finding.cites {
        let (title, number, words) = (article.regulation.title(), article.number, article.words);
        out.push_str(&match language {
            Language::Chinese => format!("  - {title}第{number}条：“{words}”\n"),
            Language::English => format!("  - {title}, article {number}: “{words}”\n"),
        });
    }
    out
}

/// Text from a message or the register, so that Markdown sees nothing in it.
fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            c if c.is_control() => out.push(' '),
            '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '#' | '!' | '|' | '~' | '&' => {
                out.push('\\');
                out.push(c);
            }
            c => out.push(c),
        }
    }
    out
}

/// One a colleague: who could operate instead. They change nothing by themselves.
fn suggestions(asked: &Inquired, language: Language) -> Vec<Suggestion> {
    let mut out: Vec<Suggestion> = Vec::new();
    let all = asked.colleagues.iter().flat_map(|(_, colleagues)| colleagues);
    for (nth, (id, name)) in (1_u128..).zip(all) {
        let label = match language {
            Language::Chinese => format!("改由有授权的 {name}（{id}）主刀"),
            Language::English => format!("Let {name} ({id}), who holds the grant, operate"),
        };
        if !out.iter().any(|known| known.label == label) {
            // Told from the card's own by the last bits, which a ULID fills at random.
            out.push(Suggestion { label, uuid: uuid(asked.entry.bits().wrapping_add(nth)) });
        }
    }
    out
}
