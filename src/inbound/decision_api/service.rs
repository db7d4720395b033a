//! The paths of the decision API: page, caller, body, and a place among those in hand.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{RawQuery, State};
use axum::http::header::{CONTENT_TYPE, HeaderName, ORIGIN};
use axum::http::{HeaderMap, HeaderValue, Uri};
use axum::response::Response;
use axum::routing::{get, post};
use axum::{Extension, Router};
use bytes::Bytes;
use percent_encoding::percent_decode_str;
use serde_json::json;
use tokio::time::timeout;

use crate::gate::Gate;
use crate::gate::inquiry::Caller;
use crate::inbound::console::bounds::{ANSWER_WITHIN, Bounds, whole};
use crate::inbound::console::caller::{Peer, Scheme, bearer, same_secret};
use crate::inbound::decision_api::authzen::{self, Asking};
use crate::inbound::decision_api::explain::{self, Explainer, Form};
use crate::inbound::decision_api::wire::{
    EvaluationRequest, EvaluationsRequest, PartialEvaluation,
};
use crate::inbound::decision_api::{Config, openapi, respond};
use crate::telemetry::events;

/// Every route that can explain, the default of each form first.
pub type Explainers = Vec<Explainer>;

/// AuthZEN: a caller's own number of its request, given back.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// A number longer than this is not given back.
const REQUEST_ID_BYTES_MAX: usize = 128;

struct Service {
    config: Config,
    gate: Arc<Gate>,
    bounds: Bounds,
    explainers: Explainers,
    /// What is served at `/openapi.json`.
    description: String,
}

/// The paths of the decision API.
pub fn router(
    config: &Config,
    gate: &Arc<Gate>,
    bounds: &Bounds,
    explainers: Explainers,
) -> Router {
    let service = Service {
        description: openapi::document(config, &explainers),
        config: config.clone(),
        gate: Arc::clone(gate),
        bounds: bounds.clone(),
        explainers,
    };
    Router::new()
        .route("/.well-known/authzen-configuration", get(metadata))
        .route("/access/v1/evaluation", post(evaluation))
        .route("/access/v1/evaluations", post(evaluations))
        .route("/v1/explain", post(explain))
        .route("/openapi.json", get(description))
        .with_state(Arc::new(service))
}

async fn description(State(service): State<Arc<Service>>) -> Response {
    respond::document(service.description.clone())
}

/// Where the decision point is (AuthZEN §9).
async fn metadata(
    State(service): State<Arc<Service>>,
    Extension(Scheme(scheme)): Extension<Scheme>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let own = service.config.public_url.as_deref().map(|url| url.trim_end_matches('/').to_owned());
    // HTTP/2 has the host in the address.
    let asked = uri.authority().map(|authority| authority.as_str());
    let host = asked.or_else(|| headers.get("host")?.to_str().ok()).unwrap_or("localhost");
    let base = own.unwrap_or_else(|| format!("{scheme}://{host}"));
    respond::good(&json!({
        "policy_decision_point": base,
        "access_evaluation_endpoint": format!("{base}/access/v1/evaluation"),
        "access_evaluations_endpoint": format!("{base}/access/v1/evaluations"),
    }))
}

async fn evaluation(
    State(service): State<Arc<Service>>,
    Extension(peer): Extension<Peer>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let id = request_id(&headers);
    let answer = service.let_in(authzen::INTERFACE, peer, &headers, body, async |caller, body| {
        if !is_json(&headers) {
            return respond::unknown_form("send application/json");
        }
        let request = match EvaluationRequest::read(&body) {
            Ok(request) => request,
            Err(what) => return respond::malformed(what),
        };
        match service.asking(&caller, &id).one(&request, body).await {
            Ok(decided) => respond::good(&decided),
            Err(error) => respond::unavailable(&error.to_string()),
        }
    });
    with_request_id(answer.await, &id)
}

async fn evaluations(
    State(service): State<Arc<Service>>,
    Extension(peer): Extension<Peer>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let id = request_id(&headers);
    let answer = service.let_in(authzen::INTERFACE, peer, &headers, body, async |caller, body| {
        if !is_json(&headers) {
            return respond::unknown_form("send application/json");
        }
        let request = match EvaluationsRequest::read(&body) {
            Ok(request) => request,
            Err(what) => return respond::malformed(what),
        };
        let asking = service.asking(&caller, &id);
        let alone = request.evaluations.as_ref().is_none_or(Vec::is_empty);
        let decided = if alone {
            let top = asking.part(&PartialEvaluation::default(), &request.defaults).await;
            top.map(|decided| respond::good(&decided))
        } else {
            let all = asking.all(&request).await;
            all.map(|decided| respond::good(&json!({ "evaluations": decided })))
        };
        decided.unwrap_or_else(|error| respond::unavailable(&error.to_string()))
    });
    with_request_id(answer.await, &id)
}

async fn explain(
    State(service): State<Arc<Service>>,
    Extension(peer): Extension<Peer>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let answer = service.let_in(explain::INTERFACE, peer, &headers, body, async |caller, body| {
        let Some(form) = form(&headers) else {
            let what = "send application/hl7-v2, x-application/hl7-v2+er7, application/fhir+json or \
                        application/json";
            return respond::unknown_form(what);
        };
        if body.is_empty() {
            return respond::malformed("the body is empty");
        }
        if form == Form::Fhir && !is_json_object(&body) {
            return respond::malformed("the body is no JSON object");
        }
        let name = query.as_deref().and_then(route_of);
        let wanted = |own: &&Explainer| {
            own.form == form && name.as_deref().is_none_or(|name| name == &*own.route)
        };
        let Some(explainer) = service.explainers.iter().find(wanted) else {
            return respond::no_route();
        };
        match explainer.explain(&service.gate, caller, body).await {
            Ok(verdict) => respond::good(&verdict),
            Err(error) => respond::unavailable(&error.to_string()),
        }
    });
    answer.await
}

impl Service {
    fn asking<'a>(&'a self, caller: &'a Caller, request_id: &'a Option<String>) -> Asking<'a> {
        let request_id = request_id.as_deref().unwrap_or_default();
        Asking { gate: &self.gate, config: &self.config, caller, request_id }
    }

    async fn let_in(
        &self,
        interface: &'static str,
        peer: Peer,
        headers: &HeaderMap,
        body: Body,
        answer: impl AsyncFnOnce(Caller, Bytes) -> Response,
    ) -> Response {
        let turned_away = |why, response| {
            events::InquiryTurnedAway { interface, why }.emit();
            response
        };
        // A browser says where a page comes from; programs do not.
        if headers.contains_key(ORIGIN) {
            return turned_away("origin", respond::foreign_page());
        }
        let Some(client) = self.client(peer, headers).await else {
            return turned_away("token", respond::unauthorised());
        };
        let body = match whole(body).await {
            Ok(body) => body,
            Err(excess) => return turned_away(excess.as_str(), respond::excess(excess)),
        };
        let place = match self.bounds.enter().await {
            Ok(place) => place,
            Err(excess) => return turned_away(excess.as_str(), respond::excess(excess)),
        };
        let caller = Caller::system(client.to_owned());
        let answered = timeout(ANSWER_WITHIN, answer(caller, body)).await;
        drop(place);
        answered.unwrap_or_else(|_| respond::unavailable("not answered in time"))
    }

    /// Who asks: by the token, which is read from its file each time so that it can be changed; or this machine.
    async fn client(&self, peer: Peer, headers: &HeaderMap) -> Option<&'static str> {
        let Some(file) = &self.config.token_file else {
            return peer.is_local(headers).then_some("loopback");
        };
        let shown = bearer(headers)?;
        match tokio::fs::read_to_string(file).await {
            Ok(own) => {
                let own = own.trim();
                (!own.is_empty() && same_secret(shown.as_bytes(), own.as_bytes()))
                    .then_some("token")
            }
            Err(error) => {
                let whose = file.to_string_lossy();
                events::CallerKeysUnreadable { whose: &whose, why: &error }.emit();
                None
            }
        }
    }
}

/// `route` of a query.
fn route_of(query: &str) -> Option<String> {
    let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    let (_, value) = pairs.find(|(name, _)| *name == "route")?;
    let value = value.replace('+', " ");
    Some(percent_decode_str(&value).decode_utf8_lossy().into_owned())
}

fn media_type(headers: &HeaderMap) -> String {
    let kind = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

fn is_json(headers: &HeaderMap) -> bool {
    media_type(headers) == "application/json"
}

fn form(headers: &HeaderMap) -> Option<Form> {
    match media_type(headers).as_str() {
        "application/hl7-v2" | "application/hl7-v2+er7" | "x-application/hl7-v2+er7" => {
            Some(Form::Hl7)
        }
        "application/fhir+json" | "application/json" => Some(Form::Fhir),
        _ => None,
    }
}

fn is_json_object(body: &[u8]) -> bool {
    serde_json::from_slice::<serde_json::Map<String, serde_json::Value>>(body).is_ok()
}

fn request_id(headers: &HeaderMap) -> Option<String> {
    let id = headers.get(REQUEST_ID)?.to_str().ok()?;
    (id.len() <= REQUEST_ID_BYTES_MAX).then(|| id.to_owned())
}

fn with_request_id(mut response: Response, id: &Option<String>) -> Response {
    if let Some(value) = id.as_deref().and_then(|id| HeaderValue::from_str(id).ok()) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    response
}
