//! One `[[feed]]` table → the settings of a feed. What is secret comes from files.

use std::path::PathBuf;
use std::time::Duration;

use http::Uri;

use crate::config::reader::Section;
use crate::feed::alert::kind::Severity;
use crate::feed::filter::{Filter, means_something};
use crate::feed::pace::Backoff;
use crate::feed::sinks::http::address as http_address;
use crate::feed::sinks::webhook;
use crate::feed::{Config, Destination};

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

/// Kinds, as the configuration calls them.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Webhook,
    File,
}

/// Reads one feed.
pub(super) fn feed(section: Section<'_>) -> Option<Config> {
    let name = section.text_needed("name");
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    if !name.is_empty() && !name.chars().all(plain) {
        // It is part of file names.
        section.fault("name", "`name` must be of letters, digits, `-` and `_`, \"medical-affairs\"");
    }
    let kind = section.choice("kind", None, &[
        ("webhook", Some(Kind::Webhook)),
        ("file", Some(Kind::File)),
    ]);
    if section.text_or_none("kind").is_none() {
        section.fault("kind", "`feed` needs `kind = \"webhook\"`, or another of docs/feeds.md");
    }
    let filter = filter(&section);
    let full = section.choice("patient", false, &[("pseudonym", false), ("full", true)]);
    let pseudonym_key = section.text_or_none("pseudonym_key_file").map(PathBuf::from);
    let from_start = section.choice("begin", false, &[("now", false), ("start", true)]);
    let usual_group = match kind {
        Some(Kind::Webhook | Kind::File) | None => 0,
    };
    let group = section.number("group_s", usual_group, 0..3_601);
    let usual_pace = 0;
    let per_minute = section.number("per_minute", usual_pace, 0..60_001);
    let timeout = section.number("timeout_ms", TIMEOUT_MS, 10..600_001);
    let max_attempts = section.number("max_attempts", MAX_ATTEMPTS, 1..1_001);
    let first = section.number("retry_ms", RETRY_MS, 1..600_001);
    let longest = section.number("retry_max_s", RETRY_MAX_S, 1..86_401);
    let destination = kind.and_then(|kind| destination(kind, &section));
    section.finish();
    let first = Duration::from_millis(first);
    Some(Config {
        name,
        destination: destination?,
        filter,
        full,
        pseudonym_key,
        from_start,
        group: Duration::from_secs(group),
        per_minute: usize::try_from(per_minute).ok().filter(|limit| *limit > 0),
        timeout: Duration::from_millis(timeout),
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

fn destination(kind: Kind, section: &Section<'_>) -> Option<Destination> {
    match kind {
        Kind::Webhook => {
            let (uri, secret) = (address(section), secret(section));
            let key = secret.and_then(|secret| {
                let key = webhook::key(&secret);
                key.map_err(|wrong| section.fault("secret_file", format!("the secret {wrong}"))).ok()
            });
            Some(Destination::Webhook { uri: uri?, key })
        }
        Kind::File => {
            let path = section.text_needed("path");
            (!path.is_empty()).then(|| Destination::File { path: path.into() })
        }
    }
}

/// `url`, or the content of `url_file` where the address itself is the secret.
fn address(section: &Section<'_>) -> Option<Uri> {
    let written = section.text_or_none("url");
    let file = section.text_or_none("url_file");
    let (key, text) = match (written, file) {
        (Some(text), None) => ("url", text),
        (None, Some(file)) => ("url_file", content(section, "url_file", &file)?),
        _ => {
            section.fault("url", "`feed` needs `url = \"https://…\"` or `url_file = \"…\"`, not both");
            return None;
        }
    };
    let uri = http_address(&text);
    uri.map_err(|error| section.fault(key, format!("{error}, \"https://host/path\""))).ok()
}

fn secret(section: &Section<'_>) -> Option<String> {
    let file = section.text_or_none("secret_file")?;
    content(section, "secret_file", &file)
}

/// What a file holds that keeps something secret.
fn content<'t>(section: &Section<'t>, key: &'t str, file: &str) -> Option<String> {
    match std::fs::read_to_string(file) {
        Ok(text) if !text.trim().is_empty() => Some(text.trim().to_owned()),
        Ok(_) => {
            section.fault(key, format!("`{file}` is empty"));
            None
        }
        Err(error) => {
            section.fault(key, format!("`{file}` cannot be read ({})", error.kind()));
            None
        }
    }
}
