//! A capture of generated HL7 traffic: the messages of the sample day with other numbers and days, framed,
//! with the junk between frames that real captures have. For benches and tests.

use std::io::{self, Write};
use std::path::Path;

/// What stands between frames in captures: nothing mostly, line feeds, NULs, heartbeats, a line of a log.
const BETWEEN: [&[u8]; 5] = [b"", b"\n", b"\0\0", b"#$#\x1C\r", b"2026-03-02 08:00:00 INFO sent\n"];

/// How the numbers of messages, orders, bookings, patients and visits begin.
const NUMBERED: [&[u8]; 7] = [b"HIS26", b"ORS26", b"SQ26", b"YY26", b"PB26", b"P26", b"V26"];

/// Writes `count` messages of route `his-orders`.
pub(crate) fn write(count: usize, out: &mut impl Write) -> io::Result<()> {
    let shapes = shapes()?;
    for (number, shape) in (0..count).zip(shapes.iter().cycle()) {
        let junk = BETWEEN.get(number / 7 % BETWEEN.len()).filter(|_| number % 7 == 0);
        out.write_all(junk.copied().unwrap_or_default())?;
        out.write_all(b"\x0B")?;
        out.write_all(&varied(shape, number))?;
        out.write_all(b"\x1C\r")?;
    }
    Ok(())
}

/// The day's messages of one route, in their order; a repetition is of no use here.
fn shapes() -> io::Result<Vec<Vec<u8>>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/sample/day");
    let day: toml::Table = std::fs::read_to_string(folder.join("day.toml"))?
        .parse()
        .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
    let mut shapes = Vec::new();
    for message in day.get("message").and_then(toml::Value::as_array).into_iter().flatten() {
        let text = |key: &str| message.get(key).and_then(toml::Value::as_str);
        if text("route") == Some("his-orders") && text("same_as").is_none() {
            shapes.push(std::fs::read(folder.join(text("file").unwrap_or_default()))?);
        }
    }
    Ok(shapes)
}

/// Own control id, order, booking and patient numbers, and a day of its own in the first half of 2026.
fn varied(shape: &[u8], number: usize) -> Vec<u8> {
    let day = format!("2026{:02}{:02}", 1 + number / 28 % 6, 1 + number % 28);
    let suffix = format!("{number:07}");
    let mut out = Vec::with_capacity(shape.len() + 64);
    let mut rest = shape;
    while let Some((&first, tail)) = rest.split_first() {
        if let Some([b'0', _, after @ ..]) = rest.strip_prefix(b"202603") {
            out.extend_from_slice(day.as_bytes());
            rest = after;
        } else if let Some((start, after)) =
            NUMBERED.iter().find_map(|start| Some((start, rest.strip_prefix(*start)?)))
        {
            let digits = after.iter().take_while(|b| b.is_ascii_digit()).count();
            let (digits, after) = after.split_at(digits);
            for part in [*start, digits, suffix.as_bytes()] {
                out.extend_from_slice(part);
            }
            rest = after;
        } else {
            out.push(first);
            rest = tail;
        }
    }
    out
}
