//! What stands in the ledger is read back as it was meant, and the rules one by one.

use crate::domain::order::Redacted;
use crate::overrides::act::{Act, Conclusion, Person, Recorded, Suspension, Target};
use crate::overrides::file::{Attested, FileId, OverrideFile, State};
use crate::overrides::ladder::{Ladder, Rung};
use crate::overrides::rules::Refused;
use crate::overrides::tests::{at, opened, person, recorded, review};

fn read_back(act: &Act) -> Recorded {
    let file = FileId { entry: "01X".to_owned(), case: 1 };
    let body = act.body(&file).to_string();
    Recorded::read("01Y", 7, at(1), &body).unwrap()
}

#[test]
fn an_act_is_read_back_from_its_body() {
    let suspend = Some(Suspension { of: Target::Grant });
    let by = Person { account: Some("wang".to_owned()), ..person("D9") };
    for act in [
        Act::Attested { by: by.clone(), reason: "大出血".to_owned() },
        Act::Reviewed {
            by: by.clone(),
            conclusion: Conclusion::Rejected,
            reason: "并非急诊".to_owned(),
            suspend,
        },
        Act::Reopened { by, reason: "补充病历".to_owned() },
        Act::Escalated { level: 2, to: vec!["医务科主任".to_owned()] },
    ] {
        let read = read_back(&act);
        assert_eq!(read.act, act);
        assert_eq!((read.of.as_str(), read.case), ("01X", Some(1)));
    }
}

#[test]
fn an_attestation_of_another_system_is_understood_and_one_of_an_inquiry_left_to_its_order() {
    let body = r#"{"act":"attested","by":"D7","entry":"01X","reason":{"code":"a","comment":"休克","display":"抢救生命"}}"#;
    let read = Recorded::read("01Y", 1, at(0), body).unwrap();
    assert_eq!(read.case, None);
    let expected =
        Act::Attested { by: Person::said("D7"), reason: "抢救生命：休克".to_owned() };
    assert_eq!(read.act, expected);
    let beforehand = r#"{"act":"attested","by":"D7","cases":[],"inquiry":"01Z","patient":"P1","reason":{"code":"a","display":"抢救生命"}}"#;
    assert_eq!(Recorded::read("01Y", 1, at(0), beforehand), None);
    assert_eq!(Recorded::read("01Y", 1, at(0), r#"{"act":"praised","entry":"01X"}"#), None);
}

fn refused(file: &OverrideFile, act: &Act) -> Option<Refused> {
    file.check(act, at(1)).err()
}

#[test]
fn only_a_second_person_reviews() {
    let mut opened = opened("01X", 0);
    let reason = Redacted::new("大出血");
    opened.attested = Some(Attested { by: Some(person("D4")), reason, at: at(0) });
    let file = OverrideFile::new(opened);
    assert!(file.is_attested());
    let confirm = |by: &str| review(by, Conclusion::Confirmed);
    assert_eq!(refused(&file, &confirm("D1")), Some(Refused::Surgeon));
    assert_eq!(
        refused(&file, &confirm("d2")),
        Some(Refused::Surgeon),
        "any surgeon of the message"
    );
    assert_eq!(refused(&file, &confirm("D3")), Some(Refused::Opener));
    assert_eq!(refused(&file, &confirm("D4")), Some(Refused::Attester));
    assert_eq!(refused(&file, &confirm("D9")), None);
    let nobody = Person { account: Some("wang".to_owned()), name: None, staff: None };
    let by_nobody = Act::Reviewed {
        by: nobody,
        conclusion: Conclusion::Confirmed,
        reason: "是".to_owned(),
        suspend: None,
    };
    assert_eq!(refused(&file, &by_nobody), Some(Refused::Unidentified));
}

#[test]
fn a_name_without_a_number_is_taken_for_the_person_of_that_name() {
    let mut opened = opened("01X", 0);
    let reason = Redacted::new("大出血");
    let by = Some(Person::said("姓名D9"));
    opened.attested = Some(Attested { by, reason, at: at(0) });
    let file = OverrideFile::new(opened);
    assert_eq!(refused(&file, &review("D9", Conclusion::Confirmed)), Some(Refused::Attester));
    // Two people of one name who both have numbers are two people.
    let namesake = Person { name: Some("姓名D1".to_owned()), ..person("D8") };
    assert!(!namesake.may_be(&person("D1")));
}

#[test]
fn a_reason_is_more_than_blanks_and_only_a_rejection_suspends() {
    let file = OverrideFile::new(opened("01X", 0));
    let act = |conclusion, reason: &str, suspend: bool| Act::Reviewed {
        by: person("D9"),
        conclusion,
        reason: reason.to_owned(),
        suspend: suspend.then_some(Suspension { of: Target::Surgeon }),
    };
    assert_eq!(refused(&file, &act(Conclusion::Confirmed, " \n", false)), Some(Refused::NoReason));
    let confirmed = act(Conclusion::Confirmed, "是", true);
    assert_eq!(refused(&file, &confirmed), Some(Refused::Suspension));
    assert_eq!(refused(&file, &act(Conclusion::Rejected, "否", true)), None);
}

#[test]
fn who_reopens_a_file_does_not_review_it() {
    let first = opened("01X", 0);
    let id = first.id.clone();
    let reopen = Act::Reopened { by: person("D8"), reason: "补充病历".to_owned() };
    let acts = vec![
        recorded(1, &id, at(1), review("D9", Conclusion::Confirmed)),
        recorded(2, &id, at(2), reopen),
        recorded(3, &id, at(3), review("D8", Conclusion::Rejected)),
    ];
    let file = OverrideFile::fold(first, acts);
    assert_eq!((file.state, file.due), (State::Open, at(26)));
    assert_eq!(file.history.last().unwrap().void, Some(Refused::Opener));
    assert_eq!(refused(&file, &review("D9", Conclusion::Rejected)), None);
}

#[test]
fn the_ladder_is_climbed_step_by_step_after_the_deadline() {
    let ladder = Ladder::new(vec![
        Rung { after_h: 24, to: vec!["分管院长".to_owned()] },
        Rung { after_h: 0, to: vec!["医务科主任".to_owned()] },
    ]);
    let mut file = OverrideFile::new(opened("01X", 0));
    let id = file.opened.id.clone();
    assert_eq!(ladder.due(&file, at(23)), None);
    let first = ladder.due(&file, at(24)).unwrap();
    assert_eq!(first, Act::Escalated { level: 1, to: vec!["医务科主任".to_owned()] });
    file.apply(recorded(1, &id, at(24), first.clone()));
    assert_eq!(ladder.due(&file, at(47)), None);
    file.apply(recorded(2, &id, at(47), first));
    assert_eq!(file.level, 1, "a step is taken once");
    let second = ladder.due(&file, at(60)).unwrap();
    file.apply(recorded(3, &id, at(60), second));
    assert_eq!((file.level, ladder.due(&file, at(999))), (2, None));
    file.apply(recorded(4, &id, at(61), review("D9", Conclusion::Confirmed)));
    assert_eq!(file.state, State::Confirmed);
}
