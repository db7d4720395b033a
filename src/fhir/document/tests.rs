//! What is read, and what is refused and why.

use proptest::prelude::*;
use serde_json::{Value, json};

use crate::fhir::document::{DEPTH_MAX, Document, Limits, Unsound, check, read_patch};

const LIMITS: Limits = Limits { bytes: 64 * 1024, depth: 64 };

fn read(bytes: impl AsRef<[u8]>) -> Result<Value, Unsound> {
    Document::read(bytes.as_ref(), LIMITS).map(Document::into_root)
}

#[track_caller]
fn refused(bytes: impl AsRef<[u8]>, why: Unsound) {
    assert_eq!(read(bytes), Err(why));
}

/// A ServiceRequest with more members.
fn with(members: &str) -> String {
    format!("{{\"resourceType\":\"ServiceRequest\",{members}}}")
}

#[test]
fn an_order_is_read_as_serde_json_reads_it() {
    let text = with(
        r#" "status":"active","x":[1,-2,3.5,1e3,true,false,null,{},[]],"note":[{"text":"术\u4e2d\ud83d\ude00\n"}] "#,
    );
    let document = Document::read(text.as_bytes(), LIMITS).unwrap();
    assert_eq!(document.resource_type(), "ServiceRequest");
    assert_eq!(*document.root(), serde_json::from_str::<Value>(&text).unwrap());
    assert_eq!(format!("{document:?}"), r#"Document { resource_type: "ServiceRequest" }"#);
}

#[test]
fn what_is_not_utf_8_is_refused() {
    let utf16 = |big: bool| -> Vec<u8> {
        let units = with(r#""status":"active""#).encode_utf16().collect::<Vec<_>>();
        let bytes = |unit: u16| if big { unit.to_be_bytes() } else { unit.to_le_bytes() };
        units.into_iter().flat_map(bytes).collect()
    };
    refused(utf16(true), Unsound::NotUtf8);
    refused(utf16(false), Unsound::NotUtf8);
    refused([b"\xff\xfe".to_vec(), utf16(false)].concat(), Unsound::NotUtf8);
    refused([b"\xfe\xff".to_vec(), utf16(true)].concat(), Unsound::NotUtf8);
    let utf32: Vec<u8> =
        with(r#""a":1"#).chars().flat_map(|c| u32::from(c).to_be_bytes()).collect();
    refused(utf32, Unsound::NotUtf8);
    // 手术 in GB18030, an overlong `/`, a surrogate in UTF-8.
    for odd in [&b"\xca\xd6\xca\xf5"[..], b"\xc0\xaf", b"\xed\xa0\x80"] {
        let (head, tail) = (&b"{\"resourceType\":\"ServiceRequest\",\"note\":\""[..], &b"\"}"[..]);
        refused([head, odd, tail].concat(), Unsound::NotUtf8);
    }
}

#[test]
fn a_byte_order_mark_is_refused() {
    refused(format!("\u{feff}{}", with(r#""a":1"#)), Unsound::ByteOrderMark);
    refused(format!(" \u{feff}{}", with(r#""a":1"#)), Unsound::NotJson);
}

#[test]
fn what_is_no_single_json_object_is_refused() {
    let order = with(r#""a":1"#);
    for text in [
        "",
        " ",
        "[]",
        "null",
        "\"ServiceRequest\"",
        "{\"resourceType\":\"ServiceRequest\"",
        "{'resourceType':'ServiceRequest'}",
        "{resourceType:\"ServiceRequest\"}",
    ] {
        refused(text, Unsound::NotJson);
    }
    for more in ["{}", "x", "\0", ",", "\u{1a}", "\u{feff}", "//", "]", "}"] {
        refused(format!("{order}{more}"), Unsound::NotJson);
    }
    for members in [
        "\"a\":NaN",
        "\"a\":Infinity",
        "\"a\":-Infinity",
        "\"a\":1,",
        "\"a\":1 /* x */",
        "\"a\":01",
        "\"a\":.5",
        "\"a\":+1",
        "\"a\":1e999",
        "\"a\":0x10",
        "\"a\":[1,]",
        "\"a\":\"\t\"",
        "\"a\":\"\\x41\"",
        "\"a\":\"\\ud800\"",
        "\"a\":\"\\udc00\"",
        "\"a\":\"\\ud800\\u0041\"",
        "\"\\ud800\":1",
    ] {
        refused(with(members), Unsound::NotJson);
    }
    assert!(read(format!(" \r\n\t{order} \r\n\t")).is_ok());
}

#[test]
fn a_key_that_stands_twice_is_refused_at_every_level_and_however_it_is_written() {
    for members in [
        r#""status":"active","status":"revoked""#,
        r#""status":"active","\u0073tatus":"active""#,
        r#""\u0073\u0074atus":1,"statu\u0073":1"#,
        r#""a":[[{"b":{"c":1,"d":2,"c":3}}]]"#,
        r#""resourceType":"ServiceRequest""#,
        r#""":1,"":2"#,
        r#""手术":1,"手\u672f":2"#,
    ] {
        refused(with(members), Unsound::DuplicateKey);
    }
    assert!(read(with(r#""a":{"b":1},"c":{"b":1},"b":[{"b":2}]"#)).is_ok());
}

#[test]
fn keys_that_differ_only_in_case_are_refused() {
    for members in [
        r#""note":1,"nOte":1"#,
        r#""a":{"x":[{"colour":1,"COLOUR":2}]}"#,
        r#""Ärzte":1,"ärzte":2"#,
        r#""σ":1,"ς":2"#,
        r#""notes":1,"note\u017f":2"#,
    ] {
        refused(with(members), Unsound::KeysDifferInCase);
    }
    let wide: Vec<String> = (0..200).map(|at| format!("\"key{at}\":{at}")).collect();
    assert!(read(with(&wide.join(","))).is_ok());
    refused(with(&format!("{},\"kEy77\":1", wide.join(","))), Unsound::KeysDifferInCase);
}

#[test]
fn a_needed_key_in_disguise_is_refused() {
    for key in [
        "Performer",
        "STATUS",
        "reasoncode",
        "ResourceType",
        " status",
        "status ",
        "sta\u{200b}tus",
        "ｓｔａｔｕｓ",
        "\u{17f}tatus",
        "status\\u0000",
        "x\\u0007",
        "service_type",
        "reason-code",
        "__status",
        "$type",
    ] {
        assert_eq!(read(with(&format!("\"{key}\":1"))), Err(Unsound::Disguised), "{key}");
    }
    refused(with("\"contained\":[{\"ResourceType\":\"ServiceRequest\"}]"), Unsound::Disguised);
    let fine = r#""_status":{},"fhir_comments":[],"Foo":1,"手术":1,"a b":2,"Patient/1":3,"x-y":4"#;
    assert!(read(with(fine)).is_ok());
}

#[test]
fn a_resource_type_is_a_text_that_names_one_type_to_everybody() {
    for (root, why) in [
        ("{}", Unsound::NoResourceType),
        (r#"{"resourceType":null}"#, Unsound::NoResourceType),
        (r#"{"resourceType":7}"#, Unsound::NoResourceType),
        (r#"{"resourceType":["ServiceRequest"]}"#, Unsound::NoResourceType),
        (r#"{"resourceType":""}"#, Unsound::NoResourceType),
        (r#"{"resourceType":"servicerequest"}"#, Unsound::Disguised),
        (r#"{"resourceType":"BUNDLE"}"#, Unsound::Disguised),
        (r#"{"resourceType":"ServiceRequest "}"#, Unsound::Disguised),
        (r#"{"resourceType":"ServiceRequest\u0000"}"#, Unsound::Disguised),
        (r#"{"resourceType":"ServiceReque\u017ft"}"#, Unsound::Disguised),
        (r#"{"resourceType":"http://hl7.org/fhir/ServiceRequest"}"#, Unsound::Disguised),
        (
            r#"{"resourceType":"Bundle","entry":[{"resource":{"resourceType":"procedure"}}]}"#,
            Unsound::Disguised,
        ),
        (
            r#"{"resourceType":"Bundle","entry":[{"resource":{"resourceType":[]}}]}"#,
            Unsound::NoResourceType,
        ),
    ] {
        refused(root, why);
    }
    assert_eq!(read(r#"{"resource\u0054ype":"Patient"}"#), Ok(json!({"resourceType": "Patient"})));
}

#[test]
fn depth_is_counted_and_bounded_whatever_the_setting() {
    let nested = |depth: usize| {
        let (open, close) = ("[".repeat(depth - 1), "]".repeat(depth - 1));
        with(&format!("\"a\":{open}{close}"))
    };
    let of = |depth| Limits { bytes: 1 << 20, depth };
    for limit in [2, 3, 64, DEPTH_MAX] {
        assert!(Document::read(nested(limit).as_bytes(), of(limit)).is_ok(), "{limit}");
        let deeper = nested(limit + 1);
        assert_eq!(Document::read(deeper.as_bytes(), of(limit)).unwrap_err(), Unsound::TooDeep);
    }
    let endless = "[".repeat(100_000);
    assert_eq!(
        Document::read(with(&format!("\"a\":{endless}")).as_bytes(), of(1_000_000)).unwrap_err(),
        Unsound::TooDeep
    );
    let objects = "{\"a\":".repeat(50_000);
    assert_eq!(Document::read(objects.as_bytes(), of(64)).unwrap_err(), Unsound::TooDeep);
}

#[test]
fn a_body_longer_than_the_limit_or_with_too_many_values_is_refused() {
    let text = with(&format!("\"a\":\"{}\"", "x".repeat(100)));
    let of = |bytes| Document::read(text.as_bytes(), Limits { bytes, depth: 64 }).map(|_| ());
    assert_eq!(of(text.len()), Ok(()));
    assert_eq!(of(text.len() - 1), Err(Unsound::TooLong));
    let dense = with(&format!("\"a\":[{}0]", "{\"a\":0},".repeat(7_000)));
    assert!(dense.len() < LIMITS.bytes);
    refused(dense, Unsound::TooLong);
}

#[test]
fn a_json_patch_is_a_list_of_objects_read_as_strictly() {
    let patch = br#"[{"op":"test","path":"/status","value":"active"}]"#;
    assert_eq!(read_patch(patch, LIMITS).unwrap()[0]["op"], "test");
    for (text, why) in [
        (&br#"{"op":"test"}"#[..], Unsound::NotJson),
        (br#"[1]"#, Unsound::NotJson),
        (br#"[{"op":"add","op":"test"}]"#, Unsound::DuplicateKey),
        (br#"[{"op":"add","value":1,"Value":2}]"#, Unsound::Disguised),
    ] {
        assert_eq!(read_patch(text, LIMITS), Err(why));
    }
}

#[test]
fn what_was_made_is_looked_at_as_what_came() {
    let fine = json!({"resourceType": "ServiceRequest", "a": [{"b": {"c": 1}}]});
    assert_eq!(check(&fine, LIMITS), Ok(()));
    assert_eq!(check(&json!({"x": [{"Performer": 1}]}), LIMITS), Err(Unsound::Disguised));
    assert_eq!(check(&json!({"x": [{"a": 1, "A": 1}]}), LIMITS), Err(Unsound::KeysDifferInCase));
    let typed = json!({"x": {"resourceType": "procedure"}});
    assert_eq!(check(&typed, LIMITS), Err(Unsound::Disguised));
    assert_eq!(check(&json!([[[1]]]), Limits { depth: 2, ..LIMITS }), Err(Unsound::TooDeep));
}

#[test]
fn every_fault_has_its_own_name_and_both_sentences() {
    use Unsound::*;
    let all = [
        NotUtf8,
        ByteOrderMark,
        NotJson,
        DuplicateKey,
        KeysDifferInCase,
        Disguised,
        TooDeep,
        TooLong,
        NoResourceType,
    ];
    let names: std::collections::BTreeSet<&str> = all.iter().map(|fault| fault.as_str()).collect();
    assert_eq!(names.len(), all.len());
    assert!(all.iter().all(|fault| fault.english().is_ascii() && !fault.chinese().is_ascii()));
}

/// JSON text of any shape, keys from a small set so that they collide, some escaped.
fn any_json() -> impl Strategy<Value = (String, bool)> {
    let key = prop::sample::select(vec!["a", "A", "b", "\\u0061", "cc", "cC", "d", "e"]);
    let leaf = prop_oneof![Just("1".to_owned()), Just("\"x\"".to_owned()), Just("null".to_owned())];
    leaf.prop_map(|text| (text, false)).prop_recursive(4, 40, 6, move |inner| {
        let member = (key.clone(), inner.clone());
        prop_oneof![
            prop::collection::vec(inner, 0..4).prop_map(|list| {
                let doubtful = list.iter().any(|(_, doubtful)| *doubtful);
                let texts: Vec<String> = list.into_iter().map(|(text, _)| text).collect();
                (format!("[{}]", texts.join(" ,")), doubtful)
            }),
            prop::collection::vec(member, 0..5).prop_map(|members| {
                let mut plain: Vec<String> = members
                    .iter()
                    .map(|(key, _)| key.replace("\\u0061", "a").to_lowercase())
                    .collect();
                plain.sort();
                let twice = plain.windows(2).any(|two| two[0] == two[1]);
                let doubtful = twice || members.iter().any(|(_, (_, doubtful))| *doubtful);
                let texts: Vec<String> =
                    members.iter().map(|(key, (text, _))| format!("\"{key}\": {text}")).collect();
                (format!("{{{}}}", texts.join(",")), doubtful)
            }),
        ]
    })
}

proptest! {
    #[test]
    fn a_body_is_read_as_serde_json_does_unless_keys_collide((text, doubtful) in any_json()) {
        let body = with(&format!("\"x\":{text}"));
        match read(&body) {
            Ok(root) => {
                prop_assert!(!doubtful);
                prop_assert_eq!(root, serde_json::from_str::<Value>(&body).unwrap());
            }
            Err(why) => {
                prop_assert!(doubtful);
                prop_assert!(matches!(why, Unsound::DuplicateKey | Unsound::KeysDifferInCase));
            }
        }
    }

    #[test]
    fn reading_is_total(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = read(&bytes);
        let _ = read_patch(&bytes, LIMITS);
    }
}
