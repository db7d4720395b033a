//! Every account, and the form of a new one.

use askama::Template;
use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;

use crate::accounts::{NewAccount, Permit};
use crate::inbound::console::caller::Peer;
use crate::inbound::console::pages::Desk;
use crate::inbound::console::pages::accounts::{Line, RoleBox, asked, listed, role_boxes, secret};
use crate::inbound::console::pages::page::{Frame, html, message};
use crate::inbound::console::pages::visit::failed;
use crate::inbound::console::pages::words::Lang;

#[derive(Template)]
#[template(path = "inbound/console/pages/accounts/list.html")]
struct ListPage {
    frame: Frame,
    lang: Lang,
    lines: Vec<Line>,
    roles: Vec<RoleBox>,
}

/// The page.
pub(super) async fn show(
    State(desk): State<Desk>,
    Extension(peer): Extension<Peer>,
    headers: HeaderMap,
) -> Response {
    let (visit, listed) = match listed(&desk, &headers, peer).await {
        Ok(listed) => listed,
        Err(response) => return response,
    };
    let lang = visit.lang;
    let page = ListPage {
        frame: desk.frame(&visit, "accounts").await,
        lang,
        lines: listed.iter().map(|listed| Line::new(&desk, lang, listed)).collect(),
        roles: role_boxes(lang, &[]),
    };
    html(StatusCode::OK, &page)
}

/// Makes an account, and shows its password this once.
pub(super) async fn add(
    State(desk): State<Desk>,
    Extension(peer): Extension<Peer>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let (visit, form) = match desk.sent(&headers, peer, Permit::Administer, body).await {
        Ok(sent) => sent,
        Err(response) => return response,
    };
    let Some(expires) = asked::end(&form, desk.zone()) else { return no_day(visit.lang) };
    let name = form.get("name").trim().to_lowercase();
    let new = NewAccount {
        display: form.filled("display").unwrap_or(&name).to_owned(),
        staff: form.filled("staff").map(str::to_owned),
        roles: asked::roles(&form),
        scope: asked::scope(&form),
        vendor: !form.get("vendor").is_empty(),
        name: name.clone(),
        expires,
    };
    match desk.office.add_account(&visit.account, new).await {
        Ok(password) => secret(&desk, &visit, name, password).await,
        Err(error) => failed(visit.lang, &error),
    }
}

/// What is written is no day.
pub(super) fn no_day(lang: Lang) -> Response {
    message(
        StatusCode::CONFLICT,
        lang,
        "到期日须写作 2026-12-31。",
        "Write the last day as 2026-12-31.",
    )
}
