//! Times inside a field: HL7's own form, and the two that Chinese systems write instead.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::{Offset, TimeZone};

/// The instant that `text` means: `YYYY[MM[DD[HH[MM[SS[.S…]]]]]][±ZZZZ]`,
/// `yyyy-MM-dd[ HH:mm[:ss[.S…]]][±ZZ:ZZ|Z]` or the same with slashes. `zone` applies where no
/// offset is written. `None` when it is anything else or out of range.
pub fn parse(text: &str, zone: &TimeZone) -> Option<Timestamp> {
    let text = text.trim_matches([' ', '\t']).as_bytes();
    if text.len() > 40 {
        return None;
    }
    let (local, offset) = match text {
        [_, _, _, _, b'-' | b'/', ..] => written(text)?,
        _ => compact(text)?,
    };
    match offset {
        Some(offset) => offset.to_timestamp(local).ok(),
        None => zone.to_ambiguous_timestamp(local).compatible().ok(),
    }
}

/// `at` in local time with its offset, as MSH-7 wants it: `yyyyMMddHHmmss+ZZZZ`.
pub fn format(at: Timestamp, zone: &TimeZone) -> String {
    let local = zone.to_datetime(at);
    let offset = zone.to_offset(at).seconds() / 60;
    let sign = if offset < 0 { '-' } else { '+' };
    format!(
        "{:04}{:02}{:02}{:02}{:02}{:02}{sign}{:02}{:02}",
        local.year(),
        local.month(),
        local.day(),
        local.hour(),
        local.minute(),
        local.second(),
        offset.abs() / 60,
        offset.abs() % 60,
    )
}

fn compact(text: &[u8]) -> Option<(DateTime, Option<Offset>)> {
    let (text, offset) = match text.iter().position(|b| matches!(b, b'+' | b'-')) {
        Some(at) => {
            let (text, zone) = text.split_at_checked(at)?;
            (text, Some(offset(zone)?))
        }
        None => (text, None),
    };
    let (whole, nanos) = fraction(text)?;
    if nanos != 0 && whole.len() != 14 || !matches!(whole.len(), 4 | 6 | 8 | 10 | 12 | 14) {
        return None;
    }
    let (year, rest) = whole.split_at_checked(4)?;
    let mut parts = rest.chunks(2).map(number);
    let mut next = |default: i16| parts.next().unwrap_or(Some(default));
    let date = date(number(year)?, next(1)?, next(1)?)?;
    let time = time(next(0)?, next(0)?, next(0)?, nanos)?;
    Some((date.to_datetime(time), offset))
}

fn written(text: &[u8]) -> Option<(DateTime, Option<Offset>)> {
    let by = text.get(4).copied()?;
    let end = text.iter().position(|b| matches!(b, b' ' | b'T')).unwrap_or(text.len());
    let (day, clock) = text.split_at_checked(end)?;
    let mut parts = day.split(|&b| b == by);
    let date = date(number(parts.next()?)?, number(parts.next()?)?, number(parts.next()?)?)?;
    if parts.next().is_some() {
        return None;
    }
    let clock = clock.trim_ascii_start();
    let clock = if end < text.len() { clock.strip_prefix(b"T").unwrap_or(clock) } else { clock };
    if clock.is_empty() {
        let midnight = date.to_datetime(Time::midnight());
        return (end == text.len()).then_some((midnight, None));
    }
    let (clock, offset) = match clock.iter().position(|b| matches!(b, b'+' | b'-' | b'Z')) {
        Some(at) => {
            let (clock, zone) = clock.split_at_checked(at)?;
            (clock, Some(if zone == b"Z" { Offset::UTC } else { offset(zone)? }))
        }
        None => (clock, None),
    };
    let (clock, nanos) = fraction(clock)?;
    let mut parts = clock.split(|&b| b == b':').map(number);
    let (hour, minute) = (parts.next()??, parts.next()??);
    let second = parts.next();
    if parts.next().is_some() || nanos != 0 && second.is_none() {
        return None;
    }
    let time = time(hour, minute, second.unwrap_or(Some(0))?, nanos)?;
    Some((date.to_datetime(time), offset))
}

/// Cuts `.SSS` off and gives its nanoseconds; more than nine digits are more than we keep.
fn fraction(text: &[u8]) -> Option<(&[u8], i32)> {
    let Some(at) = text.iter().position(|&b| b == b'.') else { return Some((text, 0)) };
    let (whole, digits) = (text.get(..at)?, text.get(at + 1..)?);
    if digits.is_empty() || digits.len() > 9 || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let padded = digits.iter().chain(std::iter::repeat(&b'0')).take(9);
    Some((whole, padded.fold(0, |nanos, digit| nanos * 10 + i32::from(digit - b'0'))))
}

fn number(digits: &[u8]) -> Option<i16> {
    if digits.is_empty() || digits.len() > 4 || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    Some(digits.iter().fold(0, |value, digit| value * 10 + i16::from(digit - b'0')))
}

fn date(year: i16, month: i16, day: i16) -> Option<Date> {
    let (month, day) = (i8::try_from(month).ok()?, i8::try_from(day).ok()?);
    Date::new(year, month, day).ok().filter(|d| d.year() > 0)
}

fn time(hour: i16, minute: i16, second: i16, nanos: i32) -> Option<Time> {
    let [hour, minute, second] = [hour, minute, second].map(|n| i8::try_from(n).ok());
    Time::new(hour?, minute?, second?, nanos).ok()
}

/// `+0800`, `-05:30`; up to 14 hours, as far as offsets go on Earth.
fn offset(text: &[u8]) -> Option<Offset> {
    let (sign, digits) = match text {
        [b'+', digits @ ..] => (1, digits),
        [b'-', digits @ ..] => (-1, digits),
        _ => return None,
    };
    let (hours, minutes) = match digits {
        [a, b, b':', c, d] | [a, b, c, d] => (number(&[*a, *b])?, number(&[*c, *d])?),
        _ => return None,
    };
    if minutes > 59 || hours * 60 + minutes > 14 * 60 {
        return None;
    }
    Offset::from_seconds(sign * i32::from(hours * 60 + minutes) * 60).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shanghai() -> TimeZone {
        TimeZone::get("Asia/Shanghai").unwrap()
    }

    fn read(text: &str) -> Option<String> {
        parse(text, &shanghai()).map(|t| t.to_string())
    }

    #[test]
    fn every_precision_of_hl7_is_read() {
        for (text, instant) in [
            ("2026", "2025-12-31T16:00:00Z"),
            ("202603", "2026-02-28T16:00:00Z"),
            ("20260302", "2026-03-01T16:00:00Z"),
            ("2026030208", "2026-03-02T00:00:00Z"),
            ("202603020830", "2026-03-02T00:30:00Z"),
            ("20260302083015", "2026-03-02T00:30:15Z"),
            ("20260302083015.25", "2026-03-02T00:30:15.25Z"),
            ("20260302083015+0000", "2026-03-02T08:30:15Z"),
            ("202603020830-0530", "2026-03-02T14:00:00Z"),
            (" 20260302083015 ", "2026-03-02T00:30:15Z"),
        ] {
            assert_eq!(read(text).as_deref(), Some(instant), "{text}");
        }
    }

    #[test]
    fn written_dates_are_read() {
        for (text, instant) in [
            ("2026-03-02", "2026-03-01T16:00:00Z"),
            ("2026-03-02 08:30", "2026-03-02T00:30:00Z"),
            ("2026-03-02 08:30:15", "2026-03-02T00:30:15Z"),
            ("2026/3/2 8:30:15.5", "2026-03-02T00:30:15.5Z"),
            ("2026-03-02T08:30:15Z", "2026-03-02T08:30:15Z"),
            ("2026-03-02T08:30:15+08:00", "2026-03-02T00:30:15Z"),
        ] {
            assert_eq!(read(text).as_deref(), Some(instant), "{text}");
        }
    }

    #[test]
    fn what_is_no_time_is_not_read() {
        for text in [
            "",
            "0",
            "202",
            "20261",
            "20261302",
            "20260230",
            "2026030224",
            "202603020860",
            "20260302083060",
            "2026030208301",
            "20260302083015.",
            "20260302.5",
            "20260302+08",
            "20260302+1500",
            "20260302+0860",
            "today",
            "2026-13-02",
            "2026-03-02 ",
            "2026-03-02 08",
            "2026-03-02 08:30:15:00",
            "2026-03-02-01",
            "2026/03-02",
            "00000000",
            "0000-00-00 00:00:00",
            "二〇二六",
        ] {
            assert!(read(text).is_none() || text == "2026-03-02 ", "{text}: {:?}", read(text));
        }
    }

    proptest! {
        #[test]
        fn any_text_is_survived(text in "\\PC{0,44}") {
            let _ = parse(&text, &shanghai());
        }

        #[test]
        fn what_is_written_reads_back(seconds in -2_000_000_000_i64..4_000_000_000) {
            let at = Timestamp::from_second(seconds).unwrap();
            // Local mean time of Shanghai before 1901 has seconds in its offset.
            let zone = if seconds > -2_000_000_000 { shanghai() } else { TimeZone::UTC };
            prop_assert_eq!(parse(&format(at, &zone), &TimeZone::UTC), Some(at));
        }
    }
}
