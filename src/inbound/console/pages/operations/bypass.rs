//! The outage switch on the page of operations.

use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use jiff::SignedDuration;

use crate::accounts::Permit;
use crate::inbound::console::caller::Peer;
use crate::inbound::console::pages::Desk;
use crate::inbound::console::pages::form::Form;
use crate::inbound::console::pages::page::go;
use crate::inbound::console::pages::visit::failed;
use crate::inbound::console::pages::words::moment;

/// How the switch stands, in words.
pub(super) struct BypassLine {
    /// Absent while it is off.
    pub(super) on: Option<OnLine>,
    /// The longest it may last, in minutes.
    pub(super) longest_min: i64,
}

/// A bypass that is on.
pub(super) struct OnLine {
    pub(super) by: String,
    pub(super) reason: String,
    pub(super) until: String,
    /// For the countdown.
    pub(super) left_s: i64,
    pub(super) entry: String,
}

impl Desk {
    pub(super) fn bypass_line(&self) -> BypassLine {
        let gate = self.office.gate();
        let now = gate.clock().now();
        let on = gate.bypass().now(now).map(|on| OnLine {
            by: on.kept().by.clone(),
            reason: on.kept().reason.clone(),
            until: moment(on.kept().until, self.zone()),
            left_s: on.kept().until.duration_since(now).as_secs(),
            entry: on.entry().to_owned(),
        });
        BypassLine { on, longest_min: gate.bypass().longest().as_mins() }
    }
}

/// How long a form wants it to last. What is no number of minutes is no time at all, and refused as such.
fn lasting(form: &Form) -> SignedDuration {
    let minutes: i64 = form.get("minutes").trim().parse().unwrap_or(0);
    SignedDuration::from_secs(minutes.saturating_mul(60))
}

/// Switches it.
pub(in crate::inbound::console::pages) async fn bypass(
    State(desk): State<Desk>,
    Extension(peer): Extension<Peer>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let (visit, form) = match desk.sent(&headers, peer, Permit::Operate, body).await {
        Ok(sent) => sent,
        Err(response) => return response,
    };
    let reason = form.get("reason");
    let switched = if form.get("act") == "on" {
        desk.office.bypass_on(&visit.account, reason, lasting(&form)).await
    } else {
        desk.office.bypass_off(&visit.account, reason).await
    };
    match switched {
        Ok(done) if done.recorded && done.kept => go("/operations?done=bypass"),
        Ok(_) => go("/operations?done=bypass-unkept"),
        Err(error) => failed(visit.lang, &error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_number_of_minutes_is_some_time() {
        let of = |minutes: i64| lasting(&Form::read(&format!("minutes={minutes}")));
        assert_eq!(of(30), SignedDuration::from_mins(30));
        assert_eq!(of(i64::MAX), SignedDuration::from_secs(i64::MAX));
        assert!(of(i64::MIN).is_negative());
        for none in ["", "minutes=", "minutes=half", "minutes=9223372036854775808"] {
            assert_eq!(lasting(&Form::read(none)), SignedDuration::ZERO, "{none}");
        }
    }
}
