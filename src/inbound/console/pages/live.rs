//! 现场 Live: verdicts as they are decided, by server-sent events.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use askama::Template;
use axum::Extension;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use jiff::tz::TimeZone;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{OwnedSemaphorePermit, broadcast, mpsc, watch};
use tokio::time::{Instant, interval_at};

use crate::accounts::{Account, Permit, Token};
use crate::gate::office::Today;
use crate::gate::told::Shown;
use crate::inbound::console::caller::Peer;
use crate::inbound::console::pages::Desk;
use crate::inbound::console::pages::form::Form;
use crate::inbound::console::pages::page::{Frame, html, message};
use crate::inbound::console::pages::visit::failed;
use crate::inbound::console::pages::words::{Lang, masked, time};
use crate::search::{Query, Term};

/// Rows that a new page begins with.
const FIRST: u32 = 50;
/// How often a watching page's session is looked at: it ends like any other.
const SESSION_EVERY: Duration = Duration::from_secs(30);
/// Rows of what was forwarded that a page is sent in a second; nobody reads more. What is refused, overridden or waits
/// is always sent.
const FORWARDED_A_SECOND: u32 = 20;
/// How often a page is told how many rows it was not sent.
const COUNT_EVERY: Duration = Duration::from_secs(1);
/// Rows that a connection may be behind; then the page's own queue fills.
const ROWS_AHEAD: usize = 16;
/// Proxies close a connection on which nothing moves.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// Which verdicts somebody wants to see.
#[derive(Clone, Debug, Default)]
pub(super) struct Filter {
    decision: Option<String>,
    department: Option<String>,
    rule: Option<String>,
    route: Option<String>,
    grade: Option<u8>,
}

impl Filter {
    fn read(query: Option<&str>) -> Self {
        let form = Form::read(query.unwrap_or_default());
        let text = |name| form.filled(name).map(str::to_owned);
        Self {
            decision: text("decision"),
            department: text("department"),
            rule: text("rule"),
            route: text("route"),
            grade: form.filled("grade").and_then(|grade| grade.parse().ok()),
        }
    }

    fn terms(&self) -> Vec<Term> {
        let decision = self.decision.clone().map(Term::Decision);
        let department = self.department.clone().map(Term::Department);
        let rule = self.rule.clone().map(Term::Rule);
        let route = self.route.clone().map(Term::Route);
        [decision, department, rule, route].into_iter().flatten().collect()
    }

    fn passes(&self, shown: &Shown) -> bool {
        let is = |wanted: &Option<String>, own: &str| wanted.as_deref().is_none_or(|w| w == own);
        let findings = shown.cases.iter().flat_map(|case| &case.findings).map(|f| &f.rule);
        let rules: Vec<&String> = findings.chain(&shown.gaps).collect();
        let departments: Vec<&String> = shown.departments.iter().collect();
        let among = |wanted: &Option<String>, own: &[&String]| {
            wanted.as_ref().is_none_or(|wanted| own.contains(&wanted))
        };
        is(&self.decision, &shown.decision)
            && is(&self.route, &shown.route)
            && among(&self.department, &departments)
            && among(&self.rule, &rules)
            && self.grade.is_none_or(|grade| shown.grade() == Some(grade))
    }
}

#[derive(Template)]
#[template(path = "inbound/console/pages/live.html")]
struct LivePage<'p> {
    frame: Frame,
    lang: Lang,
    today: Today,
    filter: &'p Filter,
    /// Each, and whether it is the one wanted.
    grades: [(u8, bool); 4],
    routes: &'p [Arc<str>],
    query: String,
    rows: Vec<String>,
}

/// One verdict.
#[derive(Template)]
#[template(path = "inbound/console/pages/row.html")]
struct Row<'r> {
    lang: Lang,
    shown: &'r Shown,
    time: String,
    patient: String,
}

fn row(shown: &Shown, lang: Lang, zone: &TimeZone) -> String {
    let patient = shown.patient.as_deref().map(masked).unwrap_or_default();
    let row = Row { lang, shown, time: time(shown.at, zone), patient };
    // One line: an event's data ends at a line's end.
    row.render().unwrap_or_default().replace(['\r', '\n'], " ")
}

/// The page with the newest verdicts and today's counts.
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
    let filter = Filter::read(query.as_deref());
    let sought = Query { terms: filter.terms(), limit: FIRST, ..Query::default() };
    let found = match desk.office.find(&visit.account, &sought).await {
        Ok(found) => found.decisions,
        Err(error) => return failed(visit.lang, &error),
    };
    let today = desk.office.today(&visit.account).await.unwrap_or_default();
    let rows = found.iter().filter(|shown| filter.passes(shown));
    let page = LivePage {
        frame: desk.frame(&visit, "live").await,
        lang: visit.lang,
        today,
        filter: &filter,
        grades: [1, 2, 3, 4].map(|grade| (grade, filter.grade == Some(grade))),
        routes: desk.routes(),
        query: query.unwrap_or_default(),
        rows: rows.map(|shown| row(shown, visit.lang, desk.zone())).collect(),
    };
    html(StatusCode::OK, &page)
}

/// A page that watches.
struct Watcher {
    desk: Desk,
    account: Account,
    token: Token,
    lang: Lang,
    filter: Filter,
    verdicts: broadcast::Receiver<Arc<Shown>>,
    session: tokio::time::Interval,
    pace: Pace,
    second: tokio::time::Interval,
    _place: OwnedSemaphorePermit,
}

/// The verdicts from now on.
pub(super) async fn stream(
    State(desk): State<Desk>,
    Extension(peer): Extension<Peer>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let visit = match desk.permitted(&headers, peer, Permit::See).await {
        Ok(visit) => visit,
        Err(response) => return response,
    };
    let Ok(place) = Arc::clone(&desk.watchers).try_acquire_owned() else {
        return message(
            StatusCode::SERVICE_UNAVAILABLE,
            visit.lang,
            "同时观看现场页面的人过多。",
            "Too many people watch the live page.",
        );
    };
    let mut watcher = Watcher {
        account: visit.account.clone(),
        token: visit.token.clone(),
        lang: visit.lang,
        filter: Filter::read(query.as_deref()),
        verdicts: desk.office.watch(),
        session: every(SESSION_EVERY),
        pace: Pace::default(),
        second: every(COUNT_EVERY),
        _place: place,
        desk,
    };
    // Rows are made here, on the threads of pages; the connection only sends them.
    let (send, receive) = mpsc::channel(ROWS_AHEAD);
    tokio::spawn(async move {
        loop {
            let event = tokio::select! {
                () = send.closed() => return,
                event = watcher.next() => event,
            };
            let Some(event) = event else { return };
            if send.send(event).await.is_err() {
                return;
            }
        }
    });
    let events = stream::unfold(receive, |mut receive| async move {
        let event = receive.recv().await?;
        Some((Ok::<Event, Infallible>(event), receive))
    });
    Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)).into_response()
}

/// Waits until the gate stops.
async fn stopped(drain: &mut watch::Receiver<bool>) {
    // Without a sender the gate is gone, which is the same.
    let _ = drain.wait_for(|stop| *stop).await;
}

fn every(period: Duration) -> tokio::time::Interval {
    interval_at(Instant::from_std(crate::clock::monotonic()) + period, period)
}

/// How much of what was forwarded a page is sent, and how much of it only counted, in this second.
#[derive(Debug, Default)]
struct Pace {
    sent: u32,
    counted: BTreeMap<String, u32>,
}

impl Pace {
    /// Whether a verdict is sent; otherwise it is counted.
    fn lets(&mut self, decision: &str) -> bool {
        if !["forward", "forward-flagged"].contains(&decision) {
            return true;
        }
        if self.sent < FORWARDED_A_SECOND {
            self.sent += 1;
            return true;
        }
        *self.counted.entry(decision.to_owned()).or_default() += 1;
        false
    }

    /// What was only counted in the second that is over, by decision.
    fn over(&mut self) -> Option<String> {
        self.sent = 0;
        let counted = std::mem::take(&mut self.counted);
        (!counted.is_empty()).then(|| serde_json::json!(counted).to_string())
    }
}

impl Watcher {
    /// The next event; `None` ends the stream.
    async fn next(&mut self) -> Option<Event> {
        loop {
            let mut drain = self.desk.drain.clone();
            tokio::select! {
                () = stopped(&mut drain) => return None,
                _ = self.session.tick() => {
                    if !self.still_sees().await {
                        return None;
                    }
                }
                _ = self.second.tick() => {
                    if let Some(counted) = self.pace.over() {
                        return Some(Event::default().event("counted").data(counted));
                    }
                }
                told = self.verdicts.recv() => match told {
                    Ok(shown) => {
                        if let Some(event) = self.event(&shown) {
                            return Some(event);
                        }
                    }
                    Err(RecvError::Lagged(missed)) => {
                        return Some(Event::default().event("missed").data(missed.to_string()));
                    }
                    Err(RecvError::Closed) => return None,
                }
            }
        }
    }

    /// Whether the session goes on and still may see; from here on with the rights that the account has now.
    async fn still_sees(&mut self) -> bool {
        let now = self.desk.office.gate().clock().now();
        match self.desk.office.accounts().session(&self.token, now, false).await {
            Ok(Some(session)) => self.account = session.account,
            Ok(None) => return false,
            // A database that does not answer throws nobody out.
            Err(_) => {}
        }
        self.account.may(Permit::See)
    }

    fn event(&mut self, shown: &Shown) -> Option<Event> {
        let scope = &self.account.scope;
        let sees = scope.departments().is_none()
            || shown.departments.iter().any(|department| scope.sees(Some(department)));
        if !sees || !self.filter.passes(shown) || !self.pace.lets(&shown.decision) {
            return None;
        }
        let html = row(shown, self.lang, self.desk.zone());
        Some(Event::default().event("verdict").id(shown.entry.clone()).data(html))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_forwarded_is_paced_and_counted_and_everything_else_is_sent() {
        let mut pace = Pace::default();
        let sent = |pace: &mut Pace, decision| (0..50).filter(|_| pace.lets(decision)).count();
        for refusing in ["block", "override", "unavailable"] {
            assert_eq!(sent(&mut pace, refusing), 50);
        }
        assert_eq!(pace.over(), None);
        assert_eq!(sent(&mut pace, "forward"), 20);
        assert_eq!(sent(&mut pace, "forward-flagged"), 0);
        assert_eq!(pace.over().as_deref(), Some(r#"{"forward":30,"forward-flagged":50}"#));
        assert_eq!(pace.over(), None);
        assert_eq!(sent(&mut pace, "forward"), 20);
    }
}
