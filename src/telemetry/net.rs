//! Named events of TLS: handshakes that fail, certificates that change or expire. As in `events`.

use std::net::IpAddr;

use metrics::{counter, gauge};
use tracing::{debug, error, info, warn};

use crate::telemetry::events::events;

events! {
    /// A handshake failed; the connection was closed.
    warn "orgate_tls_handshake_failures_total" "TLS handshake failed, connection closed"
    HandshakeFailed<'e> {
        /// Route, or console.
        route: &'e str,
        /// Whose connection.
        from: IpAddr,
        /// Why, of a bounded set.
        why: &'static str,
    }
    /// Somebody speaks plain where TLS is spoken.
    warn "orgate_tls_plain_bytes_total" "plain bytes on a TLS port, connection closed: let the sender speak TLS, or take the table `tls` from this listener"
    PlainOnTls<'e> {
        /// Route, or console.
        route: &'e str,
        /// Whose connection.
        from: IpAddr,
    }
    /// Somebody speaks TLS where plain is spoken.
    warn "orgate_tls_on_plain_ports_total" "TLS on a plain port, connection closed: let the sender speak plain, or write a table `tls` for this listener"
    TlsOnPlain<'e> {
        /// Route, or console.
        route: &'e str,
    }
    /// A client showed a certificate and was let in.
    debug "orgate_tls_clients_total" "client certificate accepted"
    ClientKnown<'e> {
        /// Route, or console.
        route: &'e str,
        /// The name in it.
        peer: &'e str,
    }
    /// New certificate files are in use.
    info "orgate_certificate_reloads_total" "new certificate files in use, open connections go on with the old ones"
    CertificateReloaded<'e> {
        /// Route, or console.
        route: &'e str,
        /// Listener or upstream.
        side: &'static str,
    }
    /// New certificate files cannot be used.
    error "orgate_certificate_reload_failures_total" "new certificate files cannot be used, the old ones go on"
    CertificateUnusable<'e> {
        /// Route, or console.
        route: &'e str,
        /// Listener or upstream.
        side: &'static str,
        /// What is wrong, and what to do.
        error: &'e dyn std::fmt::Display,
    }
    /// A certificate expires soon, or has.
    error "orgate_certificate_warnings_total" "certificate must be renewed"
    CertificateExpiring<'e> {
        /// Route, or console.
        route: &'e str,
        /// Listener or upstream.
        side: &'static str,
        /// When.
        why: &'e str,
    }
}

/// How long a certificate still holds.
pub struct CertificateHolds<'e> {
    /// Route, or console.
    pub route: &'e str,
    /// Listener or upstream.
    pub side: &'static str,
    /// Seconds until it expires, negative when it has.
    pub expires_in_s: i64,
}

impl CertificateHolds<'_> {
    /// Sets the gauge.
    pub fn emit(self) {
        #[expect(clippy::cast_precision_loss, reason = "centuries fit")]
        let seconds = self.expires_in_s as f64;
        gauge!("orgate_certificate_expiry_seconds", "route" => self.route.to_owned(),
            "side" => self.side)
        .set(seconds);
    }
}
