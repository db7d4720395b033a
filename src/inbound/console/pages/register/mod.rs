//! 授权 Register: who may do what, on which paper, since when, and by whose hand; changed here with a reason.
//!
//! | file | what belongs in it |
//! |---|---|
//! | `surgeons`, `dossier` | the list of surgeons, one with every grant |
//! | `tables` | catalogue, technique lists with their dossiers, discussions |
//! | `turn` | suspend and resume |
//! | `import`, `upload` | files taken in: preview, then apply |
//! | `history` | versions: who changed what when |

mod dossier;
mod history;
mod import;
mod surgeons;
mod tables;
mod turn;
mod upload;

use axum::Router;
use axum::response::Response;
use axum::routing::{get, post};

use crate::gate::office::OfficeError;
use crate::inbound::console::pages::Desk;
pub(super) use crate::inbound::console::pages::register::import::Uploads;
use crate::inbound::console::pages::visit::{Visit, failed};
use crate::register::change::ChangeError;
use crate::register::error::RegisterError;

/// The pages of the register.
pub(super) fn router() -> Router<Desk> {
    Router::new()
        .route("/register", get(surgeons::list))
        .route("/register/surgeons/{id}", get(dossier::show))
        .route("/register/catalogue", get(tables::catalogue))
        .route("/register/techniques", get(tables::techniques))
        .route("/register/discussions", get(tables::discussions))
        .route("/register/discussions/{id}", get(tables::discussion))
        .route("/register/turn", post(turn::turn))
        .route("/register/import", get(import::show).post(import::preview))
        .route("/register/import/apply", post(import::apply))
        .route("/register/history", get(history::list))
        .route("/register/history/{version}", get(history::show))
}

/// The register does not answer.
fn silent(visit: &Visit, error: RegisterError) -> Response {
    failed(visit.lang, &OfficeError::Register(ChangeError::Register(error)))
}

/// A change that a form on a page offers.
struct Offer {
    of: &'static str,
    surgeon: String,
    code: String,
    grade: String,
    item: String,
    /// `suspend` or `resume`.
    way: &'static str,
}

impl Offer {
    /// What can be done with something in that state; nothing with what was stopped, revoked or has left.
    fn of(of: &'static str, state: &str) -> Option<Self> {
        let way = match state {
            "active" => "suspend",
            "suspended" => "resume",
            _ => return None,
        };
        let empty = String::new;
        Some(Self { of, surgeon: empty(), code: empty(), grade: empty(), item: empty(), way })
    }
}
