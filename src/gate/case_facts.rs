//! What the case index knows of a message's cases, fetched before judging.

use std::collections::HashMap;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::cases::{Cases, OVERRIDE_DAYS};
use crate::domain::catalogue::Catalogue;
use crate::domain::order::{Order, Stage, Urgency};
use crate::domain::story::{Booking, Story};
use crate::domain::surgeon::SurgeonId;
use crate::gate::document;
use crate::rules::People;

/// Stories, bookings and overrides that one order is judged with.
#[derive(Clone, Debug, Default)]
pub struct CaseFacts {
    /// By group.
    pub stories: Vec<Story>,
    /// Of its surgeons, by notices of other orders at overlapping times; only fetched for notices.
    pub bookings: Vec<Booking>,
    /// Of its surgeons, in the 30 days before, this operation not counted; only fetched for emergencies.
    pub overrides: HashMap<SurgeonId, u32>,
}

/// Asks the index what the rules need of it: nothing for an elective order.
pub async fn fetch(
    cases: &Cases,
    order: &Order,
    people: &People,
    catalogue: &Catalogue,
    zone: &TimeZone,
    now: Timestamp,
) -> CaseFacts {
    let mut facts = CaseFacts::default();
    let since = now.saturating_sub(SignedDuration::from_hours(24 * OVERRIDE_DAYS));
    let since = since.unwrap_or(Timestamp::MIN);
    for (group, asked) in order.groups.iter().zip(document::asked(order, catalogue, zone, now)) {
        let checked = group.action.checked();
        let story = match (order.stage, checked) {
            (Stage::Notice | Stage::Record, true) => cases.story(&asked).await,
            (Stage::Order, _) | (_, false) => Story::default(),
        };
        facts.stories.push(story);
        for line in group.lines.iter().filter(|_| checked) {
            let surgeons = document::surgeons(line, people);
            if let (Stage::Notice, Some((from, to))) = (order.stage, document::span(line)) {
                facts.bookings.extend(cases.bookings(&surgeons, from, to, &asked).await);
            }
            let emergency = group.urgency == Some(Urgency::Emergency);
            for surgeon in surgeons.into_iter().filter(|_| emergency) {
                let count = cases.overrides(&surgeon, since, &asked).await;
                let known = facts.overrides.entry(surgeon).or_default();
                *known = count.max(*known);
            }
        }
    }
    facts
}
