//! `[register]`: where privileges live, and how long what is known of them holds.

use std::time::Duration;

use jiff::tz::TimeZone;

use crate::config::fhir_source::fhir_source;
use crate::config::reader::Section;
use crate::register;
use crate::register::sources::fhir::pull;
use crate::register::sources::postgres::Server;

/// Seconds after which a cached privilege is reloaded behind the answer.
const FRESH_S: u64 = 30;
/// Hours for which a cached privilege may be used while the register cannot be asked.
const USABLE_H: u64 = 24;
/// Milliseconds an elective order may wait for the register; senders give up after 5 s and more.
const WAIT_MS: u64 = 1_500;
/// Holds the address of the shared database where no file does.
const ADDRESS_VARIABLE: &str = "ORGATE_REGISTER_URL";
/// How often a shared database is asked for its version. It tells of changes by itself; this is for what it could not
/// tell, and small enough to keep to the second that a revocation may take.
const SHARED_POLL: Duration = Duration::from_millis(500);

/// What the section says.
pub(super) struct Register {
    pub(super) config: register::Config,
    /// The shared database; `Some(None)`: embedded; `None`: at fault.
    pub(super) server: Option<Option<Server>>,
    /// The FHIR server to pull from; `Some(None)`: none; `None`: at fault.
    pub(super) fhir: Option<Option<pull::Settings>>,
}

pub(super) fn register(root: &Section<'_>, zone: &TimeZone) -> Register {
    let section = root.section("register");
    let shared = section.choice("source", false, &[("sqlite", false), ("postgres", true)]);
    let file = section.text_or_none("url_file");
    let server = match (shared, file) {
        (false, None) => Some(None),
        (false, Some(_)) => {
            section.fault("url_file", "`url_file` needs `source = \"postgres\"`, else remove it");
            None
        }
        (true, file) => server(&section, file).map(Some),
    };
    let fresh = Duration::from_secs(section.number("fresh_s", FRESH_S, 1..86_401));
    let usable = Duration::from_secs(section.number("usable_h", USABLE_H, 1..8_761) * 3600);
    let wait = Duration::from_millis(section.number("wait_ms", WAIT_MS, 1..60_001));
    let fhir = fhir_source(&section, zone);
    section.finish();
    let default = register::Config::default();
    let poll = if shared { SHARED_POLL } else { default.poll };
    Register { config: register::Config { fresh, usable, wait, poll, ..default }, server, fhir }
}

/// The address is a secret: it stands in a file of its own, or in the environment.
fn server(section: &Section<'_>, file: Option<String>) -> Option<Server> {
    let parsed = match file {
        Some(file) => match std::fs::read_to_string(&file) {
            Ok(text) => {
                Server::parse(&text).map_err(|why| format!("the address in `{file}`: {why}"))
            }
            Err(error) => {
                Err(format!("`{file}` cannot be read ({}), write the address there", error.kind()))
            }
        },
        None => match std::env::var(ADDRESS_VARIABLE) {
            Ok(text) => Server::parse(&text)
                .map_err(|why| format!("the address in {ADDRESS_VARIABLE}: {why}")),
            Err(_) => Err(format!(
                "`source = \"postgres\"` needs `url_file = \"/run/secrets/…\"` with the address in it, or \
                 {ADDRESS_VARIABLE} in the environment"
            )),
        },
    };
    parsed.map_err(|text| section.fault("url_file", text)).ok()
}
