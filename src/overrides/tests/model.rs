//! The fold against a plain model, over any acts in any order of arrival.

use proptest::prelude::*;

use crate::overrides::act::{Act, Conclusion, Recorded};
use crate::overrides::file::{OverrideFile, State};
use crate::overrides::tests::{at, opened, person, recorded, review};

#[derive(Clone, Debug)]
enum Deed {
    Attest(u8),
    Review(u8, bool),
    Reopen(u8),
    Escalate(u32),
    /// Of another case of the same entry, or of another entry.
    Elsewhere(bool),
}

fn deed() -> impl Strategy<Value = Deed> {
    prop_oneof![
        (1_u8..8).prop_map(Deed::Attest),
        (1_u8..8, any::<bool>()).prop_map(|(by, good)| Deed::Review(by, good)),
        (1_u8..8).prop_map(Deed::Reopen),
        (1_u32..4).prop_map(Deed::Escalate),
        any::<bool>().prop_map(Deed::Elsewhere),
    ]
}

/// What stands, as a person would keep it on a sheet of paper.
#[derive(Debug, Default, PartialEq)]
struct Sheet {
    closed: Option<bool>,
    due_h: i64,
    level: u32,
    barred: Vec<u8>,
    done: usize,
}

fn sheet(deeds: &[(i64, Deed)]) -> Sheet {
    // Surgeons D1 and D2, ordering doctor D3.
    let mut sheet = Sheet { due_h: 24, barred: vec![1, 2, 3], ..Sheet::default() };
    for (hour, deed) in deeds {
        let open = sheet.closed.is_none();
        let counts = match deed {
            Deed::Attest(by) if open => {
                sheet.barred.push(*by);
                true
            }
            Deed::Review(by, good) if open && !sheet.barred.contains(by) => {
                sheet.closed = Some(*good);
                true
            }
            Deed::Reopen(by) if !open => {
                sheet.closed = None;
                sheet.due_h = hour + 24;
                sheet.level = 0;
                sheet.barred.push(*by);
                true
            }
            Deed::Escalate(level) if open && *level == sheet.level + 1 && *hour >= sheet.due_h => {
                sheet.level = *level;
                true
            }
            _ => false,
        };
        sheet.done += usize::from(counts);
    }
    sheet
}

fn acts(deeds: &[(i64, Deed)]) -> Vec<Recorded> {
    let own = opened("01X", 0).id;
    let act = |(nth, (hour, deed)): (usize, &(i64, Deed))| {
        let staff = |by: &u8| person(&format!("D{by}"));
        let (mut of, mut case) = (own.entry.clone(), Some(own.case));
        let act = match deed {
            Deed::Attest(by) => Act::Attested { by: staff(by), reason: "抢救".to_owned() },
            Deed::Review(by, good) => {
                let end = if *good { Conclusion::Confirmed } else { Conclusion::Rejected };
                review(&format!("D{by}"), end)
            }
            Deed::Reopen(by) => Act::Reopened { by: staff(by), reason: "再议".to_owned() },
            Deed::Escalate(level) => Act::Escalated { level: *level, to: Vec::new() },
            Deed::Elsewhere(entry) => {
                if *entry {
                    of = "01Z".to_owned();
                } else {
                    case = Some(1);
                }
                review("D7", Conclusion::Rejected)
            }
        };
        let seq = u64::try_from(nth).unwrap() + 1;
        Recorded { of, case, ..recorded(seq, &own, at(*hour), act) }
    };
    deeds.iter().enumerate().map(act).collect()
}

proptest! {
    #[test]
    fn the_fold_is_what_a_sheet_of_paper_says(
        deeds in proptest::collection::vec((1_i64..20, deed()), 0..30),
        shuffle in any::<u64>(),
    ) {
        let mut hour = 0;
        let deeds: Vec<(i64, Deed)> =
            deeds.into_iter().map(|(later, deed)| { hour += later; (hour, deed) }).collect();
        let expected = sheet(&deeds);
        let mut acts = acts(&deeds);
        // In any order, and some twice: the ledger's places decide.
        let copies: Vec<Recorded> = acts.iter().step_by(3).cloned().collect();
        acts.extend(copies);
        let turn = usize::try_from(shuffle % 31).unwrap();
        let length = acts.len().max(1);
        acts.rotate_left(turn % length);
        let file = OverrideFile::fold(opened("01X", 0), acts);
        let closed = match file.state {
            State::Open => None,
            State::Confirmed => Some(true),
            State::Rejected => Some(false),
        };
        prop_assert_eq!(closed, expected.closed);
        prop_assert_eq!(file.due, at(expected.due_h));
        prop_assert_eq!(file.level, expected.level);
        let done = file.history.iter().filter(|step| step.void.is_none()).count();
        prop_assert_eq!(done, expected.done);
        // Whoever closed it was none of those whose case it is.
        for step in file.history.iter().filter(|step| step.void.is_none()) {
            if let Act::Reviewed { by, .. } = &step.recorded.act {
                prop_assert!(!by.may_be(&person("D1")) && !by.may_be(&person("D3")));
            }
        }
    }
}
