//! The services: a call becomes inquiries and cards, feedback becomes attestations.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;
use axum::response::Response;
use axum::routing::{get, post};
use axum::{Extension, Router};
use bytes::Bytes;
use serde_json::json;
use tokio::time::timeout;

use crate::domain::order::Order;
use crate::fhir::document::{Document, Limits};
use crate::gate::attested::AttestError;
use crate::gate::inquiry::{Caller, Inquired, Inquiry, InquiryError};
use crate::gate::terms::Terms;
use crate::gate::{Gate, Subject};
use crate::inbound::cds_hooks::cards::{Card, card};
use crate::inbound::cds_hooks::clients::Clients;
use crate::inbound::cds_hooks::cors::Page;
use crate::inbound::cds_hooks::discovery::{Hook, document};
use crate::inbound::cds_hooks::feedback::{self, Outcome, Told};
use crate::inbound::cds_hooks::language::Language;
use crate::inbound::cds_hooks::reading::{Read, Reader, UNRESOLVED};
use crate::inbound::cds_hooks::references::Known;
use crate::inbound::cds_hooks::request::{self, Draft, HookCall};
use crate::inbound::cds_hooks::{Config, respond};
use crate::inbound::console::bounds::{ANSWER_WITHIN, BODY_BYTES_MAX, Bounds, whole};
use crate::inbound::console::caller::Peer;
use crate::inbound::live::{InForce, Live};
use crate::ledger::{Body as EntryBody, Kind};
use crate::telemetry::events;

/// The interface's name in entries and metrics.
const INTERFACE: &str = "cds-hooks";
/// What the bodies of resources are read with; an order is flat.
const LIMITS: Limits = Limits { bytes: BODY_BYTES_MAX, depth: 64 };

#[derive(Clone)]
struct Service {
    config: Arc<Config>,
    terms: Arc<Terms>,
    live: Live<Config>,
    gate: Arc<Gate>,
    bounds: Bounds,
    clients: Arc<Clients>,
}

/// The paths of CDS Hooks.
pub fn router(live: &Live<Config>, gate: &Arc<Gate>, bounds: &Bounds) -> Router {
    let InForce { config, terms } = live.now();
    let service = Service {
        clients: Arc::new(Clients::new(&config.clients)),
        config,
        terms,
        live: live.clone(),
        gate: Arc::clone(gate),
        bounds: bounds.clone(),
    };
    Router::new()
        .route("/cds-services", get(discover).options(preflight))
        .route("/cds-services/{id}", post(hook).options(preflight))
        .route("/cds-services/{id}/feedback", post(take_feedback).options(preflight))
        .with_state(Arc::new(service))
}

async fn discover(State(service): State<Arc<Service>>, headers: HeaderMap) -> Response {
    let mut response = respond::discovery(&document());
    Page::of(&headers, &service.config.origins).open(response.headers_mut());
    response
}

async fn preflight(State(service): State<Arc<Service>>, headers: HeaderMap) -> Response {
    let page = Page::of(&headers, &service.config.origins);
    let mut response = respond::preflight(page != Page::Foreign);
    page.open_preflight(response.headers_mut());
    response
}

async fn hook(
    State(service): State<Arc<Service>>,
    Path(id): Path<String>,
    Extension(peer): Extension<Peer>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let service = service.renewed();
    let answer = service.let_in(&id, peer, &headers, body, async |hook, client, body| {
        service.judge(hook, client, &body, Language::of(&headers)).await
    });
    answer.await
}

async fn take_feedback(
    State(service): State<Arc<Service>>,
    Path(id): Path<String>,
    Extension(peer): Extension<Peer>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let answer = service.let_in(&id, peer, &headers, body, async |_, client, body| {
        service.take(&id, client, &body).await
    });
    answer.await
}

impl Service {
    /// By what is in force now: a call is judged by one configuration.
    fn renewed(&self) -> Self {
        let InForce { config, terms } = self.live.now();
        Self { config, terms, ..self.clone() }
    }

    /// What every post goes through: page, service, caller, body, and a place among those in hand.
    async fn let_in(
        &self,
        id: &str,
        peer: Peer,
        headers: &HeaderMap,
        body: Body,
        answer: impl AsyncFnOnce(Hook, String, Bytes) -> Response,
    ) -> Response {
        let page = Page::of(headers, &self.config.origins);
        let answered = async {
            if page == Page::Foreign {
                return turned_away("origin", respond::foreign_origin());
            }
            let Some(hook) = Hook::of_service(id) else { return respond::unknown_service() };
            let now = self.gate.clock().now().as_second();
            let client = self.clients.caller(headers, peer, now, &self.own_urls(id)).await;
            let client = match client {
                Ok(client) => client,
                Err(fault) => return turned_away(fault.as_str(), respond::unauthorised(fault)),
            };
            if !is_json(headers) {
                return respond::not_json();
            }
            let body = match whole(body).await {
                Ok(body) => body,
                Err(excess) => return turned_away(excess.as_str(), respond::excess(excess)),
            };
            let place = match self.bounds.enter().await {
                Ok(place) => place,
                Err(excess) => return turned_away(excess.as_str(), respond::excess(excess)),
            };
            let answered = timeout(ANSWER_WITHIN, answer(hook, client, body)).await;
            drop(place);
            answered.unwrap_or_else(|_| respond::unavailable("not answered in time"))
        };
        let mut response = answered.await;
        page.open(response.headers_mut());
        response
    }

    /// What a token may name as its audience where no other is configured. Not from the request's own `Host`: that
    /// would let a token for another service in.
    fn own_urls(&self, id: &str) -> Vec<String> {
        let base = self.config.public_url.as_deref().map(|url| url.trim_end_matches('/'));
        let urls = base.map(|base| {
            let services = format!("{base}/cds-services");
            let service = format!("{services}/{id}");
            vec![format!("{service}/feedback"), service, services, base.to_owned()]
        });
        urls.unwrap_or_default()
    }

    /// Judges every order of a call.
    async fn judge(&self, hook: Hook, client: String, body: &[u8], language: Language) -> Response {
        let call = match request::read(body, hook) {
            Ok(call) => call,
            Err(fault) => return respond::not_understood(fault),
        };
        let mut known = Known::new(call.prefetch.as_ref(), call.fhir_server.as_deref());
        let mut documents = Vec::new();
        for draft in &call.drafts {
            match Document::read(draft.bytes.get().as_bytes(), LIMITS) {
                Ok(document) => {
                    known.add(&Arc::new(document.root().clone()), draft.full_url.as_deref());
                    if draft.judged {
                        documents.push((draft, document));
                    }
                }
                Err(unsound) => {
                    let caller = Caller::system(client);
                    self.note_unreadable(&call, draft, caller, unsound.as_str()).await;
                    return respond::unsound(unsound.chinese(), unsound.english(), &draft.path);
                }
            }
        }
        let reader = Reader { mapping: &self.config.mapping, gate: &self.gate, known: &known };
        let caller = asker(client, &call, &reader);
        let patient = reader.patient(&call.patient);
        let mut orders = Vec::new();
        for (draft, document) in &documents {
            match reader.read(document, draft) {
                Read::NotSurgical => {
                    events::NotSurgical { route: INTERFACE, scheduling: false }.emit()
                }
                Read::Order(mut order) => {
                    order.patient = order.patient.take().or_else(|| patient.clone());
                    orders.push((*draft, order));
                }
                Read::Unresolved(references) => {
                    self.note_unreadable(&call, draft, caller, UNRESOLVED).await;
                    return respond::unresolved(&references, &draft.path);
                }
                Read::Unreadable(unreadable) => {
                    let why = unreadable.why.as_str();
                    self.note_unreadable(&call, draft, caller, why).await;
                    return respond::unreadable(&unreadable, &draft.path);
                }
            }
        }
        match self.cards(&call, orders, &caller, language).await {
            Ok(cards) => respond::cards(&cards, language),
            Err(error) => respond::unavailable(&error.to_string()),
        }
    }

    async fn cards(
        &self,
        call: &HookCall<'_>,
        orders: Vec<(&Draft<'_>, Order)>,
        caller: &Caller,
        language: Language,
    ) -> Result<Vec<Card>, InquiryError> {
        let mut cards = Vec::new();
        for (draft, order) in orders {
            let subject = Subject::Orders(vec![order]);
            let asked = self.inquire(call, draft, caller.clone(), subject).await?;
            cards.extend(card(&asked, language, self.config.public_url.as_deref()));
        }
        Ok(cards)
    }

    async fn inquire(
        &self,
        call: &HookCall<'_>,
        draft: &Draft<'_>,
        caller: Caller,
        subject: Subject,
    ) -> Result<Inquired, InquiryError> {
        let inquiry = Inquiry {
            interface: INTERFACE,
            caller,
            route: INTERFACE.into(),
            stance: Arc::clone(&self.config.stance),
            mapping: self.config.mapping.name().into(),
            message: Bytes::copy_from_slice(draft.bytes.get().as_bytes()),
            control_id: call.instance.to_owned(),
            subject,
            terms: Arc::clone(&self.terms),
        };
        self.gate.inquire(inquiry).await
    }

    /// Enters that somebody asked about an order that nobody can read; the answer is the same whether it could be
    /// entered or not.
    async fn note_unreadable(
        &self,
        call: &HookCall<'_>,
        draft: &Draft<'_>,
        caller: Caller,
        why: &'static str,
    ) {
        events::Unreadable { route: INTERFACE, why }.emit();
        let subject = Subject::Unreadable { why, stage: None };
        let _ = self.inquire(call, draft, caller, subject).await;
    }

    /// Takes feedback: one of our override reasons attests, everything else is only kept.
    async fn take(&self, id: &str, client: String, body: &[u8]) -> Response {
        let told = match feedback::read(body) {
            Ok(told) => told,
            Err(what) => return respond::malformed(what),
        };
        let caller = Caller::system(client);
        let mut failed = None;
        for Told { inquiry, outcome, reason } in told {
            let attested = match (&reason, outcome) {
                (Some(reason), Outcome::Overridden) => {
                    self.gate.attest(inquiry, reason, &caller).await.map(|_| ())
                }
                _ => {
                    self.note_feedback(id, &caller, &inquiry.to_string(), outcome);
                    Ok(())
                }
            };
            // What is down counts before what is unknown: the client shall send all of it again.
            match attested {
                Ok(()) => {}
                Err(AttestError::LedgerUnavailable) => {
                    failed = Some(AttestError::LedgerUnavailable)
                }
                Err(unknown) => failed = failed.or(Some(unknown)),
            }
        }
        match failed {
            None => respond::feedback_taken(),
            Some(AttestError::Unknown) => {
                respond::not_attestable(&AttestError::Unknown.to_string())
            }
            Some(down @ AttestError::LedgerUnavailable) => respond::unavailable(&down.to_string()),
        }
    }

    fn note_feedback(&self, service: &str, caller: &Caller, inquiry: &str, outcome: Outcome) {
        let body = json!({
            "act": "feedback",
            "caller": caller,
            "inquiry": inquiry,
            "outcome": outcome.as_str(),
            "service": service,
        });
        // Texts only, so the body is canonical.
        if let Ok(body) = EntryBody::of(&body) {
            self.gate.note(Kind::Access, body);
        }
    }
}

/// The system, and the person before its screen: a staff number, or only the reference that leads to none.
fn asker(client: String, call: &HookCall<'_>, reader: &Reader<'_>) -> Caller {
    let user = reader.user(&call.user);
    let unresolved = user.is_none().then(|| call.user.clone());
    Caller { client, user, user_reference: unresolved }
}

fn turned_away(why: &'static str, response: Response) -> Response {
    events::InquiryTurnedAway { interface: INTERFACE, why }.emit();
    response
}

/// `application/json`, with or without parameters.
fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    ["application/json", "application/fhir+json"].iter().any(|own| kind.eq_ignore_ascii_case(own))
}
