//! Names in words for people, Chinese first: rules, reasons, gaps, stages.

use std::borrow::Borrow;

/// A rule's title in Chinese, by its id; empty for a rule that has none yet.
pub(super) fn rule(id: &str) -> &'static str {
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

/// Why a message could not be read: what it means, in Chinese and English.
pub(super) fn reason(name: &str) -> (&'static str, &'static str) {
    match name {
        "no-header" => ("不是HL7消息（没有MSH）", "no HL7 message: it has no MSH"),
        "delimiters" => ("MSH-1、MSH-2分隔符不可用", "MSH-1 and MSH-2 name no usable delimiters"),
        "charset" => ("字符集不明确或不能拆分", "the character set is doubtful or cannot be split"),
        "too-large" => ("消息过大", "too large for the index"),
        "stray-segments" => {
            ("批文件中有不属于任何消息的段", "segments of a batch outside its messages")
        }
        "message-type" => ("MSH-9消息类型有歧义", "MSH-9 can be read as different types"),
        "segment-name" => ("段名书写不规范", "a segment name is not written as the standard does"),
        "segment-continued" => ("用ADD段续写", "ADD continues a field that is needed"),
        "message-continued" => ("消息被拆成多条", "the message goes on in another one"),
        "sub-components" => ("编号或编码含子成分", "an id or a code has sub-components"),
        "action" => ("医嘱控制码有多个值", "the order control code has several values"),
        "patients" => ("一条消息含不同患者", "the message names different patients"),
        "size" => ("所含医嘱、手术或人员过多", "too many orders, procedures or persons"),
        "operating-time" => ("手术时间无法识别", "the operating time cannot be read"),
        "frame-end-lost" => ("帧不完整（缺结尾）", "the end of the frame is missing"),
        "frame-too-long" => ("超过路由的长度上限", "longer than the route allows"),
        _ => ("", ""),
    }
}

/// A gap (rules.md §5).
pub(super) fn gap(name: &str) -> &'static str {
    match name {
        "privileges-unavailable" => "权限库无法查询",
        "calendar-unknown" => "缺该年度工作日历",
        "message-unreadable" => "报文不可读",
        "ledger-unavailable" => "台账不可写",
        "overloaded" => "超过负荷上限",
        _ => "",
    }
}

/// A checkpoint.
pub(super) fn stage(name: &str) -> &'static str {
    match name {
        "order" => "手术医嘱",
        "notice" => "手术通知",
        "record" => "手术记录",
        _ => "",
    }
}

/// A number with its thousands apart. (Templates hand over fields by reference, results by value.)
pub(super) fn grouped(number: impl Borrow<u64>) -> String {
    let digits = number.borrow().to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at) % 3 == 0 {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A share of a whole in per cent; nothing of nothing is nothing.
pub(super) fn percent(part: impl Borrow<u64>, whole: impl Borrow<u64>) -> String {
    let (part, whole) = (*part.borrow(), *whole.borrow());
    if whole == 0 {
        return "0%".to_owned();
    }
    let share = part as f64 * 100.0 / whole as f64;
    if part > 0 && share < 0.1 { "<0.1%".to_owned() } else { format!("{share:.1}%") }
}
