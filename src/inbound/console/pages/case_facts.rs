//! The facts that a verdict went by, as lines for people: what a term is in the ledger is said in words.

use serde_json::Value;

use crate::inbound::console::pages::words::Lang;

/// Lines that are shown; a batch of orders may name hundreds of grants.
const LINES_MAX: usize = 2_000;
/// How deep lines are set in.
const DEPTH_MAX: u8 = 6;

/// One fact, or the head of some.
pub(super) struct Fact {
    pub(super) depth: u8,
    pub(super) label: String,
    pub(super) value: Option<String>,
}

/// The facts of an entry.
pub(super) fn facts(value: &Value, lang: Lang) -> Vec<Fact> {
    let mut lines = Vec::new();
    // What people look for first comes first.
    let first = ["orders", "people", "catalogue", "around"];
    if let Value::Object(members) = value {
        let of = |name: &&str| members.get(*name).map(|value| ((*name).to_owned(), value));
        let rest = members.iter().filter(|(name, _)| !first.contains(&name.as_str()));
        let rest = rest.map(|(name, value)| (name.clone(), value));
        for (name, value) in first.iter().filter_map(of).chain(rest) {
            put(&mut lines, 0, label(&name, lang), value, lang);
        }
    }
    lines
}

fn put(lines: &mut Vec<Fact>, depth: u8, label_of: String, value: &Value, lang: Lang) {
    if lines.len() >= LINES_MAX {
        return;
    }
    let deeper = (depth + 1).min(DEPTH_MAX);
    match value {
        Value::Null => {}
        Value::Object(members) => {
            lines.push(Fact { depth, label: label_of, value: None });
            for (name, value) in members {
                put(lines, deeper, label(name, lang), value, lang);
            }
        }
        Value::Array(all) if all.iter().all(|one| !one.is_object() && !one.is_array()) => {
            if !all.is_empty() {
                let texts: Vec<String> = all.iter().map(|one| plain(one, lang)).collect();
                let value = Some(texts.join("、"));
                lines.push(Fact { depth, label: label_of, value });
            }
        }
        Value::Array(all) => {
            for (nth, one) in (1..).zip(all) {
                let label =
                    if all.len() > 1 { format!("{label_of} {nth}") } else { label_of.clone() };
                put(lines, depth, label, one, lang);
            }
        }
        Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            lines.push(Fact { depth, label: label_of, value: Some(plain(value, lang)) });
        }
    }
}

fn plain(value: &Value, lang: Lang) -> String {
    match value {
        Value::String(text) => word(text, lang).to_owned(),
        Value::Bool(true) => lang.say("是", "yes").to_owned(),
        Value::Bool(false) => lang.say("否", "no").to_owned(),
        other => other.to_string(),
    }
}

/// A word of the register or the ledger.
pub(super) fn word(word: &str, lang: Lang) -> &str {
    if lang == Lang::En {
        return word;
    }
    match word {
        "active" => "有效",
        "suspended" => "暂停",
        "stopped" => "停止",
        "cancelled" => "取消备案",
        "revoked" => "取消",
        "left" => "离院",
        "perform" => "主刀权",
        "order" => "开单权",
        "required" => "上级指导下",
        "none" => "独立",
        "primary" => "主执业机构",
        "multi-site" => "多机构执业",
        "established" => "常规开展",
        "pending" => "待定",
        "approved" => "通过",
        "rejected" => "不通过",
        "not-required" => "不需要",
        "prohibited" => "禁止类",
        "restricted" => "限制类",
        "monitored" => "重点监管",
        "special-regime" => "另有专门规定",
        "national" => "国家",
        "provincial" => "省级",
        "city" => "市级",
        "institution" => "本机构",
        "found" => "在册",
        "nobody" => "名册无此人",
        "several" => "重名",
        "unavailable" => "无法查询",
        "elective" => "择期",
        "urgent" => "限期",
        "emergency" => "急诊",
        "new" => "新开",
        "change" => "变更",
        "withdraw" => "撤销",
        "named" => "已写明",
        "missing" => "未写",
        "unclear" => "不明确",
        "indication" => "指征",
        "approach" => "方式",
        "expectation" => "预期效果",
        "risk" => "风险",
        "contingency" => "处置预案",
        "holiday" => "休息日",
        "workday" => "工作日",
        other => other,
    }
}

/// Columns and members in Chinese.
const LABELS: &[(&str, &str)] = &[
    ("orders", "医嘱所载"),
    ("people", "人员（授权库答复）"),
    ("catalogue", "目录项目"),
    ("around", "前后情况"),
    ("catalogue_version", "目录版本"),
    ("judged_at", "判定时刻"),
    ("zone", "时区"),
    ("groups", "医嘱组"),
    ("lines", "手术"),
    ("coded", "编码"),
    ("code", "手术编码"),
    ("codes", "手术编码"),
    ("display", "名称"),
    ("system", "编码体系"),
    ("code_system", "编码体系"),
    ("surgeons", "术者"),
    ("surgeon", "术者"),
    ("surgeon_id", "工号"),
    ("surgeon_name", "姓名"),
    ("team", "手术团队"),
    ("ordering_doctor", "开单医师"),
    ("order_no", "申请单号"),
    ("patient", "患者编号"),
    ("patient_id", "患者编号"),
    ("encounter", "就诊号"),
    ("diagnoses", "诊断"),
    ("department", "科室"),
    ("site", "院区"),
    ("sites", "院区"),
    ("urgency", "类别"),
    ("action", "动作"),
    ("stage", "环节"),
    ("times", "手术时间"),
    ("message_time", "报文时间"),
    ("duration_min", "时长（分钟）"),
    ("stated_grade", "填报级别"),
    ("grade", "级别"),
    ("grants", "授权"),
    ("right", "权限"),
    ("status", "状态"),
    ("state", "状态"),
    ("status_reason", "状态说明"),
    ("document_no", "文件号"),
    ("document_on", "文件日期"),
    ("document", "依据文件"),
    ("evaluated_on", "能力评估日"),
    ("trained_on", "培训日"),
    ("supervision", "独立/指导"),
    ("valid_from", "起"),
    ("valid_to", "止"),
    ("licence_to", "执业有效至"),
    ("base", "执业机构"),
    ("id", "编号"),
    ("name", "姓名/名称"),
    ("age_s", "答复时效（秒）"),
    ("by", "查询方式"),
    ("key", "查询值"),
    ("lookup", "查询结果"),
    ("admission", "论证"),
    ("ethics", "伦理"),
    ("aliases", "别名编码"),
    ("specialty", "诊疗科目"),
    ("reference_grade", "参考级别"),
    ("grade_document", "定级文件"),
    ("primary", "主刀"),
    ("consent", "知情同意"),
    ("discussion", "讨论记录号"),
    ("discussions", "多学科讨论"),
    ("discussion_id", "讨论编号"),
    ("held_on", "讨论时间"),
    ("disciplines", "参加学科"),
    ("contents", "讨论内容"),
    ("conclusion", "结论"),
    ("attested_by", "抢救声明人"),
    ("attested_reason", "抢救理由"),
    ("item", "技术编号"),
    ("kind", "类别"),
    ("list", "清单级别"),
    ("self_assessed_on", "自我评估日"),
    ("ethics_approved_on", "伦理审查日"),
    ("first_case_on", "首例日"),
    ("filed_on", "备案日"),
    ("filing_no", "备案号"),
    ("techniques", "技术清单"),
    ("dossiers", "技术档案"),
    ("from", "自"),
    ("to", "至"),
    ("date", "日期"),
];

/// The name of a column or a member.
pub(super) fn label(name: &str, lang: Lang) -> String {
    if lang == Lang::En {
        return name.replace('_', " ");
    }
    let known = LABELS.iter().find(|(known, _)| *known == name);
    known.map_or(name, |(_, zh)| zh).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_are_said_in_words_in_the_order_in_which_people_look() {
        let value = serde_json::json!({
            "catalogue": [],
            "people": [{ "surgeon": { "name": "沈若川", "status": "active", "grants": [] } }],
            "orders": [{ "diagnoses": ["K80", "K81"], "groups": [{ "consent": true }] }],
        });
        let lines: Vec<String> = facts(&value, Lang::Zh)
            .iter()
            .map(|fact| {
                let value = fact.value.as_deref().unwrap_or("");
                format!("{}{} {value}", "-".repeat(fact.depth.into()), fact.label)
            })
            .collect();
        let expected = [
            "医嘱所载 ",
            "-诊断 K80、K81",
            "-医嘱组 ",
            "--知情同意 是",
            "人员（授权库答复） ",
            "-术者 ",
            "--姓名/名称 沈若川",
            "--状态 有效",
        ];
        assert_eq!(lines, expected);
    }
}
