//! Files in, figures out: the sample hospital and its day.

use std::fs;
use std::path::Path;

use jiff::Timestamp;

use crate::cli::replay::pipeline::{AsOf, Replay, Replayed};
use crate::cli::replay::progress::Progress;
use crate::cli::replay::report::{Basis, Report};
use crate::cli::replay::{Route, html};
use crate::cli::{demo, open_register};
use crate::config::{self, Settings};
use crate::hl7::frame::wrap;

/// The sample hospital's settings, with its register filled.
async fn hospital(folder: &Path) -> Settings {
    let text = format!(
        "[node]\ndata_dir = {:?}\n[[mllp]]\nname = \"his\"\nlisten = \"127.0.0.1:0\"\n\
         upstream = \"127.0.0.1:1\"\nmapping = \"mappings/hl7v2/standard.toml\"\n\
         stance = \"observe\"\n",
        folder.join("data").display().to_string()
    );
    fs::create_dir_all(folder.join("data")).unwrap();
    let settings = config::read("test", &text).unwrap();
    demo::fill_sample_register(&settings, folder).await;
    settings
}

async fn replay(settings: &Settings, start: &Path, as_of: AsOf, threads: usize) -> Replayed {
    let register = open_register(settings).await.unwrap();
    let replay = Replay {
        start: start.to_owned(),
        route: Route {
            config: settings.mllp[0].clone(),
            catalogue: register.catalogue(),
            lists: register.lists(),
            zone: settings.node.zone.clone(),
        },
        register,
        policy: settings.policy.clone(),
        as_of,
        now: Timestamp::UNIX_EPOCH,
        threads,
    };
    replay.run(&mut Progress::new(0)).await.unwrap()
}

fn report(settings: &Settings, replayed: &Replayed) -> Report {
    let basis =
        Basis::new(("his", "standard"), &settings.node.zone, (Timestamp::UNIX_EPOCH, None), (1, 1));
    Report::new(&replayed.tally, basis)
}

fn day() -> impl Iterator<Item = Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/sample/day");
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    files.sort();
    files
        .into_iter()
        .filter(|f| f.extension().is_some_and(|e| e == "hl7"))
        .map(|f| fs::read(f).unwrap())
}

fn json(settings: &Settings, replayed: &Replayed) -> serde_json::Value {
    let mut json = serde_json::to_value(report(settings, replayed)).unwrap();
    json.as_object_mut().unwrap().remove("sources");
    json
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_one_capture_and_any_number_of_threads_give_the_same_figures() {
    let folder = tempfile::tempdir().unwrap();
    let settings = hospital(folder.path()).await;
    let (files, capture) = (folder.path().join("files/deep"), folder.path().join("capture"));
    fs::create_dir_all(&files).unwrap();
    let mut framed = Vec::new();
    for (at, message) in day().enumerate() {
        fs::write(files.join(format!("{at:03}.hl7")), wrap(&message)).unwrap();
        framed.extend_from_slice(b"\nsome log text\r\n");
        framed.extend_from_slice(&wrap(&message));
    }
    fs::write(&capture, framed).unwrap();
    let apart = replay(&settings, files.parent().unwrap(), AsOf::Message, 1).await;
    let together = replay(&settings, &capture, AsOf::Message, 3).await;
    let figures = json(&settings, &apart);
    assert_eq!(figures, json(&settings, &together));
    assert!(figures["decisions"]["block"].as_u64() > Some(10));
    assert_eq!(figures["messages"]["repeated"], 1, "the day holds one retransmission");
    assert_eq!(apart.tally.sources.files, day().count() as u64);
    assert_eq!(together.tally.sources.files, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_a_patient_stands_in_any_report() {
    let folder = tempfile::tempdir().unwrap();
    let settings = hospital(folder.path()).await;
    let file = folder.path().join("P2600101-赵样例.hl7");
    fs::write(&file, day().flat_map(|m| wrap(&m)).collect::<Vec<u8>>()).unwrap();
    let replayed = replay(&settings, &file, AsOf::Message, 2).await;
    let report = report(&settings, &replayed);
    let told = html::render(&report).unwrap() + &serde_json::to_string(&report).unwrap();
    // Patients, their numbers, orders and diagnoses of the day.
    for patient in
        ["P26", "赵样例", "谢样例", "何样例", "曹样例", "SQ2603", "V26", "K80", "19680514"]
    {
        assert!(!told.contains(patient), "{patient} stands in the report");
    }
    assert!(told.contains("样例医师"), "names of surgeons do");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_message_is_judged_as_of_its_own_time_unless_told_otherwise() {
    let folder = tempfile::tempdir().unwrap();
    let settings = hospital(folder.path()).await;
    let file = folder.path().join("one.hl7");
    // Granted in 2026; in 2016 nobody had been granted anything, and in 2096 the day lies long back.
    fs::write(&file, day().next().unwrap()).unwrap();
    let own = replay(&settings, &file, AsOf::Message, 1).await;
    assert_eq!((own.tally.decisions.forward, own.tally.without_time), (1, 0));
    let late = AsOf::Moment("2096-03-02T08:00:00+08:00".parse().unwrap());
    let late = replay(&settings, &file, late, 1).await;
    assert_eq!(late.tally.decisions.forward, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_notice_that_only_names_a_checked_order_is_surgical_after_it_and_not_before() {
    let folder = tempfile::tempdir().unwrap();
    let settings = hospital(folder.path()).await;
    let order = day().next().unwrap();
    let notice = "MSH|^~\\&|ORS|X|HIS|S|20260302102005||OMG^O19|1|P|2.5\rORC|XO|SQ2603020001\r\
                  OBR|1|SQ2603020001||L01^血常规\r";
    let file = folder.path().join("both");
    let both = |first: &[u8], second: &[u8]| [wrap(first), wrap(second)].concat();
    fs::write(&file, both(&order, notice.as_bytes())).unwrap();
    let after = replay(&settings, &file, AsOf::Message, 2).await;
    assert_eq!(after.tally.decisions.checked(), 2);
    fs::write(&file, both(notice.as_bytes(), &order)).unwrap();
    let before = replay(&settings, &file, AsOf::Message, 2).await;
    assert_eq!((before.tally.decisions.checked(), before.tally.decisions.not_surgical), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_there_or_no_message_is_told_and_the_rest_is_judged() {
    let folder = tempfile::tempdir().unwrap();
    let settings = hospital(folder.path()).await;
    let files = folder.path().join("files");
    fs::create_dir_all(&files).unwrap();
    fs::write(files.join("a.txt"), "no message").unwrap();
    fs::write(files.join("b.hl7"), day().next().unwrap()).unwrap();
    fs::write(files.join("c.hl7"), "\u{B}MSH|^~\\&|cut").unwrap();
    let gone = std::os::unix::fs::symlink(files.join("nowhere"), files.join("d.hl7"));
    gone.unwrap();
    let replayed = replay(&settings, &files, AsOf::Message, 1).await;
    let sources = replayed.tally.sources;
    assert_eq!((sources.files, sources.without_message, sources.failed), (3, 1, 1));
    assert_eq!(replayed.faults.len(), 1);
    assert_eq!(replayed.tally.unreadable["frame-end-lost"], 1);
    assert_eq!(replayed.tally.decisions.forward, 1);
}
