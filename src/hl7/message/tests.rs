//! The index beside plain models, beside hl7-parser, and against the traps of the field.

use proptest::prelude::*;

use super::*;
use crate::hl7::charset::Known;

fn read(payload: &[u8]) -> Message<'_> {
    Message::read(payload, &CharsetSetting::Auto).unwrap()
}

fn gb(text: &str) -> Vec<u8> {
    Charset::Gb18030.encode(text).unwrap()
}

fn names(message: &Message<'_>) -> Vec<String> {
    let names = message.segments().map(|s| String::from_utf8_lossy(s.name()).into_owned());
    names.collect()
}

#[test]
fn fields_are_counted_as_hl7_counts_them() {
    let message =
        read(b"MSH|^~\\&|HIS|A^B|OR||20260302||ORM^O01^ORM_O01| 7 |P|2.5\rPID|1||7^^^X~8\r");
    let header = message.header();
    assert_eq!(header.segment().field(1).bytes(), b"|");
    assert_eq!(header.encoding_characters(), b"^~\\&");
    assert_eq!(header.sending_application().text(), "HIS");
    assert_eq!(header.sending_facility().component(2).text(), "B");
    assert_eq!((header.code(), header.event()), (&b"ORM"[..], &b"O01"[..]));
    assert_eq!(header.structure(), b"ORM_O01");
    assert_eq!(header.control_id(), b" 7 ");
    assert_eq!(header.version(), Version { minor: 5 });
    assert_eq!(header.segment().field_count(), 12);
    let pid = message.segment_at(1).unwrap();
    assert_eq!(pid.name(), b"PID");
    assert_eq!(pid.field(3).repetition_count(), 2);
    assert_eq!(pid.field(3).repetition(2).text(), "8");
    assert_eq!(pid.field(3).component(4).text(), "X");
    assert_eq!(pid.field(3).component_count(), 4);
    assert!(pid.field(9).is_empty());
    assert_eq!(pid.field_count(), 3);
}

#[test]
fn a_component_is_one_of_the_first_repetition() {
    let message = read(b"MSH|^~\\&|\rPR1|A~B^C|\"\"|x&y^z\r");
    let segment = message.segment_at(1).unwrap();
    assert!(segment.field(1).component(2).is_empty());
    assert!(segment.field(2).is_empty() && segment.field(2).is_null());
    assert!(segment.field(3).has_subcomponents());
    assert_eq!(segment.field(3).subcomponent(2).text(), "y");
    assert!(segment.field(3).component(0).is_empty());
}

#[test]
fn the_first_line_end_decides() {
    let cr = read(b"MSH|^~\\&|\rNTE|a\nPR1|\r\rZZZ\r");
    assert_eq!((cr.line_end(), names(&cr)), (LineEnd::Cr, texts(&["MSH", "NTE", "", "ZZZ"])));
    let lf = read(b"MSH|^~\\&|\nNTE|a\r\n\nPR1");
    assert_eq!((lf.line_end(), names(&lf)), (LineEnd::Lf, texts(&["MSH", "NTE", "", "PR1"])));
    assert_eq!(lf.segment_at(1).unwrap().field(1).bytes(), b"a");
    let both = read(b"MSH|^~\\&|\r\nNTE|a\rb\nc\r\nPR1|\r");
    assert_eq!((both.line_end(), names(&both)), (LineEnd::CrLf, texts(&["MSH", "NTE", "PR1"])));
    assert_eq!(both.segment_at(1).unwrap().field(1).bytes(), b"a\rb\nc");
}

fn texts(names: &[&str]) -> Vec<String> {
    names.iter().map(|&n| n.to_owned()).collect()
}

#[test]
fn lines_of_every_kind_are_kept() {
    let message = read(b"MSH|^~\\&|\rsome text\rPR1\r|x\r \r");
    assert_eq!(names(&message), texts(&["MSH", "some text", "PR1", "", " "]));
    assert_eq!(message.segment_at(3).unwrap().field(1).bytes(), b"x");
}

#[test]
fn what_has_no_header_is_no_message() {
    for payload in [&b""[..], b"MSH", b"msh|^~\\&|", b"PID|1", b"\rMSH|^~\\&|", b"MSHA^~\\&A"] {
        assert!(Message::read(payload, &CharsetSetting::Auto).is_err(), "{payload:?}");
    }
}

#[test]
fn trail_bytes_split_nothing_when_the_set_is_declared() {
    for name in ["弢", "珅", "昞", "玘", "珇"] {
        let text = format!(
            "MSH|^~\\&|HIS|外科{name}|||||ORM^O01|1|P|2.4|||AL|AL|CHN|GBK\rPID|1||7||{name}^{name}|F\r"
        );
        let payload = gb(&text);
        let message = read(&payload);
        let encoding = message.encoding();
        assert_eq!((encoding.charset, encoding.known), (Charset::Gb18030, Known::Declared));
        assert!(encoding.certain, "{name}");
        let pid = message.segment_at(1).unwrap();
        assert_eq!(pid.field(5).component(1).text(), name);
        assert_eq!(pid.field(5).component_count(), 2);
        assert_eq!(pid.field(6).text(), "F");
        assert!(message.bytewise().is_some_and(|b| b.segments().len() == 2));
    }
}

#[test]
fn undeclared_gb_text_is_guessed_and_has_a_second_reading() {
    let payload = gb("MSH|^~\\&|HIS||||||SRM^S01|1|P|2.4\rAIP|1||D1^弢|1\r");
    let message = read(&payload);
    assert_eq!((message.encoding().charset, message.encoding().certain), (Charset::Gb18030, false));
    assert_eq!(message.segment_at(1).unwrap().field(4).text(), "1");
    let bytewise = message.bytewise().unwrap();
    assert_ne!(bytewise.segment_at(1).unwrap().field(4).text(), "1");
    let plain = gb("MSH|^~\\&|HIS||||||SRM^S01|1|P|2.4\rAIP|1||D1^张三|1\r");
    assert!(!read(&plain).encoding().certain && read(&plain).bytewise().is_none());
}

#[test]
fn the_order_of_decisions_on_the_set() {
    let auto = |text: &str| {
        let bytes = gb(text);
        *Message::read(&bytes, &CharsetSetting::Auto).unwrap().encoding()
    };
    let header = "MSH|^~\\&|H||||||ORM^O01|1|P|2.4|||||";
    let seventeen = auto(&format!("{header}GB2312\rPID|昞"));
    assert_eq!((seventeen.charset, seventeen.certain), (Charset::Gb18030, true));
    let empty_first = auto(&format!("{header}CHN|~GBK\rPID|昞"));
    assert_eq!((empty_first.known, empty_first.certain), (Known::Guessed, false));
    let unknown = auto(&format!("{header}CHN|UNICODE\rPID|昞"));
    assert_eq!((unknown.known, unknown.certain), (Known::Guessed, false));
    let false_utf8 = auto(&format!("{header}CHN|UNICODE UTF-8\rPID|昞"));
    assert_eq!((false_utf8.charset, false_utf8.certain), (Charset::Gb18030, false));
    assert_eq!(false_utf8.reply, Charset::Utf8);
    let ascii = auto(&format!("{header}CHN|ISO IR 999\rPID|A"));
    assert_eq!((ascii.charset, ascii.certain), (Charset::Utf8, true));
    let utf8 = format!("{header}CHN|\rPID|昞");
    assert!(read(utf8.as_bytes()).encoding().certain);
    let fixed = CharsetSetting::Fixed(Charset::Gb18030);
    let bytes = gb("MSH|^~\\&|H\rPID|昞");
    let configured = *Message::read(&bytes, &fixed).unwrap().encoding();
    assert_eq!((configured.known, configured.certain), (Known::Configured, true));
}

#[test]
fn sets_that_switch_or_are_not_bytes_are_refused() {
    for set in ["UNICODE UTF-16", "UTF-7", "~ISO IR87", "8859/1~ISO IR159"] {
        let text = format!("MSH|^~\\&|H||||||ORM^O01|1|P|2.4|||||CHN|{set}\r");
        let read = Message::read(text.as_bytes(), &CharsetSetting::Auto);
        assert_eq!(read.err(), Some(MessageError::Charset), "{set}");
    }
}

#[test]
fn readings_that_declare_different_sets_are_not_certain() {
    // The character 弢 ends in a field separator: by bytes MSH-18 stands one field earlier.
    let payload = gb("MSH|^~\\&|H|弢|||||ORM^O01|1|P|2.4|||||UTF-8|GBK\r");
    let message = read(&payload);
    assert_eq!(message.encoding().charset, Charset::Gb18030);
    assert!(!message.encoding().certain);
}

#[test]
fn lines_that_only_another_reader_sees_are_reported() {
    let found = |body: &str| -> Vec<String> {
        let text = format!("MSH|^~\\&|H\r{body}");
        let message = read(text.as_bytes());
        let lines: Vec<_> = message.foreign_lines().map(|l| l.name().to_owned()).collect();
        lines
    };
    assert_eq!(found("PID|1\rPR1|1\rZOP\r"), Vec::<String>::new());
    assert_eq!(found("NTE|1||text\nPR1|1\r"), ["PR1"]);
    assert_eq!(found("NTE|1||text\x0BPR1|1\r"), ["PR1"]);
    assert_eq!(found(" PR1|1\r"), ["PR1"]);
    assert_eq!(found("PR1 |1\r"), ["PR1"]);
    assert_eq!(found("pr1|1\r"), ["PR1"]);
    assert_eq!(found("\u{FEFF}PR1|1\r\nPID|1\r"), ["PR1", "PID"]);
    assert_eq!(found("NTE|1||a\nb\ntext of four\r\r"), Vec::<String>::new());
}

#[test]
fn delimiters_that_a_short_msh_2_leaves_open_are_said() {
    assert!(!read(b"MSH|^~\\&|H\rPR1|a&b").delimiters_in_doubt());
    assert!(read(b"MSH|^~\\|H\rPR1|a&b").delimiters_in_doubt());
    assert!(!read(b"MSH|^~\\|H\rPR1|ab").delimiters_in_doubt());
}

#[test]
fn debug_shows_no_content() {
    let message = read(b"MSH|^~\\&|H\rPID|1||secret\r");
    let shown = format!("{message:?} {:?} {:?}", message.segment_at(1), message.header());
    assert!(!shown.contains("secret"));
}

fn lines_model(text: &str) -> Vec<Vec<Vec<String>>> {
    let lines = text.split('\r').filter(|l| !l.is_empty());
    lines
        .map(|line| {
            let fields = line.split('|').skip(1);
            fields.map(|field| field.split('^').map(str::to_owned).collect()).collect()
        })
        .collect()
}

proptest! {
    #[test]
    fn any_payload_is_covered_exactly(tail in prop::collection::vec(any::<u8>(), 0..300)) {
        let payload = [&b"MSH|^~\\&|"[..], &tail].concat();
        for setting in [CharsetSetting::Auto, CharsetSetting::Fixed(Charset::Gb18030)] {
            let Ok(message) = Message::read(&payload, &setting) else { continue };
            let mut at = 0;
            for segment in message.segments() {
                let range = segment.range();
                prop_assert!(at <= range.start && range.start <= range.end);
                prop_assert!(payload[at..range.start].iter().all(|b| b"\r\n".contains(b)));
                at = range.end;
                walk(&segment);
            }
            prop_assert!(payload[at..].iter().all(|b| b"\r\n".contains(b)));
            let _ = (message.foreign_lines().count(), message.delimiters_in_doubt());
            if let Some(bytewise) = message.bytewise() {
                prop_assert_eq!(bytewise.len(), message.len());
                bytewise.segments().for_each(|s| walk(&s));
            }
        }
    }

    #[test]
    fn any_bytes_are_survived(payload in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = Message::read(&payload, &CharsetSetting::Auto);
    }

    #[test]
    fn splitting_by_mask_agrees_with_splitting_decoded_text(
        fields in prop::collection::vec("[A-C弢珅昞玘珇张三銅\u{20BB7}^\r|]{0,12}", 1..12),
    ) {
        let text = format!("MSH|^~\\&|{}", fields.join("|"));
        let payload = gb(&text);
        let setting = CharsetSetting::Fixed(Charset::Gb18030);
        let message = Message::read(&payload, &setting).unwrap();
        let ours: Vec<Vec<Vec<String>>> = message
            .segments()
            .filter(|s| !s.range().is_empty())
            .map(|segment| {
                let fields = segment.fields().skip(1);
                let parts = |f: Span<'_>| f.split(Some(b'^'))
                    .map(|c| Charset::Gb18030.decode(c.bytes()).into_owned()).collect();
                fields.map(parts).collect()
            })
            .collect();
        prop_assert_eq!(ours, lines_model(&text));
    }

    #[test]
    fn hl7_parser_reads_the_same_fields(
        segments in prop::collection::vec(
            ("[A-Z][A-Z0-9]{2}", prop::collection::vec("[a-z0-9 张^~&]{0,8}", 1..6)), 1..6,
        ),
    ) {
        let body = segments.iter().map(|(name, fields)| format!("{name}|{}", fields.join("|")));
        let body: Vec<_> = body.filter(|l| !["MSH", "FHS", "BHS"].iter().any(|name| l.starts_with(name))).collect();
        let text = format!("MSH|^~\\&|HIS|||||||1|P|2.4\r{}", body.join("\r"));
        let theirs = hl7_parser::parse_message(&text);
        prop_assume!(theirs.is_ok());
        let theirs = theirs.unwrap();
        prop_assume!(theirs.raw_value().len() == text.len());
        let ours = read(text.as_bytes());
        for (theirs, ours) in theirs.segments().zip(ours.segments()).skip(1) {
            prop_assert_eq!(theirs.name.as_bytes(), ours.name());
            for number in 1..=6 {
                let field = theirs.field(number).map_or("", |f| f.raw_value());
                prop_assert_eq!(field.as_bytes(), ours.field(number).bytes());
            }
        }
    }
}

fn walk(segment: &Segment<'_>) {
    let _ = (segment.name(), segment.field_count());
    for number in 0..4 {
        let field = segment.field(number);
        for repetition in field.repetitions() {
            for component in repetition.components() {
                let _ = (component.text(), component.subcomponent(2).text());
            }
        }
    }
}
