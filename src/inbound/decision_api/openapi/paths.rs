//! The paths of the description. The functions are never called: each stands for one that is served.
#![expect(dead_code, reason = "they carry the description and are never called")]

use utoipa::OpenApi;

use crate::inbound::decision_api::openapi::schemas::{
    AppointmentBookCall, Cards, Decision, Decisions, Discovery, Feedback, FhirResource, Metadata,
    Nothing, OperationOutcome, OrderSelectCall, OrderSignCall, Problem, ServiceWord,
    VerdictDocument,
};
use crate::inbound::decision_api::wire::{EvaluationRequest, EvaluationsRequest};

/// All of them.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "orgate 术闸",
        description = "Asks a gate in a hospital's order flow beforehand: may this surgeon perform this procedure \
                       (AuthZEN 1.0), what would become of this message, and CDS Hooks 2.0 for ordering screens. \
                       Every question is recorded in the gate's ledger before it is answered."
    ),
    paths(
        livez,
        readyz,
        metrics,
        openapi_json,
        authzen_configuration,
        evaluation,
        evaluations,
        explain,
        cds_services,
        order_sign,
        order_select,
        appointment_book,
        cds_feedback
    )
)]
pub(super) struct Api;

/// The process runs.
#[utoipa::path(get, path = "/livez", tag = "health",
    responses((status = 200, body = String, content_type = "text/plain")))]
fn livez() {}

/// Every route listens and the register is usable; the body lists each.
#[utoipa::path(get, path = "/readyz", tag = "health",
    responses(
        (status = 200, body = String, content_type = "text/plain"),
        (status = 503, body = String, content_type = "text/plain")
    ))]
fn readyz() {}

/// Counters for Prometheus.
#[utoipa::path(get, path = "/metrics", tag = "health",
    responses((status = 200, body = String, content_type = "text/plain")))]
fn metrics() {}

/// This description.
#[utoipa::path(get, path = "/openapi.json", tag = "decision",
    responses((status = 200, body = Nothing, content_type = "application/json")))]
fn openapi_json() {}

/// AuthZEN: where the decision point is.
#[utoipa::path(get, path = "/.well-known/authzen-configuration", tag = "decision",
    responses((status = 200, body = Metadata)))]
fn authzen_configuration() {}

/// AuthZEN: may this surgeon perform this procedure?
#[utoipa::path(post, path = "/access/v1/evaluation", tag = "decision",
    request_body = EvaluationRequest,
    responses(
        (status = 200, body = Decision),
        (status = 400, body = Problem, content_type = "application/problem+json"),
        (status = 401, body = Problem, content_type = "application/problem+json"),
        (status = 403, body = Problem, content_type = "application/problem+json"),
        (status = 408, body = Problem, content_type = "application/problem+json"),
        (status = 413, body = Problem, content_type = "application/problem+json"),
        (status = 415, body = Problem, content_type = "application/problem+json"),
        (status = 503, body = Problem, content_type = "application/problem+json")
    ))]
fn evaluation() {}

/// AuthZEN: several at once. Without `evaluations` the answer is that of one.
#[utoipa::path(post, path = "/access/v1/evaluations", tag = "decision",
    request_body = EvaluationsRequest,
    responses(
        (status = 200, body = Decisions),
        (status = 400, body = Problem, content_type = "application/problem+json"),
        (status = 401, body = Problem, content_type = "application/problem+json"),
        (status = 403, body = Problem, content_type = "application/problem+json"),
        (status = 408, body = Problem, content_type = "application/problem+json"),
        (status = 413, body = Problem, content_type = "application/problem+json"),
        (status = 415, body = Problem, content_type = "application/problem+json"),
        (status = 503, body = Problem, content_type = "application/problem+json")
    ))]
fn evaluations() {}

/// What would become of a message: the verdict, as `orgate explain` gives it.
#[utoipa::path(post, path = "/v1/explain", tag = "decision",
    params(("route" = Option<String>, Query, description = "The route it would come in by; the first of its form if absent")),
    request_body(content(
        (FhirResource = "application/fhir+json"),
        (FhirResource = "application/json"),
        (String = "application/hl7-v2"),
        (String = "x-application/hl7-v2+er7")
    )),
    responses(
        (status = 200, body = VerdictDocument),
        (status = 400, body = Problem, content_type = "application/problem+json"),
        (status = 401, body = Problem, content_type = "application/problem+json"),
        (status = 403, body = Problem, content_type = "application/problem+json"),
        (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 408, body = Problem, content_type = "application/problem+json"),
        (status = 413, body = Problem, content_type = "application/problem+json"),
        (status = 415, body = Problem, content_type = "application/problem+json"),
        (status = 503, body = Problem, content_type = "application/problem+json")
    ))]
fn explain() {}

/// CDS Hooks 2.0: which services there are.
#[utoipa::path(get, path = "/cds-services", tag = "cds-hooks",
    responses((status = 200, body = Discovery)))]
fn cds_services() {}

/// CDS Hooks 2.0: cards for orders that are to be signed.
#[utoipa::path(post, path = "/cds-services/orgate-order-sign", tag = "cds-hooks",
    request_body = OrderSignCall,
    responses(
        (status = 200, body = Cards),
        (status = 400, body = OperationOutcome, content_type = "application/fhir+json"),
        (status = 401, body = OperationOutcome, content_type = "application/fhir+json"),
        (status = 403, body = OperationOutcome, content_type = "application/fhir+json"),
        (status = 404, body = OperationOutcome, content_type = "application/fhir+json"),
        (status = 408, body = OperationOutcome, content_type = "application/fhir+json"),
        (status = 412, body = OperationOutcome, content_type = "application/fhir+json"),
        (status = 413, body = OperationOutcome, content_type = "application/fhir+json"),
        (status = 415, body = OperationOutcome, content_type = "application/fhir+json"),
        (status = 503, body = OperationOutcome, content_type = "application/fhir+json")
    ))]
fn order_sign() {}

/// CDS Hooks 2.0: cards for orders that were selected.
#[utoipa::path(post, path = "/cds-services/orgate-order-select", tag = "cds-hooks",
    request_body = OrderSelectCall,
    responses(
        (status = 200, body = Cards),
        (status = 400, body = OperationOutcome, content_type = "application/fhir+json"),
        (status = 401, body = OperationOutcome, content_type = "application/fhir+json"),
        (status = 403, body = OperationOutcome, content_type = "application/fhir+json"),
        (status = 404, body = OperationOutcome, content_type = "application/fhir+json"),
        (status = 408, body = OperationOutcome, content_type = "application/fhir+json"),
        (status = 412, body = OperationOutcome, content_type = "application/fhir+json"),
        (status = 413, body = OperationOutcome, content_type = "application/fhir+json"),
        (status = 415, body = OperationOutcome, content_type = "application/fhir+json"),
        (status = 503, body = OperationOutcome, content_type = "application/fhir+json")
    ))]
fn order_select() {}

/// CDS Hooks 2.0: cards for appointments.
#[utoipa::path(post, path = "/cds-services/orgate-appointment-book", tag = "cds-hooks",
    request_body = AppointmentBookCall,
    responses(
        (status = 200, body = Cards),
        (status = 400, body = OperationOutcome, content_type = "application/fhir+json"),
        (status = 401, body = OperationOutcome, content_type = "application/fhir+json"),
        (status = 403, body = OperationOutcome, content_type = "application/fhir+json"),
        (status = 404, body = OperationOutcome, content_type = "application/fhir+json"),
        (status = 408, body = OperationOutcome, content_type = "application/fhir+json"),
        (status = 412, body = OperationOutcome, content_type = "application/fhir+json"),
        (status = 413, body = OperationOutcome, content_type = "application/fhir+json"),
        (status = 415, body = OperationOutcome, content_type = "application/fhir+json"),
        (status = 503, body = OperationOutcome, content_type = "application/fhir+json")
    ))]
fn appointment_book() {}

/// CDS Hooks 2.0: what became of cards. One of our override reasons attests the emergency order that follows.
#[utoipa::path(post, path = "/cds-services/{id}/feedback", tag = "cds-hooks",
    params(("id" = inline(ServiceWord), Path, description = "The service that the cards came from")),
    request_body = Feedback,
    responses(
        (status = 200, body = Nothing),
        (status = 400, body = OperationOutcome, content_type = "application/fhir+json"),
        (status = 401, body = OperationOutcome, content_type = "application/fhir+json"),
        (status = 403, body = OperationOutcome, content_type = "application/fhir+json"),
        (status = 404, body = OperationOutcome, content_type = "application/fhir+json"),
        (status = 408, body = OperationOutcome, content_type = "application/fhir+json"),
        (status = 413, body = OperationOutcome, content_type = "application/fhir+json"),
        (status = 415, body = OperationOutcome, content_type = "application/fhir+json"),
        (status = 503, body = OperationOutcome, content_type = "application/fhir+json")
    ))]
fn cds_feedback() {}
