//! `[register.fhir]`: surgeons and grants that are pulled from a FHIR server.

use std::path::PathBuf;
use std::time::Duration;

use jiff::tz::TimeZone;

use crate::config::reader::Section;
use crate::config::tls::source;
use crate::register::sources::fhir::pull::Settings;
use crate::register::sources::fhir::reading::{Organization, Reading, Token};

/// Seconds between two pulls. A grant that is ended there stops the next order within this and a second.
const POLL_S: u64 = 30;
/// Hours between two full pulls: what no incremental one could see is put right by then.
const FULL_H: u64 = 24;
/// Resources of a page, as asked for; servers give fewer if they like.
const PAGE: u64 = 200;
/// Percent of pulled rows that may stop permitting at once.
const LOSS_MAX_PERCENT: u64 = 10;
/// 职工号, by its national OID; the same that the shipped mappings know surgeons by.
const STAFF_SYSTEM: &str = "urn:oid:2.16.156.10011.1.4";

/// Reads the table; `Some(None)`: it is not written; `None`: it is at fault.
pub(super) fn fhir_source(register: &Section<'_>, zone: &TimeZone) -> Option<Option<Settings>> {
    let Some(section) = register.section_or_none("fhir") else { return Some(None) };
    let url = section.text_needed("url");
    let base = url.trim_end_matches('/').to_owned();
    let secure = base.starts_with("https://");
    let sound = address(&base);
    if !url.is_empty() && !sound {
        let text = "`url` must be the FHIR base of a server without query, \"https://host/fhir\"";
        section.fault("url", text);
    }
    let poll = Duration::from_secs(section.number("poll_s", POLL_S, 1..86_401));
    let full = Duration::from_secs(section.number("full_h", FULL_H, 1..745) * 3600);
    let page = section.number("page", PAGE, 1..10_001);
    let loss_max_percent = section.number("loss_max_percent", LOSS_MAX_PERCENT, 0..101);
    let staff_system = section.text("staff_system", STAFF_SYSTEM);
    if staff_system.trim().is_empty() {
        section.fault("staff_system", "`staff_system` must be the system of staff numbers, a URI");
    }
    let licence = section.text_or_none("licence").map(|text| {
        let token = Token::parse(&text);
        if token.is_none() {
            let text =
                "`licence` must be system and code of a qualification, \"http://…|practice\"";
            section.fault("licence", text);
        }
        token
    });
    let mut organizations = Vec::new();
    for text in section.texts("organizations") {
        match Organization::parse(&text) {
            Some(organization) => organizations.push(organization),
            None => section.fault(
                "organizations",
                format!("`{text}` must be \"Organization/id\" or an identifier, \"system|value\""),
            ),
        }
    }
    let token_file = section.text_or_none("token_file").map(PathBuf::from);
    if let Some(file) = &token_file {
        if let Some(text) = token_fault(file) {
            section.fault("token_file", text);
        }
        if !secure && !is_here(&base) {
            let text = "`token_file`: a token is not sent in the clear, write `url` with https://";
            section.fault("token_file", text);
        }
    }
    let tls = source(&section);
    if tls.is_some() && !secure {
        section.fault("tls", "`[register.fhir.tls]` needs a `url` that begins with https://");
    }
    section.finish();
    let zone = zone.clone();
    let reading = Reading { base, staff_system, licence: licence.flatten(), organizations, zone };
    let settings = Settings { poll, full, token_file, tls, page, loss_max_percent, reading };
    sound.then_some(Some(settings))
}

fn address(base: &str) -> bool {
    let Ok(uri) = base.parse::<http::Uri>() else { return false };
    let clear = !base.contains(['?', '#', '@']);
    let schemed = matches!(uri.scheme_str(), Some("http" | "https"));
    clear && schemed && uri.host().is_some_and(|host| !host.is_empty())
}

/// Whether the server is on this machine.
fn is_here(base: &str) -> bool {
    let uri = base.parse::<http::Uri>();
    uri.is_ok_and(|uri| matches!(uri.host(), Some("127.0.0.1" | "localhost" | "[::1]")))
}

fn token_fault(file: &std::path::Path) -> Option<String> {
    let name = file.display();
    match std::fs::read_to_string(file) {
        Ok(text) if text.trim().is_empty() => Some(format!("`{name}` is empty")),
        Ok(text) if !text.trim().bytes().all(|byte| byte.is_ascii_graphic()) => {
            Some(format!("`{name}` must hold the bearer token alone, in one line"))
        }
        Ok(_) => None,
        Err(error) => Some(format!("`{name}` cannot be read ({})", error.kind())),
    }
}
