//! The day's clock: which case reports have become late, told once each.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan};
use tokio::sync::watch;

use crate::cases::Cases;
use crate::cases::error::CasesError;
use crate::cases::report::{Report, ReportState};
use crate::clock::Clock;
use crate::feed::overdue::{Late, Overdue};
use crate::gate::Gate;
use crate::register::sources::postgres::duty::Duties;
use crate::telemetry::{events, feed};

/// A new day is noticed within this.
const EVERY: Duration = Duration::from_secs(60);
/// Orders are placed at most so long before the operation.
const OPENED_DAYS: i64 = 400;

/// What the clock goes by.
pub(super) struct Days {
    cases: Cases,
    overdue: Overdue,
    zone: TimeZone,
    clock: Clock,
    due_days: u32,
    duties: Duties,
}

/// The duty to tell, and the day that was told last.
const DUTY: &str = "restricted-reports";

/// The clock of a gate.
pub(super) fn days(gate: &Gate, overdue: Overdue, duties: &Duties, due_days: u32) -> Days {
    let (cases, zone, clock) = (gate.cases().clone(), gate.zone().clone(), gate.clock());
    Days { cases, overdue, zone, clock, due_days, duties: duties.clone() }
}

/// Looks every day, until the gate stops.
pub(super) async fn follow(days: Days, mut stop: watch::Receiver<bool>) {
    loop {
        if let Err(error) = days.look().await {
            events::CasesUnanswered { error: &error }.emit();
        }
        tokio::select! {
            _ = stop.wait_for(|stop| *stop) => return,
            () = tokio::time::sleep(EVERY) => {}
        }
    }
}

impl Days {
    async fn look(&self) -> Result<(), CasesError> {
        // Another gate's, or nobody can say whose: then it is looked again in a minute.
        let Ok(Some(duty)) = self.duties.hold(DUTY).await else { return Ok(()) };
        let now = self.clock.now();
        let today = self.zone.to_datetime(now).date();
        // The first time, what has become late today: the backlog of a new gate is in the export.
        let last = match &duty.done {
            Some(done) => done.parse().ok(),
            None => self.overdue.told(),
        };
        let told = last.unwrap_or_else(|| today.saturating_sub(1.days()));
        if told >= today {
            return Ok(());
        }
        let opened = now.saturating_sub(SignedDuration::from_hours(24 * OPENED_DAYS));
        let reports = self.cases.reports(opened.unwrap_or(Timestamp::MIN)).await?;
        let late = late(&reports, told, today, self.due_days, &self.zone);
        if let Err(error) = self.overdue.tell(late, today, now).await {
            feed::NoticeUnwritten { error: error.kind() }.emit();
            return Ok(());
        }
        // If the word is not left, what is late is told again, under the same ids.
        let _ = self.duties.done(DUTY, &today.to_string()).await;
        Ok(())
    }
}

/// The reports that became late after `told`, up to `today`; those of one entry together.
fn late(reports: &[Report], told: Date, today: Date, due_days: u32, zone: &TimeZone) -> Vec<Late> {
    let mut all: BTreeMap<&str, Late> = BTreeMap::new();
    let overdue = reports.iter().filter(|r| r.state(today, due_days) == ReportState::Overdue);
    for report in overdue {
        let due = report.due(due_days);
        let opened = zone.to_datetime(report.opened_at).date();
        // A record that comes too late is late on the day after it came.
        let since = due.max(opened).saturating_add(1.days());
        if since <= told || since > today {
            continue;
        }
        let own = all.entry(&report.entry).or_insert_with(|| Late {
            entry: report.entry.clone(),
            techniques: Vec::new(),
            day: report.day,
            due,
            surgeon: report.surgeon.as_ref().map(ToString::to_string),
            department: report.department.clone(),
        });
        if !own.techniques.contains(&report.technique) {
            own.techniques.push(report.technique.clone());
        }
    }
    all.into_values().collect()
}
