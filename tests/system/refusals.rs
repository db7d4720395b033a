//! Refusals as the sender reads them, in every version, character set and set of delimiters.

use crate::support::gate::Gate;
use crate::support::ledger::{decisions_of, findings};
use crate::support::message::{Draft, gbk};
use crate::support::reply::Reply;

/// Everything that holds of a refusal in any version.
fn header(reply: &Reply, draft: &Draft, message_type: &str) {
    let field = |n| reply.field("MSH", n);
    assert_eq!([field(3), field(4), field(5), field(6)], ["ORIS", "THEATRE", "HIS", "WARD"]);
    let time = field(7);
    assert!(time.len() >= 14 && time.bytes().take(14).all(|b| b.is_ascii_digit()), "{time}");
    assert_eq!(field(9), message_type);
    assert!(!field(10).is_empty() && field(10) != draft.id && field(10).len() <= 20);
    assert_eq!([field(11), field(12)], ["P", draft.version]);
    assert_eq!([field(15), field(16)], ["", ""], "an answer asks for none");
    assert_eq!(field(18), draft.charset);
    assert_eq!(reply.field("MSA", 1), "AE");
    assert_eq!(reply.field("MSA", 2), draft.id);
}

#[test]
fn before_2_5_the_reason_stands_in_msa_3_and_in_sub_components_of_err_1() {
    let (_hospital, gate, upstream) = Gate::simple(&[]);
    let mut client = gate.connect();
    for (version, kind, expected) in [
        ("2.3.1", "ORM^O01", "ORR^O02"),
        ("2.4", "ORM^O01", "ORR^O02"),
        ("2.4", "OMG^O19", "ORG^O20^ORG_O20"),
    ] {
        let draft = Draft { version, kind, ..Draft::refused(format!("V{version}{kind}")) };
        let reply = Reply::read(&client.ask(&draft.bytes()));
        header(&reply, &draft, expected);
        assert_eq!(reply.names(), ["MSH", "MSA", "ERR", "ORC"]);
        let text = reply.field("MSA", 3);
        assert!(text.starts_with("grant-missing: ") && text.contains("手术权限"), "{text}");
        assert!(text.chars().count() <= 80, "{text}");
        let parts = reply.components("ERR", 0, 1);
        assert_eq!(parts[..3], ["PR1", "1", "11"]);
        let coded = reply.subcomponents(&parts[3]);
        assert_eq!(coded[..4], ["207", "Application internal error", "HL70357", "grant-missing"]);
        assert!(coded[4].is_ascii() && !coded[4].is_empty());
    }
    assert!(upstream.bytes().is_empty());
}

#[test]
fn from_2_5_each_finding_has_an_err_with_place_code_entry_and_sentence() {
    let (_hospital, gate, upstream) = Gate::simple(&[]);
    let mut client = gate.connect();
    for (version, kind, expected) in [
        ("2.5", "ORM^O01^ORM_O01", "ORR^O02^ORR_O02"),
        ("2.5.1", "OMG^O19^OMG_O19", "ORG^O20^ORG_O20"),
        ("2.8", "OMG^O19^OMG_O19", "ORG^O20^ORG_O20"),
    ] {
        let draft = Draft { version, kind, ..Draft::refused(format!("W{version}")) };
        let reply = Reply::read(&client.ask(&draft.bytes()));
        header(&reply, &draft, expected);
        assert_eq!(reply.names(), ["MSH", "MSA", "ERR", "ORC"]);
        assert_eq!(reply.field("MSA", 3).is_empty(), version == "2.8", "withdrawn in 2.7");
        assert_eq!(reply.field("ERR", 1), "");
        assert_eq!(reply.components("ERR", 0, 2)[..3], ["PR1", "1", "11"]);
        let coded = reply.components("ERR", 0, 3);
        assert_eq!(coded, ["207", "Application internal error", "HL70357"]);
        assert_eq!(reply.field("ERR", 4), "E");
        let own = reply.components("ERR", 0, 5);
        assert_eq!((own[0].as_str(), own[2].as_str()), ("grant-missing", "ORGATE"));
        let entry = decisions_of(gate.data(), &draft.id);
        assert_eq!(entry.len(), 1);
        assert_eq!(findings(&entry[0]), ["grant-missing block", "discussion-missing flag"]);
        assert_eq!(reply.field("ERR", 7), entry[0]["id"].as_str().expect("an id"));
        let sentence = reply.field("ERR", 8);
        assert!(sentence.contains("手术权限") && sentence.chars().count() <= 250, "{sentence}");
    }
    assert!(upstream.bytes().is_empty());
}

#[test]
fn every_blocking_finding_is_told_and_points_at_its_own_field() {
    let (_hospital, gate, _upstream) = Gate::simple(&[]);
    let mut client = gate.connect();
    let second = "PR1|2||99.9999^unknown^X||||||||D9999^NOBODY";
    let codes = |reply: &Reply, n| reply.components("ERR", n, 3)[0].clone();

    let draft = Draft::refused("E1").line(second);
    let reply = Reply::read(&client.ask(&draft.bytes()));
    let rules: Vec<String> = (0..3).map(|n| reply.components("ERR", n, 5)[0].clone()).collect();
    assert_eq!(rules, ["grant-missing", "technique-not-in-catalogue", "surgeon-unknown"]);
    assert_eq!(reply.named("ERR").len(), 3);
    assert_eq!([codes(&reply, 0), codes(&reply, 1), codes(&reply, 2)], ["207", "204", "204"]);
    assert_eq!(reply.components("ERR", 1, 2)[..3], ["PR1", "2", "3"]);
    assert_eq!(reply.components("ERR", 2, 2)[..3], ["PR1", "2", "11"]);

    let draft = Draft { version: "2.3.1", kind: "ORM^O01", ..Draft::refused("E2") }.line(second);
    let reply = Reply::read(&client.ask(&draft.bytes()));
    assert_eq!(reply.named("ERR").len(), 1);
    assert_eq!(reply.field("ERR", 1).split('~').count(), 3, "ERR-1 repeats");

    let draft = Draft { code: "^free text", ..Draft::refused("E3") };
    let reply = Reply::read(&client.ask(&draft.bytes()));
    assert_eq!(codes(&reply, 0), "101");
    assert_eq!(reply.components("ERR", 0, 5)[0], "procedure-missing");
}

#[test]
fn orders_are_refused_one_by_one_as_new_changed_or_replaced() {
    let (_hospital, gate, _upstream) = Gate::simple(&[]);
    let mut client = gate.connect();
    for (control, answered) in [("NW", "UA"), ("XO", "UX"), ("RP", "UM"), ("", "UA")] {
        let draft = Draft { control, ..Draft::refused(format!("O{control}")) }
            .line("ORC|XO|P 2^HIS|F2^OR")
            .line("OBR|2|P 2^HIS||CBC");
        let reply = Reply::read(&client.ask(&draft.bytes()));
        let orc = |n, field| reply.nth("ORC", n, field);
        assert_eq!([orc(0, 1), orc(1, 1)], [answered, "UX"]);
        assert_eq!([orc(0, 2), orc(0, 3)], [format!("SQO{control}^HIS"), format!("FO{control}")]);
        assert_eq!([orc(1, 2), orc(1, 3)], ["P 2^HIS", "F2^OR"]);
    }
}

#[test]
fn schedules_and_notices_get_their_own_replies() {
    let (_hospital, gate, _upstream) = Gate::simple(&[]);
    let mut client = gate.connect();
    for (kind, version, head, expected) in [
        ("SRM^S01", "2.3.1", "ARQ|A1|||||ROUTINE", "SRR^S01"),
        ("SRM^S01^SRM_S01", "2.5", "ARQ|A1|||||ROUTINE", "SRR^S01^SRR_S01"),
        ("SIU^S12", "2.3.1", "SCH|A1|A2", "ACK"),
        ("SIU^S12", "2.4", "SCH|A1|A2", "ACK^S12"),
        ("SIU^S12^SIU_S12", "2.5", "SCH|A1|A2", "ACK^S12^ACK"),
    ] {
        let draft = Draft { kind, version, ..Draft::refused(format!("S{version}{}", kind.len())) };
        let message = draft.text().replace("ORC|NW", &format!("{head}\rZRC|NW"));
        let reply = Reply::read(&client.ask(message.as_bytes()));
        header(&reply, &draft, expected);
        // The missing discussion is flagged at the order and refuses only the notice; before 2.5 one
        // ERR holds all.
        let refused = if kind.starts_with("SIU") && version == "2.5" { 2 } else { 1 };
        assert_eq!(reply.names(), [&["MSH", "MSA"][..], &["ERR"].repeat(refused)].concat());
    }
}

#[test]
fn a_route_may_answer_with_plain_acknowledgements_and_with_ar() {
    let (_hospital, gate, _upstream) =
        Gate::simple(&["refusal = \"AR\"", "refusal_reply = \"ack\""]);
    let reply = Reply::read(&gate.connect().ask(&Draft::refused("A1").bytes()));
    assert_eq!(reply.field("MSH", 9), "ACK^O19^ACK");
    assert_eq!(reply.code(), "AR");
    assert_eq!(reply.names(), ["MSH", "MSA", "ERR"]);
}

#[test]
fn the_sentence_comes_in_the_senders_character_set_and_the_rule_in_ascii() {
    let (_hospital, gate, _upstream) = Gate::simple(&[]);
    let mut client = gate.connect();
    for charset in ["GBK", "GB18030", "GB 18030-2000", "gb2312"] {
        let draft = Draft { charset, ..Draft::refused(format!("G{charset}")) };
        let reply = Reply::read(&client.ask(&gbk(&draft.text())));
        let sentence = reply.raw("ERR", 8);
        let (text, _, wrong) = encoding_rs::GBK.decode(&sentence);
        assert!(!wrong && text.contains("手术权限"), "{text}");
        assert!(std::str::from_utf8(&sentence).is_err());
        assert_eq!(reply.components("ERR", 0, 5)[0], "grant-missing");
        assert_eq!(reply.field("MSH", 18), charset);
    }
    let big5 =
        Draft { charset: "BIG-5", surgeon: "D1005", code: "52.7x00", ..Draft::refused("G5") };
    let big5 = big5.text().replace("赵样例", "");
    let reply = Reply::read(&client.ask(big5.as_bytes()));
    assert!(!reply.raw("ERR", 8).is_empty());
    for charset in ["ASCII", "8859/1"] {
        let plain = Draft { charset, surgeon: "D1005", code: "52.7x00", ..Draft::refused("G6") };
        let plain = plain.text().replace("赵样例", "");
        let reply = Reply::read(&client.ask(plain.as_bytes()));
        assert!(reply.payload.is_ascii());
        assert!(reply.field("ERR", 8).contains("grant"), "{}", reply.field("ERR", 8));
    }
}

#[test]
fn the_answer_is_written_with_the_senders_delimiters() {
    let (_hospital, gate, upstream) = Gate::simple(&[]);
    let mut client = gate.connect();
    for (field, component, repetition, escape, subcomponent) in
        [('#', '*', '%', '!', '@'), ('$', '%', '~', '\\', '&'), (',', ':', '+', '/', ';')]
    {
        let draft = Draft { patient: "P2699009", ..Draft::refused("D1") };
        let swap = |c: char| match c {
            '|' => field,
            '^' => component,
            '~' => repetition,
            '\\' => escape,
            '&' => subcomponent,
            other => other,
        };
        let swapped: String = draft.text().chars().map(swap).collect();
        let reply = Reply::read(&client.ask(swapped.as_bytes()));
        assert_eq!(char::from(reply.separator()), field);
        let encoding: String = [component, repetition, escape, subcomponent].iter().collect();
        assert_eq!(reply.field("MSH", 2), encoding);
        assert_eq!(reply.code(), "AE");
        assert_eq!(reply.components("ERR", 0, 5)[0], "grant-missing");
        assert_eq!(reply.components("ERR", 0, 2)[..3], ["PR1", "1", "11"]);
        // Its own text must not hold what it splits by.
        assert_eq!(reply.named("ERR")[0].len(), 9);
    }
    assert!(upstream.bytes().is_empty());
}

#[test]
fn the_message_number_comes_back_untouched() {
    let (_hospital, gate, _upstream) = Gate::simple(&[]);
    let mut client = gate.connect();
    for id in
        ["  7 ", "a\\T\\b", "x^y&z", "0", "号码七", "a-very-long-number-of-more-than-20-characters"]
    {
        let reply = Reply::read(&client.ask(&Draft::refused(id).bytes()));
        assert_eq!(reply.field("MSA", 2), id);
    }
    let reply = Reply::read(&client.ask(&Draft::refused("").bytes()));
    assert_eq!((reply.code().as_str(), reply.field("MSA", 2).as_str()), ("AE", ""));
}
