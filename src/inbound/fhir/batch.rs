//! Batch Bundles: every entry stands for itself. Those that are refused are cut out, the rest goes on, and the response is
//! completed with the refusals at their places.

use bytes::Bytes;
use http::Response;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::clock;
use crate::fhir::splice;
use crate::gate::KnownAs;
use crate::gate::passage::{Outcome, Passage};
use crate::inbound::fhir::exchange::{Content, Outgoing, forward, undelivered};
use crate::inbound::fhir::intake::{Batch, Unit};
use crate::inbound::fhir::named::{self, Name};
use crate::inbound::fhir::service::{Asked, Route, before_gate};
use crate::inbound::fhir::{recorded, respond};
use crate::ledger::EntryId;
use crate::net::client::Body;
use crate::telemetry::events;

/// What became of the entries.
#[derive(Default)]
struct Sorted {
    /// Those that pass after they were judged: entry and permission.
    passing: Vec<(usize, Passage)>,
    /// Those that do not, with their answers.
    refused: Vec<(usize, Value)>,
    names: Vec<Name>,
}

/// The entries as they stand in the body.
#[derive(Deserialize)]
struct RawBundle<'b> {
    #[serde(borrow)]
    entry: Vec<RawEntry<'b>>,
}

#[derive(Deserialize)]
struct RawEntry<'b> {
    #[serde(borrow, default)]
    resource: Option<&'b RawValue>,
    #[serde(default)]
    request: RawRequest,
}

#[derive(Default, Deserialize)]
struct RawRequest {
    #[serde(default)]
    method: String,
    #[serde(default)]
    url: String,
}

/// Judges the entries of a batch one by one.
pub(super) async fn judged(
    route: &Route,
    asked: &Asked,
    batch: Batch,
    body: Bytes,
) -> Response<Body> {
    let Batch { decoded, count, units } = batch;
    let sorted = sort(route, asked, &decoded, units).await;
    let now = || route.gate.clock().now();
    if sorted.refused.is_empty() {
        return onwards(route, asked, sorted, Content::Whole(body), count).await;
    }
    if sorted.refused.len() == count {
        return respond::all_refused(sorted.refused, now());
    }
    let refused: Vec<usize> = sorted.refused.iter().map(|(entry, _)| *entry).collect();
    match splice::without(&decoded, &refused) {
        Some(rest) => onwards(route, asked, sorted, Content::Spliced(rest.into()), count).await,
        None => {
            let passages: Vec<Passage> = sorted.passing.into_iter().map(|(_, p)| p).collect();
            undelivered(route, &passages, "withheld", clock::monotonic());
            respond::internal(now())
        }
    }
}

/// Takes the entries before the gate, in their order: an appointment comes after its order.
async fn sort(route: &Route, asked: &Asked, body: &[u8], units: Vec<(usize, Unit)>) -> Sorted {
    let raw = serde_json::from_slice::<RawBundle<'_>>(body);
    let raw = raw.map(|bundle| bundle.entry).unwrap_or_default();
    let base = route.config.upstream.base();
    let mut sorted = Sorted::default();
    for (entry, mut unit) in units {
        let names = std::mem::take(&mut unit.names);
        let message = match raw.get(entry) {
            Some(RawEntry { resource, request }) => {
                let resource = resource.map_or("", RawValue::get);
                let target = format!("{base}/{}", request.url.trim_start_matches('/'));
                recorded::entry(&request.method, &target, resource.as_bytes())
            }
            None => recorded::request(&asked.parts, body),
        };
        match before_gate(route, asked, message, unit).await {
            Outcome::Forward(passage) => {
                sorted.passing.push((entry, passage));
                sorted.names.extend(names);
            }
            Outcome::Refuse(refusal) => {
                let answer = respond::refused_entry(refusal.answer.as_ref());
                sorted.refused.push((entry, answer));
            }
        }
    }
    sorted
}

/// Sends on what passes, records what became of each entry, and completes the response.
async fn onwards(
    route: &Route,
    asked: &Asked,
    sorted: Sorted,
    content: Content,
    count: usize,
) -> Response<Body> {
    let Sorted { passing, refused, names } = sorted;
    let (entries, mut passages): (Vec<usize>, Vec<Passage>) = passing.into_iter().unzip();
    if passages.is_empty() {
        passages.push(route.gate.short_way());
        events::NotSurgical { route: &route.config.name, scheduling: false }.emit();
    }
    let recorded: Vec<Option<EntryId>> = passages.iter().map(Passage::told_under).collect();
    let first = passages.remove(0);
    let Some(outgoing) = Outgoing::new(route, asked, first, content) else {
        return respond::no_target(route.gate.clock().now());
    };
    let mut answered = match forward(route, outgoing.with(passages)).await {
        Ok(answered) => answered,
        Err(response) => return response,
    };
    route.remembered.forget(&asked.changes());
    if entries.is_empty() && refused.is_empty() {
        return answered.into_response(route, asked);
    }
    let limit = route.config.limits.bytes;
    let body = if answered.is_success() { answered.gathered(limit).await } else { None };
    let response = body.as_ref().and_then(|bytes| serde_json::from_slice(bytes).ok());
    let response: Value = response.unwrap_or_default();
    let place = |entry: usize| {
        let before = refused.iter().filter(|(refused, _)| *refused < entry).count();
        entry.checked_sub(before)
    };
    let known = named::of_bundle(&names, &response, &route.config.upstream, place);
    for (entry, id) in entries.iter().zip(recorded) {
        let Some(id) = id else { continue };
        let own = known.iter().filter(|(known, _)| known == entry);
        let own: Vec<KnownAs> = own.map(|(_, known)| known.clone()).collect();
        let status = place(*entry).and_then(|at| status_of(&response, at));
        answered.record(route, id, status, own);
    }
    if refused.is_empty() {
        return answered.into_response(route, asked);
    }
    let forwarded = count.saturating_sub(refused.len());
    match body.and_then(|body| splice::with(&body, forwarded, &refused)) {
        Some(whole) => answered.into_completed(route, asked, whole),
        None => {
            // The server has refused the rest as a whole, or does not answer like a FHIR server.
            events::RefusalUntold { route: &route.config.name }.emit();
            answered.into_response(route, asked)
        }
    }
}

/// `201` of `201 Created`.
fn status_of(response: &Value, at: usize) -> Option<&str> {
    let status = response.get("entry")?.get(at)?.get("response")?.get("status")?.as_str()?;
    status.split(' ').next()
}
