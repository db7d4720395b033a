//! A refusal of any message that can be read: one frame that reads back, never a positive acknowledgement, MSA-2 as
//! the sender wrote it up to the first byte that would end a segment or a frame.
#![no_main]

use std::sync::LazyLock;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use libfuzzer_sys::fuzz_target;
use orgate::domain::order::Place;
use orgate::hl7::ack::{
    ErrorCode, ErrorEntry, OrderEcho, OrderRefused, Refusal, ReplyType, refuse, refuse_unreadable,
};
use orgate::hl7::answering::AckCode;
use orgate::hl7::charset::CharsetSetting;
use orgate::hl7::frame::{FrameScanner, Scanned, payload};
use orgate::hl7::message::Message;

static ZONE: LazyLock<TimeZone> = LazyLock::new(|| TimeZone::get("Asia/Shanghai").unwrap());

const CODES: [AckCode; 4] = [
    AckCode::ApplicationError,
    AckCode::ApplicationReject,
    AckCode::CommitError,
    AckCode::CommitReject,
];

fn whole_frame(frame: &[u8]) -> &[u8] {
    let scanned = FrameScanner::new(usize::MAX).next(frame);
    assert_eq!(scanned, Scanned::Frame { range: 0..frame.len() }, "the answer is one frame");
    payload(frame)
}

fn msa<'p>(answer: &'p [u8], separator: u8) -> Vec<&'p [u8]> {
    let mut lines = answer.split(|byte| *byte == b'\r');
    let line = lines.find(|line| line.starts_with(b"MSA")).expect("an answer has MSA");
    line.split(|byte| *byte == separator).collect()
}

fuzz_target!(|input: &[u8]| {
    let [choice, message @ ..] = input else { return };
    let place = Place::Hl7 {
        segment: "PR1".to_owned(),
        sequence: 1,
        field: 3,
        repetition: 1,
        component: usize::from(choice & 1),
    };
    let error = ErrorEntry {
        place: Some(&place),
        code: ErrorCode::Application,
        rule: "grant-missing",
        title: "no grant for this procedure",
        entry: "01JC0000000000000000000000",
        sentence_zh: "手术医师无该手术的授权|^~\\&，请联系医务科。",
        sentence_en: "the surgeon has no grant | for this procedure, call medical affairs",
    };
    let code = CODES[usize::from(choice >> 1 & 3)];
    let mut refusal = Refusal {
        code,
        reply: if choice & 8 == 0 { ReplyType::Order } else { ReplyType::Ack },
        errors: vec![error; usize::from(choice >> 4 & 3)],
        orders: Vec::new(),
        control_id: "0000000000000000ORG1",
        time: Timestamp::UNIX_EPOCH,
        zone: &ZONE,
        batch_id: None,
    };
    let unreadable = refuse_unreadable(message, &CharsetSetting::Auto, &refusal);
    assert!(whole_frame(&unreadable).starts_with(b"MSH"));
    let Ok(message) = Message::read(message, &CharsetSetting::Auto) else { return };
    let echo = |segment: orgate::hl7::message::Segment<'_>| OrderEcho {
        control: OrderRefused::answering(segment.field(1).bytes()),
        placer: &message.raw()[segment.field(2).range()],
        filler: &message.raw()[segment.field(3).range()],
    };
    refusal.orders = message.named(b"ORC").map(echo).collect();
    let answer = refuse(&message, &refusal);
    let answer = whole_frame(&answer);
    let by = message.delimiters().field;
    let msa = msa(answer, by);
    assert_eq!(
        msa.get(1),
        Some(&code.as_str().as_bytes()),
        "never another code than the one given"
    );
    // MSH-18 is the sender's, whatever it says; the answer is written in what the sender was read in.
    let written = CharsetSetting::Fixed(message.encoding().reply);
    let read = Message::read(answer, &written).expect("the answer reads back");
    assert!(read.segments().len() >= 2);
    let id = message.header().control_id();
    let ends = |byte: &u8| matches!(byte, b'\r' | b'\n' | 0x0B | 0x1C);
    let id = id.split(ends).next().unwrap_or_default();
    // A character whose second byte is the separator splits under a reader of bytes, such as this test.
    if !id.contains(&by) {
        assert_eq!(msa.get(2).copied().unwrap_or_default(), id, "MSA-2 is the sender's MSH-10");
    }
});
