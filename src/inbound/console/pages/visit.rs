//! Who asks: the session of a cookie, the form word that guards every change, the language, the limits.

use std::net::IpAddr;

use axum::body::Body;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use tokio::sync::OwnedSemaphorePermit;

use crate::accounts::change::ChangeRefused;
use crate::accounts::{Account, Permit, Token};
use crate::gate::office::OfficeError;
use crate::inbound::console::bounds::whole;
use crate::inbound::console::caller::Peer;
use crate::inbound::console::pages::Desk;
use crate::inbound::console::pages::form::Form;
use crate::inbound::console::pages::page::{Frame, cookie, go, message};
use crate::inbound::console::pages::sheet::SheetError;
use crate::inbound::console::pages::words::Lang;

/// The cookie of the language.
pub(super) const LANGUAGE: &str = "orgate-lang";

/// Somebody who is in.
pub(super) struct Visit {
    pub(super) account: Account,
    pub(super) token: Token,
    pub(super) lang: Lang,
    pub(super) address: IpAddr,
    /// Held while the page is made.
    _place: OwnedSemaphorePermit,
}

/// The language that a browser was switched to.
pub(super) fn language(headers: &HeaderMap) -> Lang {
    if cookie(headers, LANGUAGE) == Some("en") { Lang::En } else { Lang::Zh }
}

/// Whether another site made the browser send this. Browsers that do not say are let by: the form word decides.
pub(super) fn from_elsewhere(headers: &HeaderMap) -> bool {
    let site = headers.get("sec-fetch-site").and_then(|site| site.to_str().ok());
    !matches!(site, None | Some("same-origin" | "none"))
}

impl Desk {
    /// The name of a cookie: one that is for https only says so itself.
    pub(super) fn cookie_name(&self, name: &str) -> String {
        if self.secure { format!("__Host-{name}") } else { name.to_owned() }
    }

    /// A cookie that scripts cannot read.
    pub(super) fn cookie(&self, name: &str, value: &str, same_site: &str) -> String {
        let secure = if self.secure { "; Secure" } else { "" };
        let name = self.cookie_name(name);
        format!("{name}={value}; Path=/; HttpOnly; SameSite={same_site}{secure}")
    }

    /// Takes that cookie away.
    pub(super) fn no_cookie(&self, name: &str) -> String {
        format!("{}; Max-Age=0", self.cookie(name, "", "Lax"))
    }

    /// Who asks; or the page that lets them in. `active` is a person's own doing.
    pub(super) async fn visit(
        &self,
        headers: &HeaderMap,
        peer: Peer,
        active: bool,
    ) -> Result<Visit, Response> {
        let lang = language(headers);
        let Ok(place) = self.bounds.enter().await else { return Err(busy(lang)) };
        let sent = cookie(headers, &self.cookie_name("orgate")).and_then(Token::sent);
        let Some(token) = sent else { return Err(go("/login")) };
        let now = self.office.gate().clock().now();
        match self.office.accounts().session(&token, now, active).await {
            Ok(Some(session)) => Ok(Visit {
                account: session.account,
                token: session.token,
                lang,
                address: peer.0.ip().to_canonical(),
                _place: place,
            }),
            Ok(None) => Err(go("/login")),
            Err(error) => Err(failed(lang, &error.into())),
        }
    }

    /// Who asks for a page that needs a permit; a password given by somebody else is changed first.
    pub(super) async fn permitted(
        &self,
        headers: &HeaderMap,
        peer: Peer,
        permit: Permit,
    ) -> Result<Visit, Response> {
        let visit = self.visit(headers, peer, true).await?;
        if visit.account.must_change {
            return Err(go("/password"));
        }
        if !visit.account.may(permit) {
            return Err(failed(visit.lang, &OfficeError::Forbidden(permit)));
        }
        Ok(visit)
    }

    /// Likewise, where one of several permits is enough.
    pub(super) async fn permitted_any(
        &self,
        headers: &HeaderMap,
        peer: Peer,
        permits: [Permit; 2],
    ) -> Result<Visit, Response> {
        let visit = self.visit(headers, peer, true).await?;
        if visit.account.must_change {
            return Err(go("/password"));
        }
        if permits.into_iter().any(|permit| visit.account.may(permit)) {
            return Ok(visit);
        }
        let [first, _] = permits;
        Err(failed(visit.lang, &OfficeError::Forbidden(first)))
    }

    /// Who sends a form for which a permit is needed, and what it holds.
    pub(super) async fn sent(
        &self,
        headers: &HeaderMap,
        peer: Peer,
        permit: Permit,
        body: Body,
    ) -> Result<(Visit, Form), Response> {
        let visit = self.permitted(headers, peer, permit).await?;
        let form = self.form(&visit, headers, body).await?;
        Ok((visit, form))
    }

    /// The form by which an auditor takes a copy away, and what for: the purpose stands in its `field`.
    pub(super) async fn sent_for_copy(
        &self,
        headers: &HeaderMap,
        peer: Peer,
        body: Body,
        field: &str,
    ) -> Result<(Visit, Form, String), Response> {
        let (visit, form) = self.sent(headers, peer, Permit::Audit, body).await?;
        match form.filled(field).map(str::to_owned) {
            Some(purpose) => Ok((visit, form, purpose)),
            None => Err(message(
                StatusCode::BAD_REQUEST,
                visit.lang,
                "请填写导出用途。",
                "Say what the export is for.",
            )),
        }
    }

    /// A form that this very session's page was sent with.
    pub(super) async fn form(
        &self,
        visit: &Visit,
        headers: &HeaderMap,
        body: Body,
    ) -> Result<Form, Response> {
        let form = self.any_form(visit.lang, body).await?;
        if from_elsewhere(headers) || !visit.token.is_form_word(form.get("word")) {
            return Err(not_ours(visit.lang));
        }
        Ok(form)
    }

    /// A form, whoever sent it.
    pub(super) async fn any_form(&self, lang: Lang, body: Body) -> Result<Form, Response> {
        let bytes = whole(body).await.map_err(|_| {
            message(
                StatusCode::BAD_REQUEST,
                lang,
                "表单不完整或过长，请返回重试。",
                "The form is not whole, or too long. Go back and try again.",
            )
        })?;
        Ok(Form::read(&String::from_utf8_lossy(&bytes)))
    }

    /// What stands around a page.
    pub(super) async fn frame(&self, visit: &Visit, at: &'static str) -> Frame {
        let account = &visit.account;
        let now = self.office.gate().clock().now();
        let departments = account.scope.departments();
        let waiting = self.office.overrides().waiting(departments, now).await;
        let sees = account.may(Permit::See);
        Frame {
            at,
            who: account.display.clone(),
            word: visit.token.form_word(),
            waiting: waiting.ok().filter(|_| sees).map(|waiting| waiting.open),
            sees,
            operates: account.may(Permit::Operate) || account.may(Permit::Audit),
            keeps: account.may(Permit::Administer),
            local: account.subject.is_none(),
        }
    }
}

/// The form was not sent by a page of this session.
pub(super) fn not_ours(lang: Lang) -> Response {
    message(
        StatusCode::FORBIDDEN,
        lang,
        "表单已失效（可能已在别处退出登录）。请返回、刷新页面后重试。",
        "The form is no longer valid (you may have logged out elsewhere). Go back, reload, and try again.",
    )
}

fn busy(lang: Lang) -> Response {
    message(
        StatusCode::SERVICE_UNAVAILABLE,
        lang,
        "同时打开的页面过多，请稍候重试。",
        "Too many pages are being made at once. Try again in a moment.",
    )
}

/// Why something is not done or shown, as a page.
pub(super) fn failed(lang: Lang, error: &OfficeError) -> Response {
    let english = error.to_string();
    let (status, zh) = match error {
        OfficeError::Forbidden(_) => (StatusCode::FORBIDDEN, "您的账号没有此项权限。"),
        OfficeError::Unknown => (StatusCode::NOT_FOUND, "没有此编号，或您的账号无权查看。"),
        OfficeError::Refused(refused) => (StatusCode::CONFLICT, refused.text_zh()),
        OfficeError::Register(_) => {
            (StatusCode::CONFLICT, "授权库没有可以这样变更的内容，或暂时无法写入。")
        }
        OfficeError::Bypass(refused) => {
            return message(StatusCode::CONFLICT, lang, &refused.text_zh(), &english);
        }
        OfficeError::Account(ChangeRefused::Unknown) => (StatusCode::NOT_FOUND, "没有此账号。"),
        OfficeError::Account(refused) => (StatusCode::CONFLICT, refused.text_zh()),
        OfficeError::Stance(refused) => (StatusCode::CONFLICT, refused.text_zh()),
        OfficeError::Locked(_) => {
            (StatusCode::FORBIDDEN, "一小时内打开的患者过多，账号已被锁定，请联系管理员。")
        }
        OfficeError::Ledger => {
            (StatusCode::SERVICE_UNAVAILABLE, "账本暂时不可写，操作未执行，请稍后重试。")
        }
        OfficeError::Overrides(_)
        | OfficeError::Search(_)
        | OfficeError::Cases(_)
        | OfficeError::Accounts(_)
        | OfficeError::Files(_) => {
            (StatusCode::SERVICE_UNAVAILABLE, "索引暂时无法查询，请稍后重试。")
        }
    };
    message(status, lang, zh, &english)
}

/// A table that is not given.
pub(super) fn unwritten(lang: Lang, error: &SheetError) -> Response {
    match error {
        SheetError::TooLong => message(
            StatusCode::BAD_REQUEST,
            lang,
            "行数超出工作簿上限，请缩短日期范围或改用 CSV。",
            "More rows than a workbook holds: ask for fewer days, or for CSV.",
        ),
        SheetError::Internal => message(
            StatusCode::INTERNAL_SERVER_ERROR,
            lang,
            "导出文件无法生成。",
            "The table cannot be written.",
        ),
    }
}
