//! To whom a feed goes: the keys of each kind. What is secret comes from files.

use std::path::PathBuf;
use std::time::Duration;

use http::Uri;
use jiff::tz::TimeZone;

use crate::config::feed::Kind;
use crate::config::reader::Section;
use crate::domain::order::Redacted;
use crate::feed::Destination;
use crate::feed::sinks::http::address as http_address;
use crate::feed::sinks::mail::Protection;
use crate::feed::sinks::{hl7v2, mail, nats, webhook};
use crate::hl7::charset::Charset;

/// What every kind is read with.
pub(super) struct Reading<'r> {
    pub(super) timeout: Duration,
    pub(super) zone: &'r TimeZone,
}

pub(super) fn destination(
    kind: Kind,
    section: &Section<'_>,
    reading: &Reading<'_>,
) -> Option<Destination> {
    let secret = |section: &Section<'_>| secret(section, "secret_file").and_then(Redacted::new);
    match kind {
        Kind::Webhook => {
            let (uri, secret) = (address(section), self::secret(section, "secret_file"));
            let key = secret.and_then(|secret| {
                let key = webhook::key(&secret);
                key.map_err(|wrong| section.fault("secret_file", format!("the secret {wrong}")))
                    .ok()
            });
            Some(Destination::Webhook { uri: uri?, key })
        }
        Kind::Wecom => Some(Destination::Wecom { uri: address(section)? }),
        Kind::Dingtalk => {
            let (uri, secret) = (address(section), secret(section));
            Some(Destination::Dingtalk { uri: uri?, secret })
        }
        Kind::Feishu => {
            let (uri, secret) = (address(section), secret(section));
            Some(Destination::Feishu { uri: uri?, secret })
        }
        Kind::Fhir => {
            let uri = address(section);
            let token = self::secret(section, "token_file").and_then(Redacted::new);
            Some(Destination::Fhir { uri: uri?, token })
        }
        Kind::Nats => nats(section, reading),
        Kind::Hl7v2 => hl7v2(section, reading),
        Kind::Mail => mail(section, reading),
        Kind::File => {
            let path = section.text_needed("path");
            (!path.is_empty()).then(|| Destination::File { path: path.into() })
        }
    }
}

/// `url`, or the content of `url_file` where the address itself is the secret.
fn written_address<'t>(section: &Section<'t>) -> Option<(&'t str, String)> {
    let (text, file) = (section.text_or_none("url"), section.text_or_none("url_file"));
    match (text, file) {
        (Some(text), None) => Some(("url", text)),
        (None, Some(file)) => Some(("url_file", content(section, "url_file", &file)?)),
        _ => {
            section.fault(
                "url",
                "this kind needs `url = \"https://…\"` or `url_file = \"…\"`, not both",
            );
            None
        }
    }
}

fn address(section: &Section<'_>) -> Option<Uri> {
    let (key, text) = written_address(section)?;
    let uri = http_address(&text);
    uri.map_err(|error| section.fault(key, format!("{error}, \"https://host/path\""))).ok()
}

fn secret<'t>(section: &Section<'t>, key: &'t str) -> Option<String> {
    let file = section.text_or_none(key)?;
    content(section, key, &file)
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

fn nats(section: &Section<'_>, reading: &Reading<'_>) -> Option<Destination> {
    let written = written_address(section);
    let subject = section.text("subject", "orgate.alerts");
    let plain = |c: char| c.is_ascii_graphic() && !matches!(c, '*' | '>');
    let whole = subject.split('.').all(|token| !token.is_empty() && token.chars().all(plain));
    if !whole {
        section.fault("subject", "`subject` must be words with dots between, \"orgate.alerts\"");
    }
    let settings = nats::Settings {
        subject,
        stream: section.text_or_none("stream"),
        login: login(section),
        ca: section.text_or_none("ca_file").map(PathBuf::from),
        timeout: reading.timeout,
        url: String::new(),
    };
    let (key, url) = written?;
    if !["nats://", "tls://"].iter().any(|scheme| url.starts_with(scheme)) {
        section.fault(key, "the address must be \"nats://host:4222\" or \"tls://host:4222\"");
        return None;
    }
    Some(Destination::Nats(nats::Settings { url, ..settings }))
}

fn login(section: &Section<'_>) -> Option<nats::Login> {
    let token = secret(section, "token_file").and_then(Redacted::new);
    let account = account(section);
    if token.is_some() && account.is_some() {
        section.fault("token_file", "write `token_file`, or `user` and `password_file`, not both");
    }
    let account = account.map(|(user, password)| nats::Login::Account(user, password));
    token.map(nats::Login::Token).or(account)
}

fn account(section: &Section<'_>) -> Option<(String, Redacted)> {
    let user = section.text_or_none("user");
    let password = secret(section, "password_file").and_then(Redacted::new);
    if user.is_some() != password.is_some() {
        section.fault("user", "`user` and `password_file` belong together");
    }
    user.zip(password)
}

/// A host and a port.
fn host_and_port(section: &Section<'_>, key: &'static str, example: &str) -> Option<(String, u16)> {
    let text = section.text_needed(key);
    let parts = text.rsplit_once(':');
    let parts = parts.and_then(|(host, port)| Some((host.to_owned(), port.parse().ok()?)));
    if parts.is_none() && !text.is_empty() {
        section.fault(key, format!("`{key}` must be a host and port, \"{example}\""));
    }
    parts
}

fn hl7v2(section: &Section<'_>, reading: &Reading<'_>) -> Option<Destination> {
    let to = host_and_port(section, "to", "10.0.0.30:6661");
    let shapes = [("oru", hl7v2::Shape::Oru), ("mdm", hl7v2::Shape::Mdm)];
    let charsets = [("utf-8", Charset::Utf8), ("gb18030", Charset::Gb18030)];
    let settings = hl7v2::Settings {
        shape: section.choice("message", hl7v2::Shape::Oru, &shapes),
        application: section.text("application", "ORGATE"),
        facility: section.text("facility", ""),
        receiving_application: section.text("receiving_application", "HIS"),
        receiving_facility: section.text("receiving_facility", ""),
        charset: section.choice("charset", Charset::Utf8, &charsets),
        timeout: reading.timeout,
        zone: reading.zone.clone(),
        to: String::new(),
    };
    let (host, port) = to?;
    Some(Destination::Hl7v2(hl7v2::Settings { to: format!("{host}:{port}"), ..settings }))
}

fn mail(section: &Section<'_>, reading: &Reading<'_>) -> Option<Destination> {
    let smtp = host_and_port(section, "smtp", "mail.hospital.example:587");
    let from = section.text_needed("from");
    let from_box = from.parse();
    if from_box.is_err() && !from.is_empty() {
        section.fault("from", "`from` must be an address, \"术闸 <orgate@hospital.example>\"");
    }
    let mut to = Vec::new();
    for text in section.texts("to") {
        match text.parse() {
            Ok(address) => to.push(address),
            Err(_) => section.fault("to", format!("`{text}` is no mail address")),
        }
    }
    if to.is_empty() {
        section.fault("to", "`mail` needs `to = [\"medical-affairs@hospital.example\"]`");
    }
    let kinds =
        [("starttls", Protection::StartTls), ("tls", Protection::Tls), ("none", Protection::None)];
    let protection = section.choice("tls", Protection::StartTls, &kinds);
    let account = account(section);
    let (host, port) = smtp?;
    Some(Destination::Mail(mail::Settings {
        host,
        port,
        protection,
        account,
        from: from_box.ok()?,
        to,
        timeout: reading.timeout,
    }))
}
