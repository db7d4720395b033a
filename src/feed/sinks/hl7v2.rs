//! HL7 v2: one ORU^R01 (or MDM^T02) an alert over MLLP, to the worklist or inbox of a HIS. Many HIS take any reply
//! to an order as yes, and the doctor never sees a refusal: this is the other way of telling. docs/feeds.md has the
//! design, segment by segment.

use std::time::Duration;

use jiff::tz::TimeZone;
use ring::digest::{SHA256, digest};
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::clock::Clock;
use crate::feed::sink::{Delivery, Failure, Letter, Sink, text_at};
use crate::hl7::charset::{Charset, CharsetSetting};
use crate::hl7::delimiters::Delimiters;
use crate::hl7::escape::escape;
use crate::hl7::frame::{FrameScanner, Scanned, wrap};
use crate::hl7::message::Message;
use crate::hl7::time;

/// Acknowledgements are small.
const ANSWER_BYTES: usize = 1 << 20;
/// Digits of MSH-10: 20 characters are what version 2.5.1 allows.
const CONTROL_ID: usize = 20;
/// Findings that are listed; a message with more has told enough.
const FINDINGS: usize = 40;
/// Where our codes are explained.
const CODES: &str = "99ORGATE";

/// Which message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// ORU^R01: an unsolicited result.
    Oru,
    /// MDM^T02: a document with its content.
    Mdm,
}

/// How to reach the HIS, and as whom.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `host:port`.
    pub to: String,
    /// Which message.
    pub shape: Shape,
    /// MSH-3.
    pub application: String,
    /// MSH-4; the gate's name where it is empty.
    pub facility: String,
    /// MSH-5.
    pub receiving_application: String,
    /// MSH-6.
    pub receiving_facility: String,
    /// How text is written.
    pub charset: Charset,
    /// How long the receiver may take.
    pub timeout: Duration,
    /// The hospital's.
    pub zone: TimeZone,
}

/// A receiver of HL7 v2 messages.
pub struct Hl7v2 {
    settings: Settings,
    clock: Clock,
    connection: Option<TcpStream>,
}

impl Hl7v2 {
    /// Connects with the first alert.
    pub fn new(settings: Settings, clock: Clock) -> Self {
        Self { settings, clock, connection: None }
    }

    async fn send(&mut self, letter: &Letter) -> Result<(), Failure> {
        let id = control_id(&letter.id);
        let text = Writer::new(&self.settings, letter).message(&id, self.clock);
        let encoded = self.settings.charset.encode(&text);
        let payload = encoded.ok_or_else(|| {
            Failure::Refused("the text cannot be written in this character set".to_owned())
        })?;
        let exchange = timeout(self.settings.timeout, self.exchange(&wrap(&payload), &id)).await;
        let done = exchange
            .unwrap_or_else(|_| Err(Failure::unavailable("the receiver did not answer in time")));
        if done.is_err() {
            // What comes late belongs to nothing that is sent next.
            self.connection = None;
        }
        done
    }

    async fn exchange(&mut self, frame: &[u8], id: &str) -> Result<(), Failure> {
        let broke = |_| Failure::unavailable("the receiver broke off");
        if self.connection.is_none() {
            let connected = TcpStream::connect(&self.settings.to).await;
            let connected = connected
                .map_err(|_| Failure::unavailable("the receiver cannot be connected to"))?;
            let _ = connected.set_nodelay(true);
            self.connection = Some(connected);
        }
        let Some(connection) = &mut self.connection else { return Ok(()) };
        connection.write_all(frame).await.map_err(broke)?;
        let mut scanner = FrameScanner::new(ANSWER_BYTES);
        let mut buffer = Vec::new();
        loop {
            match scanner.next(&buffer) {
                Scanned::Frame { range } => {
                    let frame = buffer.get(range.clone()).unwrap_or_default();
                    if let Some(done) = answered(crate::hl7::frame::payload(frame), id) {
                        return done;
                    }
                    buffer.drain(..range.end);
                }
                Scanned::Outside { range, .. } | Scanned::LostEnd { range } => {
                    buffer.drain(..range.end);
                }
                Scanned::TooLong => return Err(Failure::unavailable("the answer is too long")),
                Scanned::NeedMore => {
                    let mut chunk = [0; 4096];
                    let read = connection.read(&mut chunk).await.map_err(broke)?;
                    if read == 0 {
                        return Err(Failure::unavailable("the receiver broke off"));
                    }
                    buffer.extend_from_slice(chunk.get(..read).unwrap_or_default());
                }
            }
        }
    }
}

/// What an acknowledgement says of the message `id`; `None` where it is not of it.
fn answered(payload: &[u8], id: &str) -> Option<Result<(), Failure>> {
    let message = Message::read(payload, &CharsetSetting::Auto).ok()?;
    let msa = message.named(b"MSA").next()?;
    let (code, of) = (msa.field(1).bytes(), msa.field(2).bytes());
    if !of.is_empty() && of != id.as_bytes() {
        return None;
    }
    let said =
        format!("the receiver answered {}", String::from_utf8_lossy(code.get(..2).unwrap_or(code)));
    // In both modes the last letter says it: accepted, error, rejected.
    Some(match code.last() {
        Some(b'A') => Ok(()),
        Some(b'R') => Err(Failure::unavailable(said)),
        _ => Err(Failure::Refused(said)),
    })
}

/// MSH-10: the same for the same alert, so that a receiver can drop repetitions.
fn control_id(id: &str) -> String {
    let hash = digest(&SHA256, id.as_bytes());
    let digits: String = hash.as_ref().iter().map(|byte| format!("{byte:02X}")).collect();
    digits.get(..CONTROL_ID).unwrap_or_default().to_owned()
}

/// Writes one message.
struct Writer<'w> {
    settings: &'w Settings,
    letter: &'w Letter,
    out: String,
    observations: usize,
}

impl<'w> Writer<'w> {
    fn new(settings: &'w Settings, letter: &'w Letter) -> Self {
        Self { settings, letter, out: String::new(), observations: 0 }
    }

    fn message(mut self, id: &str, clock: Clock) -> String {
        let now = time::format(clock.now(), &self.settings.zone);
        let happened: Option<jiff::Timestamp> = self.letter.text("time").parse().ok();
        let happened =
            happened.map_or_else(|| now.clone(), |at| time::format(at, &self.settings.zone));
        let (kind, structure) = match self.settings.shape {
            Shape::Oru => ("ORU^R01", "ORU_R01"),
            Shape::Mdm => ("MDM^T02", "MDM_T02"),
        };
        let Settings { application, facility, .. } = self.settings;
        let facility = if facility.is_empty() { self.letter.text("source") } else { facility };
        let set = match self.settings.charset {
            Charset::Gb18030 => "GB 18030-2000",
            _ => "UNICODE UTF-8",
        };
        let header = [
            "MSH|^~\\&".to_owned(),
            plain(application),
            plain(facility),
            plain(&self.settings.receiving_application),
            plain(&self.settings.receiving_facility),
            now.clone(),
            String::new(),
            format!("{kind}^{structure}"),
            id.to_owned(),
            "P|2.5.1||||||".to_owned() + set,
        ];
        self.line(&header.join("|"));
        if self.settings.shape == Shape::Mdm {
            self.line(&format!("EVN||{now}"));
        }
        self.patient();
        match self.settings.shape {
            Shape::Oru => self.order(&happened),
            Shape::Mdm => self.document(id, &happened),
        }
        self.observations(&happened);
        self.out
    }

    fn line(&mut self, text: &str) {
        self.out.push_str(text.trim_end_matches('|'));
        self.out.push('\r');
    }

    fn patient(&mut self) {
        let letter = self.letter;
        let text = |pointer: &str| letter.at(pointer).as_str();
        let number = match (text("/patient/id"), text("/patient/pseudonym")) {
            (Some(id), _) => format!("{}^^^^PI", plain(id)),
            (None, Some(pseudonym)) => format!("{pseudonym}^^^ORGATE^AN"),
            (None, None) => "NONE^^^ORGATE^AN".to_owned(),
        };
        self.line(&format!("PID|1||{number}||^^^^^^U"));
        let department = text("/departments/0").map(plain).unwrap_or_default();
        let visit = text("/patient/encounter").map(plain).unwrap_or_default();
        self.line(&format!("PV1|1|U|{department}||||||||||||||||{visit}"));
    }

    /// The doctor who ordered: XCN.
    fn doctor(&self) -> String {
        let text = |pointer: &str| plain(self.letter.at(pointer).as_str().unwrap_or_default());
        let (id, name) = (text("/ordering_doctors/0/id"), text("/ordering_doctors/0/name/0"));
        format!("{id}^{name}").trim_end_matches('^').to_owned()
    }

    /// The order's, where the feed may know it.
    fn number(&self) -> String {
        self.letter.at("/orders/0").as_str().map(plain).unwrap_or_default()
    }

    fn order(&mut self, happened: &str) {
        let (entry, doctor) = (plain(self.letter.text("subject")), self.doctor());
        let number = self.number();
        self.line(&format!("ORC|SC|{number}|{entry}^ORGATE|||||||||{doctor}"));
        let what = format!("ALERT^术闸告警^{CODES}");
        self.line(&format!(
            "OBR|1|{number}|{entry}^ORGATE|{what}|||{happened}|||||||||{doctor}||||||{happened}|||F"
        ));
    }

    fn document(&mut self, id: &str, happened: &str) {
        let (doctor, number) = (self.doctor(), self.number());
        self.line(&format!(
            "TXA|1|CN|TX|{happened}|{doctor}|{happened}|||{doctor}|||{id}^ORGATE||{number}|||AU"
        ));
    }

    fn observation(&mut self, kind: &str, code: &str, sub: &str, value: &str, at: &str) {
        self.observations += 1;
        let number = self.observations;
        self.line(&format!("OBX|{number}|{kind}|{code}^^{CODES}|{sub}|{value}||||||F|||{at}"));
    }

    fn observations(&mut self, at: &str) {
        let letter = self.letter;
        let kind = letter.text("type");
        self.observation("CWE", "ALERT", "", &format!("{}^^{CODES}", plain(kind)), at);
        self.observation("ST", "SEVERITY", "", &plain(letter.text("severity")), at);
        self.observation("TX", "TEXT-ZH", "", &plain(letter.data_text("text_zh")), at);
        self.observation("TX", "TEXT-EN", "", &plain(letter.data_text("text_en")), at);
        self.observation("ST", "ENTRY", "", &plain(letter.text("subject")), at);
        let cases = letter.at("/verdict/cases").as_array();
        let findings = cases.into_iter().flatten().zip(1_usize..).flat_map(|(case, nth)| {
            let findings = case.get("findings").and_then(Value::as_array).into_iter().flatten();
            findings.map(move |finding| (nth, finding))
        });
        for (nth, finding) in findings.take(FINDINGS) {
            let text = |key: &str| plain(text_at(finding, key));
            let value = format!("{}^{}^{CODES}", text("rule"), text("text_zh"));
            self.observation("CWE", "FINDING", &nth.to_string(), &value, at);
        }
    }
}

fn plain(text: &str) -> String {
    escape(text, &Delimiters::STANDARD)
}

impl Sink for Hl7v2 {
    fn deliver<'a>(&'a mut self, letters: &'a [Letter]) -> Delivery<'a> {
        Box::pin(async move {
            for letter in letters {
                self.send(letter).await?;
            }
            Ok(())
        })
    }

    fn letters_max(&self) -> usize {
        1
    }
}
