//! What the case index knows of a message's cases, fetched before judging.

use std::collections::HashMap;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::cases::document::Asked;
use crate::cases::{Cases, OVERRIDE_DAYS};
use crate::domain::catalogue::Catalogue;
use crate::domain::order::{Group, Order, Stage, Urgency};
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

/// Asks the index what the rules need of it: nothing for an elective order. All questions of a message
/// together wait no longer than one; what is not answered by then is not known.
pub async fn fetch(
    cases: &Cases,
    order: &Order,
    people: &People,
    catalogue: &Catalogue,
    zone: &TimeZone,
    now: Timestamp,
) -> CaseFacts {
    let mut facts = CaseFacts::default();
    let asked = document::asked(order, catalogue, zone, now);
    let wait = cases.patience(order.urgency() == Urgency::Emergency);
    let asking = async {
        for (group, asked) in order.groups.iter().zip(&asked) {
            facts.ask(cases, order.stage, group, people, asked).await;
        }
    };
    // What was answered stays; the index tells by itself that it is slow.
    let _ = tokio::time::timeout(wait, asking).await;
    facts.stories.resize_with(order.groups.len(), Story::default);
    facts
}

impl CaseFacts {
    async fn ask(
        &mut self,
        cases: &Cases,
        stage: Stage,
        group: &Group,
        people: &People,
        asked: &Asked,
    ) {
        let checked = group.action.checked();
        let story = match (stage, checked) {
            (Stage::Notice | Stage::Record, true) => cases.story(asked).await,
            (Stage::Order, _) | (_, false) => Story::default(),
        };
        self.stories.push(story);
        let since = SignedDuration::from_hours(24 * OVERRIDE_DAYS);
        let since = asked.now.saturating_sub(since).unwrap_or(Timestamp::MIN);
        let emergency = group.urgency == Some(Urgency::Emergency);
        for line in group.lines.iter().filter(|_| checked) {
            let surgeons = document::surgeons(line, people);
            if let (Stage::Notice, Some((from, to))) = (stage, document::span(line)) {
                self.bookings.extend(cases.bookings(&surgeons, from, to, asked).await);
            }
            for surgeon in surgeons.into_iter().filter(|_| emergency) {
                let count = cases.overrides(&surgeon, since, asked).await;
                let known = self.overrides.entry(surgeon).or_default();
                *known = count.max(*known);
            }
        }
    }
}
