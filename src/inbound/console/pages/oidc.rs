//! Logging in by the hospital's identity provider: the way there, and back. Nobody is in before the answer is checked
//! and on record; whatever goes wrong leads to the login page, where passwords of local accounts go on.

use axum::Extension;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;

use crate::accounts::oidc::{Begun, OidcFault};
use crate::gate::office::Visitor;
use crate::inbound::console::caller::Peer;
use crate::inbound::console::pages::Desk;
use crate::inbound::console::pages::form::Form;
use crate::inbound::console::pages::page::{away, cookie, go, with_cookie};
use crate::inbound::console::pages::visit::{failed, from_elsewhere, language};
use crate::inbound::console::pages::words::Lang;
use crate::telemetry::office as events;

/// The cookie of a login that goes on. The answer comes with a link of another site, so `Lax`.
const BEGUN: &str = "orgate-oidc";

/// Sends somebody to the provider. A link and no form: what a form leads to must be of this gate (the headers say so).
pub(super) async fn begin(State(desk): State<Desk>, headers: HeaderMap) -> Response {
    let lang = language(&headers);
    let Some(oidc) = desk.oidc.as_ref().filter(|_| !from_elsewhere(&headers)) else {
        return go("/login");
    };
    let Some(begun) = oidc.begun() else {
        return desk.login_page(lang, "", None, StatusCode::SERVICE_UNAVAILABLE);
    };
    match oidc.begin(&begun).await {
        Ok(url) => {
            let kept = desk.cookie(BEGUN, &begun.reveal(), "Lax");
            with_cookie(away(&url), &format!("{kept}; Max-Age={}", Begun::WITHIN_S))
        }
        Err(fault) => {
            events::LoginRefused { why: fault.as_str() }.emit();
            desk.login_page(lang, "", Some(words(lang, fault).to_owned()), status(fault))
        }
    }
}

/// Takes the provider's answer.
pub(super) async fn finish(
    State(desk): State<Desk>,
    Extension(peer): Extension<Peer>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let lang = language(&headers);
    let Some(oidc) = desk.oidc.as_ref() else { return go("/login") };
    let sent = cookie(&headers, &desk.cookie_name(BEGUN)).and_then(|text| oidc.sent(text));
    let Some(begun) = sent else {
        // Too late, or never begun here: nobody's login has failed, and a stranger fills no ledger.
        let said = words(lang, OidcFault::State).to_owned();
        let page = desk.login_page(lang, "", Some(said), StatusCode::FORBIDDEN);
        return with_cookie(page, &desk.no_cookie(BEGUN));
    };
    let visitor = Visitor { address: peer.0.ip().to_canonical() };
    let answer = Form::read(query.as_deref().unwrap_or_default());
    let person = if !begun.is_state(answer.get("state")) {
        Err(OidcFault::State)
    } else if answer.filled("error").is_some() {
        Err(OidcFault::Declined)
    } else {
        oidc.finish(&begun, answer.get("code"), answer.filled("iss")).await
    };
    let response = match person {
        Err(fault) => match desk.office.turned_away(fault, visitor).await {
            Err(error) => failed(lang, &error),
            Ok(()) => desk.login_page(lang, "", Some(words(lang, fault).to_owned()), status(fault)),
        },
        Ok(person) => match desk.office.log_in_by(&person, visitor).await {
            Err(error) => failed(lang, &error),
            Ok(Err(refused)) => {
                let said = desk.fault(lang, refused);
                desk.login_page(lang, "", Some(said), StatusCode::FORBIDDEN)
            }
            Ok(Ok(entered)) => {
                with_cookie(go("/"), &desk.cookie("orgate", entered.token.reveal(), "Lax"))
            }
        },
    };
    // Each login is tried once.
    with_cookie(response, &desk.no_cookie(BEGUN))
}

fn status(fault: OidcFault) -> StatusCode {
    match fault {
        OidcFault::Provider | OidcFault::Secret | OidcFault::Busy => {
            StatusCode::SERVICE_UNAVAILABLE
        }
        _ => StatusCode::FORBIDDEN,
    }
}

/// For people: whether it is for them to try again, or for somebody else to look.
fn words(lang: Lang, fault: OidcFault) -> &'static str {
    match fault {
        OidcFault::Provider | OidcFault::Secret => lang.say(
            "统一认证系统暂时无法使用。请稍后重试，或用本地账号登录。",
            "The identity provider cannot be used at the moment. Try again later, or log in with a local account.",
        ),
        OidcFault::Busy => lang.say(
            "同时登录的人过多，请稍候重试。",
            "Too many people are logging in at once. Try again in a moment.",
        ),
        OidcFault::State | OidcFault::Code | OidcFault::Nonce => lang.say(
            "登录已超时，或不是从本页开始的。请重新登录。",
            "The login took too long, or was not begun on this page. Log in anew.",
        ),
        OidcFault::Declined => {
            lang.say("统一认证系统未允许登录。", "The identity provider has not let you in.")
        }
        OidcFault::Time => lang.say(
            "统一认证系统与本机时钟不一致，请联系信息科。",
            "The clocks of the identity provider and of the gate differ. Tell your IT.",
        ),
        OidcFault::Shape | OidcFault::Key | OidcFault::Signature | OidcFault::Audience => lang.say(
            "统一认证系统的回答不能通过核验，未登录。请联系信息科。",
            "The answer of the identity provider does not hold; you are not logged in. Tell your IT.",
        ),
    }
}
