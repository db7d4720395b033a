//! Rules in a few words for lists; the sentence for the doctor is the rule's own.

use crate::domain::rule::Rule;
use crate::rules::table::row;

/// A rule's title in Chinese, by its id; empty for a rule that has none yet.
pub fn title_zh(id: &str) -> &'static str {
    match id {
        "technique-prohibited" => "禁止类技术",
        "technique-indication-missing" => "禁止类技术未写诊断",
        "technique-stopped" => "手术已暂停或停止",
        "technique-not-in-catalogue" => "手术不在目录内",
        "procedure-missing" => "没有手术编码",
        "technique-not-admitted" => "新开展手术未通过论证",
        "ethics-approval-missing" => "缺伦理审查",
        "self-assessment-missing" => "限制类技术未自评",
        "filing-overdue" => "限制类技术逾期未备案",
        "filing-due" => "限制类技术待备案",
        "technique-restricted" => "限制类技术（逐例上报）",
        "technique-monitored" => "重点监管技术",
        "special-regime" => "另有专门规定的技术",
        "grade-understated" => "填报级别低于目录级别",
        "specialty-mismatch" => "诊疗科目未登记",
        "surgeon-missing" => "未写术者",
        "surgeon-unclear" => "看不出谁是主刀",
        "surgeon-unknown" => "术者不在名册内",
        "surgeon-ambiguous" => "术者姓名有重名",
        "surgeon-name-mismatch" => "工号与姓名不符",
        "surgeon-not-licensed" => "术者执业资质不在有效期",
        "grant-missing" => "没有此项手术授权",
        "grant-level-only" => "三、四级手术未逐项授权",
        "grant-not-in-force" => "授权未开始或已到期",
        "grant-suspended" => "授权已暂停",
        "grant-revoked" => "授权已取消",
        "grant-undocumented" => "授权没有正式文件",
        "grant-other-site" => "只授权在其他院区",
        "supervision-missing" => "须上级指导而无上级",
        "training-missing" => "限制类技术未记录培训",
        "evaluation-overdue" => "能力评估超过一年",
        "order-right-missing" => "开单医师无开单权限",
        "surgeon-double-booked" => "术者同时段另有手术",
        "discussion-missing" => "四级手术未做多学科讨论",
        "discussion-incomplete" => "多学科讨论不完整",
        "consent-missing" => "缺知情同意",
        "operating-time-past" => "手术时间早已过去",
        "emergency-surgery" => "急诊手术",
        "operator-changed" => "术者与医嘱不一致",
        "procedure-changed" => "手术与医嘱不一致",
        "order-not-found" => "找不到对应医嘱",
        "order-refused" => "对应医嘱曾被拒绝",
        "urgency-changed" => "紧急程度前后不一致",
        "emergency-override" => "越权急诊",
        "override-unattested" => "越权急诊未写抢救声明",
        "privileged-surgeon-on-site" => "院内有权限术者在岗",
        "override-frequent" => "该术者越权急诊过多",
        _ => "",
    }
}

/// A rule's title in English, by its id.
pub fn title_en(id: &str) -> String {
    Rule::from_id(id).map_or_else(|| id.replace('-', " "), |rule| row(rule).title.to_owned())
}
