//! A stored request or resource, read as a route would without asking anybody: for `orgate explain` and its like.

use std::net::{Ipv4Addr, SocketAddr};

use bytes::Bytes;
use http::{Method, Request};
use serde_json::Value;

use crate::clock;
use crate::fhir::document::Document;
use crate::fhir::interaction::{Interaction, Write};
use crate::fhir::media::Form;
use crate::gate::Subject;
use crate::inbound::fhir::doubt::Doubt;
use crate::inbound::fhir::intake::{self, Parts, Unit};
use crate::inbound::fhir::pieces::Piece;
use crate::inbound::fhir::reader::Reader;
use crate::inbound::fhir::recorded;
use crate::inbound::fhir::references::Known;
use crate::inbound::fhir::service::Asked;

/// What a route makes of a stored request or resource.
#[derive(Debug, Default)]
pub struct Explained {
    /// What would be judged; `None` when it is none of the gate's business.
    pub subject: Option<Subject>,
    /// Of what cannot be read: why, in Chinese and English.
    pub doubt: Option<(&'static str, &'static str)>,
    /// References that a route would look up; here they lead to nobody.
    pub not_looked_up: Vec<String>,
    /// The resource's id.
    pub id: String,
}

/// Whether bytes look like a resource, or like a request as the ledger keeps it.
pub fn is_fhir(bytes: &[u8]) -> bool {
    let start = bytes.trim_ascii_start();
    let methods = ["POST ", "PUT ", "PATCH ", "DELETE "];
    start.starts_with(b"{") || methods.iter().any(|m| start.starts_with(m.as_bytes()))
}

/// Reads a file: a resource in JSON, or a request with its head. A Bundle is taken as one whole, whatever its type.
pub fn read(reader: &Reader<'_>, file: &Bytes) -> Explained {
    let request = recorded::read_request(file);
    let read = match request.as_ref() {
        Some(request) => of_request(reader, request),
        None => of_resource(reader, file),
    };
    match read {
        Ok(explained) => explained,
        Err(doubt) => {
            let unit = Unit { doubt: Some(doubt), ..Unit::default() };
            explained(unit, String::new())
        }
    }
}

fn of_request(reader: &Reader<'_>, request: &Request<Bytes>) -> Result<Explained, Doubt> {
    let body = request.body();
    let (parts, ()) = request.clone().map(drop).into_parts();
    let asked = Asked {
        parts,
        peer: SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)),
        taken: clock::monotonic(),
        register_usable: true,
    };
    let config = reader.config;
    match asked.interaction(config, !body.is_empty()) {
        Interaction::Stream | Interaction::OutsideBase | Interaction::Unjudged { .. } => {
            Ok(Explained::default())
        }
        Interaction::Doubtful(evasion) => Err(evasion.into()),
        Interaction::NotAllowed(_) => Err(Doubt::not_allowed()),
        // What it would come to stands on the server only.
        Interaction::Write(Write::Patch(_)) => Err(Doubt::current_unreadable()),
        Interaction::Delete(target) => {
            let pieces = vec![Piece::deletion(&target)];
            Ok(weighed(reader, &Value::Null, pieces))
        }
        Interaction::Write(write) => {
            let decoded = intake::undone(&asked.parts.headers, body, config.limits.bytes)?;
            if intake::form_of(&asked.parts.headers) != Form::Json {
                return Err(Doubt::form());
            }
            let document = Document::read(&decoded, config.limits)?;
            let Parts { pieces, .. } = intake::parts(config, &write, &document)?;
            Ok(weighed(reader, document.root(), pieces))
        }
    }
}

/// A resource on its own: as if it were posted to where it belongs.
fn of_resource(reader: &Reader<'_>, body: &Bytes) -> Result<Explained, Doubt> {
    let document = Document::read(body, reader.config.limits)?;
    let kind = document.resource_type();
    let base = reader.config.upstream.base();
    let bundle = document.root().get("type").and_then(Value::as_str);
    let path = match (kind, bundle) {
        ("Bundle", Some("transaction" | "batch")) => format!("{base}/"),
        _ => format!("{base}/{kind}"),
    };
    let mut request = Request::new(body.clone());
    *request.method_mut() = Method::POST;
    *request.uri_mut() = path.parse().map_err(|_| Doubt::address_disagrees())?;
    of_request(reader, &request)
}

fn weighed(reader: &Reader<'_>, root: &Value, pieces: Vec<Piece<'_>>) -> Explained {
    let known = Known::offline(reader.config, root);
    let mut not_looked_up = Vec::new();
    let read = pieces.iter().map(|piece| {
        let (read, unresolved) = reader.read(piece, &known);
        not_looked_up.extend(unresolved);
        read
    });
    let unit = Unit::of(read.collect(), Vec::new());
    let id = root.get("id").and_then(Value::as_str).unwrap_or_default().to_owned();
    not_looked_up.sort();
    not_looked_up.dedup();
    Explained { not_looked_up, ..explained(unit, id) }
}

fn explained(unit: Unit, id: String) -> Explained {
    let stage = unit.stage();
    let doubt = unit.doubt.as_ref().map(|doubt| (doubt.zh, doubt.en));
    let subject = match &unit.doubt {
        _ if unit.is_nothing() => None,
        Some(doubt) => Some(Subject::Unreadable { why: doubt.why, stage }),
        None => Some(Subject::Orders(unit.orders)),
    };
    Explained { subject, doubt, not_looked_up: Vec::new(), id }
}
