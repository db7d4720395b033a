//! A grant, a surgeon, a technique or an item suspended or resumed, with a reason: in force on the next order.

use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::accounts::Permit;
use crate::domain::procedure::{Grade, ProcedureCode};
use crate::gate::office::OfficeError;
use crate::inbound::console::caller::Peer;
use crate::inbound::console::pages::Desk;
use crate::inbound::console::pages::form::Form;
use crate::inbound::console::pages::page::go;
use crate::inbound::console::pages::visit::failed;
use crate::inbound::console::pages::words::Lang;
use crate::register::change::{Subject, Turn};

/// What a form speaks of, and the page that shows it.
fn subject(form: &Form) -> Option<(Subject, String)> {
    let text = |name| form.filled(name).map(str::to_owned);
    let page = |kind: &str, name: &str| {
        format!("/register/{kind}{}", utf8_percent_encode(name, NON_ALPHANUMERIC))
    };
    let code = || ProcedureCode::new(form.get("code"));
    let subject = match form.get("of") {
        "grant" => Subject::Grants { surgeon: text("surgeon")?, code: code()? },
        "grade" => {
            let grade = form.get("grade").parse().ok().and_then(Grade::from_number)?;
            Subject::GradeWide { surgeon: text("surgeon")?, grade }
        }
        "surgeon" => Subject::Surgeon(text("surgeon")?),
        "technique" => Subject::Technique(text("item")?),
        "procedure" => Subject::Procedure(code()?),
        _ => return None,
    };
    let back = match &subject {
        Subject::Grants { surgeon, .. } | Subject::GradeWide { surgeon, .. } => {
            page("surgeons/", surgeon)
        }
        Subject::Surgeon(surgeon) => page("surgeons/", surgeon),
        Subject::Technique(item) => page("techniques?text=", item),
        Subject::Procedure(code) => page("catalogue?text=", code.as_str()),
    };
    Some((subject, back))
}

/// Does it.
pub(super) async fn turn(
    State(desk): State<Desk>,
    Extension(peer): Extension<Peer>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let (visit, form) = match desk.sent(&headers, peer, Permit::ChangeRegister, body).await {
        Ok(sent) => sent,
        Err(response) => return response,
    };
    let way = match form.get("way") {
        "suspend" => Some(Turn::Suspend),
        "resume" => Some(Turn::Resume),
        _ => None,
    };
    let Some(((subject, back), way)) = subject(&form).zip(way) else {
        return failed(visit.lang, &OfficeError::Unknown);
    };
    match desk.office.turn(&visit.account, subject, way, form.get("reason")).await {
        Ok(changed) => {
            let sign = if back.contains('?') { '&' } else { '?' };
            go(&format!("{back}{sign}done={}&version={}", way.as_str(), changed.version))
        }
        Err(error) => failed(visit.lang, &error),
    }
}

/// What was done, said on the page that follows.
pub(super) fn notice(form: &Form, lang: Lang) -> Option<String> {
    let version: i64 = form.get("version").parse().ok()?;
    let said = match form.get("done") {
        "suspend" => {
            lang.say("已暂停，下一份医嘱起生效。", "Suspended, effective on the next order.")
        }
        "resume" => lang.say("已恢复，下一份医嘱起生效。", "Resumed, effective on the next order."),
        _ => return None,
    };
    Some(format!("{said} {} {version}", lang.say("授权库版本", "Register version")))
}
