//! One `[[mllp]]` table → the settings of a route, its mapping read and its examples run.

use std::sync::Arc;
use std::time::Duration;

use crate::config::fault::Fault;
use crate::config::mapping::load;
use crate::config::reader::Section;
use crate::config::tls;
use crate::domain::verdict::Stance;
use crate::gate::stance::RouteStance;
use crate::gate::stance::StanceSwitch;
use crate::hl7::charset::CharsetSetting;
use crate::inbound::mllp::{Config, RefusalStyle};
use crate::net::tls::MLLP;

/// Senders give up after 5 s and more (Mirth 5 s, HAPI 10 s); verdict and reply must fit in.
const UPSTREAM_TIMEOUT_MS: u64 = 4_000;
/// Messages with embedded documents reach several MiB.
const MAX_FRAME_KIB: u64 = 16_384;
/// Interface engines hold few connections; senders with one connection a message hold some dozens.
const MAX_CONNECTIONS: u64 = 256;
/// A day: senders keep connections open over quiet nights, and one that is dead must end some time.
const IDLE_TIMEOUT_S: u64 = 86_400;
/// A frame comes in one go; 30 s allow for a slow line and 16 MiB.
const FRAME_TIMEOUT_MS: u64 = 30_000;

/// Reads one route. Faults of its mapping file go to `foreign`.
pub(super) fn route(section: Section<'_>, foreign: &mut Vec<Fault>) -> Option<Arc<Config>> {
    let name = section.text_needed("name");
    let listen = section.text_needed("listen");
    let listen_at = listen.parse();
    if listen_at.is_err() && !listen.is_empty() {
        section.fault("listen", "`listen` must be an address and port, \"0.0.0.0:6661\"");
    }
    let upstream = section.text_needed("upstream");
    let port = upstream.rsplit_once(':').and_then(|(_, port)| port.parse::<u16>().ok());
    if port.is_none() && !upstream.is_empty() {
        section.fault("upstream", "`upstream` must be a host and port, \"10.0.0.20:6661\"");
    }
    let tls = tls::listener(&section, MLLP);
    let host = upstream.rsplit_once(':').map(|(host, _)| host);
    let upstream_tls = tls::upstream(&section, host, MLLP);
    let mapping = load(&section, foreign);
    let stance = section.choice(
        "stance",
        Stance::Observe,
        &[("observe", Stance::Observe), ("enforce", Stance::Enforce)],
    );
    let departments = section.texts("departments");
    let all_surgical = section.choice("surgical", false, &[("auto", false), ("all", true)]);
    let charset: Result<CharsetSetting, _> = section.text("charset", "auto").parse();
    if charset.is_err() {
        section.fault("charset", "`charset` must be auto, utf-8, gb18030, big5, ascii or 8859/1");
    }
    let compare_bytes =
        section.choice("downstream_charset", false, &[("declared", false), ("bytes", true)]);
    let forward_outside =
        section.choice("outside_frames", false, &[("drop", false), ("forward", true)]);
    let refusal = RefusalStyle {
        reject: section.choice("refusal", false, &[("AE", false), ("AR", true)]),
        plain_ack: section.choice("refusal_reply", false, &[("order", false), ("ack", true)]),
        answer_unwanted: section.choice(
            "refusal_unwanted",
            false,
            &[("silent", false), ("send", true)],
        ),
    };
    let upstream_timeout = section.number("upstream_timeout_ms", UPSTREAM_TIMEOUT_MS, 1..600_001);
    let max_frame = section.number("max_frame_kib", MAX_FRAME_KIB, 1..1_048_577);
    let max_connections = section.number("max_connections", MAX_CONNECTIONS, 1..100_001);
    let idle_timeout = section.number("idle_timeout_s", IDLE_TIMEOUT_S, 1..31_536_001);
    let frame_timeout = section.number("frame_timeout_ms", FRAME_TIMEOUT_MS, 1..3_600_001);
    section.finish();
    Some(Arc::new(Config {
        name: name.into(),
        listen: listen_at.ok()?,
        tls,
        upstream,
        upstream_tls,
        mapping: mapping?,
        stance: StanceSwitch::new(RouteStance { stance, departments }),
        all_surgical,
        charset: charset.ok()?,
        compare_bytes,
        forward_outside,
        refusal,
        upstream_timeout: Duration::from_millis(upstream_timeout),
        max_frame: usize::try_from(max_frame).unwrap_or(usize::MAX).saturating_mul(1024),
        max_connections: usize::try_from(max_connections).unwrap_or(usize::MAX),
        idle_timeout: Duration::from_secs(idle_timeout),
        frame_timeout: Duration::from_millis(frame_timeout),
    }))
}
