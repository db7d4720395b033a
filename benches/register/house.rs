//! A register of a million grants, as files; orders in the names of its surgeons. Everybody is invented.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use jiff::SignedDuration;
use orgate::clock::Clock;

/// People who operate.
pub(crate) const SURGEONS: usize = 20_000;
/// What each is granted.
pub(crate) const GRANTS_EACH: usize = 50;
/// What there is to be granted.
const PROCEDURES: usize = 500;

/// The files, written into a folder; with the names of the options that take them.
pub(crate) fn write(folder: &Path) -> Vec<(&'static str, PathBuf)> {
    let (mut catalogue, mut surgeons) =
        ("code,name,grade\n".to_owned(), "surgeon_id,name,department\n".to_owned());
    let mut grants = "surgeon_id,code,document_no,document_on,evaluated_on\n".to_owned();
    for nth in 0..PROCEDURES {
        // None of grade 4: an order of one without a discussion is flagged.
        let grade = 1 + nth % 3;
        writeln!(catalogue, "{},手术{nth},{grade}", code(nth)).unwrap();
    }
    let zone = jiff::tz::TimeZone::UTC;
    let lately = Clock::System.now() - SignedDuration::from_hours(24 * 30);
    let lately = zone.to_datetime(lately).date();
    for nth in 0..SURGEONS {
        writeln!(surgeons, "{},样{nth},{:04}", id(nth), nth % 80).unwrap();
        for held in 0..GRANTS_EACH {
            let (id, code) = (id(nth), held_by(nth, held));
            writeln!(grants, "{id},{code},院医务〔2024〕{held}号,2024-01-02,{lately}").unwrap();
        }
    }
    let files = [("--catalogue", catalogue), ("--surgeons", surgeons), ("--grants", grants)];
    files
        .map(|(option, rows)| {
            let file = folder.join(option.trim_start_matches('-')).with_extension("csv");
            std::fs::write(&file, rows).unwrap();
            (option, file)
        })
        .into()
}

/// The nth surgeon's number; numbers are in the order of the alphabet.
pub(crate) fn id(nth: usize) -> String {
    format!("N{nth:06}")
}

fn code(nth: usize) -> String {
    format!("{:02}.{:02}x{nth:03}", 10 + nth / 10, nth % 10)
}

/// What the nth surgeon is granted: all different.
fn held_by(nth: usize, held: usize) -> String {
    code((nth + held * (PROCEDURES / GRANTS_EACH)) % PROCEDURES)
}

/// An order of the nth surgeon, framed.
pub(crate) fn order(nth: usize, number: usize) -> Vec<u8> {
    let start = Clock::System.now() + SignedDuration::from_hours(72);
    let start = jiff::tz::TimeZone::UTC.to_datetime(start).strftime("%Y%m%d%H%M%S").to_string();
    let surgeon = format!("{}^样{nth}", id(nth));
    let code = held_by(nth, number % GRANTS_EACH);
    let text = format!(
        "MSH|^~\\&|HIS|XYYY|ORIS|SSS|20260302074005||OMG^O19^OMG_O19|C{number:09}|P|2.5.1|||||CHN|UNICODE UTF-8\r\
         PID|1||P{number:09}^^^XYYY^MR||赵样例||19680514|F\r\
         PV1|1|I|0301^03^12^MAIN|C|||||||||||||||V{number:09}\r\
         ORC|NW|SQ{number:09}|||||||20260302074005||{surgeon}\r\
         TQ1|1||||||{start}||R\r\
         OBR|1|SQ{number:09}||SURG^手术申请\r\
         PR1|1||{code}^手术^CHS2.0||{start}||||||{surgeon}\r"
    );
    orgate::hl7::frame::wrap(text.as_bytes())
}
