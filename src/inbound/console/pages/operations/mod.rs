//! 运行 Operations: routes and what they do with verdicts, the register, the ledger, the feeds.

mod bypass;
mod feeds;
mod resends;
mod stance;

use std::net::SocketAddr;
use std::sync::Arc;

use askama::Template;
use axum::Extension;
use axum::body::Body;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::accounts::Permit;
use crate::domain::verdict::Stance;
use crate::feed::running::Board;
use crate::feed::watch::Light;
use crate::gate::stance::{RouteStance, StanceSwitch};
use crate::hl7::charset::CharsetSetting;
use crate::inbound::console::caller::Peer;
use crate::inbound::console::configured::Configured;
use crate::inbound::console::pages::Desk;
use crate::inbound::console::pages::form::Form;
use crate::inbound::console::pages::page::{Frame, go, html};
use crate::inbound::console::pages::visit::{Visit, failed};
use crate::inbound::console::pages::words::{Lang, moment};

use crate::inbound::console::pages::operations::bypass::BypassLine;
use crate::inbound::console::pages::operations::feeds::FeedLine;
use crate::inbound::console::pages::operations::resends::Resends;

pub(super) use crate::inbound::console::pages::operations::bypass::bypass;
pub(super) use crate::inbound::console::pages::operations::feeds::{act, feed};
pub(super) use crate::inbound::console::pages::operations::stance::{route, set};

/// Who may look; only the first may change anything.
const LOOK: [Permit; 2] = [Permit::Operate, Permit::Audit];

/// A route, as its settings say.
#[derive(Clone)]
pub struct RouteFacts {
    /// Its name.
    pub name: Arc<str>,
    /// `HL7 v2` or `FHIR`.
    pub kind: &'static str,
    /// Where it listens.
    pub listen: SocketAddr,
    /// The downstream system.
    pub upstream: String,
    /// The name of the mapping in force.
    pub mapping: Arc<dyn Fn() -> String + Send + Sync>,
    /// How HL7 v2 messages are decoded here.
    pub charset: Arc<dyn Fn() -> CharsetSetting + Send + Sync>,
    /// Whether the downstream system answered when it was last needed.
    pub light: Light,
}

/// What stands in the machine room.
#[derive(Default)]
pub struct Plant {
    /// Every route.
    pub routes: Vec<RouteFacts>,
    /// Every feed.
    pub feeds: Board,
    /// Whether the configuration on the disk is in force.
    pub configured: Configured,
    /// Dead letters on their way again.
    resends: Resends,
}

impl Plant {
    /// These routes and feeds, and whether the files are in force.
    pub fn new(routes: Vec<RouteFacts>, feeds: Board, configured: Configured) -> Self {
        Self { routes, feeds, configured, resends: Resends::default() }
    }
}

/// A route, in words.
struct RouteLine {
    name: String,
    path: String,
    kind: &'static str,
    listen: String,
    upstream: String,
    mapping: String,
    /// Whether its downstream system answers, since when, and why not.
    up: bool,
    since: String,
    why: String,
    now: String,
    enforces: bool,
    file: String,
    differs: bool,
    by: String,
}

/// Edited files that are not in force.
struct RefusedLine {
    at: String,
    told: Vec<String>,
    /// Faults that are left out here.
    more: usize,
}

/// How the register and the ledger are.
struct Condition {
    register_answers: bool,
    register_version: i64,
    register_age: String,
    /// Answers in memory.
    held: u64,
    /// How many of a hundred questions memory answered; absent before the first.
    hit_rate: Option<String>,
    ledger_writes: bool,
    ledger_since: String,
    head_seq: u64,
    head_hash: String,
    entries: u64,
    sync_ms: String,
    lost: u64,
    verified: Option<(String, String, bool, String)>,
    verifying: bool,
}

#[derive(Template)]
#[template(path = "inbound/console/pages/operations/page.html")]
struct Page {
    frame: Frame,
    lang: Lang,
    routes: Vec<RouteLine>,
    feeds: Vec<FeedLine>,
    condition: Condition,
    bypass: BypassLine,
    refused: Option<RefusedLine>,
    notice: Option<&'static str>,
    may_operate: bool,
}

/// A stance in words.
fn said(stance: &RouteStance, lang: Lang) -> String {
    let listed = stance.departments.join(lang.say("、", ", "));
    match (stance.stance, stance.departments.is_empty()) {
        (Stance::Observe, _) => lang.say("仅观察", "observe").to_owned(),
        (Stance::Bypass, _) => lang.say("旁路", "bypass").to_owned(),
        (Stance::Enforce, true) => {
            lang.say("执行（全部科室）", "enforce (all departments)").to_owned()
        }
        (Stance::Enforce, false) => match lang {
            Lang::Zh => format!("执行（{listed}）"),
            Lang::En => format!("enforce ({listed})"),
        },
    }
}

/// Everything at a glance.
pub(super) async fn show(
    State(desk): State<Desk>,
    Extension(peer): Extension<Peer>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let visit = match desk.permitted_any(&headers, peer, LOOK).await {
        Ok(visit) => visit,
        Err(response) => return response,
    };
    let lang = visit.lang;
    let done = Form::read(query.as_deref().unwrap_or_default());
    let page = Page {
        frame: desk.frame(&visit, "operations").await,
        lang,
        routes: desk.plant.routes.iter().map(|facts| desk.route_line(facts, lang)).collect(),
        feeds: desk.feed_lines(lang).await,
        condition: desk.condition(lang),
        bypass: desk.bypass_line(),
        refused: desk.refused_line(),
        notice: notice(done.get("done"), lang),
        may_operate: visit.account.may(Permit::Operate),
    };
    html(StatusCode::OK, &page)
}

fn notice(done: &str, lang: Lang) -> Option<&'static str> {
    Some(match done {
        "stance" => lang.say(
            "判定方式已变更，下一条报文起生效。",
            "The stance is changed, from the next message on.",
        ),
        "stance-unkept" => lang.say(
            "判定方式已变更并生效，但无法写入数据目录：重启后将恢复原方式，请检查磁盘。",
            "The stance is changed and in force, but could not be kept: after a restart the former one holds. \
             Look at the disk.",
        ),
        "bypass" => lang.say("旁路开关已切换并记入账本。", "The bypass is switched, and in the ledger."),
        "bypass-unkept" => lang.say(
            "旁路开关已切换，但账本或数据目录暂不可写：条目随后补记，重启后可能不保留，请检查磁盘。",
            "The bypass is switched, but ledger or data directory cannot be written now: the entry follows, and a \
             restart may forget the switch. Look at the disk.",
        ),
        "verify" => lang.say("已开始校验账本。", "The ledger is being verified."),
        "verifying" => lang.say("已有校验正在进行。", "A verification is going on already."),
        _ => return None,
    })
}

/// Has the ledger verified.
pub(super) async fn verify(
    State(desk): State<Desk>,
    Extension(peer): Extension<Peer>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let visit = match desk.permitted_any(&headers, peer, LOOK).await {
        Ok(visit) => visit,
        Err(response) => return response,
    };
    if let Err(response) = desk.form(&visit, &headers, body).await {
        return response;
    }
    match desk.office.verify_ledger(&visit.account) {
        Ok(true) => go("/operations?done=verify"),
        Ok(false) => go("/operations?done=verifying"),
        Err(error) => failed(visit.lang, &error),
    }
}

impl Desk {
    fn route_line(&self, facts: &RouteFacts, lang: Lang) -> RouteLine {
        let stances = self.office.stances();
        let switch = stances.of(&facts.name);
        let now = switch.as_ref().map(StanceSwitch::now);
        let file = switch.as_ref().map(StanceSwitch::file);
        let change = stances.change(&facts.name);
        let words = |stance: Option<&RouteStance>| stance.map(|s| said(s, lang));
        let standing = facts.light.standing();
        RouteLine {
            name: facts.name.to_string(),
            path: utf8_percent_encode(&facts.name, NON_ALPHANUMERIC).to_string(),
            kind: facts.kind,
            listen: facts.listen.to_string(),
            upstream: facts.upstream.clone(),
            mapping: (facts.mapping)(),
            up: standing.up,
            since: standing.since.map(|since| moment(since, self.zone())).unwrap_or_default(),
            why: standing.why,
            now: words(now.as_deref()).unwrap_or_default(),
            enforces: now.as_ref().is_some_and(|now| now.stance == Stance::Enforce),
            file: words(file).unwrap_or_default(),
            differs: now.as_deref() != file,
            by: change
                .map(|change| {
                    let at = moment(change.at, self.zone());
                    format!("{at} · {}：{}", change.by, change.reason)
                })
                .unwrap_or_default(),
        }
    }

    fn refused_line(&self) -> Option<RefusedLine> {
        let refused = self.plant.configured.refused()?;
        let more = refused.faults.saturating_sub(refused.told.len());
        Some(RefusedLine { at: moment(refused.at, self.zone()), told: refused.told, more })
    }

    fn condition(&self, lang: Lang) -> Condition {
        let register = self.office.gate().register().readiness();
        let remembered = self.office.gate().register().remembered();
        let ledger = self.office.ledger();
        let (head, figures) = (ledger.head(), ledger.figures());
        let status = ledger.status().borrow().clone();
        let (verified, verifying) = self.office.verified();
        let seconds = register.confirmed.as_secs();
        Condition {
            register_answers: register.answers,
            register_version: register.version,
            register_age: match lang {
                Lang::Zh => format!("{seconds} 秒前"),
                Lang::En => format!("{seconds} s ago"),
            },
            held: remembered.answers,
            hit_rate: percentage(remembered.hits, remembered.misses),
            ledger_writes: status.fault.is_none(),
            ledger_since: moment(status.since, self.zone()),
            head_seq: head.seq,
            head_hash: head.hash.to_string(),
            entries: figures.entries(),
            sync_ms: milliseconds(figures.last_sync_us()),
            lost: status.lost,
            verified: verified.map(|done| {
                let at = moment(done.at, self.zone());
                match done.outcome {
                    Ok((entries, head)) => (at, done.by, true, whole(entries, head.seq, lang)),
                    Err(why) => (at, done.by, false, why),
                }
            }),
            verifying,
        }
    }
}

/// How many of a hundred, with one decimal.
fn percentage(hits: u64, misses: u64) -> Option<String> {
    let all = hits.checked_add(misses).filter(|all| *all > 0)?;
    let thousandth = u128::from(hits) * 1_000 / u128::from(all);
    Some(format!("{}.{} %", thousandth / 10, thousandth % 10))
}

/// Microseconds, in milliseconds with one decimal.
fn milliseconds(micros: u64) -> String {
    format!("{}.{}", micros / 1_000, micros % 1_000 / 100)
}

fn whole(entries: u64, seq: u64, lang: Lang) -> String {
    match lang {
        Lang::Zh => format!("完整：{entries} 条，至序号 {seq}"),
        Lang::En => format!("whole: {entries} entries, up to seq {seq}"),
    }
}

/// Whether this visit may change what a route does.
fn may_operate(visit: &Visit) -> bool {
    visit.account.may(Permit::Operate)
}
