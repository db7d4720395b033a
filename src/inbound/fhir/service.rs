//! One request → its way: streamed, judged, or answered at once.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::request::Parts;
use http::{Method, Request, Response};
use hyper::body::{Body as _, Incoming};
use tokio::sync::{Semaphore, mpsc};

use crate::clock;
use crate::feed::watch::Light;
use crate::fhir::interaction::{Head, Interaction, classify};
use crate::gate::passage::{Outcome, Passage};
use crate::gate::terms::Terms;
use crate::gate::{Gate, Request as Judged, Subject};
use crate::inbound::fhir::body::{Gathered, HELD_MAX_KIB, gather, read_out};
use crate::inbound::fhir::doubt::{Class, Doubt};
use crate::inbound::fhir::exchange::{Content, Outgoing, forward};
use crate::inbound::fhir::intake::{self, Unit, Weighed};
use crate::inbound::fhir::references::{Changes, Remembered};
use crate::inbound::fhir::{Config, batch, headers, named, recorded, respond};
use crate::inbound::live::Live;
use crate::net::client::{Body, Client, ClientError, Settings};
use crate::net::tls::facts::Peer;
use crate::telemetry::events;
use crate::telemetry::route::Meters;
use crate::telemetry::trace::Begun;

/// How long connecting to the server may take: it stands in the same house.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Of a request id so much is kept.
const REQUEST_ID_MAX: usize = 128;
/// Of a body that is too long to be judged so much is kept as evidence.
const EVIDENCE_MAX: usize = 64 * 1024;

/// What the requests of a route work with. Cheap to clone.
#[derive(Clone)]
pub struct Route {
    /// Its settings, as they were when the request came.
    pub config: Arc<Config>,
    /// The terms of the house, of the same configuration.
    pub terms: Arc<Terms>,
    /// The one path.
    pub gate: Arc<Gate>,
    /// Whether its server can be reached.
    pub upstream: Light,
    /// Who the client of the connection is, by its certificate.
    pub(super) sender: Option<Arc<Peer>>,
    pub(super) client: Client,
    pub(super) remembered: Remembered,
    pub(super) room: Arc<Semaphore>,
    pub(super) live: Live<Config>,
    pub(super) meters: Meters,
    /// Held by whatever must end before the gate may.
    pub(super) busy: mpsc::Sender<()>,
}

impl Route {
    /// Puts a route together; `busy` is closed once nothing of it is under way.
    ///
    /// # Errors
    /// When the server is https and TLS cannot be set up.
    pub fn new(
        live: Live<Config>,
        gate: Arc<Gate>,
        upstream: Light,
        busy: mpsc::Sender<()>,
    ) -> Result<Self, ClientError> {
        let now = live.now();
        let (config, terms) = (now.config, now.terms);
        let settings = Settings {
            connect_timeout: CONNECT_TIMEOUT.min(config.upstream_timeout),
            https: config.upstream.https(),
            h2: config.upstream.h2(),
        };
        let client = match &config.upstream_tls {
            Some(tls) => Client::following(settings, tls.clone()),
            None => Client::new(settings)?,
        };
        let room = Arc::new(Semaphore::new(HELD_MAX_KIB));
        let (meters, remembered) = (Meters::of(&config.name), Remembered::default());
        Ok(Self {
            config,
            terms,
            gate,
            upstream,
            sender: None,
            client,
            remembered,
            room,
            live,
            meters,
            busy,
        })
    }

    /// Takes up what is in force now, between two requests.
    pub(super) fn renew(&mut self) {
        if let Some(now) = self.live.other_than(&self.config, &self.terms) {
            (self.config, self.terms) = (now.config, now.terms);
        }
    }
}

/// A client's request without its body, and where it comes from.
pub(super) struct Asked {
    pub(super) parts: Parts,
    pub(super) peer: SocketAddr,
    /// When all of it was there.
    pub(super) taken: Instant,
    /// Whether the register was usable then, before anything of it was read.
    pub(super) register_usable: bool,
}

impl Asked {
    pub(super) fn interaction(&self, config: &Config, has_body: bool) -> Interaction {
        let uri = &self.parts.uri;
        let has_header = |name: &str| self.parts.headers.contains_key(name);
        let head = Head {
            method: self.parts.method.as_str(),
            path: uri.path(),
            query: uri.query(),
            has_body,
            has_header: &has_header,
        };
        classify(config.upstream.base(), &head, &config.allowed)
    }

    /// The FHIR base as the client wrote it.
    pub(super) fn base(&self, config: &Config) -> Option<String> {
        let host = headers::host(&self.parts)?;
        let (scheme, host) = (config.scheme(), host.to_str().ok()?);
        Some(format!("{scheme}://{host}{}", config.upstream.base()))
    }

    fn request_id(&self) -> String {
        let id = self.parts.headers.get("x-request-id").map(|id| id.as_bytes());
        let id = String::from_utf8_lossy(id.unwrap_or_default());
        id.chars().take(REQUEST_ID_MAX).collect()
    }

    /// What of that which was read before may be another now.
    pub(super) fn changes(&self) -> Changes {
        if [Method::GET, Method::HEAD, Method::OPTIONS].contains(&self.parts.method) {
            return Changes::Nothing;
        }
        let mut segments = self.parts.uri.path().rsplit('/');
        let (last, before) = (segments.next(), segments.next());
        let is_type = |segment: &&str| segment.starts_with(|c: char| c.is_ascii_uppercase());
        match (last, before.filter(is_type)) {
            (Some(id), Some(resource_type)) => Changes::One(format!("{resource_type}/{id}")),
            (Some(last), None) if is_type(&last) && self.parts.method == Method::POST => {
                Changes::Nothing
            }
            _ => Changes::Anything,
        }
    }
}

/// Answers one request.
pub(super) async fn serve(
    mut route: Route,
    peer: SocketAddr,
    request: Request<Incoming>,
) -> Response<Body> {
    route.renew();
    let (parts, body) = request.into_parts();
    let (taken, register_usable) = (clock::monotonic(), route.gate.register().usable());
    let mut asked = Asked { parts, peer, taken, register_usable };
    let has_body = !body.is_end_stream() || headers::announce_body(&asked.parts.headers);
    let interaction = asked.interaction(&route.config, has_body);
    let streams = match &interaction {
        Interaction::Stream => true,
        Interaction::Unjudged { resource_type } => !intake::is_looked_at(&asked, resource_type),
        Interaction::OutsideBase => {
            events::FhirOutsideBase { route: &route.config.name }.emit();
            tokio::spawn(read_out(body));
            return respond::outside_base(route.gate.clock().now());
        }
        _ => false,
    };
    if streams {
        let passage = route.gate.short_way();
        events::FhirStreamed { route: &route.config.name }.emit();
        return pass_on(&route, &asked, passage, Content::Streamed(body)).await;
    }
    // What is judged is not given up when the client goes away: its entry says that it was forwarded, so it is, and what
    // the server answers is recorded.
    let now = route.gate.clock().now();
    let work = tokio::spawn(async move { judged(&route, &mut asked, &interaction, body).await });
    work.await.unwrap_or_else(|_| respond::internal(now))
}

/// Sends a request on as it is.
async fn pass_on(
    route: &Route,
    asked: &Asked,
    passage: Passage,
    content: Content,
) -> Response<Body> {
    let Some(outgoing) = Outgoing::new(route, asked, passage, content) else {
        return respond::no_target(route.gate.clock().now());
    };
    match forward(route, outgoing).await {
        Ok(answered) => {
            route.remembered.forget(&asked.changes());
            answered.record_all(route, &[]);
            answered.into_response(route, asked)
        }
        Err(response) => response,
    }
}

/// A request whose body is looked at.
async fn judged(
    route: &Route,
    asked: &mut Asked,
    interaction: &Interaction,
    body: Incoming,
) -> Response<Body> {
    let busy = route.busy.clone();
    let now = || route.gate.clock().now();
    let gathered = gather(body, route.config.limits.bytes, &route.room).await;
    (asked.taken, asked.register_usable) = (clock::monotonic(), route.gate.register().usable());
    let response = match gathered {
        Gathered::Whole(held) => {
            let weighed = intake::weigh(route, asked, interaction, &held.bytes).await;
            ruled(route, asked, weighed, held.bytes.clone()).await
        }
        Gathered::Beyond(begun, rest) => unread(route, asked, Doubt::too_long(), begun, rest).await,
        Gathered::Overloaded(begun, rest) => {
            events::FhirOverloaded { route: &route.config.name }.emit();
            unread(route, asked, Doubt::overloaded(), begun, rest).await
        }
        Gathered::Slow | Gathered::Broken => respond::cut_off(now()),
    };
    drop(busy);
    response
}

/// A request whose body is not read to its end: before the gate with what there is of it.
async fn unread(
    route: &Route,
    asked: &Asked,
    doubt: Doubt,
    begun: Bytes,
    rest: Incoming,
) -> Response<Body> {
    let evidence = begun.slice(..begun.len().min(EVIDENCE_MAX));
    let unit = Unit { doubt: Some(doubt), ..Unit::default() };
    match rule(route, asked, &evidence, unit).await {
        Ok(passage) => pass_on(route, asked, passage, Content::Rejoined(begun, rest)).await,
        Err(refusal) => {
            tokio::spawn(read_out(rest));
            refusal
        }
    }
}

/// A request that was weighed: forwarded as it came, or refused.
async fn ruled(
    route: &Route,
    asked: &Asked,
    weighed: Result<Weighed, Doubt>,
    body: Bytes,
) -> Response<Body> {
    let mut unit = match weighed {
        Ok(Weighed::NotOurs { scheduling }) => {
            events::NotSurgical { route: &route.config.name, scheduling }.emit();
            let passage = route.gate.short_way();
            return pass_on(route, asked, passage, Content::Whole(body)).await;
        }
        Ok(Weighed::Batch(whole)) => return batch::judged(route, asked, whole, body).await,
        Ok(Weighed::Unit(unit)) => unit,
        Err(doubt) => Unit { doubt: Some(doubt), ..Unit::default() },
    };
    let (names, transaction) = (std::mem::take(&mut unit.names), unit.transaction);
    let passage = match rule(route, asked, &body, unit).await {
        Ok(passage) => passage,
        Err(refusal) => return refusal,
    };
    let Some(outgoing) = Outgoing::new(route, asked, passage, Content::Whole(body)) else {
        return respond::no_target(route.gate.clock().now());
    };
    let mut answered = match forward(route, outgoing).await {
        Ok(answered) => answered,
        Err(response) => return response,
    };
    route.remembered.forget(&asked.changes());
    let upstream = &route.config.upstream;
    let known = if !answered.is_success() {
        Vec::new()
    } else if transaction {
        let response = answered.gathered(route.config.limits.bytes).await;
        let response = response.and_then(|bytes| serde_json::from_slice(&bytes).ok());
        let response: serde_json::Value = response.unwrap_or_default();
        let known = named::of_bundle(&names, &response, upstream, Some);
        known.into_iter().map(|(_, known)| known).collect()
    } else {
        named::of_response(&names, answered.headers(), upstream)
    };
    answered.record_all(route, &known);
    answered.into_response(route, asked)
}

/// Takes one unit before the gate.
async fn rule(
    route: &Route,
    asked: &Asked,
    body: &[u8],
    unit: Unit,
) -> Result<Passage, Response<Body>> {
    let message = recorded::request(&asked.parts, body);
    match before_gate(route, asked, message, unit).await {
        Outcome::Forward(passage) => Ok(passage),
        Outcome::Refuse(refusal) => {
            Err(respond::refused(refusal.answer.as_ref(), route.gate.clock().now()))
        }
    }
}

/// What the gate says of one unit.
pub(super) async fn before_gate(
    route: &Route,
    asked: &Asked,
    message: Bytes,
    unit: Unit,
) -> Outcome {
    let stage = unit.stage();
    let Unit { orders, doubt, mut read_elsewhere, .. } = unit;
    let subject = match &doubt {
        None => Subject::Orders(orders),
        Some(doubt) => {
            events::Unreadable { route: &route.config.name, why: doubt.why }.emit();
            // What could not be had now may be had the next time; and of what is too long only the beginning is kept, which
            // may be that of another request.
            let untold = matches!(doubt.class, Class::Unavailable | Class::TooLong);
            if untold && read_elsewhere.is_empty() {
                read_elsewhere.push(doubt.why.to_owned());
            }
            Subject::Unreadable { why: doubt.why, stage }
        }
    };
    read_elsewhere.sort();
    read_elsewhere.dedup();
    let trace = route.gate.trace(Begun {
        route: &route.config.name,
        protocol: "fhir",
        bytes: message.len(),
        since: asked.taken,
        parent: headers::parent(&asked.parts.headers),
    });
    let request = Judged {
        route: Arc::clone(&route.config.name),
        stance: route.config.stance.now(),
        mapping: route.config.mapping.name().into(),
        message,
        control_id: asked.request_id(),
        subject,
        register_usable: asked.register_usable,
        read_elsewhere,
        sender: route.sender.clone(),
        trace,
        answer: respond::answer(doubt),
        terms: Arc::clone(&route.terms),
    };
    let outcome = route.gate.pass(request).await;
    route.meters.added(asked.taken);
    outcome
}
