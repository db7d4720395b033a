//! One route: what it does with verdicts, and the forms that change it.

use askama::Template;
use axum::Extension;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;

use crate::accounts::Permit;
use crate::domain::verdict::Stance;
use crate::gate::office::{OfficeError, Wanted};
use crate::gate::stance::RouteStance;
use crate::inbound::console::caller::Peer;
use crate::inbound::console::pages::Desk;
use crate::inbound::console::pages::form::Form;
use crate::inbound::console::pages::operations::{LOOK, RouteLine, may_operate};
use crate::inbound::console::pages::page::{Frame, go, html};
use crate::inbound::console::pages::visit::failed;
use crate::inbound::console::pages::words::Lang;

#[derive(Template)]
#[template(path = "inbound/console/pages/operations/route.html")]
struct RoutePage {
    frame: Frame,
    lang: Lang,
    line: RouteLine,
    /// What is in force: observe, enforce all, enforce some.
    chosen: &'static str,
    departments: String,
    may_operate: bool,
    /// The account's own departments, where it sees no others: it changes one of these at a time.
    own: Option<Vec<String>>,
}

/// The page of a route.
pub(in crate::inbound::console::pages) async fn route(
    State(desk): State<Desk>,
    Extension(peer): Extension<Peer>,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Response {
    let visit = match desk.permitted_any(&headers, peer, LOOK).await {
        Ok(visit) => visit,
        Err(response) => return response,
    };
    let lang = visit.lang;
    let facts = desk.plant.routes.iter().find(|facts| *facts.name == *name);
    let switch = desk.office.stances().of(&name);
    let (Some(facts), Some(switch)) = (facts, switch) else {
        return failed(lang, &OfficeError::Unknown);
    };
    let now = switch.now();
    let page = RoutePage {
        frame: desk.frame(&visit, "operations").await,
        lang,
        line: desk.route_line(facts, lang),
        chosen: match (now.stance, now.departments.is_empty()) {
            (Stance::Observe | Stance::Bypass, _) => "observe",
            (Stance::Enforce, true) => "all",
            (Stance::Enforce, false) => "some",
        },
        departments: now.departments.join(", "),
        may_operate: may_operate(&visit),
        own: visit.account.scope.departments().map(<[String]>::to_vec),
    };
    html(StatusCode::OK, &page)
}

/// What a form wants: the whole stance, or one department.
fn wanted(form: &Form) -> Wanted {
    let stance = |stance, departments| Wanted::Whole(RouteStance { stance, departments });
    match form.get("act") {
        "department-enforce" => {
            Wanted::Department(form.get("department").trim().to_owned(), Stance::Enforce)
        }
        "department-observe" => {
            Wanted::Department(form.get("department").trim().to_owned(), Stance::Observe)
        }
        _ => match form.get("stance") {
            "all" => stance(Stance::Enforce, Vec::new()),
            "some" => {
                let listed = departments(form.get("departments"));
                // An empty list would mean all of them.
                match listed.is_empty() {
                    true => Wanted::Department(String::new(), Stance::Enforce),
                    false => stance(Stance::Enforce, listed),
                }
            }
            _ => stance(Stance::Observe, Vec::new()),
        },
    }
}

/// Names between commas, of either kind, or 、 or line ends.
fn departments(text: &str) -> Vec<String> {
    let parts = text.split([',', '，', '、', ';', '；', '\n']).map(str::trim);
    let mut listed: Vec<String> =
        parts.filter(|part| !part.is_empty()).map(str::to_owned).collect();
    listed.sort();
    listed.dedup();
    listed
}

/// Changes what a route does with verdicts.
pub(in crate::inbound::console::pages) async fn set(
    State(desk): State<Desk>,
    Extension(peer): Extension<Peer>,
    Path(name): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let (visit, form) = match desk.sent(&headers, peer, Permit::Operate, body).await {
        Ok(sent) => sent,
        Err(response) => return response,
    };
    let set = desk.office.set_stance(&visit.account, &name, wanted(&form), form.get("reason"));
    match set.await {
        Ok(switched) if switched.kept => go("/operations?done=stance"),
        Ok(_) => go("/operations?done=stance-unkept"),
        Err(error) => failed(visit.lang, &error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(query: &str) -> Wanted {
        wanted(&Form::read(query))
    }

    #[test]
    fn a_form_says_all_some_or_none_and_an_empty_list_is_never_all() {
        let whole = |stance, departments: &[&str]| {
            let departments = departments.iter().map(|name| (*name).to_owned()).collect();
            Wanted::Whole(RouteStance { stance, departments })
        };
        assert_eq!(of("stance=all"), whole(Stance::Enforce, &[]));
        assert_eq!(of("stance=observe&departments=0301"), whole(Stance::Observe, &[]));
        let some = of("stance=some&departments=0302%EF%BC%8C+0301%E3%80%810302");
        assert_eq!(some, whole(Stance::Enforce, &["0301", "0302"]));
        assert_eq!(
            of("stance=some&departments=+%2C"),
            Wanted::Department(String::new(), Stance::Enforce)
        );
        assert_eq!(
            of("act=department-observe&department=0301+"),
            Wanted::Department("0301".to_owned(), Stance::Observe)
        );
    }
}
