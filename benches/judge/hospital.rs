//! A small hospital in memory: one register of one surgeon, one route, a gate whose ledger keeps nothing.

use std::io::{self, Read};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use orgate::app;
use orgate::clock::Clock;
use orgate::config;
use orgate::domain::catalogue::Catalogue;
use orgate::domain::surgeon::{PersonKey, SurgeonId};
use orgate::gate::passage::Outcome;
use orgate::gate::terms::Terms;
use orgate::gate::{Gate, Parts, Request};
use orgate::hl7::message::Message;
use orgate::inbound::mllp::Config;
use orgate::inbound::mllp::intake::{Intake, Reader};
use orgate::ledger::store::{FileName, Files, Store};
use orgate::ledger::{self, Ledger};
use orgate::mapping::{Context, Reading};
use orgate::register::import::{self, import, table};
use orgate::register::{self, Patience, Register};
use orgate::rules::{People, Policy, Surroundings};
use orgate::telemetry::trace::{Trace, Tracer};

/// Digits of the control id.
const DIGITS: usize = 10;

pub(crate) struct Hospital {
    pub(crate) order: Vec<u8>,
    pub(crate) lab: Vec<u8>,
    pub(crate) now: Timestamp,
    pub(crate) zone: TimeZone,
    pub(crate) catalogue: Arc<Catalogue>,
    pub(crate) people: People,
    pub(crate) around: Surroundings,
    route: Arc<Config>,
    gate: Gate,
    written: Written,
    next: usize,
}

impl Hospital {
    pub(crate) async fn open(folder: &Path) -> Self {
        let now = Clock::System.now();
        let zone = TimeZone::get("Asia/Shanghai").unwrap();
        let text = "[[mllp]]\nname = \"his\"\nlisten = \"127.0.0.1:0\"\nupstream = \"127.0.0.1:1\"\n\
                    mapping = \"mappings/hl7v2/standard.toml\"\nstance = \"enforce\"\n";
        let text = format!("[node]\nname = \"bench\"\ndata_dir = {folder:?}\n{text}");
        let settings = config::read("bench", &text).unwrap_or_else(|faults| panic!("{faults}"));
        let register = register(folder, &settings, now).await;
        let written = Written::default();
        let config = ledger::Config::new("bench", zone.clone());
        let (ledger, _) = Ledger::open(written.clone(), config, Clock::System).unwrap();
        let key = PersonKey::Id(SurgeonId::new("D1002").unwrap());
        let mut people = People::default();
        people.insert(key.clone(), register.surgeon(&key, Patience::Elective).await.lookup);
        let catalogue = register.catalogue();
        let cases = app::open_cases(&settings).await.unwrap();
        let around = Surroundings {
            lists: register.lists(),
            calendar: register.calendar(),
            ..Surroundings::default()
        };
        let gate = Gate::new(Parts {
            register,
            cases,
            ledger,
            terms: Arc::new(Terms::new(Policy::default(), 65_536)),
            zone: zone.clone(),
            clock: Clock::System,
            sync_every: false,
            tracer: Tracer::off(),
        });
        let start = zone.to_datetime(now + SignedDuration::from_hours(72));
        let order = message(&format!(
            "MSH|^~\\&|HIS|XYYY|ORIS|SSS|20260302074005||OMG^O19^OMG_O19|0000000000|P|2.5.1|||||CHN|UNICODE UTF-8\n\
             PID|1||P2600101^^^XYYY^MR||赵样例||19680514|F\n\
             PV1|1|I|0301^03^12^MAIN|C|||||||||||||||V2600001\n\
             ORC|NW|SQ2603020001|||||||20260302074005|||D1002^沈若川|||||0301^普外科\n\
             TQ1|1||||||{start}||R\n\
             OBR|1|SQ2603020001||SURG^手术申请||||||||||||D1002^沈若川\n\
             PR1|1||51.2300^腹腔镜下胆囊切除术^CHS2.0||{start}\n\
             ROL|1|AD|SURGEON^主刀^L|D1002^沈若川\n\
             ROL|2|AD|ASSISTANT^一助^L|D1003^高思远\n\
             DG1|1||K80.100^胆囊结石伴慢性胆囊炎^I10\n",
            start = start.strftime("%Y%m%d%H%M%S"),
        ));
        let lab = message(
            "MSH|^~\\&|HIS|XYYY|LIS|SSS|20260302074605||ORM^O01|0000000000|P|2.3.1|||||CHN|UNICODE UTF-8\n\
             PID|1||P2600152^^^XYYY^MR||孙样例||19680514|M\n\
             PV1|1|I|0301^03^12^MAIN|C|||||||||||||||V2600152\n\
             ORC|NW|LIS2603020003|||||||20260302074605|||D1003^高思远\n\
             OBR|1|LIS2603020003||L0101^血常规^LIS||||||||||||D1003^高思远||||||||HM\n",
        );
        let route = Arc::clone(&settings.mllp[0]);
        Self { order, lab, now, zone, catalogue, people, around, route, gate, written, next: 0 }
    }

    pub(crate) fn text(&self, payload: &[u8]) -> String {
        String::from_utf8(payload.to_vec()).unwrap()
    }

    pub(crate) fn reader(&self) -> Reads<'_> {
        Reads(self)
    }

    /// One checked order, from bytes to passage.
    pub(crate) async fn pass(&mut self) {
        self.next += 1;
        let id = format!("{:0DIGITS$}", self.next);
        let hole = self.order.windows(DIGITS).position(|w| w.iter().all(u8::is_ascii_digit));
        let hole = memchr::memmem::find(&self.order, b"OMG_O19|").map_or(hole, |at| Some(at + 8));
        let hole = hole.unwrap();
        self.order[hole..hole + DIGITS].copy_from_slice(id.as_bytes());
        let message = Bytes::copy_from_slice(&self.order);
        let Intake::Checked { read, .. } = self.reader().reader().read(&message) else {
            panic!("the order is not read as one")
        };
        let request = Request {
            register_usable: true,
            route: Arc::clone(&self.route.name),
            stance: self.route.stance.now(),
            mapping: self.route.mapping.name().into(),
            message,
            control_id: id,
            subject: read,
            read_elsewhere: Vec::new(),
            sender: None,
            trace: Trace::off(),
            answer: Box::new(|_, _| None),
            terms: self.gate.terms(),
        };
        let outcome = self.gate.pass(request).await;
        assert!(matches!(outcome, Outcome::Forward(_)), "the order is not clean");
    }

    /// The body of the entry written last.
    pub(crate) fn last_body(&self) -> String {
        std::thread::sleep(Duration::from_millis(50));
        let lines = self.written.0.lock().unwrap_or_else(PoisonError::into_inner);
        let lines = String::from_utf8(lines.clone()).unwrap();
        let last = lines.lines().last().unwrap();
        let value: serde_json::Value = serde_json::from_str(last).unwrap();
        ledger::canonical(&value["body"]).unwrap()
    }
}

/// Reading on the hospital's one route.
pub(crate) struct Reads<'h>(&'h Hospital);

impl Reads<'_> {
    pub(crate) fn reader(&self) -> Reader<'_> {
        let Self(hospital) = self;
        Reader {
            config: &hospital.route,
            catalogue: &hospital.catalogue,
            lists: &hospital.around.lists,
            all_surgical: false,
            zone: &hospital.zone,
            checked_order: &|_| false,
        }
    }

    pub(crate) fn map(&self, message: &Message<'_>) -> Reading {
        let Self(hospital) = self;
        let context = Context {
            catalogue: &hospital.catalogue,
            checked_order: &|_| false,
            listed: &|_| false,
            all_surgical: false,
            zone: &hospital.zone,
            compare_bytes: false,
        };
        hospital.route.mapping.read_hl7(message, &context)
    }
}

/// A payload of 1 KB.
fn message(text: &str) -> Vec<u8> {
    let mut text = text.replace('\n', "\r");
    let room = 1024 - text.len() - "NTE|1||\r".len();
    text.push_str(&format!("NTE|1||{}\r", "x".repeat(room)));
    text.into_bytes()
}

async fn register(folder: &Path, settings: &config::Settings, now: Timestamp) -> Register {
    let today = settings.node.zone.to_datetime(now).date();
    let files = [
        ("catalogue", "code,name,grade\n51.2300,腹腔镜下胆囊切除术,2\n".to_owned()),
        ("surgeons", "surgeon_id,name\nD1002,沈若川\n".to_owned()),
        (
            "grants",
            format!(
                "surgeon_id,grade,document_no,document_on,evaluated_on\n\
                 D1002,2,医务〔2024〕1号,2024-01-02,{today}\n"
            ),
        ),
    ];
    let mut request = import::Request {
        files: Vec::new(),
        merge: false,
        dry_run: false,
        who: "bench".to_owned(),
        at: now,
        policy: settings.import_policy(),
    };
    for (name, rows) in files {
        let file = folder.join(name).with_extension("csv");
        std::fs::write(&file, rows).unwrap();
        request.files.extend(table(name).map(|table| (table, file)));
    }
    let source = settings.register_at.open_now().await.unwrap();
    import(&source, &request).await.unwrap();
    Register::open(register::Config::default(), Arc::new(source)).await.unwrap()
}

/// A medium that holds the last batch and is never slow.
#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl Store for Written {
    fn files(&self) -> Arc<dyn Files> {
        Arc::new(self.clone())
    }

    fn rotate(&mut self, _: FileName) -> io::Result<()> {
        Ok(())
    }

    fn resume(&mut self, _: FileName) -> io::Result<()> {
        Ok(())
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        last.clear();
        last.extend_from_slice(bytes);
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn cut(&mut self, _: u64) -> io::Result<()> {
        Ok(())
    }

    fn remove(&mut self, _: FileName) -> io::Result<()> {
        Ok(())
    }

    fn sync_time(&mut self) -> io::Result<Duration> {
        Ok(Duration::ZERO)
    }
}

impl Files for Written {
    fn list(&self) -> io::Result<Vec<FileName>> {
        Ok(Vec::new())
    }

    fn read(&self, _: FileName, _: u64) -> io::Result<Box<dyn Read + Send>> {
        Err(io::ErrorKind::NotFound.into())
    }

    fn length(&self, _: FileName) -> io::Result<u64> {
        Ok(0)
    }
}
