//! The rules about the case as a whole in the second reading: bookings, discussion, consent, story
//! (§3.2 end, §3.3, and the paragraphs "Story" and "Emergency discussions" of §7).

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use orgate::domain::discussion::{Conclusion, Content, Discussion};
use orgate::domain::order::{Stage, Urgency};
use orgate::domain::rule::Rule;
use orgate::domain::story::Chapter;

use crate::model::reading::{Pair, days};
use crate::model::technique::effective_grade;

/// All of them.
pub(super) fn rules(pair: &Pair<'_>, pairs: &[Pair<'_>], rules: &mut BTreeSet<Rule>) {
    if double_booked(pair) {
        rules.insert(Rule::SurgeonDoubleBooked);
    }
    if pair.group.consent == Some(false) {
        rules.insert(Rule::ConsentMissing);
    }
    if effective_grade(pair) == Some(4) {
        let found = discussions(pair);
        if found.is_empty() {
            rules.insert(Rule::DiscussionMissing);
        } else if !found.into_iter().any(complete) {
            rules.insert(Rule::DiscussionIncomplete);
        }
    }
    story(pair, pairs, rules);
}

fn double_booked(pair: &Pair<'_>) -> bool {
    let minutes = match pair.line.duration_min {
        None | Some(0) => 60,
        Some(minutes) => i64::from(minutes),
    };
    let own: Vec<(Timestamp, Timestamp)> = pair
        .line
        .times
        .iter()
        .map(|from| (*from, *from + SignedDuration::from_mins(minutes)))
        .collect();
    let mine = |name: &str| pair.surgeon_id().is_some_and(|id| id == name);
    pair.world
        .around
        .bookings
        .iter()
        .filter(|booking| mine(booking.surgeon.as_str()))
        .any(|booking| own.iter().any(|(from, to)| !(*to <= booking.from || *from >= booking.to)))
}

/// By reference, else by order number, else by patient and code; held on or before the operating day.
fn discussions<'w>(pair: &Pair<'w>) -> Vec<&'w Discussion> {
    let world = pair.world;
    let day = |time| world.zone.to_datetime(time).date();
    let in_time = |d: &&Discussion| days(world, pair.line).iter().all(|on| day(d.held_on) <= *on);
    let of_patient = |d: &&Discussion| world.order.patient.as_ref() == Some(&d.patient);
    let all = &world.around.discussions;
    let reference = pair.group.discussion.as_ref().map(|id| id.reveal());
    let referred: Vec<&Discussion> =
        all.iter().filter(|d| reference == Some(d.id.as_str())).collect();
    if !referred.is_empty() {
        return referred.into_iter().filter(of_patient).filter(in_time).collect();
    }
    let of_order = |d: &&Discussion| d.order_no.is_some() && d.order_no == pair.group.order_no;
    let by_order: Vec<&Discussion> = all.iter().filter(of_order).filter(in_time).collect();
    if !by_order.is_empty() {
        return by_order;
    }
    let codes = if pair.item.is_some() { pair.of_item() } else { pair.written() };
    let of_code =
        |d: &&Discussion| d.codes.iter().any(|code| codes.iter().any(|c| c == code.as_str()));
    all.iter().filter(of_patient).filter(of_code).filter(in_time).collect()
}

/// SG 22: two disciplines, five contents, in favour.
fn complete(discussion: &Discussion) -> bool {
    let disciplines: BTreeSet<&str> = discussion.disciplines.iter().map(|d| d.trim()).collect();
    disciplines.len() >= 2
        && Content::ALL.iter().all(|content| discussion.contents.contains(content))
        && discussion.conclusion == Conclusion::Approved
}

fn story(pair: &Pair<'_>, pairs: &[Pair<'_>], rules: &mut BTreeSet<Rule>) {
    let stage = pair.world.order.stage;
    let Some(story) = pair.world.around.stories.get(pair.group_index) else { return };
    if !story.known || stage == Stage::Order {
        return;
    }
    match &story.order {
        None => {
            rules.insert(Rule::OrderNotFound);
        }
        Some(order) if order.refused => {
            rules.insert(Rule::OrderRefused);
        }
        Some(_) => {}
    }
    let before = match stage {
        Stage::Record if story.notice.is_some() => &story.notice,
        _ => &story.order,
    };
    if let Some(before) = before {
        changes(pair, pairs, before, rules);
    }
}

fn changes(pair: &Pair<'_>, pairs: &[Pair<'_>], before: &Chapter, rules: &mut BTreeSet<Rule>) {
    let number = &pair.group.order_no;
    let together = |other: &&Pair<'_>| {
        other.group_index == pair.group_index
            || (number.is_some() && other.group.order_no == *number)
    };
    let own: Vec<&Pair<'_>> = pairs.iter().filter(together).collect();
    let surgeons: BTreeSet<String> = own.iter().filter_map(|p| p.surgeon_id()).collect();
    let theirs: BTreeSet<String> =
        before.surgeons.iter().map(|id| id.as_str().to_owned()).collect();
    if !surgeons.is_empty() && !theirs.is_empty() && surgeons != theirs {
        rules.insert(Rule::OperatorChanged);
    }
    let same = |code: String| {
        let items = &pair.world.items;
        let by_code = items.iter().find(|item| item.code.as_str() == code);
        let by_alias =
            items.iter().find(|item| item.aliases.iter().any(|alias| alias.as_str() == code));
        by_code.or(by_alias).map_or(code, |item| item.code.as_str().to_owned())
    };
    let procedures: BTreeSet<String> = own.iter().filter_map(|p| p.procedure()).map(same).collect();
    let theirs: BTreeSet<String> =
        before.procedures.iter().map(|code| same(code.as_str().to_owned())).collect();
    if !procedures.is_empty() && !theirs.is_empty() && procedures != theirs {
        rules.insert(Rule::ProcedureChanged);
    }
    let pair_of = (before.urgency, pair.group.urgency);
    if pair_of == (Some(Urgency::Elective), Some(Urgency::Emergency))
        || pair_of == (Some(Urgency::Emergency), Some(Urgency::Elective))
    {
        rules.insert(Rule::UrgencyChanged);
    }
}

/// §4, §7: this one and those of the 30 days before.
pub(super) fn overrides_frequent(pair: &Pair<'_>) -> bool {
    let Some(id) = pair.surgeon_id() else { return false };
    let overrides = &pair.world.around.overrides;
    let before =
        overrides.iter().find(|(who, _)| who.as_str() == id).map_or(0, |(_, count)| *count);
    before + 1 > pair.world.policy.override_alarm_count
}
