//! What a sender is told of a gap (rules.md §5), the same in every protocol.

use crate::domain::verdict::Gap;

/// A few ASCII words.
pub(super) fn title(gap: Gap) -> &'static str {
    match gap {
        Gap::PrivilegesUnavailable => "privileges cannot be read now",
        Gap::CalendarUnknown => "working-day calendar missing",
        Gap::MessageUnreadable => "message cannot be read with certainty",
        Gap::LedgerUnavailable => "ledger cannot be written now",
        Gap::Overloaded => "gate overloaded",
    }
}

/// The sentence for the doctor, Chinese and English.
pub(super) fn sentences(gap: Gap) -> (&'static str, &'static str) {
    match gap {
        Gap::PrivilegesUnavailable => (
            "手术权限库暂时无法读取，未能核查；请稍后重新提交。抢救生命的急诊手术，请标为急诊重新提交。",
            "the register of grants cannot be read at present; send again shortly, life-saving surgery as an emergency",
        ),
        Gap::CalendarUnknown => (
            "缺少该年度的工作日日历，请联系医务科。",
            "the working-day calendar of that year is missing, call medical affairs",
        ),
        Gap::MessageUnreadable => (
            "报文无法确切读取，未转发；请联系信息科核对接口。紧急情况请电话通知手术室。",
            "the message cannot be read with certainty and was not forwarded; call IT to check the interface, and the operating rooms by telephone if it is urgent",
        ),
        Gap::LedgerUnavailable => (
            "核查记录暂时无法写入，未转发；请稍后重新提交。抢救生命的急诊手术，请标为急诊重新提交。",
            "the ledger cannot be written at present; send again shortly, life-saving surgery as an emergency",
        ),
        Gap::Overloaded => (
            "系统繁忙，未能核查；请稍后重新提交。抢救生命的急诊手术，请标为急诊重新提交。",
            "the gate is overloaded; send again shortly, life-saving surgery as an emergency",
        ),
    }
}
