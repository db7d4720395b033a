//! The index over any bytes: reading is total, lines cover the payload, every part stands inside what it is a part of,
//! text never fails, and "no second reading" means that bytes split alike.
#![no_main]

use libfuzzer_sys::fuzz_target;
use orgate::hl7::batch::Batch;
use orgate::hl7::charset::CharsetSetting;
use orgate::hl7::message::{Message, Segment, Span};

const SETTINGS: [&str; 6] = ["auto", "utf-8", "gb18030", "big5", "ascii", "8859/1"];

fn inside(part: &Span<'_>, whole: &Span<'_>) {
    let (inner, outer) = (part.range(), whole.range());
    assert!(inner.start <= inner.end && outer.start <= inner.start && inner.end <= outer.end);
    assert_eq!(part.bytes().len(), inner.len());
    let _ = part.text();
}

fn field(field: &Span<'_>) {
    for (number, repetition) in field.repetitions().enumerate() {
        inside(&repetition, field);
        assert_eq!(field.repetition(number + 1).range(), repetition.range());
        for (number, component) in repetition.components().enumerate() {
            inside(&component, &repetition);
            assert_eq!(repetition.component(number + 1).range(), component.range());
            inside(&component.subcomponent(1), &component);
            inside(&component.subcomponent(2), &component);
        }
    }
}

fn segment(segment: &Segment<'_>, bytewise_same: bool) {
    let by = segment.message().delimiters().field;
    let raw = &segment.message().raw()[segment.range()];
    let mut at = segment.range().start;
    let mut split = raw.split(|byte| *byte == by);
    for part in segment.fields() {
        assert_eq!(part.range().start, at, "fields stand side by side");
        at = part.range().end + 1;
        field(&part);
        if bytewise_same {
            assert_eq!(split.next(), Some(part.bytes()), "bytes split alike");
        }
    }
    assert_eq!(at, segment.range().end + 1, "fields cover the segment");
    assert!(!bytewise_same || split.next().is_none());
    assert!(segment.field(usize::MAX).is_empty() && segment.sequence() >= 1);
    let last = segment.field(segment.field_count());
    assert!(last.range().end == segment.range().end || segment.is_header());
}

fn lines(message: &Message<'_>) {
    let raw = message.raw();
    let mut at = 0;
    for line in message.segments() {
        let range = line.range();
        assert!(range.start >= at && range.end >= range.start && range.end <= raw.len());
        assert!(raw[at..range.start].iter().all(|b| matches!(b, b'\r' | b'\n')));
        at = range.end;
        segment(&line, message.bytewise().is_none());
    }
    assert!(raw[at..].iter().all(|b| matches!(b, b'\r' | b'\n')), "only line ends are left over");
}

fuzz_target!(|input: &[u8]| {
    let [setting, payload @ ..] = input else { return };
    if let Ok(batch) = Batch::split(payload) {
        let mut at = 0;
        for range in batch.messages() {
            assert!(at <= range.start && range.start < range.end && range.end <= payload.len());
            assert!(payload[range.clone()].starts_with(b"MSH"));
            at = range.end;
        }
        let _ = batch.control_id(&CharsetSetting::Auto);
    }
    let setting: CharsetSetting = SETTINGS[usize::from(*setting) % 6].parse().unwrap();
    let Ok(message) = Message::read(payload, &setting) else { return };
    lines(&message);
    let header = message.header();
    let _ = (header.code(), header.event(), header.control_id(), header.version());
    let _ = (message.foreign_lines().count(), message.delimiters_in_doubt());
    if let Some(bytewise) = message.bytewise() {
        assert!(bytewise.bytewise().is_none());
        let ours = message.segments().map(|line| line.range());
        assert!(ours.eq(bytewise.segments().map(|line| line.range())), "lines never differ");
        lines(&bytewise);
    }
});
