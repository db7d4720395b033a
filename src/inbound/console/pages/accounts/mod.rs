//! 账号 Accounts: who may use the console. For administrators only.
//!
//! | file | what belongs in it |
//! |---|---|
//! | `list` | every account, and the form of a new one |
//! | `one` | one account, and the forms that change it |
//! | `asked` | what forms say of roles, departments and days |

mod asked;
mod list;
mod one;

use askama::Template;
use axum::Router;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use axum::routing::get;
use jiff::Timestamp;

use crate::accounts::{Account, Permit, Role, Scope, Status};
use crate::gate::office::Listed;
use crate::inbound::console::caller::Peer;
use crate::inbound::console::pages::Desk;
use crate::inbound::console::pages::page::{Frame, html};
use crate::inbound::console::pages::visit::{Visit, failed};
use crate::inbound::console::pages::words::{Lang, moment};

/// The pages of accounts.
pub(super) fn router() -> Router<Desk> {
    Router::new()
        .route("/accounts", get(list::show).post(list::add))
        .route("/accounts/{name}", get(one::show).post(one::act))
}

/// Who asks, and every account.
async fn listed(
    desk: &Desk,
    headers: &HeaderMap,
    peer: Peer,
) -> Result<(Visit, Vec<Listed>), Response> {
    let visit = desk.permitted(headers, peer, Permit::Administer).await?;
    let listed = desk.office.listed(&visit.account).await;
    let listed = listed.map_err(|error| failed(visit.lang, &error))?;
    Ok((visit, listed))
}

/// A password, shown this once.
#[derive(Template)]
#[template(path = "inbound/console/pages/accounts/secret.html")]
struct SecretPage {
    frame: Frame,
    lang: Lang,
    name: String,
    password: String,
}

/// A role to be chosen.
struct RoleBox {
    word: &'static str,
    text: &'static str,
    about: &'static str,
    chosen: bool,
}

fn role_boxes(lang: Lang, chosen: &[Role]) -> Vec<RoleBox> {
    let one = |role: Role| RoleBox {
        word: role.as_str(),
        text: lang.say(role.text_zh(), role.as_str()),
        about: about(lang, role),
        chosen: chosen.contains(&role),
    };
    Role::ALL.into_iter().map(one).collect()
}

fn about(lang: Lang, role: Role) -> &'static str {
    match role {
        Role::Viewer => lang.say("查看判定、病例与授权", "looks"),
        Role::Reviewer => {
            lang.say("审核越权急诊（须有工号）", "reviews overrides (needs a staff number)")
        }
        Role::Registrar => lang.say("变更授权库", "changes the register"),
        Role::Operator => lang.say("变更通道的判定方式", "runs routes and feeds"),
        Role::Auditor => lang.say("导出，查看访问记录", "exports, sees who looked at what"),
        Role::Admin => lang.say("管理账号", "keeps accounts"),
    }
}

/// An account, in words.
struct Line {
    name: String,
    display: String,
    staff: String,
    roles: String,
    departments: String,
    state: &'static str,
    state_words: String,
    by_provider: bool,
    vendor: bool,
    ends: String,
    last: String,
    sessions: u64,
}

impl Line {
    fn new(desk: &Desk, lang: Lang, listed: &Listed) -> Self {
        let (account, zone) = (&listed.account, desk.zone());
        let roles = account.roles.iter().map(|role| lang.say(role.text_zh(), role.as_str()));
        let (state, state_words) = state(desk, lang, account);
        Self {
            name: account.name.clone(),
            display: account.display.clone(),
            staff: account.staff.clone().unwrap_or_default(),
            roles: roles.collect::<Vec<_>>().join(lang.say("、", ", ")),
            departments: match &account.scope {
                Scope::All => lang.say("全部", "all").to_owned(),
                Scope::Departments(own) if own.is_empty() => lang.say("无", "none").to_owned(),
                Scope::Departments(own) => own.join(", "),
            },
            state,
            state_words,
            by_provider: account.subject.is_some(),
            vendor: account.vendor,
            ends: asked::last_day(account.expires, zone),
            last: account.last_login.map_or_else(String::new, |at| moment(at, zone)),
            sessions: listed.sessions,
        }
    }
}

/// A word for the style sheet, and one for people.
fn state(desk: &Desk, lang: Lang, account: &Account) -> (&'static str, String) {
    let now: Timestamp = desk.office.gate().clock().now();
    if account.status == Status::Disabled {
        return ("disabled", lang.say("已停用", "disabled").to_owned());
    }
    if account.expires.is_some_and(|end| now >= end) {
        return ("expired", lang.say("已到期", "expired").to_owned());
    }
    match account.locked_until.filter(|until| now < *until) {
        Some(until) => {
            let until = moment(until, desk.zone());
            ("locked", format!("{} {until}", lang.say("锁定至", "locked until")))
        }
        None => ("active", lang.say("启用", "active").to_owned()),
    }
}

/// The page that shows a password.
async fn secret(desk: &Desk, visit: &Visit, name: String, password: String) -> Response {
    let frame = desk.frame(visit, "accounts").await;
    html(StatusCode::OK, &SecretPage { frame, lang: visit.lang, name, password })
}
