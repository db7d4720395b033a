//! Logging in and out, the first change of a password, the language.

use askama::Template;
use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;

use crate::accounts::error::AccountsError;
use crate::accounts::keep::Chosen;
use crate::accounts::{LoginRefused, Permit, Token};
use crate::gate::office::Visitor;
use crate::inbound::console::caller::Peer;
use crate::inbound::console::pages::Desk;
use crate::inbound::console::pages::page::{Frame, cookie, go, html, with_cookie};
use crate::inbound::console::pages::visit::{LANGUAGE, failed, from_elsewhere, language, not_ours};
use crate::inbound::console::pages::words::{Lang, moment};

/// The cookie of the login page: its form carries the word of it, so that no other site can log somebody in.
const DOOR: &str = "orgate-door";

#[derive(Template)]
#[template(path = "inbound/console/pages/login.html")]
struct LoginPage {
    lang: Lang,
    word: String,
    name: String,
    fault: Option<String>,
    /// What stands on the button of the identity provider, where there is one.
    provider: Option<String>,
}

#[derive(Template)]
#[template(path = "inbound/console/pages/password.html")]
struct PasswordPage {
    frame: Frame,
    lang: Lang,
    must: bool,
    fault: Option<String>,
}

/// The first page: the live one, for whoever may see it.
pub(super) async fn home(
    State(desk): State<Desk>,
    Extension(peer): Extension<Peer>,
    headers: HeaderMap,
) -> Response {
    match desk.visit(&headers, peer, true).await {
        Err(response) => response,
        Ok(visit) if visit.account.must_change => go("/password"),
        Ok(visit) if visit.account.may(Permit::See) => go("/live"),
        Ok(visit) if visit.account.may(Permit::Operate) => go("/operations"),
        Ok(visit) if visit.account.may(Permit::Administer) => go("/accounts"),
        Ok(_) => go("/password"),
    }
}

/// The login page.
pub(super) async fn show(State(desk): State<Desk>, headers: HeaderMap) -> Response {
    desk.login_page(language(&headers), "", None, StatusCode::OK)
}

impl Desk {
    pub(super) fn login_page(
        &self,
        lang: Lang,
        name: &str,
        fault: Option<String>,
        status: StatusCode,
    ) -> Response {
        let door = match Token::new() {
            Ok(door) => door,
            Err(error) => return failed(lang, &error.into()),
        };
        let (word, name) = (door.form_word(), name.to_owned());
        let provider = self.oidc.as_ref().map(|oidc| oidc.label().to_owned());
        let page = html(status, &LoginPage { lang, word, name, fault, provider });
        with_cookie(page, &self.cookie(DOOR, door.reveal(), "Strict"))
    }
}

/// Lets somebody in.
pub(super) async fn enter(
    State(desk): State<Desk>,
    Extension(peer): Extension<Peer>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let lang = language(&headers);
    let form = match desk.any_form(lang, body).await {
        Ok(form) => form,
        Err(response) => return response,
    };
    let door = cookie(&headers, &desk.cookie_name(DOOR)).and_then(Token::sent);
    let ours = door.is_some_and(|door| door.is_form_word(form.get("word")));
    if !ours || from_elsewhere(&headers) {
        return not_ours(lang);
    }
    let (name, password) = (form.get("name").trim().to_lowercase(), form.get("password"));
    let visitor = Visitor { address: peer.0.ip().to_canonical() };
    match desk.office.log_in(&name, password, visitor).await {
        Err(error) => failed(lang, &error),
        Ok(Ok(entered)) => {
            let to = if entered.account.must_change { "/password" } else { "/" };
            // Lax: a link in an alert may lead into the console; changes need the form word all the same.
            let response =
                with_cookie(go(to), &desk.cookie("orgate", entered.token.reveal(), "Lax"));
            with_cookie(response, &desk.no_cookie(DOOR))
        }
        Ok(Err(refused)) => {
            let fault = desk.fault(lang, refused);
            desk.login_page(lang, &name, Some(fault), StatusCode::FORBIDDEN)
        }
    }
}

impl Desk {
    pub(super) fn fault(&self, lang: Lang, refused: LoginRefused) -> String {
        match refused {
            LoginRefused::Wrong => {
                lang.say("账号或密码不正确。", "Name or password is wrong.").to_owned()
            }
            LoginRefused::Locked(until) => {
                let until = moment(until, self.zone());
                match lang {
                    Lang::Zh => format!("账号已锁定，至 {until}。"),
                    Lang::En => format!("The account is locked until {until}."),
                }
            }
            LoginRefused::Disabled => {
                lang.say("账号已停用，请联系管理员。", "The account is disabled.").to_owned()
            }
            LoginRefused::Expired => {
                lang.say("账号已到期，请联系管理员。", "The account has expired.").to_owned()
            }
            LoginRefused::NoRole => lang
                .say(
                    "统一认证已通过，但您所在的组在本系统没有角色，请联系管理员。",
                    "You are known, but none of your groups has a role here. Ask an administrator.",
                )
                .to_owned(),
            LoginRefused::Taken => lang
                .say(
                    "统一认证已通过，但同名账号属于他人，请联系管理员。",
                    "You are known, but the account of your name is somebody else's. Ask an administrator.",
                )
                .to_owned(),
        }
    }
}

/// Ends the session.
pub(super) async fn leave(
    State(desk): State<Desk>,
    Extension(peer): Extension<Peer>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let visit = match desk.visit(&headers, peer, true).await {
        Ok(visit) => visit,
        Err(response) => return response,
    };
    if let Err(response) = desk.form(&visit, &headers, body).await {
        return response;
    }
    match desk.office.log_out(&visit.account, &visit.token).await {
        Ok(()) => with_cookie(go("/login"), &desk.no_cookie("orgate")),
        Err(error) => failed(visit.lang, &error),
    }
}

/// The page on which a password is changed.
pub(super) async fn show_password(
    State(desk): State<Desk>,
    Extension(peer): Extension<Peer>,
    headers: HeaderMap,
) -> Response {
    let visit = match desk.visit(&headers, peer, true).await {
        Ok(visit) => visit,
        Err(response) => return response,
    };
    let frame = desk.frame(&visit, "password").await;
    let (lang, must) = (visit.lang, visit.account.must_change);
    html(StatusCode::OK, &PasswordPage { frame, lang, must, fault: None })
}

/// Changes it; every session of the account ends, and its owner logs in anew.
pub(super) async fn set_password(
    State(desk): State<Desk>,
    Extension(peer): Extension<Peer>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let visit = match desk.visit(&headers, peer, true).await {
        Ok(visit) => visit,
        Err(response) => return response,
    };
    let form = match desk.form(&visit, &headers, body).await {
        Ok(form) => form,
        Err(response) => return response,
    };
    let (name, lang) = (visit.account.name.clone(), visit.lang);
    let visitor = Visitor { address: visit.address };
    let new = form.get("new");
    let fault = if new != form.get("again") {
        lang.say("两次输入的新密码不一致。", "The new passwords differ.").to_owned()
    } else if new == form.get("old") {
        lang.say("新密码不得与原密码相同。", "The new password is the old one.").to_owned()
    } else {
        // By the door, so that trying passwords here locks the account as well.
        match desk.office.log_in(&name, form.get("old"), visitor).await {
            Err(error) => return failed(lang, &error),
            Ok(Err(refused)) => desk.fault(lang, refused),
            Ok(Ok(_)) => {
                match desk.office.accounts().set_password(&name, new, Chosen::ByOwner).await {
                    Ok(()) => return go("/login"),
                    Err(AccountsError::Password(_)) => lang
                        .say(
                            "新密码过于简单：至少 10 个字符，混用字母、数字和符号，不含账号名。",
                            "Too easy: 10 characters at least, mixed, without the account's name.",
                        )
                        .to_owned(),
                    Err(error) => return failed(lang, &error.into()),
                }
            }
        }
    };
    let frame = desk.frame(&visit, "password").await;
    let page = PasswordPage { frame, lang, must: visit.account.must_change, fault: Some(fault) };
    html(StatusCode::CONFLICT, &page)
}

/// Switches the language and goes back.
pub(super) async fn set_language(
    State(desk): State<Desk>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let lang = language(&headers);
    let form = match desk.any_form(lang, body).await {
        Ok(form) => form,
        Err(response) => return response,
    };
    let to = if form.get("lang") == "en" { "en" } else { "zh" };
    let back = Some(form.get("back")).filter(|back| is_own_path(back)).unwrap_or("/");
    with_cookie(go(back), &format!("{LANGUAGE}={to}; Path=/; Max-Age=31536000; SameSite=Lax"))
}

/// A path of this gate, and nothing that a browser could take for another host.
fn is_own_path(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/-_.?=&%".contains(&byte);
    text.starts_with('/') && !text.starts_with("//") && text.bytes().all(plain)
}
