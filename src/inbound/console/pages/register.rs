//! 授权 Register: a surgeon's dossier with grants and override files, techniques; suspended and resumed with a reason.

use askama::Template;
use axum::Extension;
use axum::body::Body;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use jiff::civil::Date;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::accounts::Permit;
use crate::domain::grant::{Grant, GrantStatus, Right, Scope, Supervision};
use crate::domain::procedure::{Grade, ProcedureCode};
use crate::domain::surgeon::{Lookup, SurgeonId, SurgeonStatus};
use crate::domain::technique::{DossierState, ListKind, ListLevel};
use crate::gate::office::OfficeError;
use crate::inbound::console::caller::Peer;
use crate::inbound::console::pages::Desk;
use crate::inbound::console::pages::form::Form;
use crate::inbound::console::pages::overrides::Line;
use crate::inbound::console::pages::page::{Frame, go, html};
use crate::inbound::console::pages::visit::failed;
use crate::inbound::console::pages::words::Lang;
use crate::overrides::Sought;
use crate::register::change::{Subject, Turn};
use crate::register::{Patience, PersonKey};

/// Override files on a dossier.
const FILES: u32 = 50;

/// A row that can be turned: what the form sends, and which way it may go.
struct Turnable {
    /// `grant`, `grade`, `surgeon`, `technique`.
    kind: &'static str,
    /// Code, grade or item.
    what: String,
    /// `suspend`, `resume`, or nothing.
    way: &'static str,
}

struct GrantLine {
    scope: String,
    right: &'static str,
    status: &'static str,
    term: String,
    document: String,
    evaluated: String,
    sites: String,
    supervised: bool,
    turn: Turnable,
}

#[derive(Template)]
#[template(path = "inbound/console/pages/surgeon.html")]
struct SurgeonPage {
    frame: Frame,
    lang: Lang,
    id: String,
    name: String,
    department: String,
    status: &'static str,
    licence: String,
    turn: Turnable,
    grants: Vec<GrantLine>,
    files: Vec<Line>,
    version: i64,
    may_change: bool,
    done: bool,
}

struct TechniqueLine {
    item: String,
    name: String,
    kind: &'static str,
    list: &'static str,
    state: &'static str,
    filed: String,
    turn: Turnable,
}

#[derive(Template)]
#[template(path = "inbound/console/pages/register.html")]
struct RegisterPage {
    frame: Frame,
    lang: Lang,
    version: i64,
    techniques: Vec<TechniqueLine>,
    may_change: bool,
    done: bool,
    nobody: bool,
}

/// Techniques, and the way to a surgeon.
pub(super) async fn show(
    State(desk): State<Desk>,
    Extension(peer): Extension<Peer>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let visit = match desk.permitted(&headers, peer, Permit::See).await {
        Ok(visit) => visit,
        Err(response) => return response,
    };
    let form = Form::read(query.as_deref().unwrap_or_default());
    let register = desk.office.gate().register();
    let mut nobody = false;
    if let Some(who) = form.filled("surgeon") {
        let keys = [SurgeonId::new(who).map(PersonKey::Id), PersonKey::name(who)];
        for key in keys.into_iter().flatten() {
            let found = register.surgeon(&key, Patience::Elective).await.lookup;
            if let Lookup::Found(surgeon) = found {
                return go(&surgeon_path(surgeon.id.as_str(), ""));
            }
        }
        nobody = true;
    }
    let lists = register.lists();
    let lang = visit.lang;
    let techniques = lists.techniques.iter().map(|technique| {
        let dossier = lists.dossier(&technique.item);
        let (state, way) = match dossier.map(|dossier| dossier.state) {
            // What is prohibited need not be suspended.
            _ if technique.kind == ListKind::Prohibited => ("", ""),
            None => ("none", "suspend"),
            Some(DossierState::Active) => ("active", "suspend"),
            Some(DossierState::Suspended) => ("suspended", "resume"),
            Some(DossierState::Stopped) => ("stopped", ""),
            Some(DossierState::Cancelled) => ("cancelled", ""),
        };
        TechniqueLine {
            item: technique.item.clone(),
            name: technique.name.clone(),
            kind: list_kind(technique.kind, lang),
            list: list_level(technique.level, lang),
            state: status(state, lang),
            filed: day(dossier.and_then(|dossier| dossier.filed_on)),
            turn: Turnable { kind: "technique", what: technique.item.clone(), way },
        }
    });
    let page = RegisterPage {
        frame: desk.frame(&visit, "register").await,
        lang,
        version: lists.version,
        techniques: techniques.collect(),
        may_change: visit.account.may(Permit::ChangeRegister),
        done: form.get("done") == "1",
        nobody,
    };
    html(StatusCode::OK, &page)
}

/// One surgeon.
pub(super) async fn surgeon(
    State(desk): State<Desk>,
    Extension(peer): Extension<Peer>,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let visit = match desk.permitted(&headers, peer, Permit::See).await {
        Ok(visit) => visit,
        Err(response) => return response,
    };
    let lang = visit.lang;
    let register = desk.office.gate().register();
    let Some(key) = SurgeonId::new(&id).map(PersonKey::Id) else {
        return failed(lang, &OfficeError::Unknown);
    };
    let Lookup::Found(found) = register.surgeon(&key, Patience::Elective).await.lookup else {
        return failed(lang, &OfficeError::Unknown);
    };
    let sought = Sought {
        surgeon: Some(found.id.to_string()),
        departments: visit.account.scope.departments().map(<[String]>::to_vec),
        limit: FILES,
        ..Sought::default()
    };
    let files = match desk.office.overrides().list(&sought).await {
        Ok(files) => files,
        Err(error) => return failed(lang, &error.into()),
    };
    let done = Form::read(query.as_deref().unwrap_or_default()).get("done") == "1";
    let (state, way) = match found.status {
        SurgeonStatus::Active => ("active", "suspend"),
        SurgeonStatus::Suspended => ("suspended", "resume"),
        SurgeonStatus::Left => ("left", ""),
    };
    let page = SurgeonPage {
        frame: desk.frame(&visit, "register").await,
        lang,
        id: found.id.to_string(),
        name: found.name.clone(),
        department: found.department.clone().unwrap_or_default(),
        status: status(state, lang),
        licence: day(found.licence_to),
        turn: Turnable { kind: "surgeon", what: String::new(), way },
        grants: found.grants.iter().map(|grant| desk.grant_line(grant, lang)).collect(),
        files: files.iter().map(|file| desk.line(file, lang)).collect(),
        version: register.version(),
        may_change: visit.account.may(Permit::ChangeRegister),
        done,
    };
    html(StatusCode::OK, &page)
}

impl Desk {
    fn grant_line(&self, grant: &Grant, lang: Lang) -> GrantLine {
        let catalogue = self.office.gate().register().catalogue();
        let (scope, kind, what) = match &grant.scope {
            Scope::Item(code) => {
                let name = catalogue.resolve(code).map_or("", |item| item.name.as_str());
                (format!("{code} {name}"), "grant", code.to_string())
            }
            Scope::GradeWide(grade) => {
                let number = grade.number().to_string();
                (
                    lang.say("按级别：至 ", "grade-wide: up to ").to_owned() + &number,
                    "grade",
                    number,
                )
            }
        };
        let (state, way) = match grant.status {
            GrantStatus::Active => ("active", "suspend"),
            GrantStatus::Suspended => ("suspended", "resume"),
            GrantStatus::Revoked => ("revoked", ""),
        };
        let perform = grant.right == Right::Perform;
        GrantLine {
            scope,
            right: if perform {
                lang.say("主刀", "perform")
            } else {
                lang.say("开单", "order")
            },
            status: status(state, lang),
            term: format!("{} – {}", day(grant.valid_from), day(grant.valid_to)),
            document: grant.document_no.clone().unwrap_or_default(),
            evaluated: day(grant.evaluated_on),
            sites: grant.sites.join(" "),
            supervised: grant.supervision == Supervision::Required,
            turn: Turnable { kind, what, way: if perform { way } else { "" } },
        }
    }
}

/// Suspends or resumes.
pub(super) async fn turn(
    State(desk): State<Desk>,
    Extension(peer): Extension<Peer>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let visit = match desk.permitted(&headers, peer, Permit::ChangeRegister).await {
        Ok(visit) => visit,
        Err(response) => return response,
    };
    let form = match desk.form(&visit, &headers, body).await {
        Ok(form) => form,
        Err(response) => return response,
    };
    let way = match form.get("way") {
        "suspend" => Turn::Suspend,
        "resume" => Turn::Resume,
        _ => return failed(visit.lang, &OfficeError::Unknown),
    };
    let Some(subject) = subject(&form) else { return failed(visit.lang, &OfficeError::Unknown) };
    let to = match &subject {
        Subject::Technique(_) | Subject::Procedure(_) => "/register?done=1".to_owned(),
        Subject::Surgeon(id) => surgeon_path(id, "?done=1"),
        Subject::Grants { surgeon, .. } | Subject::GradeWide { surgeon, .. } => {
            surgeon_path(surgeon, "?done=1")
        }
    };
    match desk.office.turn(&visit.account, subject, way, form.get("reason")).await {
        Ok(_) => go(&to),
        Err(error) => failed(visit.lang, &error),
    }
}

fn subject(form: &Form) -> Option<Subject> {
    let surgeon = form.filled("surgeon").map(str::to_owned);
    let what = form.get("what");
    Some(match form.get("kind") {
        "grant" => Subject::Grants { surgeon: surgeon?, code: ProcedureCode::new(what)? },
        "grade" => {
            Subject::GradeWide { surgeon: surgeon?, grade: Grade::from_number(what.parse().ok()?)? }
        }
        "surgeon" => Subject::Surgeon(surgeon?),
        "technique" => Subject::Technique(what.to_owned()),
        _ => return None,
    })
}

fn surgeon_path(id: &str, query: &str) -> String {
    format!("/register/surgeons/{}{query}", utf8_percent_encode(id, NON_ALPHANUMERIC))
}

fn day(day: Option<Date>) -> String {
    day.map(|day| day.to_string()).unwrap_or_default()
}

fn status(name: &'static str, lang: Lang) -> &'static str {
    match name {
        "active" => lang.say("有效", "active"),
        "suspended" => lang.say("暂停", "suspended"),
        "stopped" => lang.say("停止", "stopped"),
        "revoked" => lang.say("取消", "revoked"),
        "cancelled" => lang.say("备案取消", "cancelled"),
        "none" => lang.say("无档案", "no dossier"),
        "left" => lang.say("离职", "left"),
        other => other,
    }
}

fn list_kind(kind: ListKind, lang: Lang) -> &'static str {
    match kind {
        ListKind::Prohibited => lang.say("禁止类", "prohibited"),
        ListKind::Restricted => lang.say("限制类", "restricted"),
        ListKind::Monitored => lang.say("重点监管", "monitored"),
        ListKind::SpecialRegime => lang.say("特殊管理", "special regime"),
    }
}

fn list_level(level: ListLevel, lang: Lang) -> &'static str {
    match level {
        ListLevel::National => lang.say("国家", "national"),
        ListLevel::Provincial => lang.say("省级", "provincial"),
        ListLevel::City => lang.say("市级", "city"),
        ListLevel::Institution => lang.say("本院", "institution"),
    }
}
