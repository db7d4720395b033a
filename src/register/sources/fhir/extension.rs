//! Complex extensions of our own: their parts by a table; what the table does not know is a fault, as an unknown column
//! of a register file is.

use jiff::tz::TimeZone;
use serde_json::Value;

use crate::register::import::fault::{Wording, say};
use crate::register::sources::fhir::fault::Finder;
use crate::register::sources::fhir::value::{Object, Term, day, objects, term, text};

/// Which `value[x]` a part has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// `valueString`
    Text,
    /// `valueCode`
    Code,
    /// `valueCoding`, of which the code counts.
    Coding,
    /// `valuePositiveInt` or `valueInteger`
    Number,
    /// `valueDate`
    Day,
    /// `valuePeriod`
    Term,
}

impl Shape {
    fn keys(self) -> &'static [&'static str] {
        match self {
            Self::Text => &["valueString"],
            Self::Code => &["valueCode"],
            Self::Coding => &["valueCoding"],
            Self::Number => &["valuePositiveInt", "valueInteger"],
            Self::Day => &["valueDate"],
            Self::Term => &["valuePeriod"],
        }
    }
}

/// A part of an extension.
#[derive(Clone, Copy, Debug)]
pub(super) struct Part {
    /// Its `url`.
    pub(super) name: &'static str,
    /// Its value.
    pub(super) shape: Shape,
    /// Whether it may stand more than once.
    pub(super) many: bool,
}

/// What a part says.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Said {
    Text(String),
    Term(Term),
}

/// One extension, read.
#[derive(Debug, Default)]
pub(super) struct Parts {
    /// Which of the resource's extensions of this kind, from 0.
    pub(super) nth: usize,
    /// Whether a part of it was at fault.
    pub(super) faulty: bool,
    said: Vec<(&'static str, Said)>,
}

impl Parts {
    /// The first text of a part.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.texts(name).next()
    }

    /// All texts of a part.
    pub(super) fn texts(&self, name: &str) -> impl Iterator<Item = &str> {
        self.said.iter().filter(move |(own, _)| *own == name).filter_map(|(_, said)| match said {
            Said::Text(text) => Some(text.as_str()),
            Said::Term(_) => None,
        })
    }

    /// The period of a part.
    pub(super) fn term(&self, name: &str) -> Option<Term> {
        self.said.iter().filter(|(own, _)| *own == name).find_map(|(_, said)| match said {
            Said::Term(term) => Some(*term),
            Said::Text(_) => None,
        })
    }
}

/// Every extension `url` of a resource.
pub(super) fn parts(
    resource: &Object,
    url: &str,
    table: &[Part],
    zone: &TimeZone,
    finder: &mut Finder,
) -> Vec<Parts> {
    let all = objects(resource, "extension", "", finder);
    let own = all.into_iter().filter(|own| own.get("url").and_then(Value::as_str) == Some(url));
    own.enumerate().map(|(nth, own)| one(own, nth, (url, table), zone, finder)).collect()
}

fn one(
    own: &Object,
    nth: usize,
    (url, table): (&str, &[Part]),
    zone: &TimeZone,
    finder: &mut Finder,
) -> Parts {
    let place = format!("{url}[{nth}]");
    let mut read = Parts { nth, ..Parts::default() };
    if let Some(wording) = stray(own, &["extension"]) {
        finder.fault(&*place, wording);
        read.faulty = true;
    }
    let inner = objects(own, "extension", &place, finder);
    if inner.is_empty() {
        finder.fault(&*place, say("没有内容", "says nothing"));
        read.faulty = true;
    }
    for inner in inner {
        let name = inner.get("url").and_then(Value::as_str).unwrap_or_default();
        let Some(part) = table.iter().find(|part| part.name == name) else {
            let names: Vec<&str> = table.iter().map(|part| part.name).collect();
            let names = names.join(", ");
            finder.fault(
                &*place,
                say(
                    format!("有不认识的部分，可用的为：{names}"),
                    format!("has a part that is unknown; it may have: {names}"),
                ),
            );
            read.faulty = true;
            continue;
        };
        let twice = !part.many && read.said.iter().any(|(own, _)| *own == part.name);
        let said = if twice {
            Err(say("出现多次，请只保留一个", "stands more than once; keep one"))
        } else {
            value(inner, part.shape, zone)
        };
        match said {
            Ok(said) => read.said.push((part.name, said)),
            Err(wording) => {
                finder.fault(format!("{place}.{}", part.name), wording);
                read.faulty = true;
            }
        }
    }
    read
}

/// What an extension has besides its address, its id and what is expected.
fn stray(own: &Object, expected: &[&str]) -> Option<Wording> {
    let known =
        |key: &&String| matches!(key.as_str(), "url" | "id") || expected.contains(&key.as_str());
    own.keys().any(|key| !known(&key)).then(|| {
        let expected = expected.join(" / ");
        say(format!("只能有 url 和 {expected}"), format!("may hold url and {expected} only"))
    })
}

fn value(own: &Object, shape: Shape, zone: &TimeZone) -> Result<Said, Wording> {
    if let Some(wording) = stray(own, shape.keys()) {
        return Err(wording);
    }
    let given: Vec<&Value> = shape.keys().iter().filter_map(|key| own.get(*key)).collect();
    let [given] = given[..] else {
        let keys = shape.keys().join(" / ");
        return Err(say(format!("应有一个 {keys}"), format!("must hold one {keys}")));
    };
    match shape {
        Shape::Text | Shape::Code => text(given).map(Said::Text),
        Shape::Coding => {
            let code = given.as_object().and_then(|coding| coding.get("code"));
            let code = code.ok_or_else(|| say("缺少 code", "has no code"))?;
            text(code).map(Said::Text)
        }
        Shape::Number => {
            let number = given.as_u64().ok_or_else(|| say("应为整数", "must be a whole number"))?;
            Ok(Said::Text(number.to_string()))
        }
        Shape::Day => {
            let text = text(given)?;
            let day = day(&text)
                .ok_or_else(|| say("应为日期 YYYY-MM-DD", "must be a whole date YYYY-MM-DD"))?;
            Ok(Said::Text(day.to_string()))
        }
        Shape::Term => term(given, zone).map(Said::Term),
    }
}
