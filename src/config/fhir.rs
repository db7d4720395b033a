//! One `[[fhir]]` table → the settings of a route, its mapping read and its examples run.

use std::sync::Arc;
use std::time::Duration;

use crate::config::fault::Fault;
use crate::config::mapping::load;
use crate::config::reader::Section;
use crate::config::tls;
use crate::domain::verdict::Stance;
use crate::fhir::document::Limits;
use crate::fhir::interaction::Allowed;
use crate::gate::stance::RouteStance;
use crate::gate::stance::StanceSwitch;
use crate::inbound::fhir::{Config, Upstream};
use crate::net::tls::{ClientTls, HTTP, HTTP1, HTTP2};

/// Looking up a person takes milliseconds; an ordering screen that waits longer is pressed again.
const LOOKUP_TIMEOUT_MS: u64 = 1_000;
/// Searches over years of records take seconds; clients give up after 30 s and more.
const UPSTREAM_TIMEOUT_MS: u64 = 30_000;
/// Documents and images in Bundles reach several MiB.
const MAX_BODY_KIB: u64 = 16_384;
/// Bodies that are judged are held in memory: 256 MiB are half of what a route may hold.
const MAX_BODY_KIB_MOST: u64 = 262_144;
/// The deepest official example nests some twenty levels.
const MAX_DEPTH: u64 = 64;
/// A day of a large operating department is some hundred orders.
const MAX_ENTRIES: u64 = 1_000;
/// Clients hold a handful of connections each; engines and screens of a hospital are some hundreds.
const MAX_CONNECTIONS: u64 = 1_024;
/// Clients keep connections for a minute and more; one that is dead must end some time.
const IDLE_TIMEOUT_S: u64 = 75;

/// Reads one route. Faults of its mapping file go to `foreign`.
pub(super) fn route(section: Section<'_>, foreign: &mut Vec<Fault>) -> Option<Arc<Config>> {
    let name = section.text_needed("name");
    let listen = section.text_needed("listen");
    let listen_at = listen.parse();
    if listen_at.is_err() && !listen.is_empty() {
        section.fault("listen", "`listen` must be an address and port, \"0.0.0.0:8443\"");
    }
    let upstream_h2 = section.flag("upstream_h2", false);
    let upstream = address(&section, "upstream", section.text_needed("upstream"), upstream_h2);
    let tls = tls::listener(&section, HTTP);
    let upstream_tls = upstream_tls(&section, upstream.as_ref());
    let mapping = load(&section, foreign);
    let stance = section.choice(
        "stance",
        Stance::Observe,
        &[("observe", Stance::Observe), ("enforce", Stance::Enforce)],
    );
    let departments = section.texts("departments");
    let all_surgical = section.choice("surgical", false, &[("auto", false), ("all", true)]);
    let outside_base =
        section.choice("outside_base", false, &[("refuse", false), ("forward", true)]);
    let operations = section.texts("allow_operations");
    if operations.iter().any(|operation| !operation.starts_with('$')) {
        let text = "`allow_operations` must list operations with their `$`, [\"$graphql\"]";
        section.fault("allow_operations", text);
    }
    let rewrite_base = section.choice("rewrite_base", false, &[("off", false), ("on", true)]);
    let public_url = section.text_or_none("public_url");
    let public_url = public_url.and_then(|text| address(&section, "public_url", text, false));
    let lookup_timeout = section.number("lookup_timeout_ms", LOOKUP_TIMEOUT_MS, 1..60_001);
    let upstream_timeout = section.number("upstream_timeout_ms", UPSTREAM_TIMEOUT_MS, 1..3_600_001);
    let max_body = section.number("max_body_kib", MAX_BODY_KIB, 1..MAX_BODY_KIB_MOST + 1);
    let max_depth = section.number("max_depth", MAX_DEPTH, 8..129);
    let max_entries = section.number("max_entries", MAX_ENTRIES, 1..100_001);
    let max_connections = section.number("max_connections", MAX_CONNECTIONS, 1..100_001);
    let idle_timeout = section.number("idle_timeout_s", IDLE_TIMEOUT_S, 1..86_401);
    section.finish();
    Some(Arc::new(Config {
        name: name.into(),
        listen: listen_at.ok()?,
        tls,
        upstream: upstream?,
        upstream_tls,
        mapping: mapping?,
        stance: StanceSwitch::new(RouteStance { stance, departments }),
        all_surgical,
        allowed: Allowed { operations, outside_base },
        rewrite_base,
        public_url: public_url.map(|url| url.url()),
        lookup_timeout: Duration::from_millis(lookup_timeout),
        upstream_timeout: Duration::from_millis(upstream_timeout),
        limits: Limits { bytes: size(max_body).saturating_mul(1024), depth: size(max_depth) },
        max_entries: size(max_entries),
        max_connections: size(max_connections),
        idle_timeout: Duration::from_secs(idle_timeout),
    }))
}

/// What is trusted of the server; only https has it.
fn upstream_tls(section: &Section<'_>, upstream: Option<&Upstream>) -> Option<ClientTls> {
    let (host, h2) = upstream.map(|at| (at.authority().host(), at.h2())).unzip();
    let protocols = if h2 == Some(true) { HTTP2 } else { HTTP1 };
    let tls = tls::upstream(section, host, protocols);
    if tls.is_some() && upstream.is_some_and(|upstream| !upstream.https()) {
        section.fault("upstream", "`upstream` is http and has `upstream_tls`, write https");
    }
    tls
}

/// The address of a FHIR base under `key`.
fn address<'t>(section: &Section<'t>, key: &'t str, text: String, h2: bool) -> Option<Upstream> {
    let address = Upstream::parse(&text, h2);
    if address.is_none() && !text.is_empty() {
        let text = format!(
            "`{key}` must be http or https, a host and perhaps a path, without user, query or fragment: \
             \"http://10.0.0.21:8080/fhir\""
        );
        section.fault(key, text);
    }
    address
}

fn size(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}
