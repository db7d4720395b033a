//! Forwarding: one function sends a client's request to the server, and it takes the permission for it.

use std::borrow::Cow;
use std::time::Instant;

use bytes::{Bytes, BytesMut};
use http::header::{
    ACCEPT, ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_LENGTH, ETAG, HOST, HeaderName, TRAILER,
};
use http::{HeaderMap, HeaderValue, Request, Response, Version};
use http_body_util::BodyExt;
use hyper::body::Incoming;

use crate::clock;
use crate::fhir::media::decode;
use crate::gate::passage::Passage;
use crate::gate::{Delivery, KnownAs};
use crate::inbound::fhir::body::{Progress, broken, rejoined, watched};
use crate::inbound::fhir::service::{Asked, Route};
use crate::inbound::fhir::{headers, respond};
use crate::ledger::EntryId;
use crate::net::client::{Body, BoxError, ClientError, whole};
use crate::telemetry::events;
use crate::telemetry::trace::{Ending, Step};

/// A request on its way, and what allows it to go: one passage, or for a batch those of its entries.
pub(super) struct Outgoing {
    passages: Vec<Passage>,
    request: Request<Body>,
    progress: Progress,
}

/// What is sent on.
pub(super) enum Content {
    /// A body that streams, from its beginning.
    Streamed(Incoming),
    /// A body that was read in part.
    Rejoined(Bytes, Incoming),
    /// A body that was judged, as it came.
    Whole(Bytes),
    /// What is left of a batch, without Content-Encoding; its response is to be read.
    Spliced(Bytes),
}

impl Outgoing {
    /// The client's request as it goes on; `None` when its target is no path.
    pub(super) fn new(
        route: &Route,
        asked: &Asked,
        passage: Passage,
        content: Content,
    ) -> Option<Self> {
        let upstream = &route.config.upstream;
        let uri = upstream.at(&asked.parts.uri)?;
        let mut headers =
            own_first(&asked.parts.headers, upstream.authority().as_str(), upstream.h2());
        let from = (route.config.scheme(), asked.peer);
        headers::forwarded(&mut headers, from, headers::host(&asked.parts).as_ref());
        let progress = Progress::new();
        let patience = route.config.idle_timeout;
        let body = match content {
            Content::Streamed(body) => watched(body, patience, Some(progress.clone())),
            Content::Rejoined(begun, rest) => {
                watched(rejoined(begun, rest), patience, Some(progress.clone()))
            }
            Content::Whole(bytes) => {
                headers.remove(TRAILER);
                whole(bytes)
            }
            Content::Spliced(bytes) => {
                headers = respliced(&headers, bytes.len());
                whole(bytes)
            }
        };
        let mut request = Request::new(body);
        *request.method_mut() = asked.parts.method.clone();
        *request.uri_mut() = uri;
        *request.version_mut() = Version::HTTP_11;
        *request.headers_mut() = headers;
        // How the client spelled its header names.
        *request.extensions_mut() = asked.parts.extensions.clone();
        Some(Self { passages: vec![passage], request, progress })
    }

    /// The passages of further entries that go with it.
    pub(super) fn with(mut self, further: Vec<Passage>) -> Self {
        self.passages.extend(further);
        self
    }
}

/// The fields that pass, the server's own host before all others.
fn own_first(came: &HeaderMap, host: &str, h2: bool) -> HeaderMap {
    let passing = headers::end_to_end(came);
    let mut own = HeaderMap::with_capacity(passing.len() + 2);
    if let Ok(host) = HeaderValue::from_str(host)
        && !h2
    {
        own.append(HOST, host);
    }
    for (name, value) in &passing {
        if name != HOST {
            own.append(name.clone(), value.clone());
        }
    }
    own
}

/// The fields of a batch that has become shorter: not compressed, and answered so that its response can be completed.
fn respliced(came: &HeaderMap, length: usize) -> HeaderMap {
    const CHANGED: [&str; 7] = [
        "accept",
        "accept-encoding",
        "content-encoding",
        "content-length",
        "content-md5",
        "prefer",
        "trailer",
    ];
    let mut own = HeaderMap::with_capacity(came.len());
    for (name, value) in came {
        if !CHANGED.contains(&name.as_str()) && !name.as_str().ends_with("digest") {
            own.append(name.clone(), value.clone());
        }
    }
    own.append(ACCEPT, HeaderValue::from_static("application/fhir+json"));
    own.append(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    own.append(CONTENT_LENGTH, HeaderValue::from(length));
    own
}

/// What the server answered.
pub(super) struct Answered {
    head: http::response::Parts,
    body: Body,
    /// What was read of the body.
    begun: BytesMut,
    /// Why it broke off while it was read.
    broken: Option<BoxError>,
    /// The entries of the request.
    entries: Vec<EntryId>,
    sent: Instant,
}

/// Sends a request to the server. The passages in it are the permission; nothing else calls the server with anything of
/// a client's request.
pub(super) async fn forward(route: &Route, outgoing: Outgoing) -> Result<Answered, Response<Body>> {
    let Outgoing { passages, request, progress } = outgoing;
    let sent = clock::monotonic();
    let name = &route.config.name;
    let sending = route.client.request(request);
    let now = || route.gate.clock().now();
    match progress.within(route.config.upstream_timeout, sending).await {
        Some(Ok(response)) => {
            route.upstream.works();
            route.meters.answered(sent);
            let status = Some(response.status().as_u16());
            let ending = Ending { outcome: Some("answered"), status, ..Ending::default() };
            traced(&passages, sent, ending);
            let (head, body) = response.into_parts();
            let body = watched(body, route.config.idle_timeout, None);
            let entries = passages.iter().filter_map(Passage::told_under).collect();
            Ok(Answered { head, body, begun: BytesMut::new(), broken: None, entries, sent })
        }
        Some(Err(error)) => {
            let why = match error {
                ClientError::Broken => "broken",
                ClientError::Untrusted(why) => why,
                _ => "refused",
            };
            // A connection that broke off may have been an old one.
            if why != "broken" {
                route.upstream.fails(why);
            }
            events::FhirUpstreamFailed { route: name, why }.emit();
            undelivered(route, &passages, "unreachable", sent);
            Err(respond::unreachable(now()))
        }
        None => {
            events::FhirUpstreamSilent { route: name }.emit();
            undelivered(route, &passages, "timeout", sent);
            Err(respond::silent(now()))
        }
    }
}

/// Records that nothing was answered.
pub(super) fn undelivered(
    route: &Route,
    passages: &[Passage],
    outcome: &'static str,
    sent: Instant,
) {
    let ending = Ending { failed: true, outcome: Some(outcome), ..Ending::default() };
    traced(passages, sent, ending);
    for entry in passages.iter().filter_map(Passage::told_under) {
        let took_us = micros_since(sent);
        let (answer_code, known_as) = (None, Vec::new());
        route.gate.delivered(&Delivery { entry, outcome, answer_code, took_us, known_as });
    }
}

fn traced(passages: &[Passage], sent: Instant, ending: Ending) {
    let now = clock::monotonic();
    for passage in passages {
        passage.trace().ended(Step::Upstream, (sent, now), ending);
    }
}

fn micros_since(sent: Instant) -> u64 {
    let took = clock::monotonic().duration_since(sent).as_micros();
    u64::try_from(took).unwrap_or(u64::MAX)
}

impl Answered {
    /// Whether the server has done what was asked.
    pub(super) fn is_success(&self) -> bool {
        self.head.status.is_success()
    }

    pub(super) fn headers(&self) -> &HeaderMap {
        &self.head.headers
    }

    /// Records what was answered to one entry.
    pub(super) fn record(
        &self,
        route: &Route,
        entry: EntryId,
        status: Option<&str>,
        known_as: Vec<KnownAs>,
    ) {
        let answer_code = Some(status.unwrap_or(self.head.status.as_str()));
        let (took_us, outcome) = (micros_since(self.sent), "answered");
        route.gate.delivered(&Delivery { entry, outcome, answer_code, took_us, known_as });
    }

    /// Records the same of every entry.
    pub(super) fn record_all(&self, route: &Route, known_as: &[KnownAs]) {
        for entry in &self.entries {
            self.record(route, *entry, None, known_as.to_vec());
        }
    }

    /// The whole body without its Content-Encoding, read before anything of it is sent on; `None` when it is longer than
    /// the limit or breaks off, and then it streams on from what was read.
    pub(super) async fn gathered(&mut self, limit: usize) -> Option<Vec<u8>> {
        loop {
            match self.body.frame().await {
                None => break,
                Some(Err(error)) => {
                    self.broken = Some(error);
                    return None;
                }
                Some(Ok(frame)) => {
                    if let Ok(data) = frame.into_data() {
                        self.begun.extend_from_slice(&data);
                    }
                }
            }
            if self.begun.len() > limit {
                return None;
            }
        }
        let coding = headers::list(&self.head.headers, &CONTENT_ENCODING).ok()?;
        decode(coding.as_deref(), &self.begun, limit).ok().map(Cow::into_owned)
    }

    /// The response as the client gets it.
    pub(super) fn into_response(self, route: &Route, asked: &Asked) -> Response<Body> {
        let rest = match self.broken {
            Some(error) => broken(error),
            None => self.body,
        };
        let body = rejoined(self.begun.freeze(), rest);
        told(route, asked, Response::from_parts(self.head, body), &self.entries)
    }

    /// The same with another body, of JSON without a Content-Encoding.
    pub(super) fn into_completed(
        mut self,
        route: &Route,
        asked: &Asked,
        body: Vec<u8>,
    ) -> Response<Body> {
        const CHANGED: [HeaderName; 4] = [CONTENT_ENCODING, CONTENT_LENGTH, ETAG, TRAILER];
        for name in CHANGED {
            self.head.headers.remove(name);
        }
        let response = Response::from_parts(self.head, whole(body.into()));
        told(route, asked, response, &self.entries)
    }
}

/// The server's response: its own fields but those of its connection, and the entries it stands under.
fn told(
    route: &Route,
    asked: &Asked,
    mut response: Response<Body>,
    entries: &[EntryId],
) -> Response<Body> {
    *response.version_mut() = Version::HTTP_11;
    let mut headers = headers::end_to_end(response.headers());
    if route.config.rewrite_base
        && let Some(own) = route.config.public_url.clone().or_else(|| asked.base(&route.config))
    {
        headers::rewrite(&mut headers, &route.config.upstream.url(), &own);
    }
    respond::name_entries(&mut headers, entries);
    *response.headers_mut() = headers;
    response
}
