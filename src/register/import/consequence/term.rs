//! Spans of days, both ends included, and what is left of one when another is taken away.

use jiff::civil::Date;

/// From a first day to a last day; [`Date::MAX`] = without end.
pub(super) type Term = (Date, Date);

/// What lies in `from..=to`, an absent bound being open, from `today` on; `None` when nothing does.
pub(super) fn term(from: Option<Date>, to: Option<Date>, today: Date) -> Option<Term> {
    let (from, to) = (from.map_or(today, |from| from.max(today)), to.unwrap_or(Date::MAX));
    (from <= to).then_some((from, to))
}

/// The days of `whole` that are not in `taken`: none, one or two spans.
pub(super) fn minus(whole: Option<Term>, taken: Term) -> Vec<Term> {
    let Some((from, to)) = whole else { return Vec::new() };
    if taken.1 < from || to < taken.0 {
        return vec![(from, to)];
    }
    let before = taken.0.yesterday().ok().map(|end| (from, end));
    let after = taken.1.tomorrow().ok().map(|start| (start, to));
    before.into_iter().chain(after).filter(|(from, to)| from <= to).collect()
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_past_is_nobodys_loss() {
        let today = date(2026, 3, 2);
        assert_eq!(term(None, Some(date(2026, 3, 1)), today), None);
        assert_eq!(term(None, Some(today), today), Some((today, today)));
        assert_eq!(term(None, None, today), Some((today, Date::MAX)));
    }

    proptest! {
        #[test]
        fn a_day_is_left_when_it_is_in_the_one_and_not_in_the_other(
            a in 1_i8..28, b in 1_i8..28, c in 1_i8..28, d in 1_i8..28, day in 1_i8..28, open: bool,
        ) {
            let at = |day| date(2026, 3, day);
            let whole = (at(a.min(b)), if open { Date::MAX } else { at(a.max(b)) });
            let taken = (at(c.min(d)), at(c.max(d)));
            let day = at(day);
            let within = |term: Term| term.0 <= day && day <= term.1;
            let left = minus(Some(whole), taken).into_iter().any(within);
            prop_assert_eq!(left, within(whole) && !within(taken));
        }
    }
}
