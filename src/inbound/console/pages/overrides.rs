//! 越权急诊 Overrides: files that wait and files that are closed, one file with its history, and what is done to it.

use askama::Template;
use axum::Extension;
use axum::body::Body;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use jiff::Timestamp;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::accounts::Permit;
use crate::gate::office::{Look, Looked, OfficeError, Reviewed};
use crate::inbound::console::caller::Peer;
use crate::inbound::console::pages::Desk;
use crate::inbound::console::pages::form::Form;
use crate::inbound::console::pages::page::{Frame, go, html};
use crate::inbound::console::pages::visit::{Visit, failed};
use crate::inbound::console::pages::words::{Lang, masked, moment};
use crate::overrides::{
    Act, Behind, Conclusion, FileId, LIST_MAX, OverrideFile, Person, Refused, Sought,
    State as FileState, Target,
};

/// Files of one page.
const PAGE: u32 = 100;

/// A file in a list.
pub(super) struct Line {
    pub(super) id: String,
    pub(super) opened: String,
    pub(super) state: &'static str,
    pub(super) left: String,
    pub(super) overdue: bool,
    pub(super) level: u32,
    pub(super) attested: bool,
    pub(super) surgeon: String,
    pub(super) procedure: String,
    pub(super) grade: String,
    pub(super) department: String,
    pub(super) patient: String,
}

#[derive(Template)]
#[template(path = "inbound/console/pages/overrides.html")]
struct ListPage {
    frame: Frame,
    lang: Lang,
    /// The open ones and the closed ones.
    lists: Vec<(bool, Vec<Line>)>,
    /// There may be more open ones than are listed.
    more_open: bool,
    surgeon: String,
    next: Option<String>,
}

/// A step of a file's history.
struct Step {
    at: String,
    act: &'static str,
    by: String,
    words: String,
    void: Option<String>,
}

#[derive(Template)]
#[template(path = "inbound/console/pages/override_file.html")]
struct FilePage {
    frame: Frame,
    lang: Lang,
    line: Line,
    entry: String,
    stage: String,
    route: String,
    order_no: String,
    opener: String,
    attested: Vec<(String, String, String)>,
    lifted: Vec<String>,
    flagged: Vec<String>,
    steps: Vec<Step>,
    is_open: bool,
    may_review: bool,
    barred: Option<String>,
    notice: Option<String>,
    unusual: Option<usize>,
}

/// Both lists; closed ones page by page.
pub(super) async fn list(
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
    let behind = form.filled("behind").and_then(Behind::parse);
    let sought = |open: bool| Sought {
        open: Some(open),
        surgeon: form.filled("surgeon").map(str::to_owned),
        departments: visit.account.scope.departments().map(<[String]>::to_vec),
        before: None,
        behind: behind.clone().filter(|_| !open),
        limit: if open { 0 } else { PAGE },
    };
    let overrides = desk.office.overrides();
    let (open, closed) =
        match (overrides.list(&sought(true)).await, overrides.list(&sought(false)).await) {
            (Ok(open), Ok(closed)) => (open, closed),
            (Err(error), _) | (_, Err(error)) => return failed(visit.lang, &error.into()),
        };
    let fills = |files: &[OverrideFile], most: u32| {
        files.len() >= usize::try_from(most).unwrap_or(usize::MAX)
    };
    let surgeon = form.get("surgeon").trim();
    let next = closed.last().filter(|_| fills(&closed, PAGE)).map(|file| {
        let surgeon = utf8_percent_encode(surgeon, NON_ALPHANUMERIC);
        format!("surgeon={surgeon}&behind={}", Behind::file(file))
    });
    let lines = |files: &[OverrideFile]| {
        files.iter().map(|file| desk.line(file, visit.lang)).collect::<Vec<_>>()
    };
    let page = ListPage {
        frame: desk.frame(&visit, "overrides").await,
        lang: visit.lang,
        more_open: fills(&open, LIST_MAX),
        lists: if behind.is_some() {
            vec![(false, lines(&closed))]
        } else {
            vec![(true, lines(&open)), (false, lines(&closed))]
        },
        surgeon: surgeon.to_owned(),
        next,
    };
    html(StatusCode::OK, &page)
}

/// One file. The patient's number is shown, so the look is recorded first.
pub(super) async fn show(
    State(desk): State<Desk>,
    Extension(peer): Extension<Peer>,
    Path(file): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let visit = match desk.permitted(&headers, peer, Permit::See).await {
        Ok(visit) => visit,
        Err(response) => return response,
    };
    let done = Form::read(query.as_deref().unwrap_or_default());
    match desk.file_page(&visit, &file, done.get("done")).await {
        Ok(page) => html(StatusCode::OK, &page),
        Err(error) => failed(visit.lang, &error),
    }
}

impl Desk {
    async fn file_page(
        &self,
        visit: &Visit,
        file: &str,
        done: &str,
    ) -> Result<FilePage, OfficeError> {
        let id = FileId::parse(file).ok_or(OfficeError::Unknown)?;
        let file = self.office.override_file(&visit.account, &id).await?;
        let patient = file.opened.patient.as_ref().map(|number| number.reveal().to_owned());
        let look = Look {
            act: "viewed",
            what: "override-file",
            entry: Some(id.entry.clone()),
            patients: patient.clone().into_iter().collect(),
            purpose: "override review".to_owned(),
        };
        let looked = self.office.looked(&visit.account, &look).await?;
        let lang = visit.lang;
        let mut line = self.line(&file, lang);
        line.patient = patient.unwrap_or_default();
        let opened = &file.opened;
        let words = |rules: &[String]| rules.iter().map(|rule| lang.rule(rule)).collect();
        Ok(FilePage {
            frame: self.frame(visit, "overrides").await,
            lang,
            entry: opened.id.entry.clone(),
            stage: lang.stage(Some(&opened.stage)).to_owned(),
            route: opened.route.clone(),
            order_no: opened.order_no.as_ref().map_or("", |no| no.reveal()).to_owned(),
            opener: opened.opened_by.as_ref().map(Person::words).unwrap_or_default(),
            attested: file.attested.iter().map(|attested| self.attested(attested)).collect(),
            lifted: words(&opened.lifted),
            flagged: words(&opened.flagged),
            steps: file.history.iter().map(|step| self.step(step, lang)).collect(),
            is_open: file.state == FileState::Open,
            may_review: visit.account.may(Permit::Review),
            barred: self.barred(&file, visit).map(|refused| said(refused, lang)),
            notice: notice(done, lang).map(str::to_owned),
            unusual: match looked {
                Looked::Usual => None,
                Looked::Unusual(count) => Some(count),
            },
            line,
        })
    }

    /// Why this person could not review the file, whatever they write.
    fn barred(&self, file: &OverrideFile, visit: &Visit) -> Option<Refused> {
        let account = &visit.account;
        let act = Act::Reviewed {
            by: Person {
                account: Some(account.name.clone()),
                name: Some(account.display.clone()),
                staff: account.staff.clone(),
            },
            conclusion: Conclusion::Confirmed,
            reason: "-".to_owned(),
            suspend: None,
        };
        file.check(&act, self.now()).err().filter(|refused| *refused != Refused::Closed)
    }

    fn now(&self) -> Timestamp {
        self.office.gate().clock().now()
    }

    fn attested(&self, attested: &crate::overrides::file::Attested) -> (String, String, String) {
        let by = attested.by.as_ref().map_or_else(|| "—".to_owned(), Person::words);
        let reason = attested.reason.as_ref().map_or("—", |reason| reason.reveal());
        (moment(attested.at, self.zone()), by, reason.to_owned())
    }

    pub(super) fn line(&self, file: &OverrideFile, lang: Lang) -> Line {
        let (opened, now) = (&file.opened, self.now());
        let name = opened.procedure_name.as_deref().unwrap_or_default();
        let code = opened.procedure.as_deref().unwrap_or("—");
        let left = match file.closed_at {
            Some(closed) => moment(closed, self.zone()),
            None => lang.left(file.due, now),
        };
        Line {
            id: opened.id.to_string(),
            opened: moment(opened.at, self.zone()),
            state: file.state.as_str(),
            left,
            overdue: file.overdue(now),
            level: file.level,
            attested: file.is_attested(),
            surgeon: opened.surgeon.words(),
            procedure: format!("{code} {name}").trim().to_owned(),
            grade: opened.grade.map_or_else(|| "—".to_owned(), |grade| grade.to_string()),
            department: opened.department.clone().unwrap_or_default(),
            patient: opened.patient.as_ref().map(|no| masked(no.reveal())).unwrap_or_default(),
        }
    }

    fn step(&self, step: &crate::overrides::file::Step, lang: Lang) -> Step {
        let act = &step.recorded.act;
        let reason = act.reason().unwrap_or_default();
        let words = match act {
            Act::Reviewed { conclusion, suspend, .. } => {
                let ends = lang.state(conclusion.as_str());
                let suspends = match suspend.as_ref().map(|suspend| suspend.of) {
                    None => "",
                    Some(Target::Grant) => {
                        lang.say("；同时暂停该项授权", "; the grant suspended with it")
                    }
                    Some(Target::Surgeon) => {
                        lang.say("；同时暂停该术者", "; the surgeon suspended with it")
                    }
                };
                format!("{ends}：{reason}{suspends}")
            }
            Act::Escalated { level, to } => format!("{level} · {}", to.join("、")),
            Act::Attested { .. } | Act::Reopened { .. } => reason.to_owned(),
        };
        Step {
            at: moment(step.recorded.at, self.zone()),
            act: act.name(),
            by: act.by().map_or_else(|| "orgate".to_owned(), Person::words),
            words,
            void: step.void.map(|refused| said(refused, lang)),
        }
    }
}

/// What is done to a file: reviewed, reopened, attested.
pub(super) async fn act(
    State(desk): State<Desk>,
    Extension(peer): Extension<Peer>,
    Path(file): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let (visit, form) = match desk.sent(&headers, peer, Permit::Review, body).await {
        Ok(sent) => sent,
        Err(response) => return response,
    };
    let Some(id) = FileId::parse(&file) else { return failed(visit.lang, &OfficeError::Unknown) };
    let (office, account, reason) = (&desk.office, &visit.account, form.get("reason"));
    let done = match form.get("act") {
        "reopen" => office.reopen(account, &id, reason).await.map(|_| "reopened"),
        "attest" => office.attest_file(account, &id, reason).await.map(|_| "attested"),
        "confirm" => {
            let reviewed = office.review(account, &id, Conclusion::Confirmed, reason, None).await;
            reviewed.map(|_| "confirmed")
        }
        "reject" => {
            let suspend = match form.get("suspend") {
                "grant" => Some(Target::Grant),
                "surgeon" => Some(Target::Surgeon),
                _ => None,
            };
            let reviewed = office.review(account, &id, Conclusion::Rejected, reason, suspend).await;
            reviewed.map(|Reviewed { suspended, .. }| match suspended {
                None => "rejected",
                Some(Ok(_)) => "suspended",
                Some(Err(_)) => "not-suspended",
            })
        }
        _ => Err(OfficeError::Unknown),
    };
    match done {
        // The id as it was read: a path made of what somebody sent would be theirs.
        Ok(done) => go(&format!("/overrides/{id}?done={done}")),
        Err(error) => failed(visit.lang, &error),
    }
}

fn said(refused: Refused, lang: Lang) -> String {
    match lang {
        Lang::Zh => refused.text_zh().to_owned(),
        Lang::En => refused.to_string(),
    }
}

/// What was done, said on the page that follows.
fn notice(done: &str, lang: Lang) -> Option<&'static str> {
    let (zh, en) = match done {
        "confirmed" => ("已认可并结案。", "Confirmed and closed."),
        "rejected" => ("已判定不认可并结案。", "Rejected and closed."),
        "suspended" => (
            "已判定不认可，授权同时暂停，下一份医嘱起生效。",
            "Rejected; suspended with it, effective on the next order.",
        ),
        "not-suspended" => (
            "已判定不认可，但授权库未能写入暂停，请到授权页面另行办理。",
            "Rejected, but the register did not take the suspension: do it on the register page.",
        ),
        "reopened" => ("已重新打开。", "Reopened."),
        "attested" => ("声明已登记。", "The attestation is entered."),
        _ => return None,
    };
    Some(match lang {
        Lang::Zh => zh,
        Lang::En => en,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_list_of_open_files_says_that_there_are_more() {
        let frame = || Frame {
            at: "overrides",
            who: "样例".to_owned(),
            word: "w".to_owned(),
            waiting: Some(501),
            sees: true,
            operates: false,
            keeps: false,
            local: true,
        };
        let page = |more_open: bool| ListPage {
            frame: frame(),
            lang: Lang::En,
            lists: vec![(true, Vec::new()), (false, Vec::new())],
            more_open,
            surgeon: String::new(),
            next: None,
        };
        let told = "there may be more";
        assert_eq!(page(true).render().unwrap().matches(told).count(), 1);
        assert!(!page(false).render().unwrap().contains(told));
    }
}
