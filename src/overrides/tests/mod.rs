//! The tests of override files: the rules one by one, the fold against a plain model, the tables.

mod index;
mod model;
mod words;

use jiff::{SignedDuration, Timestamp};

use crate::domain::order::Redacted;
use crate::overrides::act::{Act, Conclusion, Person, Recorded};
use crate::overrides::file::{FileId, Opened};

pub(super) fn at(hours: i64) -> Timestamp {
    Timestamp::from_second(1_772_000_000).unwrap() + SignedDuration::from_hours(hours)
}

pub(super) fn person(staff: &str) -> Person {
    Person { account: None, name: Some(format!("姓名{staff}")), staff: Some(staff.to_owned()) }
}

pub(super) fn opened(entry: &str, case: u32) -> Opened {
    Opened {
        id: FileId { entry: entry.to_owned(), case },
        at: at(0),
        route: "his".to_owned(),
        stage: "order".to_owned(),
        surgeon: person("D1"),
        surgeons: vec![person("D1"), person("D2")],
        procedure: Some("52.7x00".to_owned()),
        procedure_name: Some("根治性胰十二指肠切除术".to_owned()),
        grade: Some(4),
        department: Some("0301".to_owned()),
        order_no: Redacted::new("A1"),
        patient: Redacted::new("P1"),
        opened_by: Some(person("D3")),
        attested: None,
        lifted: vec!["grant-missing".to_owned()],
        flagged: vec!["override-unattested".to_owned()],
        deadline_h: 24,
    }
}

pub(super) fn review(by: &str, conclusion: Conclusion) -> Act {
    let reason = "已核对病历".to_owned();
    Act::Reviewed { by: person(by), conclusion, reason, suspend: None }
}

pub(super) fn recorded(seq: u64, of: &FileId, at: Timestamp, act: Act) -> Recorded {
    let (of, case) = (of.entry.clone(), Some(of.case));
    Recorded { entry: format!("E{seq:05}"), seq, at, of, case, act }
}
