//! The working-day calendar: Monday to Friday, except where the State Council's notice says otherwise.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::{Date, Weekday};

/// What a named day is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DayKind {
    /// 放假
    Holiday,
    /// 调休上班
    Workday,
}

/// No calendar is loaded for a year that is needed (gap `calendar-unknown`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownYear(
    /// Which.
    pub i16,
);

/// The days that differ from Monday–Friday. A year is known when it has at least one row (rules.md §7).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Calendar {
    days: BTreeMap<Date, DayKind>,
    years: BTreeSet<i16>,
}

impl Calendar {
    /// Of the named days.
    pub fn new(days: impl IntoIterator<Item = (Date, DayKind)>) -> Self {
        let days: BTreeMap<Date, DayKind> = days.into_iter().collect();
        let years = days.keys().map(|day| day.year()).collect();
        Self { days, years }
    }

    /// Whether `day` is a working day.
    ///
    /// # Errors
    /// When its year is not known; never a guess.
    pub fn is_workday(&self, day: Date) -> Result<bool, UnknownYear> {
        if !self.years.contains(&day.year()) {
            return Err(UnknownYear(day.year()));
        }
        Ok(match self.days.get(&day) {
            Some(DayKind::Holiday) => false,
            Some(DayKind::Workday) => true,
            None => !matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday),
        })
    }

    /// The `n`th working day after `start`, which itself is not counted (MT 11).
    ///
    /// # Errors
    /// When a year on the way is not known.
    pub fn deadline(&self, start: Date, n: u32) -> Result<Date, UnknownYear> {
        let mut day = start;
        let mut left = n;
        while left > 0 {
            day = day.tomorrow().map_err(|_| UnknownYear(day.year()))?;
            left -= u32::from(self.is_workday(day)?);
        }
        Ok(day)
    }

    /// The named days, for the ledger and exports.
    pub fn days(&self) -> impl Iterator<Item = (Date, DayKind)> {
        self.days.iter().map(|(day, kind)| (*day, *kind))
    }

    /// Only the named days of one year.
    pub fn year(&self, year: i16) -> Self {
        Self::new(self.days().filter(|(day, _)| day.year() == year))
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn a_year_without_any_row_is_not_known_and_never_guessed() {
        let calendar = Calendar::new([(date(2026, 1, 1), DayKind::Holiday)]);
        assert_eq!(calendar.is_workday(date(2025, 12, 31)), Err(UnknownYear(2025)));
        assert_eq!(calendar.is_workday(date(2026, 1, 1)), Ok(false));
        assert_eq!(calendar.is_workday(date(2026, 1, 2)), Ok(true));
        assert_eq!(calendar.deadline(date(2026, 12, 20), 15), Err(UnknownYear(2027)));
        // The first day itself is not counted, so its year need not be known.
        assert_eq!(calendar.deadline(date(2025, 12, 31), 1), Ok(date(2026, 1, 2)));
        assert_eq!(Calendar::default().deadline(date(2026, 3, 2), 0), Ok(date(2026, 3, 2)));
    }

    #[test]
    fn a_make_up_sunday_is_a_working_day_and_a_holiday_monday_is_none() {
        let days = [(date(2026, 3, 8), DayKind::Workday), (date(2026, 3, 9), DayKind::Holiday)];
        let calendar = Calendar::new(days);
        assert_eq!(calendar.deadline(date(2026, 3, 6), 1), Ok(date(2026, 3, 8)));
        assert_eq!(calendar.deadline(date(2026, 3, 6), 2), Ok(date(2026, 3, 10)));
    }
}
