//! A body → what is to be judged of it: the form it stands in, the document, its pieces, and what the mapping reads.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::HeaderMap;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use serde_json::Value;

use crate::domain::gather::gather;
use crate::domain::order::{Order, Stage};
use crate::fhir::bundle::{BundleFault, BundleType, EntryPatch, bundle_type};
use crate::fhir::document::Document;
use crate::fhir::interaction::{Interaction, Target, Write};
use crate::fhir::media::{CodingFault, Form, XmlRoot, decode, form, xml_root};
use crate::inbound::fhir::Config;
use crate::inbound::fhir::body::{counted, room_for};
use crate::inbound::fhir::doubt::Doubt;
use crate::inbound::fhir::headers;
use crate::inbound::fhir::named::Name;
use crate::inbound::fhir::patch::{self, Kind};
use crate::inbound::fhir::pieces::{self, Piece};
use crate::inbound::fhir::reader::{Came, ReadPiece};
use crate::inbound::fhir::references::{self, Known};
use crate::inbound::fhir::service::{Asked, Route};
use crate::telemetry::events;

/// Bodies from this length are read beside the connections, which would wait for them: some milliseconds.
const ASIDE_FROM: usize = 256 * 1024;

/// What a request holds.
pub(super) enum Weighed {
    /// None of the gate's business.
    NotOurs {
        /// Scheduling that met no surgical test.
        scheduling: bool,
    },
    /// To be judged as one unit.
    Unit(Unit),
    /// A batch, whose entries stand each for itself.
    Batch(Batch),
}

/// What the pieces of one unit come to together.
#[derive(Default)]
pub(super) struct Unit {
    pub(super) orders: Vec<Order>,
    pub(super) doubt: Option<Doubt>,
    pub(super) read_elsewhere: Vec<String>,
    pub(super) names: Vec<Name>,
    /// Whether the server's response is that of a transaction.
    pub(super) transaction: bool,
    pub(super) scheduling: bool,
}

/// A batch Bundle.
pub(super) struct Batch {
    /// The body without its Content-Encoding.
    pub(super) decoded: Bytes,
    /// How many entries it has.
    pub(super) count: usize,
    /// The entries that hold anything, in their order.
    pub(super) units: Vec<(usize, Unit)>,
}

/// Weighs a whole request.
pub(super) async fn weigh(
    route: &Route,
    asked: &Asked,
    interaction: &Interaction,
    body: &Bytes,
) -> Result<Weighed, Doubt> {
    let nothing = Ok(Weighed::NotOurs { scheduling: false });
    match interaction {
        Interaction::Stream | Interaction::OutsideBase => nothing,
        Interaction::Doubtful(evasion) => Err((*evasion).into()),
        Interaction::NotAllowed(_) => Err(Doubt::not_allowed()),
        Interaction::Unjudged { resource_type } => {
            disguised(route, asked, resource_type, body).await?;
            nothing
        }
        Interaction::Delete(target) => {
            let mut known = Known::new(route, asked, &Value::Null);
            let (pieces, deadline) = ([Piece::deletion(target)], references::deadline(route));
            let read = references::read(route, asked, &pieces, deadline, &mut known).await;
            Ok(Unit::of(read, Vec::new()).weighed())
        }
        Interaction::Write(Write::Patch(target)) => patch_of(route, asked, target, body).await,
        Interaction::Write(write) => {
            let decoded = decoded(route, asked, body).await?;
            if form_of(&asked.parts.headers) != Form::Json {
                return Err(Doubt::form());
            }
            let document = document(&route.config, decoded.clone()).await?;
            written(route, asked, write, document, decoded).await
        }
    }
}

/// What a document holds that is written: as one whole, or entry by entry.
pub(super) struct Parts<'d> {
    pub(super) kind: BundleType,
    pub(super) pieces: Vec<Piece<'d>>,
}

/// Takes a document apart.
pub(super) fn parts<'d>(
    config: &Config,
    write: &Write,
    document: &'d Document,
) -> Result<Parts<'d>, Doubt> {
    let root = document.root();
    let is_bundle = document.resource_type() == "Bundle";
    let kind = if is_bundle { bundle_type(root, config.max_entries)? } else { BundleType::Other };
    // One that is stored or processed somewhere else is one whole, whatever its type.
    let kind = match write {
        Write::Bundle if !is_bundle => return Err(Doubt::address_disagrees()),
        Write::Bundle => kind,
        _ => BundleType::Other,
    };
    let pieces = match kind {
        BundleType::Other => pieces::of_write(write, root)?,
        BundleType::Transaction | BundleType::Batch => {
            pieces::of_entries(root, &config.allowed, config.limits)?
        }
    };
    if pieces.len() > config.max_entries {
        return Err(BundleFault::TooMany.into());
    }
    Ok(Parts { kind, pieces })
}

async fn written(
    route: &Route,
    asked: &Asked,
    write: &Write,
    document: Document,
    decoded: Bytes,
) -> Result<Weighed, Doubt> {
    let Parts { kind, mut pieces } = parts(&route.config, write, &document)?;
    let (root, deadline) = (document.root(), references::deadline(route));
    let mut known = Known::new(route, asked, root);
    // A transaction is judged with its patches or not at all.
    if kind == BundleType::Batch {
        pieces = patch::put_off(route, pieces, &known);
    }
    let mut applied = Vec::new();
    let pieces = patch::applied(route, asked, pieces, deadline, &mut applied).await;
    let read = references::read(route, asked, &pieces, deadline, &mut known).await;
    let mut elsewhere = known.elsewhere();
    elsewhere.extend(applied);
    if kind == BundleType::Batch {
        // An entry is remembered by its own bytes, which say nothing of the others.
        elsewhere.extend(known.led_inside().then(|| "Bundle".to_owned()));
        let units = Unit::of_each(read, &elsewhere);
        let count = root.get("entry").and_then(Value::as_array).map_or(0, Vec::len);
        return Ok(Weighed::Batch(Batch { decoded, count, units }));
    }
    let transaction = kind == BundleType::Transaction;
    Ok(Unit { transaction, ..Unit::of(read, elsewhere) }.weighed())
}

async fn patch_of(
    route: &Route,
    asked: &Asked,
    target: &Target,
    body: &Bytes,
) -> Result<Weighed, Doubt> {
    let decoded = decoded(route, asked, body).await?;
    let kind = Kind::of(form_of(&asked.parts.headers)).ok_or_else(Doubt::form)?;
    let patch = kind.read(&decoded, route.config.limits)?;
    let patch = match kind {
        Kind::Json => EntryPatch::Json(patch),
        Kind::FhirPath => EntryPatch::FhirPath(&patch),
    };
    let deadline = references::deadline(route);
    let (target, result) = match patch::patched(route, asked, target, &patch, deadline).await {
        Ok(patched) => patched,
        // It rests on what the server holds now, so the next time it may be otherwise.
        Err(doubt) => {
            let read_elsewhere = vec![patch::name_of(target)];
            let unit = Unit { doubt: Some(doubt), read_elsewhere, ..Unit::default() };
            return Ok(unit.weighed());
        }
    };
    let pieces = pieces::of_write(&Write::Patch(target.clone()), &result)?;
    let mut known = Known::new(route, asked, &result);
    let read = references::read(route, asked, &pieces, deadline, &mut known).await;
    let mut elsewhere = known.elsewhere();
    elsewhere.push(patch::name_of(&target));
    Ok(Unit::of(read, elsewhere).weighed())
}

impl Unit {
    /// What the pieces come to: orders to be judged, or the first doubt.
    pub(super) fn of(read: Vec<ReadPiece>, read_elsewhere: Vec<String>) -> Self {
        let mut unit = Self { read_elsewhere, ..Self::default() };
        for piece in read {
            unit.names.extend(piece.name);
            match piece.came {
                Came::Nothing { scheduling } => unit.scheduling |= scheduling,
                Came::Order(order) => unit.orders.push(*order),
                Came::Doubt(doubt) => unit.doubted(doubt),
            }
        }
        unit.orders = gather(unit.orders);
        unit
    }

    /// What the pieces of each entry come to.
    fn of_each(read: Vec<ReadPiece>, elsewhere: &[String]) -> Vec<(usize, Self)> {
        let mut entries: BTreeMap<usize, Vec<ReadPiece>> = BTreeMap::new();
        for piece in read {
            entries.entry(piece.entry.unwrap_or_default()).or_default().push(piece);
        }
        let units = entries.into_iter().map(|(at, read)| (at, Self::of(read, elsewhere.to_vec())));
        units.filter(|(_, unit)| !unit.is_nothing()).collect()
    }

    /// The first doubt is told; a unit is a record only if all of it is.
    fn doubted(&mut self, doubt: Doubt) {
        match &mut self.doubt {
            None => self.doubt = Some(doubt),
            Some(first) if first.stage != doubt.stage => first.stage = None,
            Some(_) => {}
        }
    }

    /// Whether the gate has to judge it.
    pub(super) fn is_nothing(&self) -> bool {
        self.orders.is_empty() && self.doubt.is_none()
    }

    /// Only what has happened already may be let through unread.
    pub(super) fn stage(&self) -> Option<Stage> {
        let stage = self.doubt.as_ref().and_then(|doubt| doubt.stage);
        stage.filter(|stage| self.orders.iter().all(|order| order.stage == *stage))
    }

    fn weighed(self) -> Weighed {
        if self.is_nothing() {
            Weighed::NotOurs { scheduling: self.scheduling }
        } else {
            Weighed::Unit(self)
        }
    }
}

/// The form of the body; several Content-Types are none that is known.
pub(super) fn form_of(headers: &HeaderMap) -> Form {
    match headers::list(headers, &CONTENT_TYPE) {
        Ok(content_type) => form(content_type.as_deref()),
        Err(()) => Form::Other,
    }
}

/// The body without its Content-Encoding.
async fn decoded(route: &Route, asked: &Asked, body: &Bytes) -> Result<Bytes, Doubt> {
    if !asked.parts.headers.contains_key(CONTENT_ENCODING) {
        return Ok(body.clone());
    }
    let limit = route.config.limits.bytes;
    let Some(room) = room_for(&route.room, limit).await else {
        events::FhirOverloaded { route: &route.config.name }.emit();
        return Err(Doubt::overloaded());
    };
    let (headers, body) = (asked.parts.headers.clone(), body.clone());
    let decoded = aside(true, move || undone(&headers, &body, limit)).await??;
    Ok(counted(decoded, room))
}

/// The body of a message with these fields without its Content-Encoding.
pub(super) fn undone(headers: &HeaderMap, body: &[u8], limit: usize) -> Result<Bytes, Doubt> {
    let coding = headers::list(headers, &CONTENT_ENCODING).map_err(|()| CodingFault::Unknown)?;
    let decoded = decode(coding.as_deref(), body, limit)?;
    Ok(Bytes::from(decoded.into_owned()))
}

/// The document, read strictly.
async fn document(config: &Config, decoded: Bytes) -> Result<Document, Doubt> {
    let limits = config.limits;
    let long = decoded.len() >= ASIDE_FROM;
    Ok(aside(long, move || Document::read(&decoded, limits)).await??)
}

/// Work that may take long is done where nobody waits for it.
async fn aside<T: Send + 'static>(
    long: bool,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Doubt> {
    if !long {
        return Ok(work());
    }
    tokio::task::spawn_blocking(work).await.map_err(|_| Doubt::form())
}

/// Whether something that is judged comes in under the address of something that is not.
async fn disguised(
    route: &Route,
    asked: &Asked,
    resource_type: &str,
    body: &Bytes,
) -> Result<(), Doubt> {
    let decoded = decoded(route, asked, body).await?;
    match form_of(&asked.parts.headers) {
        Form::Json => {
            let document = document(&route.config, decoded).await?;
            let same = document.resource_type().eq_ignore_ascii_case(resource_type);
            if same { Ok(()) } else { Err(Doubt::address_disagrees()) }
        }
        Form::Xml if xml_root(&decoded) == XmlRoot::Other => Ok(()),
        Form::Xml => Err(Doubt::form()),
        Form::JsonPatch | Form::Other => Ok(()),
    }
}

/// Whether a body in this form is looked at before it passes under the address of a type that is not judged.
pub(super) fn is_looked_at(asked: &Asked, resource_type: &str) -> bool {
    let may_disguise = matches!(form_of(&asked.parts.headers), Form::Json | Form::Xml);
    // A patch changes what is there already; a Binary is what it is.
    may_disguise && asked.parts.method != http::Method::PATCH && resource_type != "Binary"
}
