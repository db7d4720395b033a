//! One `[[feed]]` table → the settings of a feed. What is secret comes from files.

mod receiver;

#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::time::Duration;

use jiff::tz::TimeZone;

use crate::config::feed::receiver::{Reading, destination};
use crate::config::reader::Section;
use crate::feed::Config;
use crate::feed::alert::kind::Severity;
use crate::feed::filter::{Filter, means_something};
use crate::feed::pace::Backoff;

/// Receivers on the hospital's net answer in milliseconds, those on the internet in a second or two.
const TIMEOUT_MS: u64 = 10_000;
/// With the waits between them, some minutes: longer than a receiver needs to be restarted.
const MAX_ATTEMPTS: u64 = 8;
/// The first wait after a failure.
const RETRY_MS: u64 = 1_000;
/// A receiver that returns after a night is found within this.
const RETRY_MAX_S: u64 = 300;
/// People read one message about ten alerts, and none of ten messages.
const GROUP_S: u64 = 10;
/// Mail is not read at once anyway.
const MAIL_GROUP_S: u64 = 60;

/// 企业微信 and 钉钉 take 20 messages a minute.
const ROBOT_PER_MINUTE: u64 = 20;
/// 飞书 takes 100.
const FEISHU_PER_MINUTE: u64 = 100;

/// Kinds, as the configuration calls them.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Webhook,
    Wecom,
    Dingtalk,
    Feishu,
    Nats,
    Fhir,
    Hl7v2,
    Mail,
    File,
}

impl Kind {
    const ALL: [(&'static str, Self); 9] = [
        ("webhook", Self::Webhook),
        ("wecom", Self::Wecom),
        ("dingtalk", Self::Dingtalk),
        ("feishu", Self::Feishu),
        ("nats", Self::Nats),
        ("fhir", Self::Fhir),
        ("hl7v2", Self::Hl7v2),
        ("mail", Self::Mail),
        ("file", Self::File),
    ];

    /// People read what comes from these.
    fn group_s(self) -> u64 {
        match self {
            Self::Wecom | Self::Dingtalk | Self::Feishu => GROUP_S,
            Self::Mail => MAIL_GROUP_S,
            Self::Webhook | Self::Nats | Self::Fhir | Self::Hl7v2 | Self::File => 0,
        }
    }

    /// 0 = no limit.
    fn per_minute(self) -> u64 {
        match self {
            Self::Wecom | Self::Dingtalk => ROBOT_PER_MINUTE,
            Self::Feishu => FEISHU_PER_MINUTE,
            Self::Webhook | Self::Nats | Self::Fhir | Self::Hl7v2 | Self::Mail | Self::File => 0,
        }
    }
}

/// Reads one feed.
pub(super) fn feed(section: Section<'_>, zone: &TimeZone) -> Option<Config> {
    let name = section.text_needed("name");
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    if !name.is_empty() && !name.chars().all(plain) {
        // It is part of file names.
        section
            .fault("name", "`name` must be of letters, digits, `-` and `_`, \"medical-affairs\"");
    }
    let kinds = Kind::ALL.map(|(name, kind)| (name, Some(kind)));
    let kind = section.choice("kind", None, &kinds);
    if section.text_or_none("kind").is_none() {
        section.fault("kind", "`feed` needs `kind = \"webhook\"`, or another of docs/feeds.md");
    }
    let filter = filter(&section);
    let full = section.choice("patient", false, &[("pseudonym", false), ("full", true)]);
    let pseudonym_key = section.text_or_none("pseudonym_key_file").map(PathBuf::from);
    let from_start = section.choice("begin", false, &[("now", false), ("start", true)]);
    let group = section.number("group_s", kind.map_or(0, Kind::group_s), 0..3_601);
    let per_minute = section.number("per_minute", kind.map_or(0, Kind::per_minute), 0..60_001);
    let timeout = section.number("timeout_ms", TIMEOUT_MS, 10..600_001);
    let max_attempts = section.number("max_attempts", MAX_ATTEMPTS, 1..1_001);
    let first = section.number("retry_ms", RETRY_MS, 1..600_001);
    let longest = section.number("retry_max_s", RETRY_MAX_S, 1..86_401);
    let timeout = Duration::from_millis(timeout);
    let reading = Reading { timeout, zone };
    let destination = kind.and_then(|kind| destination(kind, &section, &reading));
    section.finish();
    let first = Duration::from_millis(first);
    Some(Config {
        name,
        // Of the table as written; whoever reads the whole file knows it.
        print: [0; 32],
        destination: destination?,
        filter,
        full,
        pseudonym_key,
        from_start,
        group: Duration::from_secs(group),
        per_minute: usize::try_from(per_minute).ok().filter(|limit| *limit > 0),
        timeout,
        max_attempts: u32::try_from(max_attempts).unwrap_or(u32::MAX),
        backoff: Backoff { first, longest: Duration::from_secs(longest).max(first) },
    })
}

fn filter(section: &Section<'_>) -> Filter {
    let events = section.texts("events");
    for pattern in &events {
        if !means_something(pattern) {
            let text = format!("`{pattern}` fits no type of docs/feeds.md, \"orgate.order.*\"");
            section.fault("events", text);
        }
    }
    let severities = [Severity::Low, Severity::Medium, Severity::High];
    let severities = severities.map(|severity| (severity.as_str(), severity));
    Filter {
        events,
        severity: section.choice("severity", Severity::Low, &severities),
        departments: section.texts("departments"),
        observed: section.flag("observed", true),
    }
}
