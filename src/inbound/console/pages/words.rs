//! Both languages, and names in words: decisions, stages, effects. Chinese first, English by a switch.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::domain::rule::Rule;
use crate::rules::titles::{title_en, title_zh};

/// A person's language.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lang {
    Zh,
    En,
}

impl Lang {
    /// One of both.
    pub(super) fn say<'w>(self, zh: &'w str, en: &'w str) -> &'w str {
        match self {
            Self::Zh => zh,
            Self::En => en,
        }
    }

    /// For `<html lang>`.
    pub(super) fn tag(self) -> &'static str {
        self.say("zh-CN", "en")
    }

    pub(super) fn decision(self, name: &str) -> &str {
        match name {
            "not-surgical" => self.say("非手术", "not surgical"),
            "forward" => self.say("放行", "forwarded"),
            "forward-flagged" => self.say("放行并提示", "flagged"),
            "override" => self.say("越权急诊", "override"),
            "block" => self.say("拒绝", "blocked"),
            "unavailable" => self.say("暂拒", "unavailable"),
            other => other,
        }
    }

    pub(super) fn stage(self, name: Option<&str>) -> &str {
        match name {
            Some("order") => self.say("医嘱", "order"),
            Some("notice") => self.say("通知", "notice"),
            Some("record") => self.say("记录", "record"),
            Some(other) => other,
            None => self.say("无法读取", "unreadable"),
        }
    }

    pub(super) fn urgency(self, name: Option<&str>) -> &str {
        match name {
            Some("elective") => self.say("择期", "elective"),
            Some("urgent") => self.say("限期", "urgent"),
            Some("emergency") => self.say("急诊", "emergency"),
            Some(other) => other,
            None => "",
        }
    }

    pub(super) fn stance(self, name: &str) -> &str {
        match name {
            "observe" => self.say("仅观察", "observe"),
            "enforce" => self.say("执行", "enforce"),
            "bypass" => self.say("旁路", "bypass"),
            other => other,
        }
    }

    pub(super) fn rule(self, id: &str) -> String {
        let zh = title_zh(id);
        if self == Self::En {
            return title_en(id);
        }
        let gap = match id {
            "privileges-unavailable" => "授权库无法查询",
            "calendar-unknown" => "缺工作日历",
            "message-unreadable" => "报文无法读取",
            "ledger-unavailable" => "账本不可写",
            "overloaded" => "超出处理上限",
            _ => id,
        };
        if zh.is_empty() { gap.to_owned() } else { zh.to_owned() }
    }

    /// Every rule with its title, to choose from.
    pub(super) fn rules(self) -> Vec<(&'static str, String)> {
        Rule::ALL.iter().map(|rule| (rule.as_str(), self.rule(rule.as_str()))).collect()
    }

    pub(super) fn state(self, name: &str) -> &str {
        match name {
            "open" => self.say("待审核", "open"),
            "confirmed" => self.say("认可", "confirmed"),
            "rejected" => self.say("不认可", "rejected"),
            other => other,
        }
    }

    pub(super) fn act(self, name: &str) -> &str {
        match name {
            "attested" => self.say("补充抢救声明", "attested"),
            "reviewed" => self.say("审核", "reviewed"),
            "reopened" => self.say("重新打开", "reopened"),
            "escalated" => self.say("逾期催办", "escalated"),
            other => other,
        }
    }

    /// How long until then, or since: for deadlines.
    pub(super) fn left(self, until: Timestamp, now: Timestamp) -> String {
        let minutes = until.duration_since(now).as_mins();
        let (hours, rest) = (minutes.abs() / 60, minutes.abs() % 60);
        match (self, minutes >= 0) {
            (Self::Zh, true) => format!("剩 {hours} 小时 {rest} 分"),
            (Self::Zh, false) => format!("已逾期 {hours} 小时 {rest} 分"),
            (Self::En, true) => format!("{hours} h {rest} min left"),
            (Self::En, false) => format!("{hours} h {rest} min overdue"),
        }
    }
}

/// A moment in the hospital's zone.
pub(super) fn moment(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned_datetime(zone.clone()).strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// A moment as entries and register write it, in the hospital's zone; what is no moment stays as it is.
pub(super) fn local(text: &str, zone: &TimeZone) -> String {
    text.parse().map_or_else(|_| text.to_owned(), |at| moment(at, zone))
}

/// Its time of day.
pub(super) fn time(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned_datetime(zone.clone()).strftime("%H:%M:%S").to_string()
}

/// A patient's number as it is shown before it is opened: as much as tells two rows apart.
pub(super) fn masked(number: &str) -> String {
    let signs: Vec<char> = number.chars().collect();
    let kept = if signs.len() > 6 { 2 } else { 0 };
    let tail: String = signs.iter().skip(signs.len() - kept).collect();
    format!("••••{tail}")
}
