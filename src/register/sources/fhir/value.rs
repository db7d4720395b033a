//! Single values of a resource, with what is wrong about them: whatever is there and cannot be read is a fault, since
//! what is overlooked may be the end of a grant.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan};
use serde_json::{Map, Value};

use crate::register::import::fault::{Wording, say};
use crate::register::sources::fhir::fault::Finder;

/// An object.
pub(super) type Object = Map<String, Value>;

/// A reading of a value: what it says, or what is wrong.
pub(super) type Read<T> = Result<T, Wording>;

pub(super) fn text(value: &Value) -> Read<String> {
    match value.as_str().map(str::trim) {
        Some(text) if !text.is_empty() => Ok(text.to_owned()),
        _ => Err(say("应为非空文本", "must be a text that is not empty")),
    }
}

/// `true` or `false`; `None` when it is not there.
pub(super) fn flag(object: &Object, key: &str, finder: &mut Finder) -> Option<bool> {
    let value = object.get(key)?;
    if value.as_bool().is_none() {
        finder.fault(key, say("应为 true 或 false", "must be true or false"));
    }
    value.as_bool()
}

/// The objects of a list; what is none is a fault.
pub(super) fn objects<'v>(
    object: &'v Object,
    key: &str,
    place: &str,
    finder: &mut Finder,
) -> Vec<&'v Object> {
    let place = || if place.is_empty() { key.to_owned() } else { format!("{place}.{key}") };
    let wrong = || say("应为对象的列表", "must be a list of objects");
    let Some(value) = object.get(key) else { return Vec::new() };
    let list = value.as_array().map(|list| list.iter().map(Value::as_object).collect::<Vec<_>>());
    match list {
        Some(list) if list.iter().all(Option::is_some) => list.into_iter().flatten().collect(),
        _ => {
            finder.fault(place(), wrong());
            Vec::new()
        }
    }
}

/// A text of an object, if it is there; what is there and is none is a fault.
pub(super) fn text_of(object: &Object, key: &str, place: &str, finder: &mut Finder) -> String {
    let Some(value) = object.get(key) else { return String::new() };
    text(value).unwrap_or_else(|wording| {
        finder.fault(format!("{place}.{key}"), wording);
        String::new()
    })
}

/// A whole day.
pub(super) fn day(text: &str) -> Option<Date> {
    let shape = text.len() == 10 && text.bytes().filter(|byte| *byte == b'-').count() == 2;
    if shape { text.parse().ok() } else { None }
}

fn no_day() -> Wording {
    say(
        "应为完整日期 YYYY-MM-DD（或带时区的日期时间），不能只写到年或月",
        "must be a whole date YYYY-MM-DD, or a time with its offset; a year or a month alone is not clear",
    )
}

/// Which end of a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Edge {
    Start,
    End,
}

/// A day, or the first (last) day that lies wholly within what begins (ends) at a time: nothing is granted for a moment
/// that the server does not grant.
pub(super) fn edge(value: &Value, edge: Edge, zone: &TimeZone) -> Read<Date> {
    let text = text(value)?;
    if let Some(day) = day(&text) {
        return Ok(day);
    }
    let time: Timestamp =
        if text.contains('T') { text.parse().map_err(|_| no_day())? } else { return Err(no_day()) };
    // A second's precision: 23:59:59 is the end of a day.
    let moment = match edge {
        Edge::Start => time,
        Edge::End => time.checked_add(SignedDuration::from_secs(1)).map_err(|_| no_day())?,
    };
    let local = zone.to_datetime(moment);
    let at_midnight = local.time() == jiff::civil::Time::midnight();
    match edge {
        Edge::Start if at_midnight => Ok(local.date()),
        Edge::Start => local.date().checked_add(1.days()).map_err(|_| no_day()),
        Edge::End => local.date().checked_sub(1.days()).map_err(|_| no_day()),
    }
}

/// From and to; absent ends are open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Term {
    pub(super) from: Option<Date>,
    pub(super) to: Option<Date>,
}

impl Term {
    /// What lies in both; none where nothing does.
    pub(super) fn within(self, other: Self) -> Option<Self> {
        let from = self.from.max(other.from);
        let to = match (self.to, other.to) {
            (Some(one), Some(two)) => Some(one.min(two)),
            (one, two) => one.or(two),
        };
        let empty = from.zip(to).is_some_and(|(from, to)| from > to);
        (!empty).then_some(Self { from, to })
    }
}

/// A Period.
pub(super) fn term(value: &Value, zone: &TimeZone) -> Read<Term> {
    let Some(object) = value.as_object().filter(|object| !object.is_empty()) else {
        return Err(say("应为 Period", "must be a Period with start, end or both"));
    };
    let of = |key: &str, at: Edge| object.get(key).map(|value| edge(value, at, zone)).transpose();
    let term = Term { from: of("start", Edge::Start)?, to: of("end", Edge::End)? };
    if term.from.zip(term.to).is_some_and(|(from, to)| from > to) {
        return Err(say("起始晚于结束", "begins after its end"));
    }
    Ok(term)
}

/// What is not understood and changes the meaning of all the rest (FHIR: must not be ignored).
pub(super) fn modified(object: &Object, finder: &mut Finder) {
    for key in ["modifierExtension", "implicitRules"] {
        if object.contains_key(key) {
            finder.fault(
                key,
                say(
                    "会改变资源含义，术闸不认识，请去掉",
                    "changes the meaning of the resource in a way unknown here; remove it",
                ),
            );
        }
    }
}
