//! What the console port serves besides health: what may be asked, and the pages.

use std::sync::Arc;

use crate::accounts::oidc::Oidc;
use crate::app::reload::Lives;
use crate::app::{AppError, explain};
use crate::config::Console;
use crate::gate::Gate;
use crate::gate::office::Office;
use crate::inbound::cds_hooks;
use crate::inbound::console::Health;
use crate::inbound::console::bounds::Bounds;
use crate::inbound::console::pages::operations::Plant;
use crate::inbound::console::pages::{self, Desk};
use crate::inbound::decision_api;

/// What the console port serves besides health: what may be asked, and the pages.
pub(super) fn everything_asked(
    (console, lives): (&Console, &Lives),
    office: &Arc<Office>,
    health: &Health,
    plant: Plant,
) -> Result<axum::Router, AppError> {
    let asked = inquiries(lives, console, &health.gate);
    Ok(asked.merge(pages(office, health, console, plant)?))
}

/// The pages of the console.
fn pages(
    office: &Arc<Office>,
    health: &Health,
    console: &Console,
    plant: Plant,
) -> Result<axum::Router, AppError> {
    let oidc = console.oidc.clone().map(|settings| Oidc::new(settings, office.gate().clock()));
    let oidc = oidc.transpose().map_err(AppError::Oidc)?;
    let names = health.routes.iter().map(|(name, _)| Arc::clone(name)).collect();
    let (public_url, drain) = (console.public_url.as_deref(), health.drain.clone());
    let desk = Desk::new(Arc::clone(office), names, public_url, drain).with(plant);
    let desk = desk.with_oidc(oidc).with_pulls(health.pulls.clone());
    Ok(pages::router(desk.by_tls(console.tls.is_some())))
}

/// What may be asked on the console port.
fn inquiries(lives: &Lives, console: &Console, gate: &Arc<Gate>) -> axum::Router {
    let bounds = Bounds::default();
    let Lives { mllp: hl7, fhir, cds: cds_hooks } = lives;
    let decision_api = &console.decision_api;
    let hl7 = hl7.iter().map(|route| explain::hl7(route, gate));
    let fhir = fhir.iter().map(|route| explain::fhir(route, gate));
    let explainers = hl7.chain(fhir).chain([explain::drafts(cds_hooks, gate)]).collect();
    cds_hooks::router(cds_hooks, gate, &bounds).merge(decision_api::router(
        decision_api,
        gate,
        &bounds,
        explainers,
    ))
}
