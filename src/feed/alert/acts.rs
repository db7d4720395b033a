//! Entries of people's acts, and of the register's changes → alerts.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::domain::order::Redacted;
use crate::feed::alert::kind::{AlertKind, Severity};
use crate::feed::alert::{Alert, Personal};
use crate::ledger::Entry;

/// Of an entry whose body names its act.
struct Act {
    kind: AlertKind,
    severity: Severity,
    rule: String,
    zh: String,
    en: String,
    personal: Personal,
    data: Map<String, Value>,
}

impl Act {
    fn alert(self, entry: &Entry) -> Alert {
        let Self { kind, severity, rule, zh, en, personal, data } = self;
        let id = entry.id.to_string();
        Alert {
            id: format!("{id}-{rule}"),
            kind,
            severity,
            time: entry.time,
            subject: id,
            node: entry.node.clone(),
            departments: Vec::new(),
            observed: false,
            zh,
            en,
            rule,
            data,
            personal,
        }
    }
}

fn body(entry: &Entry) -> Option<Map<String, Value>> {
    serde_json::from_str(entry.body()).ok()
}

fn text<'b>(body: &'b Map<String, Value>, keys: &[&str]) -> Option<&'b str> {
    keys.iter().find_map(|key| body.get(*key).and_then(Value::as_str))
}

/// Who acted: a word, or name and staff number.
fn person(body: &Map<String, Value>) -> String {
    let by = body.get("by").unwrap_or(&Value::Null);
    let parts = ["name", "staff", "account"].map(|key| by.get(key).and_then(Value::as_str));
    let said = by.as_str().or_else(|| parts.into_iter().flatten().next());
    said.unwrap_or("?").to_owned()
}

/// The members that tell of no patient: ids, names of staff, times, counts.
fn public(body: &Map<String, Value>, keys: &[&str]) -> Map<String, Value> {
    let kept = body.iter().filter(|(key, _)| keys.contains(&key.as_str()));
    kept.map(|(key, value)| (key.clone(), value.clone())).collect()
}

/// An override file's step. What opens one is a decision entry; an attestation needs nobody's eye.
pub(super) fn of_override(entry: &Entry) -> Vec<Alert> {
    let Some(body) = body(entry) else { return Vec::new() };
    let file = text(&body, &["file", "entry"]).unwrap_or("?").to_owned();
    let by = person(&body);
    let outcome = text(&body, &["outcome"]).unwrap_or("?").to_owned();
    let Some(act) = text(&body, &["act"]) else { return Vec::new() };
    let (kind, severity, zh, en) = match act {
        "reviewed" => {
            let rejected = outcome == "rejected";
            let words = if rejected { "驳回" } else { "确认" };
            let severity = if rejected { Severity::High } else { Severity::Low };
            let zh = format!("越权急诊 {file} 已审核：{words}（{by}）");
            let en = format!("override {file} reviewed: {outcome} by {by}");
            (AlertKind::OverrideReviewed, severity, zh, en)
        }
        "reopened" => {
            let zh = format!("越权急诊 {file} 重新打开（{by}）");
            let en = format!("override {file} reopened by {by}");
            (AlertKind::OverrideOpened, Severity::High, zh, en)
        }
        "escalated" | "overdue" => {
            let to = body.get("to").and_then(Value::as_array).into_iter().flatten();
            let to: Vec<&str> = to.filter_map(Value::as_str).collect();
            let whom =
                if to.is_empty() { String::new() } else { format!(" → {}", to.join("、")) };
            let zh = format!("越权急诊 {file} 审核超期，请立即审核{whom}");
            let en = format!("override {file} has not been reviewed in time{whom}");
            (AlertKind::OverrideOverdue, Severity::High, zh, en)
        }
        _ => return Vec::new(),
    };
    let reason = text(&body, &["reason"]).and_then(Redacted::new);
    let rule = act.to_owned();
    let kept = ["act", "file", "entry", "case", "by", "outcome", "level", "to", "suspend"];
    let data = public(&body, &kept);
    let personal = Personal { reason, ..Personal::default() };
    vec![Act { kind, severity, rule, zh, en, personal, data }.alert(entry)]
}

/// The gate was switched off or on.
pub(super) fn of_bypass(entry: &Entry) -> Vec<Alert> {
    let Some(body) = body(entry) else { return Vec::new() };
    let act = text(&body, &["act", "state"]).unwrap_or("changed").to_owned();
    if act == "configuration" {
        return of_configuration(entry, &body);
    }
    let by = person(&body);
    let until = text(&body, &["until"]).map_or_else(String::new, |until| format!(" → {until}"));
    let word = match act.as_str() {
        "on" => "开启：消息不经判定直接转发",
        "off" => "关闭",
        "expired" => "到期，自动关闭",
        _ => "变更",
    };
    // A stance changed at the console is kept beside the bypasses: both decide whether a route acts on verdicts.
    let (zh, en) = if act == "stance" {
        (format!("路由方式变更（{by}）"), format!("stance of a route changed by {by}"))
    } else {
        (format!("旁路{word}（{by}）{until}"), format!("bypass {act} by {by}{until}"))
    };
    // Of an outage, who and why are no patient's data.
    let data = public(&body, &["act", "state", "by", "reason", "until", "from", "routes", "to"]);
    let (kind, severity) = (AlertKind::Bypass, Severity::High);
    let rule = format!("bypass-{act}");
    vec![Act { kind, severity, rule, zh, en, personal: Personal::default(), data }.alert(entry)]
}

/// A configuration that is taken up while the gate runs. Whoever edits effects or stances decides what is refused, as
/// whoever switches the gate off does; everything else of it is nobody's alarm.
fn of_configuration(entry: &Entry, body: &Map<String, Value>) -> Vec<Alert> {
    let applied = body.get("applied").and_then(Value::as_array).into_iter().flatten();
    let applied = applied.filter_map(Value::as_str).filter(|key| key.starts_with("policy."));
    let stances = body.get("stances").and_then(Value::as_array).into_iter().flatten();
    let stances = stances.filter_map(|stance| stance.get("route").and_then(Value::as_str));
    let changed: Vec<String> = applied
        .map(str::to_owned)
        .chain(stances.map(|route| format!("stance of {route}")))
        .collect();
    if changed.is_empty() {
        return Vec::new();
    }
    let what = changed.join(", ");
    let zh = format!("配置变更，已生效：{what}");
    let en = format!("configuration edited and in force: {what}");
    let data = public(body, &["act", "applied", "by", "changed", "stances"]);
    let (kind, severity) = (AlertKind::Bypass, Severity::High);
    let (rule, personal) = ("bypass-configuration".to_owned(), Personal::default());
    vec![Act { kind, severity, rule, zh, en, personal, data }.alert(entry)]
}

/// An account that opens unusually many patients (IS Q9): what for could not be known, so it is a gap. Every other
/// look is nobody's alarm.
pub(super) fn of_access(entry: &Entry) -> Vec<Alert> {
    let Some(body) = body(entry) else { return Vec::new() };
    if text(&body, &["act"]) != Some("unusual") {
        return Vec::new();
    }
    let account = text(&body, &["account"]).unwrap_or("?");
    let count = body.get("patients_within_hour").and_then(Value::as_u64).unwrap_or_default();
    let (locked_zh, locked_en) = match text(&body, &["locked_until"]) {
        Some(_) => ("，账号已锁定", ", and is locked"),
        None => ("", ""),
    };
    let zh = format!("账号 {account} 一小时内打开 {count} 位患者，超出设定{locked_zh}");
    let en = format!(
        "account {account} has opened {count} patients within an hour, more than is set{locked_en}"
    );
    let data = public(&body, &["account", "act", "locked_until", "patients_within_hour"]);
    let (kind, severity) = (AlertKind::Gap, Severity::High);
    let (rule, personal) = ("unusual-reading".to_owned(), Personal::default());
    vec![Act { kind, severity, rule, zh, en, personal, data }.alert(entry)]
}

/// A change of the register that stops something.
pub(super) fn of_register(entry: &Entry) -> Vec<Alert> {
    let Some(body) = body(entry) else { return Vec::new() };
    let stopped = body.get("consequences").and_then(Value::as_array).map_or(&[][..], |list| list);
    let names: Vec<&str> =
        stopped.iter().filter_map(|one| one.get("text").and_then(Value::as_str)).collect();
    let Some(first) = names.first() else { return Vec::new() };
    let hit = stopped
        .iter()
        .filter_map(|one| one.get("hits").and_then(Value::as_array))
        .map(Vec::len)
        .sum::<usize>();
    let more = match names.len() - 1 {
        0 => String::new(),
        more => format!(" (+{more})"),
    };
    let zh = format!("{first}{more} · 涉及在途申请与通知 {hit} 份");
    let en = format!("{first}{more} · {hit} open orders and notices are hit");
    let data = public(&body, &["at", "version", "who", "consequences", "more"]);
    // It holds the reason that somebody wrote.
    let what = text(&body, &["what"]).and_then(Redacted::new);
    let personal = Personal { what, ..Personal::default() };
    let (kind, severity) = (AlertKind::TechniqueStopped, Severity::High);
    let rule = stopped.first().and_then(|one| one.get("kind").and_then(Value::as_str));
    let rule = rule.unwrap_or("technique-stopped").to_owned();
    vec![Act { kind, severity, rule, zh, en, personal, data }.alert(entry)]
}

/// What the gate noticed by itself, as [`Watch`](crate::feed::watch::Watch) and the deadline clock tell it.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::feed) struct Noticed {
    pub(in crate::feed) id: String,
    pub(in crate::feed) rule: String,
    pub(in crate::feed) kind: AlertKind,
    pub(in crate::feed) severity: Severity,
    pub(in crate::feed) time: Timestamp,
    pub(in crate::feed) subject: String,
    pub(in crate::feed) departments: Vec<String>,
    pub(in crate::feed) zh: String,
    pub(in crate::feed) en: String,
    pub(in crate::feed) data: Map<String, Value>,
}

impl Noticed {
    pub(in crate::feed) fn alert(self, node: &str) -> Alert {
        let Self { id, rule, kind, severity, time, subject, departments, zh, en, data } = self;
        Alert {
            id,
            kind,
            severity,
            time,
            subject,
            node: node.to_owned(),
            departments,
            observed: false,
            zh,
            en,
            rule,
            data,
            personal: Personal::default(),
        }
    }

    /// As a line of the notices' file.
    pub(in crate::feed) fn line(&self) -> Value {
        json!({
            "id": self.id, "rule": self.rule, "type": self.kind.as_str(),
            "severity": self.severity.as_str(), "time": self.time.to_string(),
            "subject": self.subject, "departments": self.departments,
            "text_zh": self.zh, "text_en": self.en, "data": self.data,
        })
    }

    /// Reads such a line.
    pub(in crate::feed) fn read(line: &Value) -> Option<Self> {
        let text = |key: &str| Some(line.get(key)?.as_str()?.to_owned());
        let kind = text("type")?;
        let departments = line.get("departments")?.as_array()?.iter();
        Some(Self {
            id: text("id")?,
            rule: text("rule")?,
            kind: *AlertKind::ALL.iter().find(|known| known.as_str() == kind)?,
            severity: Severity::from_name(line.get("severity")?.as_str()?)?,
            time: text("time")?.parse().ok()?,
            subject: text("subject")?,
            departments: departments.filter_map(|d| d.as_str().map(str::to_owned)).collect(),
            zh: text("text_zh")?,
            en: text("text_en")?,
            data: line.get("data")?.as_object()?.clone(),
        })
    }
}
