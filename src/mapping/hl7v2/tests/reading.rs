//! The reader against the table of contract §10, through the standard file.

use crate::domain::order::{Action, Order, Stage, Urgency};
use crate::mapping::Reading;
use crate::mapping::hl7v2::tests::route::{Route, message, order, standard, surgeons};

#[test]
fn each_test_of_surgical_is_enough_by_itself() {
    let surgical =
        |kind: &str, segments: &str| matches!(standard(kind, segments), Reading::Surgical(_));
    assert!(surgical("ORM^O01", "ORC|NW|1 PR1|1"));
    assert!(surgical("ORM^O01", "ORC|NW|1 OBR|1|||51.2300"));
    assert!(surgical("ORM^O01", "ORC|NW|1 OBR|1|||x^y^z^51.2300"));
    assert!(surgical("ORM^O01", "ORC|NW|1 OBR|1|||99.9999"));
    assert!(surgical("ORM^O01", &format!("ORC|NW|1 OBR|1|||x{}51.2300", "|".repeat(40))));
    assert!(surgical("ORM^O01", &format!("ORC|NW|1 OBR|1|||x{} ", "|".repeat(20) + "sur ")));
    assert!(surgical("SIU^S12", "SCH|1|||||||surgery RGS|1 AIS|1||x"));
    assert!(surgical("SRM^S01", "ARQ|1|||||||Elective^SURGERY RGS|1"));
    assert!(surgical("SIU^S12", "SCH|1 RGS|1 AIS|1||x AIP|1||D1|^1"));
    assert!(surgical("ORM^O01", "ORC|NW|CHECKED OBR|1|||x"));
    assert!(!surgical("ORM^O01", "ORC|NW|1 OBR|1|||x"));
    assert!(!surgical("SIU^S12", "SCH|1 RGS|1 AIS|1||x AIP|1||D1"));
    assert!(!surgical("ADT^A01", "PID|1 OBR|1|||51.2300"));
}

#[test]
fn a_dedicated_route_makes_every_mapped_type_surgical_but_no_admission() {
    let mut route = Route::new("standard.toml");
    route.all_surgical = true;
    let read = |kind: &str, segments: &str| route.read(&message(kind, segments));
    assert!(matches!(read("ORM^O01", "ORC|NW|1 OBR|1|||x"), Reading::Surgical(_)));
    assert!(matches!(read("ADT^A01", "PID|1"), Reading::NotSurgical { .. }));
    assert!(matches!(read("QBP^Q11", "QPD|1"), Reading::NotSurgical { .. }));
}

#[test]
fn scheduling_that_meets_no_test_is_counted() {
    let counted = |kind: &str| {
        let reading = standard(kind, "SCH|1 RGS|1 AIS|1||x");
        reading == Reading::NotSurgical { scheduling: true, reply: false }
    };
    assert!(counted("SIU^S12") && counted("SRM^S01"));
    assert!(!counted("SIU^S15") && !counted("ORU^R01"));
}

#[test]
fn stages_and_actions_are_those_of_the_contract() {
    let control = |code: &str| order("ORM^O01", &format!("ORC|{code}|1 PR1|1||51.2300")).action();
    for code in ["NW", "RO", "CH", "SN", "PA", "", "??", "nw", "ca", "D"] {
        assert_eq!(control(code), Action::New, "{code}");
    }
    for code in ["XO", "RP", "RL", "XX", "RU", "OE"] {
        assert_eq!(control(code), Action::Change, "{code}");
    }
    for code in ["CA", "DC", "HD", "OC", "OD", "OH"] {
        assert_eq!(control(code), Action::Withdraw, "{code}");
    }
    for code in ["SC", "RE", "OK", "OR", "SS"] {
        assert_eq!(control(code), Action::Other, "{code}");
    }
    let event = |kind: &str| {
        let order = order(kind, "RGS|1 AIS|1||51.2300");
        (order.stage, order.action())
    };
    assert_eq!(event("SIU^S12"), (Stage::Notice, Action::New));
    assert_eq!(event("SIU"), (Stage::Notice, Action::New));
    assert_eq!(event("SRR^S01"), (Stage::Notice, Action::New));
    assert_eq!(event("SRM^S01"), (Stage::Order, Action::New));
    for changed in ["S13", "S14", "S18", "S19"] {
        assert_eq!(event(&format!("SIU^{changed}")), (Stage::Notice, Action::Change));
    }
    for off in ["S15", "S16", "S17", "S20", "S21", "S22", "S26"] {
        assert_eq!(event(&format!("SIU^{off}")), (Stage::Notice, Action::Withdraw));
    }
    assert_eq!(event("SIU^S23"), (Stage::Notice, Action::Other));
    for record in ["ORU^R01", "ADT^A08", "BAR^P12", "MDM^T02"] {
        let order = order(record, "ORC|CA PR1|1||51.2300");
        assert_eq!((order.stage, order.action()), (Stage::Record, Action::New), "{record}");
    }
}

#[test]
fn a_group_that_meets_no_test_is_no_case() {
    let order = order("ORM^O01", "ORC|NW|1 OBR|1|||x ORC|NW|2 OBR|1|||51.2300 ORC|NW|3 OBR|1|||y");
    let numbers: Vec<&str> =
        order.groups.iter().map(|g| g.order_no.as_ref().unwrap().reveal()).collect();
    assert_eq!(numbers, ["2"]);
}

#[test]
fn an_order_without_orc_is_one_group() {
    let order = order("ORM^O01", "PID|1||P OBR|1|N1||51.2300 OBR|2|||47.0100");
    assert_eq!(order.groups.len(), 1);
    assert_eq!(order.groups[0].lines.len(), 2);
    assert_eq!(order.groups[0].order_no.as_ref().unwrap().reveal(), "N1");
}

#[test]
fn a_procedure_before_several_orders_is_a_group_with_the_surgeons_of_the_message() {
    let order = order(
        "ORM^O01",
        "PR1|1||52.7x00 ORC|NW|1 PR1|2||51.2300||||||||D1 ORC|NW|2 PR1|3||47.0100||||||||D2",
    );
    assert_eq!(order.groups.len(), 3);
    assert_eq!(surgeons(&order.groups[2]), [["D1", "D2"]]);
    let off = self::order("ORM^O01", "PR1|1||52.7x00 ORC|CA|1 OBR|1 ORC|OC|2 OBR|2");
    assert_eq!(off.groups.iter().map(|g| g.action).collect::<Vec<_>>(), [Action::Withdraw]);
}

#[test]
fn pr1_comes_before_obr_and_ais_and_another_procedure_there_is_a_case_too() {
    let codes = |order: &Order| -> Vec<String> {
        let lines = order.groups.iter().flat_map(|g| &g.lines);
        lines
            .map(|l| l.coded.iter().flat_map(|c| &c.codings).map(|c| c.code.to_string()).collect())
            .collect()
    };
    let orm = order("ORM^O01", "ORC|NW|1 OBR|1|||OP PR1|1||51.2300||||||||D1");
    assert_eq!(codes(&orm), ["51.2300"]);
    let same = order("ORM^O01", "ORC|NW|1 OBR|1|||51.2300 PR1|1||51.2300||||||||D1");
    assert_eq!(codes(&same), ["51.2300"]);
    let two = order("ORM^O01", "ORC|NW|1 OBR|1|||52.7x00 PR1|1||51.2300||||||||D1");
    assert_eq!(codes(&two), ["51.2300", "52.7x00"]);
    assert_eq!(surgeons(&two.groups[0]), [["D1"], ["D1"]]);
    let siu = order("SIU^S12", "RGS|1 AIS|1||x RGS|2 AIS|2||y PR1|1||51.2300 AIP|1||D1|1");
    assert_eq!((siu.groups.len(), codes(&siu)), (1, vec!["51.2300".to_owned()]));
    let free = order("ORM^O01", "ORC|NW|1 PR1|1||^text");
    assert_eq!(codes(&free), [""]);
    assert_eq!(free.groups[0].lines.len(), 1);
}

#[test]
fn surgeons_by_every_place_of_the_contract() {
    let named =
        |segments: &str| surgeons(&order("ORM^O01", &format!("ORC|NW|1 {segments}")).groups[0]);
    assert_eq!(named("PR1|1||51.2300||||||||D1|D2"), [["D1", "D2"]]);
    assert_eq!(named("PR1|1||51.2300||||||||D1~D2"), [["D1", "D2"]]);
    assert_eq!(named("PR1|1||51.2300 NTE|1 ROL|1|AD|ps|D1"), [["D1"]]);
    assert_eq!(named("PR1|1||51.2300 PRT|1|AD||^主刀|D1"), [["D1"]]);
    assert_eq!(named("PR1|1||51.2300 ROL|1|AD|ASSISTANT|D1"), [["nobody"]]);
    assert_eq!(named("PR1|1||51.2300 ROL|1|AD|XYZ|D1"), [["unclear"]]);
    assert_eq!(named("PR1|1||51.2300 ROL|1|AD||D1"), [["unclear"]]);
    assert_eq!(named("PR1|1||51.2300 ROL|1|D|PS|D1 ROL|2|d|PS|D2"), [["D2"]]);
    assert_eq!(named("PR1|1||51.2300"), [["nobody"]]);
    assert_eq!(named("PR1|1||51.2300||||||||^张^三"), [["张三"]]);
    // A surgeon of the group holds for lines without their own; one that is nobody's own for all.
    assert_eq!(
        named("ROL|1|AD|PS|D9 PR1|1||51.2300||||||||D1 PR1|2||47.0100"),
        [vec!["D1", "D9"], vec!["D9"]]
    );
}

#[test]
fn persons_of_a_booking_are_those_of_its_own_group() {
    let order = order(
        "SIU^S12",
        "SCH|1 RGS|1 AIS|1||51.2300 AIP|1||D1|1 AIP|2||D7|2 RGS|2 AIS|2||47.0100 AIP|1||D2",
    );
    assert_eq!(surgeons(&order.groups[0]), [["D1"]]);
    assert_eq!(surgeons(&order.groups[1]), [["D2"]]);
    // Segments that all stand behind the last RGS belong to it; empty groups are nobody's.
    let order =
        self::order("SIU^S12", "SCH|1|||||||SURGERY RGS|1 RGS|2 AIS|1||51.2300 AIP|1||D1|1");
    assert_eq!(order.groups.len(), 1);
}

#[test]
fn deleted_lines_are_no_cases_and_their_persons_do_not_count() {
    let order =
        order("SIU^S14", "RGS|1 AIS|1|D|51.2300 RGS|2 AIS|2||47.0100 AIP|1|D|D1|1 AIP|2||D2");
    assert_eq!(order.groups.len(), 1);
    assert_eq!(surgeons(&order.groups[0]), [["D2"]]);
    let all = self::order("SIU^S14", "RGS|1 AIS|1|D|51.2300 RGS|2|D AIS|2||47.0100");
    assert_eq!(all.action(), Action::Withdraw);
    assert!(all.groups.iter().all(|g| g.lines.is_empty()));
    let kept = self::order("SIU^S14", "RGS|1 AIS|1|d|51.2300");
    assert_eq!(kept.groups[0].lines.len(), 1);
}

#[test]
fn the_gravest_urgency_present_counts() {
    let urgency = |segments: &str| {
        order("ORM^O01", &format!("ORC|NW|1|||||{segments} PR1|1||51.2300")).urgency()
    };
    assert_eq!(urgency("^^^^^S"), Urgency::Emergency);
    assert_eq!(urgency("^^^^^R~^^^^^a"), Urgency::Urgent);
    assert_eq!(urgency("^^^^^R TQ1|1||||||||A TQ1|2||||||||STAT"), Urgency::Emergency);
    assert_eq!(urgency("^^^^^STATUS"), Urgency::Elective);
    assert_eq!(urgency("S"), Urgency::Elective);
    assert_eq!(urgency(""), Urgency::Elective);
    let stated = |text: &str| {
        order("SRM^S01", &format!("ARQ|1||||||{text} RGS|1 AIS|1||51.2300")).groups[0].urgency
    };
    assert_eq!(stated("emergency"), Some(Urgency::Emergency));
    assert_eq!(stated("ROUTINE"), Some(Urgency::Elective));
    assert_eq!(stated("4"), None);
}

#[test]
fn every_stated_start_counts_and_a_line_has_its_own() {
    let route = Route::new("standard.toml");
    let times = |segments: &str| {
        let order = route.order(&message("SIU^S12", segments));
        let text = |t: &jiff::Timestamp| route.zone.to_datetime(*t).to_string();
        let lines = order.groups[0].lines.iter();
        let all: Vec<Vec<String>> = lines.map(|l| l.times.iter().map(text).collect()).collect();
        (all, order.groups[0].time_unreadable)
    };
    let (all, unreadable) = times(
        "SCH|1||||||||||^^^20260302080000 RGS|1 AIS|1||51.2300|20260302080000 AIS|2||47.0100|20260302093000",
    );
    let first = "2026-03-02T08:00:00".to_owned();
    assert_eq!(all, [vec![first.clone()], vec!["2026-03-02T09:30:00".to_owned(), first]]);
    assert!(!unreadable);
    let (all, unreadable) = times("SCH|1 RGS|1 AIS|1||51.2300|tomorrow");
    assert_eq!((all, unreadable), (vec![vec![]], true));
    let order = order("ORM^O01", &format!("ORC|NW|1{}20260302 OBR|1|||51.2300", "|".repeat(13)));
    assert_eq!(order.groups[0].lines[0].times.len(), 1);
}

#[test]
fn an_order_that_is_called_off_does_not_call_off_the_others_of_its_message() {
    for kind in ["ORM^O01", "OML^O21"] {
        let two = "ORC|CA|1 OBR|1|||LAB ORC|NW|2 PR1|1||51.2300||||||||D1";
        let order = order(kind, two);
        assert_eq!(order.action(), Action::New, "{kind}");
        assert_eq!(order.groups.len(), 1, "{kind}");
    }
}
