//! `[….tls]` and `[….upstream_tls]` → TLS of a listener and towards an upstream, their files read; and every certificate
//! of the settings.

use std::path::PathBuf;
use std::sync::Arc;

use crate::config::Settings;
use crate::config::reader::Section;
use crate::net::tls::client::{ClientFiles, server_name};
use crate::net::tls::files::TlsError;
use crate::net::tls::kept::Follows;
use crate::net::tls::server::ServerFiles;
use crate::net::tls::{ClientTls, HTTP1, ServerTls};

/// TLS of a listener, if `[tls]` is written. Faults are kept; then there is none.
pub(super) fn listener(
    section: &Section<'_>,
    protocols: &'static [&'static [u8]],
) -> Option<ServerTls> {
    let own = section.section_or_none("tls")?;
    let files = ServerFiles {
        cert: PathBuf::from(own.text_needed("cert")),
        key: PathBuf::from(own.text_needed("key")),
        client_ca: own.text_or_none("client_ca").map(PathBuf::from),
    };
    let named = !files.cert.as_os_str().is_empty() && !files.key.as_os_str().is_empty();
    let tls = if named { made(&own, ServerTls::new(files, protocols)) } else { None };
    own.finish();
    tls
}

/// TLS towards an upstream at `host`, if `[upstream_tls]` is written. Faults are kept; then there is none.
pub(super) fn upstream(
    section: &Section<'_>,
    host: Option<&str>,
    protocols: &'static [&'static [u8]],
) -> Option<ClientTls> {
    let own = section.section_or_none("upstream_tls")?;
    let ca = own.text_or_none("ca").map(PathBuf::from);
    let identity = pair(&own);
    let name = own.text_or_none("server_name");
    let as_named = name.as_deref().map(server_name);
    if let Some(Err(error)) = as_named {
        own.fault("server_name", format!("`server_name` is {error}, \"lis.hospital.example\""));
    }
    if name.is_none() && host.is_some_and(|host| server_name(host).is_err()) {
        own.fault(
            "server_name",
            "the upstream's host is no name that a certificate could have, write `server_name`",
        );
    }
    let files = ClientFiles { ca, identity };
    let tls = made(&own, ClientTls::new(files, as_named.and_then(Result::ok), protocols));
    own.finish();
    tls
}

/// TLS towards a server that something is pulled from, if `[tls]` is written. Faults are kept; then there is none.
pub(super) fn source(section: &Section<'_>) -> Option<ClientTls> {
    let own = section.section_or_none("tls")?;
    let files = ClientFiles { ca: own.text_or_none("ca").map(PathBuf::from), identity: pair(&own) };
    let tls = made(&own, ClientTls::new(files, None, HTTP1));
    own.finish();
    tls
}

/// The own certificate and its key, where both are written.
fn pair(own: &Section<'_>) -> Option<(PathBuf, PathBuf)> {
    let cert = own.text_or_none("cert").map(PathBuf::from);
    let key = own.text_or_none("key").map(PathBuf::from);
    if cert.is_some() != key.is_some() {
        let missing = if cert.is_some() { "key" } else { "cert" };
        own.fault(missing, "`cert` and `key` belong together, write both or none");
    }
    cert.zip(key)
}

fn made<T>(section: &Section<'_>, tls: Result<T, TlsError>) -> Option<T> {
    tls.map_err(|error| section.fault(error.key(), error.to_string())).ok()
}

/// Which side of the gate a certificate is shown on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// To those who connect.
    Listener,
    /// To the upstream, or what is trusted of it.
    Upstream,
}

impl Side {
    /// In logs, metrics and alerts.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Listener => "listener",
            Self::Upstream => "upstream",
        }
    }
}

/// TLS files that are followed while the gate runs.
#[derive(Clone)]
pub struct Certificate {
    /// The route's name, `console`, or `register` of the shared database.
    pub whose: Arc<str>,
    /// Of which side.
    pub side: Side,
    /// What follows them.
    pub files: Arc<dyn Follows>,
}

impl Settings {
    /// Every certificate, in the order of the file.
    pub fn certificates(&self) -> Vec<Certificate> {
        let mut all = Vec::new();
        let mut add = |whose: &Arc<str>, tls: Option<&ServerTls>, upstream: Option<&ClientTls>| {
            let whose = || Arc::clone(whose);
            if let Some(tls) = tls {
                let files = Arc::new(tls.clone());
                all.push(Certificate { whose: whose(), side: Side::Listener, files });
            }
            if let Some(tls) = upstream {
                let files = Arc::new(tls.clone());
                all.push(Certificate { whose: whose(), side: Side::Upstream, files });
            }
        };
        for route in &self.mllp {
            add(&route.name, route.tls.as_ref(), route.upstream_tls.as_ref());
        }
        for route in &self.fhir {
            add(&route.name, route.tls.as_ref(), route.upstream_tls.as_ref());
        }
        let source = self.fhir_source.as_ref().and_then(|source| source.tls.as_ref());
        add(&"register.fhir".into(), None, source);
        add(&"console".into(), self.console.tls.as_ref(), None);
        let database = self.register_at.server().and_then(|server| server.tls());
        add(&"register".into(), None, database);
        all
    }
}
