//! The pages of the console: rendered here, by hand-written HTML, one style sheet and one script of our own.
//!
//! | file | what belongs in it |
//! |---|---|
//! | `visit` | who asks: session, form word, language, limits |
//! | `page` | responses: HTML, redirects, and the headers of both |
//! | `words` | both languages, and names in words |
//! | `login`, `live`, `overrides` | one page each, its template beside it |
//! | `oidc` | the way to the identity provider and back |
//! | `accounts/` | who may use the console: added, changed, closed |
//! | `search`, `search_export`, `case` | decisions found again, taken away as a table, one case in full |
//! | `register/` | surgeons, catalogue, lists, discussions, changes, import, history |
//! | `sheet` | tables to take away: CSV, XLSX |
//! | `supervision` | figures, as charts with tables beside them, and their export |
//! | `operations` | routes and their stances, register, ledger, feeds |
//!
//! Nothing is loaded from elsewhere; no script or style stands inside a page (the headers forbid both).

mod accounts;
mod case;
mod case_entry;
mod case_facts;
mod case_message;
mod form;
mod live;
mod login;
mod oidc;
pub mod operations;
mod overrides;
mod page;
mod register;
mod search;
mod search_asked;
mod search_export;
mod sheet;
mod supervision;
mod visit;
mod words;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use jiff::tz::TimeZone;
use tokio::sync::{Semaphore, watch};

use crate::accounts::oidc::Oidc;
use crate::background;
use crate::gate::office::Office;
use crate::hl7::charset::CharsetSetting;
use crate::inbound::console::bounds::Bounds;
use crate::inbound::console::pages::operations::Plant;
use crate::inbound::console::pages::register::Uploads;
use crate::register::sources::fhir::status::Pulls;

/// Live pages that may be open at a time; each holds a connection.
const WATCHERS_MAX: usize = 64;

/// What the pages are made from.
#[derive(Clone)]
pub struct Desk {
    /// What people do.
    office: Arc<Office>,
    routes: Arc<[Arc<str>]>,
    /// Whether cookies are for https only.
    secure: bool,
    /// True as soon as the gate stops.
    drain: watch::Receiver<bool>,
    /// Of pages alone: orders that are asked about are not kept waiting by people who browse.
    bounds: Bounds,
    watchers: Arc<Semaphore>,
    /// Uploads that wait to be applied.
    uploads: Uploads,
    plant: Arc<Plant>,
    /// The identity provider, where there is one.
    oidc: Option<Arc<Oidc>>,
    /// How pulls from a FHIR server stand, where there is one.
    pulls: Option<Pulls>,
}

impl Desk {
    /// `public_url` tells whether people come by https.
    pub fn new(
        office: Arc<Office>,
        routes: Vec<Arc<str>>,
        public_url: Option<&str>,
        drain: watch::Receiver<bool>,
    ) -> Self {
        let secure = public_url.is_some_and(|url| url.starts_with("https://"));
        let watchers = Arc::new(Semaphore::new(WATCHERS_MAX));
        Self {
            office,
            routes: routes.into(),
            secure,
            drain,
            bounds: Bounds::default(),
            watchers,
            uploads: Uploads::default(),
            plant: Arc::default(),
            oidc: None,
            pulls: None,
        }
    }

    /// With what the page of operations shows.
    #[must_use]
    pub fn with(mut self, plant: Plant) -> Self {
        self.plant = Arc::new(plant);
        self
    }

    /// Cookies are for https only, also where no `public_url` says so.
    #[must_use]
    pub fn by_tls(mut self, tls: bool) -> Self {
        self.secure |= tls;
        self
    }

    /// With an identity provider.
    #[must_use]
    pub fn with_oidc(mut self, oidc: Option<Oidc>) -> Self {
        self.oidc = oidc.map(Arc::new);
        self
    }

    /// With pulls from a FHIR server.
    #[must_use]
    pub fn with_pulls(mut self, pulls: Option<Pulls>) -> Self {
        self.pulls = pulls;
        self
    }

    fn routes(&self) -> &[Arc<str>] {
        &self.routes
    }

    /// How messages of a route are decoded, as the settings are now; of a route that is gone, by what they say.
    fn charset_of(&self, route: &str) -> CharsetSetting {
        let own = self.plant.routes.iter().find(|facts| *facts.name == *route);
        own.map_or(CharsetSetting::Auto, |facts| (facts.charset)())
    }

    fn zone(&self) -> &TimeZone {
        self.office.gate().zone()
    }
}

/// Every page.
pub fn router(desk: Desk) -> Router {
    Router::new()
        .route("/", get(login::home))
        .route("/login", get(login::show).post(login::enter))
        .route("/login/oidc", get(oidc::begin))
        .route("/login/oidc/done", get(oidc::finish))
        .route("/logout", post(login::leave))
        .route("/password", get(login::show_password).post(login::set_password))
        .route("/language", post(login::set_language))
        .route("/live", get(live::show))
        .route("/live/stream", get(live::stream))
        .route("/overrides", get(overrides::list))
        .route("/overrides/{file}", get(overrides::show).post(overrides::act))
        .route("/favicon.ico", get(page::no_icon))
        .route("/supervision", get(supervision::show))
        .route("/supervision/export", post(supervision::export))
        .route("/operations", get(operations::show))
        .route("/operations/bypass", post(operations::bypass))
        .route("/operations/verify", post(operations::verify))
        .route("/operations/routes/{route}", get(operations::route).post(operations::set))
        .route("/operations/feeds/{feed}", get(operations::feed).post(operations::act))
        .route("/static/{name}", get(page::asset))
        .route("/search", get(search::show).post(search::find))
        .route("/search/export", post(search_export::export))
        .route("/entries/{entry}", get(case::show))
        .merge(register::router())
        .merge(accounts::router())
        .route_layer(from_fn(aside))
        .with_state(desk)
}

/// Whatever people ask for is made on threads that give way to routes.
async fn aside(request: Request, next: Next) -> Response {
    match background::run(next.run(request)).await {
        Ok(response) => response,
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}
