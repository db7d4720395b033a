//! What is sent: the kinds of the sample day, by a hospital of many surgeons. A message is a function of its line and
//! its number on it, so that everybody knows what became of which.

use jiff::Timestamp;
use jiff::civil::Date;

use crate::support::message::framed;

/// Connections that send orders, notices and records.
pub(super) const LINES: usize = 16;
/// Connections that send what is not surgical.
pub(super) const LABORATORY: usize = 2;
/// Surgeons who operate.
pub(super) const SURGEONS: u64 = 2_000;
/// One more, whose grant comes and goes; nobody orders in their name but the registrar.
pub(super) const PROBED: &str = "W00000";

/// Messages after which the kinds repeat.
const ROUND: u64 = 100;
/// A notice follows its order after so many rounds, a record its notice: with 1,000 a second on all lines, 16 s.
const LATER: u64 = 10;
/// Operations of one surgeon on one day: two hours each, which do not touch.
const STARTS: [&str; 4] = ["080000", "103000", "130000", "153000"];
/// A message is about 1 KB.
const REMARK: &str =
    "remark of the ward, as systems write it: nothing is known of allergies, no implants; ";

/// What a message is, and with that what must become of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Forwarded.
    Clean,
    /// Forwarded, flagged: the surgeon's name is another's.
    Flagged,
    /// Refused: no grant.
    Refused,
    /// The same as an emergency, attested: an override.
    Emergency,
    /// Of a clean order: forwarded.
    Notice,
    /// Of a clean order with its notice: forwarded.
    Record,
    /// A clean order again, byte for byte: forwarded again.
    Copy,
    /// A refused order again: refused again.
    RefusedCopy,
    /// Forwarded, and not in the ledger.
    NotSurgical,
}

impl Kind {
    /// Whether it goes on.
    pub(super) fn passes(self) -> bool {
        !matches!(self, Self::Refused | Self::RefusedCopy)
    }
}

/// The nth message of a line.
#[derive(Clone, Copy, Debug)]
pub(super) struct Message {
    pub(super) kind: Kind,
    line: usize,
    /// The message that its control id belongs to: itself, or what it is a copy of.
    pub(super) own: u64,
    /// The order that it is about.
    order: u64,
}

impl Message {
    pub(super) fn nth(line: usize, nth: u64) -> Self {
        if line >= LINES {
            return Self { kind: Kind::NotSurgical, line, own: nth, order: nth };
        }
        let (round, place) = (nth / ROUND, placed(nth % ROUND));
        let of = |rounds: u64, place: u64| {
            let round = round.checked_sub(rounds)?;
            Some(round * ROUND + (0..ROUND).find(|nth| placed(*nth) == place)?)
        };
        let (kind, own, order) = match place {
            72..76 => (Kind::Flagged, nth, Some(nth)),
            76..82 => (Kind::Refused, nth, Some(nth)),
            82..84 => (Kind::Emergency, nth, Some(nth)),
            84..92 => (Kind::Notice, nth, of(LATER, place - 84)),
            92..96 => (Kind::Record, nth, of(2 * LATER, place - 92)),
            96..99 => {
                let copied = of(1, place - 60);
                (Kind::Copy, copied.unwrap_or(nth), copied)
            }
            99 => {
                let copied = of(1, 76);
                (Kind::RefusedCopy, copied.unwrap_or(nth), copied)
            }
            _ => (Kind::Clean, nth, Some(nth)),
        };
        // At the beginning there is nothing to follow yet.
        let kind = if order.is_none() { Kind::Clean } else { kind };
        Self { kind, line, own, order: order.unwrap_or(nth) }
    }

    /// Whether it is a clean order of its own.
    pub(super) fn is_first(self) -> bool {
        self.kind == Kind::Clean
    }

    fn story(self) -> u64 {
        self.order * line_number(LINES) + line_number(self.line)
    }

    /// The number of the order that it is about.
    pub(super) fn order_no(self) -> String {
        format!("SQ{:08}", self.story())
    }

    /// As it goes over the wire.
    pub(super) fn frame(self, calendar: &Calendar) -> Vec<u8> {
        let id = control_id(self.line, self.own);
        let order = Order { id: &id, story: self.story(), calendar };
        let text = match self.kind {
            Kind::Clean | Kind::Copy => order.clean(),
            Kind::Flagged => order.flagged(),
            Kind::Refused | Kind::RefusedCopy => order.refused(),
            Kind::Emergency => order.emergency(),
            Kind::Notice => order.notice(),
            Kind::Record => order.record(),
            Kind::NotSurgical => laboratory(&id),
        };
        framed(text.as_bytes())
    }
}

/// Spreads the kinds over a round: 37 has no factor in common with 100.
fn placed(nth: u64) -> u64 {
    nth * 37 % ROUND
}

fn line_number(line: usize) -> u64 {
    u64::try_from(line).expect("few lines")
}

/// `S03N00000042`.
pub(super) fn control_id(line: usize, nth: u64) -> String {
    format!("S{line:02}N{nth:08}")
}

/// Line and number of a control id that was given here.
pub(super) fn read_control_id(id: &[u8]) -> Option<(usize, usize)> {
    let text = std::str::from_utf8(id).ok()?;
    let (line, nth) = text.strip_prefix('S')?.split_once('N')?;
    Some((line.parse().ok()?, nth.parse().ok()?))
}

/// When operations are: days to come, counted from the day of the run.
pub(super) struct Calendar {
    now: String,
    first: Date,
}

impl Calendar {
    pub(super) fn from(now: Timestamp) -> Self {
        let zone =
            jiff::tz::TimeZone::get("Asia/Shanghai").expect("the zone of the sample hospital");
        let now = zone.to_datetime(now);
        let first = now.date().saturating_add(jiff::ToSpan::days(3));
        Self { now: now.strftime("%Y%m%d%H%M%S").to_string(), first }
    }

    /// A day that was so many days ago, as files of the register write it.
    pub(super) fn ago(&self, days: i64) -> String {
        self.first.saturating_sub(jiff::ToSpan::days(days + 3)).to_string()
    }

    /// No surgeon has two stories at a time.
    fn start(&self, story: u64) -> String {
        let slot = story / SURGEONS;
        let starts = u64::try_from(STARTS.len()).expect("few");
        let days = i64::try_from(slot / starts).expect("few");
        let day = self.first.saturating_add(jiff::ToSpan::days(days));
        let start = STARTS[usize::try_from(slot % starts).expect("few")];
        format!("{}{start}", day.strftime("%Y%m%d"))
    }
}

/// `W00042`, and the name in the register.
pub(super) fn surgeon(number: u64) -> (String, String) {
    let second = u32::try_from(number).ok().and_then(|number| char::from_u32(0x4E00 + number));
    (format!("W{number:05}"), format!("样{}", second.expect("a Chinese character")))
}

/// An order of one patient, who is named by it.
struct Order<'o> {
    id: &'o str,
    story: u64,
    calendar: &'o Calendar,
}

const GRANTED: &str = "51.2300^腹腔镜下胆囊切除术^CHS2.0";
const NOT_GRANTED: &str = "52.7x00^根治性胰十二指肠切除术^CHS2.0";

impl Order<'_> {
    fn surgeon(&self) -> (String, String) {
        surgeon(1 + self.story % SURGEONS)
    }

    fn clean(&self) -> String {
        let (id, name) = self.surgeon();
        self.text("R", GRANTED, &format!("{id}^{name}"), "")
    }

    fn flagged(&self) -> String {
        let (id, _) = self.surgeon();
        let (_, name) = surgeon(1 + (self.story + 1) % SURGEONS);
        self.text("R", GRANTED, &format!("{id}^{name}"), "")
    }

    fn refused(&self) -> String {
        let (id, name) = self.surgeon();
        self.text("R", NOT_GRANTED, &format!("{id}^{name}"), "")
    }

    fn emergency(&self) -> String {
        let (id, name) = self.surgeon();
        let reason = "OBX|1|ST|LIFE-SAVING^抢救生命声明^L||感染性休克，须即刻手术||||||F\r";
        self.text("S", NOT_GRANTED, &format!("{id}^{name}"), reason)
    }

    fn patient(&self) -> String {
        let story = self.story;
        format!(
            "PID|1||P{story:08}^^^XYYY^MR||赵样例||19680514|F\r\
             PV1|1|I|0301^03^12^MAIN|C|||||||||||||||V{story:08}\r"
        )
    }

    fn text(&self, urgency: &str, procedure: &str, surgeon: &str, more: &str) -> String {
        let Self { id, story, calendar } = self;
        let (patient, now, start) = (self.patient(), &calendar.now, calendar.start(*story));
        let doctor = "D1002^沈若川";
        let mut text = format!(
            "MSH|^~\\&|HIS|XYYY|ORIS|SSS|{now}||OMG^O19^OMG_O19|{id}|P|2.5.1|||||CHN|UNICODE UTF-8\r\
             {patient}\
             ORC|NW|SQ{story:08}|||||||{now}||{surgeon}|{doctor}|||||0301^普外科\r\
             TQ1|1||||||{start}||{urgency}\r\
             OBR|1|SQ{story:08}||SURG^手术申请||||||||||||{doctor}\r\
             PR1|1||{procedure}||{start}||||||{surgeon}\r\
             DG1|1||K80.100^胆囊结石伴慢性胆囊炎^I10\r{more}"
        );
        text.push_str(&format!("NTE|1||{}\r", REMARK.repeat(3)));
        text
    }

    fn notice(&self) -> String {
        let Self { id, story, calendar } = self;
        let (patient, now, start) = (self.patient(), &calendar.now, calendar.start(*story));
        let (surgeon, name) = self.surgeon();
        format!(
            "MSH|^~\\&|ORS|XYYY|HIS|SSS|{now}||SIU^S12^SIU_S12|{id}|P|2.5|||||CHN|UNICODE UTF-8\r\
             SCH|YY{story:08}|PB{story:08}|||||ROUTINE|SURGERY|120|MIN|^^^{start}|||||N3001^排班护士|||||||||Booked|SQ{story:08}\r\
             {patient}\
             RGS|1|A\r\
             AIS|1|A|{GRANTED}|{start}|||120|MIN||Booked\r\
             AIL|1|A|OR06^手术间6^^MAIN|OR\r\
             AIP|1|A|{surgeon}^{name}|SURGEON^主刀\r\
             NTE|1||{}\r",
            REMARK.repeat(3)
        )
    }

    fn record(&self) -> String {
        let Self { id, story, calendar } = self;
        let (patient, now, start) = (self.patient(), &calendar.now, calendar.start(*story));
        let (surgeon, name) = self.surgeon();
        format!(
            "MSH|^~\\&|AIMS|XYYY|HIS|SSS|{now}||ORU^R01^ORU_R01|{id}|P|2.5.1|||||CHN|UNICODE UTF-8\r\
             {patient}\
             ORC|RE|SQ{story:08}|||||||{now}\r\
             OBR|1|SQ{story:08}||ANEREC^麻醉记录单|||{start}||||||||||||||||||F\r\
             PR1|1||{GRANTED}||{start}||||||{surgeon}^{name}\r\
             OBX|1|TX|ANES-TYPE^麻醉方式||全身麻醉||||||F\r\
             NTE|1||{}\r",
            REMARK.repeat(3)
        )
    }
}

fn laboratory(id: &str) -> String {
    format!(
        "MSH|^~\\&|HIS|XYYY|LIS|SSS|20260302074605||ORM^O01|{id}|P|2.3.1|||||CHN|UNICODE UTF-8\r\
         PID|1||P2600152^^^XYYY^MR||孙样例||19680514|M\r\
         PV1|1|I|0301^03^12^MAIN|C|||||||||||||||V2600152\r\
         ORC|NW|LIS{id}|||||||20260302074605|||D1003^高思远\r\
         OBR|1|LIS{id}||L0101^血常规^LIS||||||||||||D1003^高思远||||||||HM\r\
         NTE|1||{}\r",
        REMARK.repeat(5)
    )
}

/// An order in the name of the surgeon whose grant comes and goes.
pub(super) fn probe(nth: usize, calendar: &Calendar) -> Vec<u8> {
    let order = Order { id: &format!("PROBE{nth:06}"), story: 90_000_000, calendar };
    let number = format!("9{nth:07}");
    let text = order.text("R", GRANTED, &format!("{PROBED}^样一"), "");
    framed(text.replace("90000000", &number).as_bytes())
}
