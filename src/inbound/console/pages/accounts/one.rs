//! One account, and the forms that change it.

use askama::Template;
use axum::Extension;
use axum::body::Body;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;

use crate::accounts::Permit;
use crate::accounts::change::{Change, ChangeRefused};
use crate::gate::office::OfficeError;
use crate::inbound::console::caller::Peer;
use crate::inbound::console::pages::Desk;
use crate::inbound::console::pages::accounts::list::no_day;
use crate::inbound::console::pages::accounts::{Line, RoleBox, asked, listed, role_boxes, secret};
use crate::inbound::console::pages::form::Form;
use crate::inbound::console::pages::page::{Frame, go, html};
use crate::inbound::console::pages::visit::failed;
use crate::inbound::console::pages::words::{Lang, moment};

#[derive(Template)]
#[template(path = "inbound/console/pages/accounts/one.html")]
struct OnePage {
    frame: Frame,
    lang: Lang,
    line: Line,
    created: String,
    created_by: String,
    subject: String,
    roles: Vec<RoleBox>,
    /// As the field shows them; empty is all.
    departments: String,
    /// Whether the identity provider tells them.
    told: bool,
    notice: Option<&'static str>,
}

/// The page.
pub(super) async fn show(
    State(desk): State<Desk>,
    Extension(peer): Extension<Peer>,
    Path(name): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let (visit, listed) = match listed(&desk, &headers, peer).await {
        Ok(listed) => listed,
        Err(response) => return response,
    };
    let lang = visit.lang;
    let Some(listed) = listed.into_iter().find(|listed| listed.account.name == name) else {
        return failed(lang, &OfficeError::Account(ChangeRefused::Unknown));
    };
    let account = &listed.account;
    let form = Form::read(query.as_deref().unwrap_or_default());
    let page = OnePage {
        frame: desk.frame(&visit, "accounts").await,
        lang,
        line: Line::new(&desk, lang, &listed),
        created: moment(account.created, desk.zone()),
        created_by: account.created_by.clone(),
        subject: account.subject.clone().unwrap_or_default(),
        roles: role_boxes(lang, &account.roles),
        departments: asked::departments(&account.scope),
        told: account.subject.is_some()
            && desk.oidc.as_ref().is_some_and(|oidc| oidc.tells_departments()),
        notice: notice(lang, form.get("done")),
    };
    html(StatusCode::OK, &page)
}

/// Does what a form wants.
pub(super) async fn act(
    State(desk): State<Desk>,
    Extension(peer): Extension<Peer>,
    Path(name): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let (visit, form) = match desk.sent(&headers, peer, Permit::Administer, body).await {
        Ok(sent) => sent,
        Err(response) => return response,
    };
    let change = match form.get("act") {
        "disable" => Change::Disable,
        "enable" => Change::Enable,
        "unlock" => Change::Unlock,
        "end-sessions" => Change::EndSessions,
        "password" => Change::Password,
        "rights" => {
            let Some(expires) = asked::end(&form, desk.zone()) else { return no_day(visit.lang) };
            Change::Rights {
                roles: asked::roles(&form),
                scope: asked::scope_or_kept(&form),
                expires,
            }
        }
        _ => return failed(visit.lang, &OfficeError::Unknown),
    };
    let changed = desk.office.change_account(&visit.account, &name, change, form.get("reason"));
    match changed.await {
        Ok(Some(password)) => secret(&desk, &visit, name, password).await,
        // The name is one that exists: nothing in it could lead elsewhere.
        Ok(None) => go(&format!("/accounts/{name}?done={}", form.get("act"))),
        Err(error) => failed(visit.lang, &error),
    }
}

/// What was done, said on the page that follows.
fn notice(lang: Lang, done: &str) -> Option<&'static str> {
    Some(match done {
        "disable" => lang.say("账号已停用，会话全部结束。", "Disabled; all sessions have ended."),
        "enable" => lang.say("账号已启用。", "Enabled."),
        "unlock" => lang.say("账号已解锁。", "Unlocked."),
        "end-sessions" => lang.say("会话已全部结束。", "All sessions have ended."),
        "rights" => lang.say("已变更，即刻生效。", "Changed, effective at once."),
        _ => return None,
    })
}
