//! `[console]`, `[cds_hooks]` and `[decision_api]` → the settings of the console port and of those who ask there.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use crate::accounts;
use crate::config::desk::{Desk, desk};
use crate::config::fault::Fault;
use crate::config::mapping::load_file;
use crate::config::oidc::oidc;
use crate::config::reader::Section;
use crate::config::tls;
use crate::domain::verdict::Stance;
use crate::gate::stance::RouteStance;
use crate::inbound::cds_hooks::{self, ClientConfig, KeysAt};
use crate::inbound::decision_api;
use crate::net::tls::{HTTP, ServerTls};

/// How drafts are read unless another file is named.
const CDS_MAPPING: &str = "mappings/fhir/r4.toml";

/// The console port with what is asked there.
#[derive(Debug)]
pub struct Console {
    /// Where it listens; absent: nowhere.
    pub listen: Option<SocketAddr>,
    /// TLS there; absent: plain.
    pub tls: Option<ServerTls>,
    /// As whom the world knows it: cookies are for https only where this begins so.
    pub public_url: Option<String>,
    /// Who may sit there.
    pub desk: Desk,
    /// Who answers for people besides their passwords here.
    pub oidc: Option<accounts::oidc::Settings>,
    /// CDS Hooks.
    pub cds_hooks: Arc<cds_hooks::Config>,
    /// AuthZEN and `/v1/explain`.
    pub decision_api: decision_api::Config,
}

/// Reads the three tables. Faults of the mapping file go to `foreign`.
pub(super) fn console(root: &Section<'_>, foreign: &mut Vec<Fault>) -> Option<Console> {
    let section = root.section("console");
    let listen = section.text_or_none("listen").map(|text| text.parse());
    let listen = match listen {
        Some(Ok(address)) => Some(address),
        Some(Err(_)) => {
            section.fault("listen", "`listen` must be an address and port, \"127.0.0.1:8088\"");
            None
        }
        None => None,
    };
    let tls = tls::listener(&section, HTTP);
    let public_url = section.text_or_none("public_url");
    if public_url.as_deref().is_some_and(|url| !is_url(url)) {
        section.fault("public_url", "`public_url` must be a URL, \"https://gate.example\"");
    }
    let desk = desk(&section);
    let oidc = oidc(&section, public_url.as_deref());
    section.finish();
    let cds_hooks = cds_hooks(root.section("cds_hooks"), public_url.as_ref(), foreign);
    let section = root.section("decision_api");
    let token_file = section.text_or_none("token_file").map(PathBuf::from);
    if let Some(file) = &token_file
        && let Err(error) = std::fs::metadata(file)
    {
        let text = format!("`token_file` cannot be read ({error}), name a file with one token");
        section.fault("token_file", text);
    }
    let stance = stance(&section);
    section.finish();
    let cds_hooks = cds_hooks?;
    let cds_clients = !cds_hooks.clients.is_empty();
    Some(Console {
        listen,
        tls,
        public_url: public_url.clone(),
        desk,
        oidc,
        cds_hooks: Arc::new(cds_hooks),
        decision_api: decision_api::Config { token_file, stance, public_url, cds_clients },
    })
}

fn cds_hooks(
    section: Section<'_>,
    public_url: Option<&String>,
    foreign: &mut Vec<Fault>,
) -> Option<cds_hooks::Config> {
    let mapping = match load_file(&section, &section.text("mapping", CDS_MAPPING)) {
        Ok(mapping) => Some(Arc::new(mapping)),
        Err(faults) => {
            foreign.extend(faults);
            None
        }
    };
    let stance = stance(&section);
    let origins = section.texts("origins");
    if origins.iter().any(|origin| !is_origin(origin)) {
        section.fault("origins", "`origins` must be like \"https://his.example\", no path behind");
    }
    let clients = section.sections("client");
    let clients = clients.into_iter().map(|client| one_client(client, public_url.is_some()));
    let clients: Vec<Option<ClientConfig>> = clients.collect();
    section.finish();
    let clients = clients.into_iter().collect::<Option<_>>()?;
    let public_url = public_url.cloned();
    Some(cds_hooks::Config { mapping: mapping?, stance, origins, clients, public_url })
}

fn one_client(section: Section<'_>, has_public_url: bool) -> Option<ClientConfig> {
    let issuer = section.text_needed("issuer");
    let audience = section.text_or_none("audience");
    if audience.is_none() && !has_public_url {
        section.fault(
            "audience",
            "the client's tokens must be meant for this gate: write `audience`, or `public_url` in [console]",
        );
    }
    let file = section.text_or_none("jwks_file").map(PathBuf::from);
    let url = section.text_or_none("jwks_url");
    let keys = match (file, url) {
        (Some(file), None) => {
            if let Err(why) = cds_hooks::check_file(&file) {
                section.fault("jwks_file", format!("`jwks_file` cannot be used: {why}"));
            }
            Some(KeysAt::File(file))
        }
        (None, Some(url)) => {
            if !is_url(&url) {
                let text = "`jwks_url` must be a URL, \"https://his.example/jwks.json\"";
                section.fault("jwks_url", text);
            }
            Some(KeysAt::Url(url))
        }
        (None, None) | (Some(_), Some(_)) => {
            section.fault("jwks_file", "write one of `jwks_file` and `jwks_url`");
            None
        }
    };
    section.finish();
    Some(ClientConfig { issuer, keys: keys?, audience })
}

/// An inquiry forwards nothing, so it says by default what the rules say.
fn stance(section: &Section<'_>) -> Arc<RouteStance> {
    let choices = [("observe", Stance::Observe), ("enforce", Stance::Enforce)];
    let stance = section.choice("stance", Stance::Enforce, &choices);
    Arc::new(RouteStance { stance, departments: section.texts("departments") })
}

fn is_url(text: &str) -> bool {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    rest.is_some_and(|rest| !rest.is_empty() && text.parse::<http::Uri>().is_ok())
}

fn is_origin(text: &str) -> bool {
    is_url(text) && text.matches('/').count() == 2
}
