//! Names in words for people, Chinese first: rules, reasons, gaps, stages.

use std::borrow::Borrow;

pub(super) use crate::rules::titles::title_zh as rule;

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
