//! "Two readings, settled" of contract §10, and what is none of the gate's business.

use crate::domain::order::{Action, Stage};
use crate::mapping::hl7v2::tests::route::{Route, doubt, message, order, standard, surgeons};
use crate::mapping::{Doubt, Reading};

#[test]
fn answers_and_unknown_types_are_none_of_our_business_unless_they_hold_a_procedure() {
    let reply = Reading::NotSurgical { scheduling: false, reply: true };
    assert_eq!(standard("ACK^O01", "MSA|AA|1"), reply);
    assert_eq!(standard("SRR^S01", "MSA|AA|1 SCH|1|||||||SURGERY"), reply);
    let nothing = Reading::NotSurgical { scheduling: false, reply: false };
    assert_eq!(standard("DFT^P03", "PID|1"), nothing);
    assert_eq!(standard("DFT^P03", "PID|1 OBR|1||||||||||||||||||||||||SUR"), nothing);
    assert_eq!(standard("DFT^P03~DFT^P11", "PID|1\n\rpr1|1"), nothing);
    assert_eq!(order("DFT^P03", "PR1|1").stage, Stage::Order);
    assert_eq!(order("OML^O21", "ORC|CA|1 OBR|1|||51.2300").action(), Action::Withdraw);
    // A mapped type does not become an answer by an MSA.
    assert!(matches!(standard("ORM^O01", "MSA|AA|1 ORC|NW PR1|1"), Reading::Surgical(_)));
}

#[test]
fn what_two_readers_could_see_differently_is_unreadable() {
    let why = |kind: &str, segments: &str| doubt(&standard(kind, segments));
    for kind in
        ["ORM^O01~ADT^A01", "ORM^O01^ADT_A01", "orm^O01", "ORM&x^O01", "DFT^P03^ORM_O01", "SIU^s12"]
    {
        assert_eq!(why(kind, "PID|1"), Some(Doubt::MessageType), "{kind}");
    }
    for kind in ["ORM^O01^ORM_O01", "ADT^A04^ADT_A01", "SIU^S14^SIU_S12", "ORM^O01~ORM^O01"] {
        assert_eq!(why(kind, "PID|1"), None, "{kind}");
    }
    for segments in ["ORC|NW pr1|1", "ORC|NW \tPR1|1", "ORC|NW \nPR1|1", "ORC|NW NTE|1||a\nPR1|1"] {
        assert_eq!(why("ORM^O01", segments), Some(Doubt::SegmentName), "{segments}");
        assert_eq!(why("ADT^A01", &segments.replace("ORC|NW", "PV1|1")), Some(Doubt::SegmentName));
    }
    assert_eq!(why("ADT^A01", "pv1|1"), None);
    assert_eq!(why("ORM^O01", "ORC|NW PR1|1||51.2300 ADD|9"), Some(Doubt::SegmentContinued));
    assert_eq!(why("ORM^O01", "ORC|NW PR1|1||51.2300 NTE|1||a ADD|b"), None);
    assert_eq!(why("ORM^O01", "ORC|NW PR1|1||51.2300 DSC|x"), Some(Doubt::MessageContinued));
    assert_eq!(why("ORM^O01", "ORC|NW PR1|1||51.2300&47.0100"), Some(Doubt::Subcomponents));
    assert_eq!(why("ORM^O01", "ORC|NW PR1|1||51.2300||||||||D1&D2"), Some(Doubt::Subcomponents));
    assert_eq!(why("ORM^O01", "ORC|NW|1&2 PR1|1||51.2300"), Some(Doubt::Subcomponents));
    assert_eq!(why("ORM^O01", "PID|1||P1&x ORC|NW PR1|1||51.2300"), Some(Doubt::Subcomponents));
    for code in ["NW~CA", "CA^NW", "CA&NW"] {
        assert_eq!(why("ORM^O01", &format!("ORC|{code} PR1|1||51.2300")), Some(Doubt::Action));
        assert_eq!(why("ORM^O01", &format!("ORC|{code} OBR|1|||LAB")), None);
    }
    assert_eq!(why("ORM^O01", "PID|1||P1 PID|2||P2 ORC|NW PR1|1"), Some(Doubt::Patients));
}

#[test]
fn a_header_without_a_type_says_nothing_for_certain_unless_it_answers() {
    let read = |text: &str| Route::new("standard.toml").read(text.as_bytes());
    for text in
        ["MSH|^~\\&|HIS", "MSH|^~\\&|HIS||OR||2026|| |1|P|2.4\rPID|1", "MSH|^~\\&|||||||^O01"]
    {
        assert_eq!(doubt(&read(text)), Some(Doubt::MessageType), "{text}");
    }
    let reply = Reading::NotSurgical { scheduling: false, reply: true };
    assert_eq!(read("MSH|^~\\&|OR\rMSA|AA|1"), reply);
}

#[test]
fn a_second_message_that_only_others_see_makes_every_type_unreadable() {
    let hidden = "MSH|^~\\&|HIS||OR||2026||ORM^O01|2|P|2.4\rORC|NW|1\rPR1|1||51.2300";
    for kind in ["ADT^A01", "ORU^R01", "SIU^S15", "DFT^P03", "ACK"] {
        for before in ["\n", "NTE|1||a\n", " ", "\u{feff}", "\t\u{b}", "\u{3000}"] {
            let read = standard(kind, &format!("PID|1\r{before}{hidden}").replace(' ', "\t"));
            let Reading::Unreadable(unreadable) = read else { panic!("{kind} {before:?}") };
            assert_eq!((unreadable.why, unreadable.stage), (Doubt::SegmentName, None));
        }
        let folded = hidden.replace("MSH|", "msh$");
        assert_eq!(doubt(&standard(kind, &folded)), Some(Doubt::SegmentName));
    }
    for text in ["OBX|1|TX|||see\tMSH|9", "OBX|1|TX|||mshx|", "NTE|1||a\nMSH", "ZMH|MSH|"] {
        assert_eq!(doubt(&standard("ADT^A01", text)), None, "{text}");
    }
}

#[test]
fn nobody_is_kept_from_calling_an_operation_off() {
    for segments in
        ["ORC|CA|1 PR1|1||51.2300&x||||||||D1&D2", "PID|1||P1 PID|2||P2 ORC|CA|1&2 PR1|1"]
    {
        assert_eq!(order("ORM^O01", segments).action(), Action::Withdraw, "{segments}");
    }
    assert_eq!(order("SIU^S15", "RGS|1 ais|1 AIS|1||51.2300&x").action(), Action::Withdraw);
}

#[test]
fn an_undeclared_delimiter_in_a_surgical_text_is_unreadable() {
    let short = b"MSH|^|HIS||OR||2026||ORM^O01|1|P|2.3\rORC|NW|1~2\rPR1|1||51.2300";
    assert_eq!(doubt(&Route::new("standard.toml").read(short)), Some(Doubt::Delimiters));
    let lab = b"MSH|^|HIS||OR||2026||ORM^O01|1|P|2.3\rORC|NW|1~2\rOBR|1|||LAB";
    assert!(matches!(Route::new("standard.toml").read(lab), Reading::NotSurgical { .. }));
}

/// A GBK message whose surgeon's name ends in a byte that is also `^`: 李玘.
fn trail_byte(header: &str, id: &str) -> Vec<u8> {
    let text = format!("{header}\rORC|NW|1\rPR1|1||51.2300||||||||{id}^李玘^x");
    encoding_rs::GBK.encode(&text).0.into_owned()
}

#[test]
fn a_declared_character_set_is_certain_and_an_undeclared_one_must_read_alike_by_bytes() {
    let declared = "MSH|^~\\&|HIS||OR||2026||ORM^O01|1|P|2.4||||||GBK";
    let silent = "MSH|^~\\&|HIS||OR||2026||ORM^O01|1|P|2.4";
    let mut route = Route::new("standard.toml");
    assert_eq!(surgeons(&route.order(&trail_byte(declared, "D1")).groups[0]), [["D1"]]);
    // The surgeon's name counts beside an id too: it must be that of the register.
    for id in ["D1", ""] {
        assert_eq!(doubt(&route.read(&trail_byte(silent, id))), Some(Doubt::Charset));
    }
    let of_patient = format!("{silent}\rPID|1||P1||李玘\rORC|NW|1\rPR1|1||51.2300||||||||D1");
    let of_patient = encoding_rs::GBK.encode(&of_patient).0.into_owned();
    assert_eq!(doubt(&route.read(&of_patient)), None);
    route.compare_bytes = true;
    for id in ["D1", ""] {
        assert_eq!(doubt(&route.read(&trail_byte(declared, id))), Some(Doubt::Charset));
    }
}

#[test]
fn a_department_in_the_header_that_reads_differently_stops_only_what_is_surgical() {
    let route = Route::new("standard.toml");
    let read = |kind: &str, rest: &str| {
        let text = format!("MSH|^~\\&|HIS|珅|OR||2026||{kind}|1|P|2.4\r{rest}");
        route.read(&encoding_rs::GBK.encode(&text).0)
    };
    for (kind, rest) in [("ADT^A01", "PID|1"), ("SIU^S12", "SCH|1\rRGS|1\rAIS|1||x")] {
        assert!(matches!(read(kind, rest), Reading::NotSurgical { .. }), "{kind}");
    }
    let surgical = read("ORM^O01", "ORC|NW|1\rOBR|1|||51.2300");
    assert_eq!(doubt(&surgical), Some(Doubt::Charset));
}

#[test]
fn concept_maps_put_the_catalogue_code_first() {
    let route = Route::new("zop.toml");
    let payload = message("ORM^O01", "ORC|NW|1 ZOP||||||||1||D1||||||lc01#x#");
    let order = route.order(&payload);
    let codings = &order.groups[0].lines[0].coded[0].codings;
    let codes: Vec<&str> = codings.iter().map(|c| c.code.as_str()).collect();
    assert_eq!(codes, ["51.2300", "LC01"]);
}

#[test]
fn a_message_of_absurd_size_is_unreadable_and_costs_little() {
    let route = Route::new("standard.toml");
    let read = |segments: String| route.read(&message("ORM^O01", &segments));
    let many = |segment: &str, times: usize| vec![segment; times].join(" ");
    for segments in [
        format!("ORC|NW|1 {}", many("PR1|1||51.2300||||||||D1", 300)),
        format!("ORC|NW|1 PR1|1||51.2300 {}", many("ROL|1|AD|PS|D1", 300)),
        format!("ORC|NW|1 PR1|1||{}", ["51.2300"; 2000].join("~")),
        many("ORC|NW|1 PR1|1||51.2300", 2000),
    ] {
        assert_eq!(doubt(&read(segments)), Some(Doubt::Size));
    }
    let off = read(format!("ORC|CA|1 {}", many("PR1|1||51.2300", 300)));
    assert!(matches!(off, Reading::Surgical(order) if order.action() == Action::Withdraw));
    let lab = read(format!("ORC|NW|1 {}", many("OBX|1|TX|a||b", 30_000)));
    assert!(matches!(lab, Reading::NotSurgical { .. }));
}
