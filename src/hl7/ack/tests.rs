//! Refusals byte for byte, and read back by our own reader.

use proptest::prelude::*;

use super::*;
use crate::hl7::frame;

const ZH: &str = "手术医师无四级手术权限";

fn place() -> Place {
    Place::Hl7 { segment: "AIP".to_owned(), sequence: 1, field: 3, repetition: 1, component: 0 }
}

fn error(place: &Place) -> ErrorEntry<'_> {
    ErrorEntry {
        place: Some(place),
        code: ErrorCode::Application,
        rule: "grant-missing",
        title: "No grant",
        entry: "01JC",
        sentence_zh: ZH,
        sentence_en: "The surgeon has no grant of grade 4",
    }
}

fn refusal<'a>(zone: &'a TimeZone, errors: Vec<ErrorEntry<'a>>) -> Refusal<'a> {
    Refusal {
        code: AckCode::ApplicationError,
        reply: ReplyType::Order,
        errors,
        orders: vec![OrderEcho { control: OrderRefused::New, placer: b"P1^HIS", filler: b"" }],
        control_id: "G1",
        time: "2026-03-02T00:30:00Z".parse().unwrap(),
        zone,
        batch_id: None,
    }
}

fn shanghai() -> TimeZone {
    TimeZone::get("Asia/Shanghai").unwrap()
}

fn message(text: &str) -> Message<'_> {
    Message::read(text.as_bytes(), &CharsetSetting::Auto).unwrap()
}

fn answer_to(text: &str, change: impl FnOnce(&mut Refusal<'_>)) -> String {
    let (zone, place) = (shanghai(), place());
    let mut refusal = refusal(&zone, vec![error(&place)]);
    change(&mut refusal);
    String::from_utf8(frame::payload(&refuse(&message(text), &refusal)).to_vec()).unwrap()
}

fn request(kind: &str, version: &str) -> String {
    format!(
        "MSH|^~\\&|HIS|A^1|OR|B|20260302||{kind}| 7 |T|{version}|||||CHN|UNICODE UTF-8\rORC|NW\r"
    )
}

#[test]
fn before_2_5_the_error_is_one_field_of_sub_components() {
    assert_eq!(
        answer_to(&request("ORM^O01", "2.4"), |_| {}),
        format!(
            "MSH|^~\\&|OR|B|HIS|A^1|20260302083000+0800||ORR^O02|G1|T|2.4||||||UNICODE UTF-8\r\
             MSA|AE| 7 |grant-missing: {ZH}\r\
             ERR|AIP^1^3^207&Application internal error&HL70357&grant-missing&No grant\r\
             ORC|UA|P1^HIS\r"
        )
    );
}

#[test]
fn from_2_5_every_finding_has_a_segment() {
    let (zone, place) = (shanghai(), place());
    let errors = vec![
        error(&place),
        ErrorEntry { place: None, code: ErrorCode::UnknownKey, ..error(&place) },
    ];
    let text = request("OMG^O19^OMG_O19", "2.7");
    let bytes = refuse(&message(&text), &refusal(&zone, errors));
    assert_eq!(
        String::from_utf8(frame::payload(&bytes).to_vec()).unwrap(),
        format!(
            "MSH|^~\\&|OR|B|HIS|A^1|20260302083000+0800||ORG^O20^ORG_O20|G1|T|2.7||||||UNICODE UTF-8\r\
             MSA|AE| 7 \r\
             ERR||AIP^1^3^1|207^Application internal error^HL70357|E|grant-missing^No grant^ORGATE||01JC|{ZH}\r\
             ERR|||204^Unknown key identifier^HL70357|E|grant-missing^No grant^ORGATE||01JC|{ZH}\r\
             ORC|UA|P1^HIS\r"
        )
    );
}

#[test]
fn several_findings_repeat_in_err_1_before_2_5() {
    let (zone, place) = (shanghai(), place());
    let text = request("SIU^S12", "2.3.1");
    let bytes = refuse(&message(&text), &refusal(&zone, vec![error(&place); 2]));
    let read = Message::read(frame::payload(&bytes), &CharsetSetting::Auto).unwrap();
    let err = read.named(b"ERR").next().unwrap();
    assert_eq!(err.field(1).repetition_count(), 2);
    assert_eq!(err.field(1).repetition(2).component(4).subcomponent(4).text(), "grant-missing");
    assert_eq!(read.header().message_type().bytes(), b"ACK");
    assert!(read.named(b"ORC").next().is_none());
}

#[test]
fn the_type_follows_the_request_and_its_version() {
    for (kind, version, expected) in [
        ("ORM^O01", "2.3.1", "ORR^O02"),
        ("ORM^O01", "2.5", "ORR^O02^ORR_O02"),
        ("ORM^O01", "", "ORR^O02"),
        ("OMG^O19", "2.4", "ORG^O20^ORG_O20"),
        ("SRM^S02", "2.4", "SRR^S02^SRR_S01"),
        ("SRM^S02", "2.3", "SRR^S02"),
        ("SIU^S12", "2.3", "ACK"),
        ("SIU^S12", "2.4", "ACK^S12"),
        ("SIU^S12", "2.5.1", "ACK^S12^ACK"),
        ("ADT", "2.5.1", "ACK"),
    ] {
        let text = answer_to(&request(kind, version), |_| {});
        assert_eq!(message(&text).header().message_type().text(), expected, "{kind} {version}");
        let plain = answer_to(&request(kind, version), |r| r.reply = ReplyType::Ack);
        let accept = answer_to(&request(kind, version), |r| r.code = AckCode::CommitError);
        for text in [plain, accept] {
            assert_eq!(message(&text).header().code(), b"ACK");
        }
    }
}

#[test]
fn the_sentence_is_in_the_senders_set_and_short_enough() {
    let long = "术".repeat(300) + "|";
    let text = request("ORM^O01", "2.5").replace("UNICODE UTF-8", "GBK");
    let (zone, place) = (shanghai(), place());
    let entry = ErrorEntry { sentence_zh: &long, ..error(&place) };
    let bytes = refuse(&message(&text), &refusal(&zone, vec![entry]));
    let read = Message::read(frame::payload(&bytes), &CharsetSetting::Auto).unwrap();
    assert_eq!(read.encoding().charset, Charset::Gb18030);
    assert!(read.encoding().certain);
    let msa_3 = read.named(b"MSA").next().unwrap().field(3).text();
    let err_8 = read.named(b"ERR").next().unwrap().field(8).text();
    assert!(msa_3.starts_with("grant-missing: 术术"));
    assert_eq!((msa_3.chars().count(), err_8.chars().count()), (80, 250));
    for set in ["ASCII", "8859/1"] {
        let text = request("ORM^O01", "2.5").replace("UNICODE UTF-8", set);
        let answer = answer_to(&text, |_| {});
        assert!(answer.contains("grant-missing: The surgeon has no grant"), "{answer}");
    }
}

#[test]
fn the_senders_delimiters_are_kept_and_completed() {
    let text = "MSH#*#HIS##OR#######2.4\r";
    let text = answer_to(text, |_| {});
    let read = message(&text);
    assert_eq!(read.delimiters().component, Some(b'*'));
    let err = read.named(b"ERR").next().unwrap();
    assert_eq!(err.field(1).component(4).subcomponent(4).text(), "grant-missing");
    let odd = answer_to("MSH|$%!?|HIS||OR|||||7|P|2.5\r", |r| {
        r.errors.iter_mut().for_each(|e| e.sentence_zh = "a|b$c%d!e?f");
    });
    assert_eq!(message(&odd).named(b"ERR").next().unwrap().field(8).text(), "a|b$c%d!e?f");
}

#[test]
fn a_control_id_cannot_smuggle_a_segment_into_the_answer() {
    let text = "MSH|^~\\&|HIS||OR||||ADT^A01|7\rMSA|AA|7\n|P|2.4\nPID|1\n";
    let answer = answer_to(text, |_| {});
    assert_eq!(message(&answer).named(b"MSA").count(), 1);
    assert!(!answer.contains("MSA|AA"));
}

#[test]
fn a_batch_is_answered_by_a_batch() {
    let text = answer_to(&request("ORM^O01", "2.4"), |r| r.batch_id = Some(b"B 9"));
    let lines: Vec<&str> = text.split('\r').collect();
    assert!(lines[0].starts_with("BHS|^~\\&|OR|B|HIS|A^1|20260302083000+0800||||G1|B 9"));
    assert!(lines[2].starts_with("MSA|AE|B 9|"));
    assert_eq!(lines[lines.len() - 2], "BTS|1");
}

#[test]
fn what_cannot_be_read_is_rejected_with_whatever_id_it_has() {
    let (zone, place) = (shanghai(), place());
    let mut refusal = refusal(&zone, vec![ErrorEntry { place: None, ..error(&place) }]);
    refusal.code = AckCode::ApplicationReject;
    let read = |payload: &[u8], setting| {
        let bytes = refuse_unreadable(payload, &setting, &refusal);
        String::from_utf8(frame::payload(&bytes).to_vec()).unwrap()
    };
    let nothing = read(b"\xFF\xFEhello", CharsetSetting::Auto);
    assert!(nothing.contains("\rMSA|AR||grant-missing: The surgeon"), "{nothing}");
    assert!(nothing.contains("||ACK|G1|P|2.4\r"));
    let chinese = read(b"hello", CharsetSetting::Fixed(Charset::Utf8));
    assert!(chinese.contains(ZH));
    let utf_16 = b"MSH|^~\\&|H|||||||77|P|2.5|||||CHN|UNICODE UTF-16\r";
    assert!(read(utf_16, CharsetSetting::Auto).contains("\rMSA|AR|77|"));
}

#[test]
fn orc_1_of_the_answer_follows_that_of_the_request() {
    for (request, answer) in [("NW", "UA"), ("XO", "UX"), ("RP", "UM"), ("", "UA"), ("RU", "UM")] {
        assert_eq!(OrderRefused::answering(request.as_bytes()).as_str(), answer);
    }
}

proptest! {
    #[test]
    fn every_answer_reads_back(
        version in prop::sample::select(vec!["2.1", "2.3", "2.4", "2.5", "2.8", "", "x"]),
        kind in prop::sample::select(vec!["ORM^O01", "OMG^O19", "SRM^S01", "SIU^S12", "", "A~B"]),
        id in "[ -{}弢\n\r]{0,20}",
        sentence in "\\PC{0,120}",
        delimiters in prop::sample::select(vec!["^~\\&", "^~\\&#", "^~&", "^~", "*", "$%!?"]),
    ) {
        let text = format!("MSH|{delimiters}|H|F|O|G|||{kind}|{id}|P|{version}\nORC|NW\n");
        let (zone, place) = (shanghai(), place());
        let entry = ErrorEntry { sentence_zh: &sentence, sentence_en: &sentence, ..error(&place) };
        let request = message(&text);
        let bytes = refuse(&request, &refusal(&zone, vec![entry, entry]));
        let payload = frame::payload(&bytes);
        prop_assert!(!payload.contains(&0x1C) && !payload.contains(&0x0B) && !payload.contains(&b'\n'));
        let answer = Message::read(payload, &CharsetSetting::Auto).unwrap();
        let msa: Vec<_> = answer.named(b"MSA").collect();
        prop_assert_eq!(msa.len(), 1);
        prop_assert_eq!(msa[0].field(1).bytes(), b"AE");
        prop_assert_eq!(answer.segments().skip(1).filter(|s| s.is_header()).count(), 0);
        let id = request.header().control_id();
        let end = id.iter().position(|b| b"\r\n".contains(b)).unwrap_or(id.len());
        prop_assert_eq!(msa[0].field(2).bytes(), &id[..end]);
        prop_assert!(msa[0].field(3).bytes().len() <= 4 * 80);
    }
}
