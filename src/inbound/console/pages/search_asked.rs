//! What a search asks for: the fields of its form, read as people write them, and the terms they become.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use unicode_normalization::UnicodeNormalization;

use crate::domain::order::Redacted;
use crate::domain::procedure::ProcedureCode;
use crate::inbound::console::pages::form::Form;
use crate::inbound::console::pages::words::Lang;
use crate::search::{Query, Term};

/// The fields of the form. Patient and order may be a patient's, so it does not print.
#[derive(Clone, Default)]
pub(super) struct Asked {
    pub(super) patient: String,
    pub(super) order: String,
    pub(super) surgeon: String,
    pub(super) procedure: String,
    pub(super) day: String,
    pub(super) rule: String,
    pub(super) decision: String,
    pub(super) stage: String,
    pub(super) route: String,
    pub(super) department: String,
    pub(super) since: String,
    pub(super) until: String,
    pub(super) purpose: String,
}

/// In the one width, without blanks around it: what people type is as often full width as not.
fn folded(text: &str) -> String {
    text.nfkc().collect::<String>().trim().to_owned()
}

fn date(text: &str) -> Option<Date> {
    folded(text).replace(['/', '.'], "-").parse().ok()
}

impl Asked {
    pub(super) fn read(form: &Form) -> Self {
        let text = |name| form.get(name).trim().to_owned();
        Self {
            patient: text("patient"),
            order: text("order"),
            surgeon: folded(form.get("surgeon")),
            procedure: text("procedure"),
            day: text("day"),
            rule: text("rule"),
            decision: text("decision"),
            stage: text("stage"),
            route: text("route"),
            department: text("department"),
            since: text("since"),
            until: text("until"),
            purpose: text("purpose"),
        }
    }

    /// Every field but the purpose, for forms that ask the same again.
    pub(super) fn fields(&self) -> [(&'static str, &str); 13] {
        [
            ("patient", &self.patient),
            ("order", &self.order),
            ("surgeon", &self.surgeon),
            ("procedure", &self.procedure),
            ("day", &self.day),
            ("rule", &self.rule),
            ("decision", &self.decision),
            ("stage", &self.stage),
            ("route", &self.route),
            ("department", &self.department),
            ("since", &self.since),
            ("until", &self.until),
            ("purpose", &self.purpose),
        ]
    }

    /// Whether nothing is asked for.
    pub(super) fn is_empty(&self) -> bool {
        self.fields().iter().all(|(name, text)| *name == "purpose" || text.is_empty())
    }

    /// What cannot be read.
    pub(super) fn fault(&self, lang: Lang) -> Option<&'static str> {
        let days = [&self.day, &self.since, &self.until];
        if days.iter().any(|day| !day.is_empty() && date(day).is_none()) {
            return Some(lang.say("日期请写成 2026-03-02。", "Write days like 2026-03-02."));
        }
        if !self.procedure.is_empty() && ProcedureCode::new(&self.procedure).is_none() {
            return Some(lang.say("手术编码无法识别。", "The procedure's code cannot be read."));
        }
        None
    }

    /// In the one width; then as it was typed, where that is something else.
    pub(super) fn ways(&self) -> Vec<Self> {
        let mut first = self.clone();
        first.patient = folded(&self.patient);
        first.order = folded(&self.order);
        first.department = folded(&self.department);
        let same = first.patient == self.patient
            && first.order == self.order
            && first.department == self.department;
        if same { vec![first] } else { vec![first, self.clone()] }
    }

    /// For the index.
    pub(super) fn query(&self, zone: &TimeZone) -> Query {
        let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let terms = [
            Redacted::new(self.patient.as_str()).map(Term::Patient),
            Redacted::new(self.order.as_str()).map(Term::Order),
            text(&self.surgeon).map(Term::Surgeon),
            ProcedureCode::new(&self.procedure).map(|code| Term::Procedure(code.to_string())),
            date(&self.day).map(Term::Day),
            text(&self.rule).map(Term::Rule),
            text(&self.decision).map(Term::Decision),
            text(&self.stage).map(Term::Stage),
            text(&self.route).map(Term::Route),
            text(&self.department).map(Term::Department),
        ];
        let midnight = |day: Date| zone.to_timestamp(day.at(0, 0, 0, 0)).ok();
        let until = date(&self.until).and_then(|day| day.tomorrow().ok());
        Query {
            terms: terms.into_iter().flatten().collect(),
            since: date(&self.since).and_then(midnight),
            until: until.and_then(midnight),
            ..Query::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_sought_in_the_one_width_and_then_as_it_was_typed() {
        let asked = Asked::read(&Form::read("patient=%20%EF%BC%B0%EF%BC%92%EF%BC%96&day=2026/3/2"));
        let ways = asked.ways();
        assert_eq!((ways[0].patient.as_str(), ways[1].patient.as_str()), ("P26", "Ｐ２６"));
        assert_eq!(Asked::read(&Form::read("patient=P26")).ways().len(), 1);
    }

    #[test]
    fn days_that_are_none_are_told_and_nothing_is_sought() {
        for (text, good) in [("2026-03-02", true), ("2026/03/02", true), ("3月2日", false)] {
            let asked = Asked { day: text.to_owned(), ..Asked::default() };
            assert_eq!(asked.fault(Lang::Zh).is_none(), good, "{text}");
        }
        assert!(Asked { purpose: "x".to_owned(), ..Asked::default() }.is_empty());
    }

    #[test]
    fn the_last_day_counts_in_full() {
        let asked = Asked {
            since: "2026-03-02".to_owned(),
            until: "2026-03-02".to_owned(),
            ..Asked::default()
        };
        let query = asked.query(&TimeZone::UTC);
        assert_eq!(query.since.unwrap().to_string(), "2026-03-02T00:00:00Z");
        assert_eq!(query.until.unwrap().to_string(), "2026-03-03T00:00:00Z");
    }
}
