//! Where references lead: to an entry of the same Bundle, to what was read shortly before, to the server.
//!
//! What is read from the server is read with the client's own authorization, within one deadline for the whole request.
//! Of an emergency nothing is read: it is judged by what is known.

#[cfg(test)]
mod tests;

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use http::header::{ACCEPT, AUTHORIZATION, COOKIE};
use http::{HeaderMap, HeaderValue, Method, Request};
use http_body_util::{BodyExt, Limited};
use moka::sync::Cache;
use serde_json::Value;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::clock;
use crate::domain::order::{Action, Urgency};
use crate::fhir::bundle;
use crate::fhir::document::{Document, Limits};
use crate::fhir::reference::{Reference, parse};
use crate::inbound::fhir::Config;
use crate::inbound::fhir::pieces::Piece;
use crate::inbound::fhir::reader::{Came, ReadPiece, Reader};
use crate::inbound::fhir::service::{Asked, Route};
use crate::mapping::fhir::{Found, References};
use crate::register::InForce;

/// The types that are looked up: who operates, for whom, and what an appointment is based on.
const LOOKED_UP: [&str; 6] =
    ["Practitioner", "PractitionerRole", "Organization", "ServiceRequest", "Patient", "Location"];
/// A role leads to a person, an order to a role that leads to a person: more is a chain that nobody writes.
const ROUNDS_MAX: usize = 3;
/// References looked up for one request. A transaction of a whole theatre day names some dozens of people.
const LOOKUPS_MAX: usize = 256;
/// How many are under way at a time: a burst that no server takes for an attack.
const AT_ONCE: usize = 8;
/// A Practitioner is some KiB, with a photo some hundred.
const BODY_MAX: usize = 1024 * 1024;
/// How long what was read is used: people change seldom, and an order that is changed past the gate shows soon.
const KEPT_FOR: Duration = Duration::from_secs(60);
/// What all of them may take, in bytes of JSON.
const KEPT_MAX: u64 = 64 * 1024 * 1024;

/// What a request may change of what was read before.
pub(super) enum Changes {
    /// Nothing that was there.
    Nothing,
    /// `Type/id`.
    One(String),
    /// Whatever.
    Anything,
}

/// Resources read shortly before, by `Type/id`.
#[derive(Clone)]
pub(super) struct Remembered(Cache<String, (Arc<Value>, u32)>);

impl Default for Remembered {
    fn default() -> Self {
        let builder = Cache::builder().max_capacity(KEPT_MAX).time_to_live(KEPT_FOR);
        Self(builder.weigher(|_, (_, bytes): &(Arc<Value>, u32)| *bytes).build())
    }
}

impl Remembered {
    /// What may be another now is not remembered.
    pub(super) fn forget(&self, changes: &Changes) {
        match changes {
            Changes::Nothing => {}
            Changes::One(relative) => self.0.invalidate(relative),
            Changes::Anything => self.0.invalidate_all(),
        }
    }
}

/// What is known of references while one request is read.
pub(super) struct Known<'k> {
    bases: Vec<String>,
    cache: Option<&'k Remembered>,
    /// The request's body; where it is a Bundle, references lead to its entries first.
    root: &'k Value,
    /// What it was asked for before, since a reference is mostly written many times.
    inside: RefCell<HashMap<String, Option<Arc<Value>>>>,
    /// What was taken out of it, by its address: however many names lead to a resource, it is copied once.
    taken: RefCell<HashMap<usize, Arc<Value>>>,
    looked_up: HashMap<String, Option<Arc<Value>>>,
    elsewhere: RefCell<BTreeSet<String>>,
}

impl<'k> Known<'k> {
    /// Of a request with the body `root`.
    pub(super) fn new(route: &'k Route, asked: &Asked, root: &'k Value) -> Self {
        let further = asked.base(&route.config);
        Self::of(&route.config, further, Some(&route.remembered), root)
    }

    /// The same where nobody can be asked and nothing was before.
    pub(super) fn offline(config: &Config, root: &'k Value) -> Self {
        Self::of(config, None, None, root)
    }

    fn of(
        config: &Config,
        further: Option<String>,
        cache: Option<&'k Remembered>,
        root: &'k Value,
    ) -> Self {
        let bases = [Some(config.upstream.url()), config.public_url.clone(), further];
        Self::at(bases.into_iter().flatten().collect(), cache, root)
    }

    fn at(bases: Vec<String>, cache: Option<&'k Remembered>, root: &'k Value) -> Self {
        let (inside, taken, elsewhere) = Default::default();
        Self { bases, cache, root, inside, taken, looked_up: HashMap::new(), elsewhere }
    }

    /// A resource of the body itself.
    fn taken(&self, resource: &'k Value) -> Arc<Value> {
        let mut taken = self.taken.borrow_mut();
        let own = taken.entry(std::ptr::from_ref(resource).addr());
        Arc::clone(own.or_insert_with(|| Arc::new(resource.clone())))
    }

    /// The entry of the request's Bundle that a reference leads to.
    fn in_bundle(&self, reference: &str) -> Option<Arc<Value>> {
        if let Some(found) = self.inside.borrow().get(reference) {
            return found.clone();
        }
        let found = bundle::find(self.root, reference).map(|found| self.taken(found));
        self.inside.borrow_mut().insert(reference.to_owned(), found.clone());
        found
    }

    /// Whether anything led to an entry of the request's Bundle.
    pub(super) fn led_inside(&self) -> bool {
        self.inside.borrow().values().any(Option::is_some)
    }

    /// `Type/id` of a reference to the server itself.
    fn relative(&self, reference: &str) -> Option<String> {
        self.bases.iter().find_map(|base| match parse(reference, base) {
            Reference::Here { resource_type, id } => Some(format!("{resource_type}/{id}")),
            _ => None,
        })
    }

    /// References that led out of the request and were asked for in earnest, sorted.
    pub(super) fn elsewhere(&self) -> Vec<String> {
        self.elsewhere.borrow().iter().cloned().collect()
    }

    /// What stands beside an order that a CarePlan or the like contains: contained resources share one list.
    fn beside(&self, id: &str) -> Found {
        // These two contain nothing, whatever is written in them.
        let kind = self.root.get("resourceType").and_then(Value::as_str);
        let contained = match kind {
            Some("Bundle" | "Parameters") | None => None,
            Some(_) => self.root.get("contained").and_then(Value::as_array),
        };
        let mut named = contained
            .into_iter()
            .flatten()
            .filter(|resource| resource.get("id").and_then(Value::as_str) == Some(id));
        match (named.next(), named.next()) {
            (Some(only), None) => Found::Resource(self.taken(only)),
            _ => Found::Nothing,
        }
    }
}

impl References for Known<'_> {
    fn find(&self, reference: &str) -> Found {
        if let Some(id) = reference.strip_prefix('#') {
            return self.beside(id);
        }
        if let Some(resource) = self.in_bundle(reference) {
            return Found::Resource(resource);
        }
        let Some(relative) = self.relative(reference) else { return Found::Nothing };
        let (resource_type, _) = relative.split_once('/').unwrap_or_default();
        if !LOOKED_UP.contains(&resource_type) {
            return Found::Nothing;
        }
        let found = match self.looked_up.get(&relative) {
            Some(Some(resource)) => Found::Resource(Arc::clone(resource)),
            Some(None) => Found::Nothing,
            None => match self.cache.and_then(|cache| cache.0.get(&relative)) {
                Some((resource, _)) => Found::Resource(resource),
                None => return Found::NotAsked,
            },
        };
        self.elsewhere.borrow_mut().insert(relative);
        found
    }
}

/// When whatever a request that came now needs from the server must have come.
pub(super) fn deadline(route: &Route) -> Instant {
    Instant::from_std(clock::monotonic() + route.config.lookup_timeout)
}

/// Reads pieces, looking up until `deadline` what their references lead to where that may be waited for.
pub(super) async fn read(
    route: &Route,
    asked: &Asked,
    pieces: &[Piece<'_>],
    deadline: Instant,
    known: &mut Known<'_>,
) -> Vec<ReadPiece> {
    let mut left = LOOKUPS_MAX;
    for _ in 0..ROUNDS_MAX {
        let (read, unresolved) = read_once(route, pieces, known);
        let wanted: BTreeSet<String> = unresolved
            .iter()
            .filter_map(|reference| known.relative(reference))
            .filter(|relative| !known.looked_up.contains_key(relative))
            .take(left)
            .collect();
        if wanted.is_empty() || !may_wait(&read) {
            known.elsewhere.get_mut().extend(wanted);
            return read;
        }
        left -= wanted.len();
        look_up(route, asked, wanted, deadline, known).await;
    }
    read_once(route, pieces, known).0
}

fn read_once(
    route: &Route,
    pieces: &[Piece<'_>],
    known: &Known<'_>,
) -> (Vec<ReadPiece>, Vec<String>) {
    let InForce { catalogue, lists, usable } = route.gate.register().in_force();
    let reader = Reader {
        config: &route.config,
        catalogue: &catalogue,
        lists: &lists,
        all_surgical: route.config.all_surgical || !usable,
        zone: route.gate.zone(),
        checked_order: &|order_no| route.gate.memory().knows_order(order_no),
        order_at: &|address| route.gate.memory().order_at(address),
    };
    let mut unresolved = Vec::new();
    let mut read = Vec::with_capacity(pieces.len());
    for piece in pieces {
        let (piece, further) = reader.read(piece, known);
        // A withdrawal passes whoever operates.
        if !matches!(&piece.came, Came::Order(order) if order.action() == Action::Withdraw) {
            unresolved.extend(further);
        }
        read.push(piece);
    }
    (read, unresolved)
}

/// Whether none of the pieces, as far as they can be read now, is an emergency.
pub(super) fn may_wait_for(route: &Route, pieces: &[Piece<'_>], known: &Known<'_>) -> bool {
    may_wait(&read_once(route, pieces, known).0)
}

/// No network call stands between an emergency and its verdict, nor before what goes the same way with it.
fn may_wait(read: &[ReadPiece]) -> bool {
    read.iter().all(|piece| match &piece.came {
        Came::Order(order) => order.urgency() != Urgency::Emergency,
        Came::Nothing { .. } | Came::Doubt(_) => true,
    })
}

/// Asks the server for all of `wanted`; what does not come in time leads to nobody.
async fn look_up(
    route: &Route,
    asked: &Asked,
    wanted: BTreeSet<String>,
    deadline: Instant,
    known: &mut Known<'_>,
) {
    let mut waiting: Vec<String> = wanted.into_iter().collect();
    known.looked_up.extend(waiting.iter().map(|relative| (relative.clone(), None)));
    let mut asking = JoinSet::new();
    loop {
        while asking.len() < AT_ONCE
            && let Some(relative) = waiting.pop()
        {
            let (route, credentials) = (route.clone(), credentials(&asked.parts.headers));
            asking.spawn(async move {
                let found = get(&route, &relative, credentials).await;
                (relative, found)
            });
        }
        match tokio::time::timeout_at(deadline, asking.join_next()).await {
            Ok(Some(Ok((relative, Fetched::Resource(resource, bytes))))) => {
                let weight = u32::try_from(bytes).unwrap_or(u32::MAX);
                let kept = (Arc::clone(&resource), weight);
                route.remembered.0.insert(relative.clone(), kept);
                known.looked_up.insert(relative, Some(resource));
            }
            Ok(Some(_)) => {}
            // All have come, or time is up; dropping the set ends what is under way.
            Ok(None) | Err(_) => return,
        }
    }
}

/// What the client proves itself by; nothing else of its request goes along.
pub(super) fn credentials(headers: &HeaderMap) -> HeaderMap {
    let mut own = HeaderMap::new();
    for name in [AUTHORIZATION, COOKIE] {
        for value in headers.get_all(&name) {
            own.append(name.clone(), value.clone());
        }
    }
    own
}

/// What came of reading one resource.
pub(super) enum Fetched {
    /// It, and the length of its JSON in bytes.
    Resource(Arc<Value>, usize),
    /// The server says that it is not there.
    Missing,
    /// The server answers something else, or what it sends is not the resource.
    Unreadable,
    /// The server does not answer.
    Unavailable,
}

/// Reads a resource from the server.
pub(super) async fn get(route: &Route, relative: &str, credentials: HeaderMap) -> Fetched {
    let (resource_type, id) = relative.split_once('/').unwrap_or_default();
    let fetched = fetch(route, relative, credentials, BODY_MAX).await;
    match &fetched {
        Fetched::Resource(resource, _) => {
            let text = |member: &str| resource.get(member).and_then(Value::as_str);
            let same = text("resourceType") == Some(resource_type) && text("id") == Some(id);
            if same { fetched } else { Fetched::Unreadable }
        }
        _ => fetched,
    }
}

/// Reads whatever stands at an address below the base: the gate's own GET, never anybody's request.
pub(super) async fn fetch(
    route: &Route,
    relative: &str,
    credentials: HeaderMap,
    limit: usize,
) -> Fetched {
    let Some(uri) = route.config.upstream.below(relative) else { return Fetched::Unreadable };
    let mut request = Request::new(crate::net::client::empty());
    *request.method_mut() = Method::GET;
    *request.uri_mut() = uri;
    *request.headers_mut() = credentials;
    request.headers_mut().insert(ACCEPT, HeaderValue::from_static("application/fhir+json"));
    let Ok(response) = route.client.request(request).await else { return Fetched::Unavailable };
    match response.status().as_u16() {
        200 => {}
        404 | 410 => return Fetched::Missing,
        429 | 500.. => return Fetched::Unavailable,
        _ => return Fetched::Unreadable,
    }
    let Ok(body) = Limited::new(response.into_body(), limit).collect().await else {
        return Fetched::Unreadable;
    };
    let body = body.to_bytes();
    let limits = Limits { bytes: limit, ..route.config.limits };
    match Document::read(&body, limits) {
        Ok(document) => Fetched::Resource(Arc::new(document.root().clone()), body.len()),
        Err(_) => Fetched::Unreadable,
    }
}
