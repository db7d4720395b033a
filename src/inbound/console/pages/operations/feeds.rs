//! Feeds: how each stands, what its receiver did not take, and the forms that send it again or enable a feed that a
//! receiver has disabled.

use std::sync::Arc;
use std::time::Duration;

use askama::Template;
use axum::Extension;
use axum::body::Body;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use tokio::runtime::Handle;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use crate::accounts::{Account, Permit};
use crate::feed::alert::kind::{AlertKind, Severity};
use crate::feed::dead::DeadLetter;
use crate::feed::state::{Glance, Resent, StateError};
use crate::feed::watched::Watched;
use crate::gate::office::{OfficeError, StanceError};
use crate::inbound::console::caller::Peer;
use crate::inbound::console::pages::Desk;
use crate::inbound::console::pages::form::Form;
use crate::inbound::console::pages::operations::resends::{Outcome, Resend, Turn};
use crate::inbound::console::pages::operations::{LOOK, may_operate};
use crate::inbound::console::pages::page::{Frame, go, html, message};
use crate::inbound::console::pages::visit::{Visit, failed};
use crate::inbound::console::pages::words::{Lang, moment};
use crate::ledger::EntryId;

/// Dead letters that a page lists.
const LETTERS_MAX: usize = 200;
/// A receiver that does not answer is not waited for: the page then says that it is going on.
const RESEND_SHOWN: Duration = Duration::from_secs(4);

/// A feed, in words.
pub(super) struct FeedLine {
    pub(super) name: String,
    pub(super) path: String,
    pub(super) kind: &'static str,
    pub(super) up: bool,
    pub(super) state: String,
    pub(super) since: String,
    pub(super) why: String,
    pub(super) behind: String,
    pub(super) last: String,
    pub(super) dead: usize,
    pub(super) disabled: bool,
}

/// A dead letter, in words.
struct LetterLine {
    id: String,
    at: String,
    kind: String,
    severity: &'static str,
    text: String,
    why: String,
    attempts: u32,
    /// The ledger entry, for whoever may see it.
    entry: Option<String>,
}

#[derive(Template)]
#[template(path = "inbound/console/pages/operations/feed.html")]
struct FeedPage {
    frame: Frame,
    lang: Lang,
    line: FeedLine,
    letters: Vec<LetterLine>,
    dead: usize,
    last: Option<String>,
    going: bool,
    notice: Option<&'static str>,
    may_act: bool,
    own_departments: bool,
}

fn kind(name: &'static str, lang: Lang) -> &'static str {
    match name {
        "webhook" => "Webhook",
        "wecom" => lang.say("企业微信", "WeCom"),
        "dingtalk" => lang.say("钉钉", "DingTalk"),
        "feishu" => lang.say("飞书", "Feishu"),
        "nats" => "NATS",
        "fhir" => "FHIR",
        "hl7v2" => "HL7 v2",
        "mail" => lang.say("邮件", "mail"),
        "file" => lang.say("文件", "file"),
        other => other,
    }
}

fn line(
    feed: &Watched,
    glance: Result<Glance, StateError>,
    lang: Lang,
    zone: &TimeZone,
) -> FeedLine {
    let standing = feed.light.standing();
    let name = feed.config.name.clone();
    let mut line = FeedLine {
        path: utf8_percent_encode(&name, NON_ALPHANUMERIC).to_string(),
        name,
        kind: kind(feed.config.destination.kind(), lang),
        up: standing.up,
        state: if standing.up { lang.say("正常", "up") } else { lang.say("中断", "down") }
            .to_owned(),
        since: standing.since.map(|since| moment(since, zone)).unwrap_or_default(),
        why: standing.why,
        behind: String::new(),
        last: match (feed.delivered.last(), lang) {
            (None, _) => lang.say("启动以来无", "none since the start").to_owned(),
            (Some((at, alerts)), Lang::Zh) => format!("{}（{alerts} 条）", moment(at, zone)),
            (Some((at, alerts)), Lang::En) => format!("{} ({alerts})", moment(at, zone)),
        },
        dead: 0,
        disabled: false,
    };
    match glance {
        Ok(glance) => {
            line.behind = match (glance.seq, lang) {
                (None, _) => lang.say("未开始", "not begun").to_owned(),
                (Some(_), Lang::Zh) => format!("{} 条账本条目", glance.behind),
                (Some(_), Lang::En) => format!("{} entries behind", glance.behind),
            };
            line.dead = glance.dead;
            if let Some(why) = glance.disabled {
                (line.disabled, line.up) = (true, false);
                (line.since, line.why) = (String::new(), why);
                lang.say("停用（410）", "disabled (410)").clone_into(&mut line.state);
            }
        }
        Err(error) => {
            line.up = false;
            lang.say("无法读取", "unreadable").clone_into(&mut line.state);
            line.why = error.to_string();
        }
    }
    line
}

fn letter(letter: DeadLetter, visit: &Visit, zone: &TimeZone) -> LetterLine {
    let lang = visit.lang;
    let text = |pointer: &str| {
        letter.event.pointer(pointer).and_then(serde_json::Value::as_str).unwrap_or_default()
    };
    let known = AlertKind::ALL.iter().find(|kind| kind.as_str() == text("/type"));
    let kind = known.map_or(text("/type"), |kind| lang.say(kind.chinese(), kind.english()));
    let severity = match Severity::from_name(text("/severity")) {
        Some(Severity::High) => lang.say("高", "high"),
        Some(Severity::Medium) => lang.say("中", "medium"),
        Some(Severity::Low) => lang.say("低", "low"),
        None => "",
    };
    let entry = Some(text("/subject")).filter(|subject| EntryId::parse(subject).is_some());
    LetterLine {
        kind: kind.to_owned(),
        severity,
        text: lang.say(text("/data/text_zh"), text("/data/text_en")).to_owned(),
        entry: entry.filter(|_| visit.account.may(Permit::See)).map(str::to_owned),
        at: letter.at.parse().map_or_else(|_| letter.at.clone(), |at: Timestamp| moment(at, zone)),
        id: letter.id().to_owned(),
        why: letter.why.clone(),
        attempts: letter.attempts,
    }
}

fn notice(done: &str, lang: Lang) -> Option<&'static str> {
    Some(match done {
        "enabled" => lang.say(
            "已启用，积压的告警将依次发送。",
            "Enabled: what waits is delivered in its order.",
        ),
        "resent" => lang.say("已重发，结果见“最近重发”。", "Sent again; how it went stands below."),
        "resending" => lang.say("正在重发…", "Being sent again…"),
        "busy" => lang.say("上一次重发尚未结束。", "The last sending is not over yet."),
        _ => return None,
    })
}

fn sent(last: &Resend, lang: Lang, zone: &TimeZone) -> String {
    let head = format!("{} · {}", moment(last.at, zone), last.by);
    let Some(Outcome { delivered, failed, why }) = &last.outcome else {
        return format!("{head} · {}", lang.say("进行中…", "going on…"));
    };
    let why = why.as_ref().map(|why| format!(" · {why}")).unwrap_or_default();
    match lang {
        Lang::Zh => format!("{head} · 已送达 {delivered}，未送达 {failed}{why}"),
        Lang::En => format!("{head} · delivered {delivered}, not delivered {failed}{why}"),
    }
}

/// The page of a feed.
pub(in crate::inbound::console::pages) async fn feed(
    State(desk): State<Desk>,
    Extension(peer): Extension<Peer>,
    Path(name): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let visit = match desk.permitted_any(&headers, peer, LOOK).await {
        Ok(visit) => visit,
        Err(response) => return response,
    };
    let Some(feed) = desk.feed(&name) else { return failed(visit.lang, &OfficeError::Unknown) };
    let (lang, zone) = (visit.lang, desk.zone());
    let own_departments = visit.account.scope.departments().is_some();
    let (glance, letters) = desk.read(&feed).await;
    let dead = letters.len();
    let listed = letters.into_iter().take(if own_departments { 0 } else { LETTERS_MAX });
    let letters: Vec<LetterLine> = listed.map(|one| letter(one, &visit, zone)).collect();
    let last = desk.plant.resends.last(&name);
    let done = Form::read(query.as_deref().unwrap_or_default());
    let page = FeedPage {
        frame: desk.frame(&visit, "operations").await,
        lang,
        line: line(&feed, glance, lang, zone),
        letters,
        dead,
        going: last.as_ref().is_some_and(|last| last.outcome.is_none()),
        last: last.map(|last| sent(&last, lang, zone)),
        notice: notice(done.get("done"), lang),
        may_act: may_operate(&visit) && !own_departments,
        own_departments,
    };
    html(StatusCode::OK, &page)
}

/// Sends dead letters again, or enables a feed.
pub(in crate::inbound::console::pages) async fn act(
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
    let Some(feed) = desk.feed(&name) else { return failed(visit.lang, &OfficeError::Unknown) };
    // A feed is the whole house's.
    if visit.account.scope.departments().is_some() {
        return failed(visit.lang, &StanceError::NotYours.into());
    }
    let page = format!("/operations/feeds/{}", utf8_percent_encode(&name, NON_ALPHANUMERIC));
    let reason = form.get("reason");
    let done = match form.get("act") {
        "enable" => desk.enable(&visit.account, &feed, reason).await.map(|()| "enabled"),
        "resend-all" => desk.resend(&visit.account, feed, Vec::new(), reason).await,
        _ => {
            let ids: Vec<String> = form.all("id").map(str::to_owned).collect();
            // None would mean all of them.
            if ids.is_empty() {
                return message(
                    StatusCode::BAD_REQUEST,
                    visit.lang,
                    "请勾选要重发的告警。",
                    "Choose the alerts that are to be sent again.",
                );
            }
            desk.resend(&visit.account, feed, ids, reason).await
        }
    };
    match done {
        Ok(done) => go(&format!("{page}?done={done}")),
        Err(error) => failed(visit.lang, &error),
    }
}

impl Desk {
    fn feed(&self, name: &str) -> Option<Watched> {
        self.plant.feeds.feeds().into_iter().find(|feed| feed.config.name == name)
    }

    /// Every feed, in words. Files are read on a thread of their own.
    pub(super) async fn feed_lines(&self, lang: Lang) -> Vec<FeedLine> {
        let (plant, head) = (Arc::clone(&self.plant), self.office.ledger().head().seq);
        let zone = self.zone().clone();
        let read = move || {
            let of = |feed: &Watched| line(feed, feed.glance(head), lang, &zone);
            plant.feeds.feeds().iter().map(of).collect()
        };
        spawn_blocking(read).await.unwrap_or_default()
    }

    async fn read(&self, feed: &Watched) -> (Result<Glance, StateError>, Vec<DeadLetter>) {
        let (feed, head) = (feed.clone(), self.office.ledger().head().seq);
        let read = move || (feed.glance(head), feed.letters().unwrap_or_default());
        let broken = |_| (Err(StateError::Dead(std::io::ErrorKind::Other)), Vec::new());
        spawn_blocking(read).await.unwrap_or_else(broken)
    }

    /// Entered first, then done, also if the browser goes away in between.
    async fn enable(
        &self,
        account: &Account,
        feed: &Watched,
        reason: &str,
    ) -> Result<(), OfficeError> {
        let (office, account) = (Arc::clone(&self.office), account.clone());
        let (feed, reason) = (feed.clone(), reason.to_owned());
        let work = async move {
            office.feed_act(&account, &feed.config.name, "feed-enabled", &[], &reason).await?;
            let enabled = spawn_blocking(move || feed.enable()).await;
            // Where the file cannot be removed the feed stays as its page says.
            enabled.map(|_| ()).map_err(|_| OfficeError::Ledger)
        };
        tokio::spawn(work).await.unwrap_or(Err(OfficeError::Ledger))
    }

    /// Likewise; what it came to so far, as a word of the page's address.
    async fn resend(
        &self,
        account: &Account,
        feed: Watched,
        ids: Vec<String>,
        reason: &str,
    ) -> Result<&'static str, OfficeError> {
        let now = self.office.gate().clock().now();
        let turn = self.plant.resends.begin(&feed.config.name, &account.display, now);
        let Some(turn) = turn else { return Ok("busy") };
        let (office, account) = (Arc::clone(&self.office), account.clone());
        let reason = reason.to_owned();
        let work = tokio::spawn(async move {
            office.feed_act(&account, &feed.config.name, "feed-resent", &ids, &reason).await?;
            let again = move || sent_again(&feed, &ids, turn);
            spawn_blocking(again).await.map_err(|_| OfficeError::Ledger)
        });
        match timeout(RESEND_SHOWN, work).await {
            Ok(done) => done.unwrap_or(Err(OfficeError::Ledger)).map(|()| "resent"),
            Err(_) => Ok("resending"),
        }
    }
}

/// On a thread that may wait for disks.
fn sent_again(feed: &Watched, ids: &[String], turn: Turn) {
    let outcome = match Handle::current().block_on(feed.resend(ids)) {
        Ok(sent) => {
            let failed: Vec<&Resent> = sent.iter().filter(|one| one.failure.is_some()).collect();
            let why = failed.last().and_then(|one| one.failure.as_ref()).map(ToString::to_string);
            Outcome { delivered: sent.len() - failed.len(), failed: failed.len(), why }
        }
        Err(error) => Outcome { why: Some(error.to_string()), ..Outcome::default() },
    };
    turn.end(outcome);
}
