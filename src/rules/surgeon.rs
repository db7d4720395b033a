//! The surgeon family, first half: who is meant, and may they practise at all (rules.md §3.2).

use jiff::{SignedDuration, Timestamp};

use crate::domain::order::Person;
use crate::domain::rule::Rule;
use crate::domain::surgeon::{Lookup, Surgeon, SurgeonStatus};
use crate::domain::verdict::Subject;
use crate::rules::case::{Case, Who};
use crate::rules::wording::{EMERGENCY_EN, EMERGENCY_ZH, Told, surgeon, told};

/// How long an operation is taken to last where no duration is given (rules.md §3.2).
const USUAL_MINUTES: u32 = 60;

/// `surgeon-missing`: the message names nobody who could operate (SG 33).
pub(super) fn missing(case: &Case<'_>) -> Option<Told> {
    let Who::Missing = case.who else { return None };
    Some(told(
        Rule::SurgeonMissing,
        Subject::Surgeon,
        format!("没有填写术者（主刀），无法核查手术权限；请填写主刀医师工号。{EMERGENCY_ZH}"),
        format!(
            "no surgeon is named, so the grant cannot be checked; give the primary surgeon's staff number. {EMERGENCY_EN}"
        ),
    ))
}

/// `surgeon-unclear`: persons are named, but none can be told to be the primary surgeon (SG 33).
pub(super) fn unclear(case: &Case<'_>) -> Option<Told> {
    let Who::Unclear(_) = case.who else { return None };
    Some(told(
        Rule::SurgeonUnclear,
        Subject::Surgeon,
        format!("填写了手术人员，但无法确定谁是术者（主刀）；请标明主刀医师。{EMERGENCY_ZH}"),
        format!(
            "persons are named, but none can be told to be the primary surgeon; mark the primary surgeon. {EMERGENCY_EN}"
        ),
    ))
}

/// `surgeon-unknown`: the id, or the bare name, is not in the register (SG 16).
pub(super) fn unknown(case: &Case<'_>) -> Option<Told> {
    let Who::Person(person, Lookup::Nobody) = &case.who else { return None };
    Some(told(
        Rule::SurgeonUnknown,
        Subject::Surgeon,
        format!(
            "术者{}不在本机构手术医师名册内；请核对工号，或联系医务科。{EMERGENCY_ZH}",
            as_written(person)
        ),
        format!(
            "surgeon {} is not in the register; check the staff number or call medical affairs. {EMERGENCY_EN}",
            as_written(person)
        ),
    ))
}

/// `surgeon-ambiguous`: only a name is given, and several bear it (SG 16).
pub(super) fn ambiguous(case: &Case<'_>) -> Option<Told> {
    let Who::Person(person, Lookup::Several) = &case.who else { return None };
    Some(told(
        Rule::SurgeonAmbiguous,
        Subject::Surgeon,
        format!("术者{}有同名医师；请填写工号。{EMERGENCY_ZH}", as_written(person)),
        format!(
            "several surgeons are called {}; give the staff number. {EMERGENCY_EN}",
            as_written(person)
        ),
    ))
}

/// `surgeon-name-mismatch`: id and name in the message belong to different people (SG 29).
pub(super) fn name_mismatch(case: &Case<'_>) -> Option<Told> {
    let Who::Person(person, Lookup::Found(known)) = &case.who else { return None };
    let name = person.full_name()?;
    if person.id.is_none() || name == known.name || person.may_be_called(&known.name) {
        return None;
    }
    Some(told(
        Rule::SurgeonNameMismatch,
        Subject::Surgeon,
        format!("工号{}在名册中是{}，申请中写的是{name}；请核对术者。", known.id, known.name),
        format!(
            "staff number {} belongs to {} in the register, the message says {name}; check the surgeon",
            known.id, known.name
        ),
    ))
}

/// `surgeon-not-licensed`: suspended, left, or the licence is not in force at the operating time (MQ 16).
/// Nothing lifts it.
pub(super) fn not_licensed(case: &Case<'_>) -> Option<Told> {
    let Who::Person(_, Lookup::Found(known)) = &case.who else { return None };
    if case.days.iter().all(|day| known.licensed(*day)) {
        return None;
    }
    let (zh, en) = why_not_licensed(known);
    Some(told(
        Rule::SurgeonNotLicensed,
        Subject::Surgeon,
        format!(
            "{}{zh}，不得开展手术，急诊也不例外；请换有权限的术者，或联系医务科。",
            surgeon(known)
        ),
        format!(
            "surgeon {} {en} and may not operate, not even in an emergency; name another surgeon or call medical affairs",
            known.id
        ),
    ))
}

/// `surgeon-double-booked`: a notice in force of another order books the surgeon at an overlapping time
/// (SG 29). Only stated times are compared: a message that states none books nobody.
pub(super) fn double_booked(case: &Case<'_>) -> Option<Told> {
    let bookings = &case.facts.around.bookings;
    if bookings.is_empty() {
        return None;
    }
    let id = case.surgeon_id()?;
    let minutes = case.line.duration_min.filter(|minutes| *minutes > 0).unwrap_or(USUAL_MINUTES);
    let lasts = SignedDuration::from_mins(i64::from(minutes));
    let overlaps = |from: Timestamp, to: Timestamp| {
        case.line.times.iter().any(|start| {
            let end = start.saturating_add(lasts).unwrap_or(Timestamp::MAX);
            *start < to && from < end
        })
    };
    let clash = bookings.iter().find(|b| b.surgeon == *id && overlaps(b.from, b.to))?;
    let local =
        |time: Timestamp| case.facts.zone.to_datetime(time).strftime("%Y-%m-%d %H:%M").to_string();
    let (from, to) = (local(clash.from), local(clash.to));
    Some(told(
        Rule::SurgeonDoubleBooked,
        Subject::Time,
        format!("术者{id}在{from}至{to}已排另一台手术，时间重叠；请核对排班。"),
        format!(
            "surgeon {id} is booked for another operation from {from} to {to}; check the schedule"
        ),
    ))
}

fn why_not_licensed(known: &Surgeon) -> (&'static str, &'static str) {
    match known.status {
        SurgeonStatus::Suspended => ("已被暂停执业", "is suspended"),
        SurgeonStatus::Left => ("已离院", "has left"),
        SurgeonStatus::Active => {
            ("在手术时间执业资质不在有效期内", "holds no licence at the operating time")
        }
    }
}

fn as_written(person: &Person) -> String {
    match (&person.id, person.full_name()) {
        (Some(id), Some(name)) => format!("{name}（{id}）"),
        (Some(id), None) => id.to_string(),
        (None, Some(name)) => name,
        (None, None) => String::new(),
    }
}
