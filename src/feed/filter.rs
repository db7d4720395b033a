//! Which alerts a feed wants.

use crate::feed::alert::Alert;
use crate::feed::alert::kind::{AlertKind, Severity};

/// What a feed wants. Everything must fit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter {
    /// Types, with `*` for any run of characters; empty = all.
    pub events: Vec<String>,
    /// Nothing less grave.
    pub severity: Severity,
    /// Departments as messages write them; empty = all. An alert that names none fits all: nobody can say
    /// that it is not theirs.
    pub departments: Vec<String>,
    /// Also of routes that only observe.
    pub observed: bool,
}

impl Default for Filter {
    fn default() -> Self {
        Self {
            events: Vec::new(),
            severity: Severity::Low,
            departments: Vec::new(),
            observed: true,
        }
    }
}

impl Filter {
    /// Whether the feed wants it.
    pub fn wants(&self, alert: &Alert) -> bool {
        let kind = alert.kind.as_str();
        let named = |own: &String| {
            alert.departments.iter().any(|department| department.trim() == own.trim())
        };
        (self.events.is_empty() || self.events.iter().any(|pattern| fits(pattern, kind)))
            && alert.severity >= self.severity
            && (self.departments.is_empty()
                || alert.departments.is_empty()
                || self.departments.iter().any(named))
            && (self.observed || !alert.observed)
    }
}

/// Whether a pattern means any type at all: one that does not is a slip of the pen.
pub fn means_something(pattern: &str) -> bool {
    AlertKind::ALL.iter().any(|kind| fits(pattern, kind.as_str()))
}

/// `*` stands for any run of characters. Greedy with one step back: linear in practice, bounded by the
/// product of the lengths.
fn fits(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
    let (mut p, mut t) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while let Some(byte) = text.get(t) {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(own) if own == byte => {
                p += 1;
                t += 1;
            }
            _ => match star {
                Some((at, from)) => {
                    star = Some((at, from + 1));
                    p = at + 1;
                    t = from + 1;
                }
                None => return false,
            },
        }
    }
    pattern.get(p..).is_some_and(|rest| rest.iter().all(|byte| *byte == b'*'))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The slow, plain reading.
    fn model(pattern: &[u8], text: &[u8]) -> bool {
        match pattern.split_first() {
            None => text.is_empty(),
            Some((b'*', rest)) => (0..=text.len()).any(|skip| model(rest, &text[skip..])),
            Some((byte, rest)) => {
                text.split_first().is_some_and(|(own, more)| own == byte && model(rest, more))
            }
        }
    }

    proptest! {
        #[test]
        fn patterns_fit_as_the_plain_reading_says(pattern in "[ab*.]{0,8}", text in "[ab.]{0,10}") {
            prop_assert_eq!(fits(&pattern, &text), model(pattern.as_bytes(), text.as_bytes()));
        }
    }

    #[test]
    fn a_pattern_that_means_no_type_is_noticed() {
        assert!(means_something("orgate.order.*") && means_something("*.overdue"));
        assert!(means_something("*") && !means_something("order.*"));
    }
}
