//! What belongs to a patient is in the ledger and nowhere else: not in logs, not in metrics.

use crate::support::gate::{Gate, Hospital, text};
use crate::support::message::{Draft, admission, framed, gbk};
use crate::support::upstream::{Upstream, nobody};

/// Words that stand in every message below, each where a patient's data stands.
const MARKS: [&str; 6] =
    ["PATIENT-7731", "MARKED^NAME", "MARKED", "标记甲", "DIAGNOSIS-7733", "REASON-7734"];

fn marked(draft: Draft) -> Draft {
    Draft { patient: "PATIENT-7731^^^XYYY||MARKED^NAME~标记甲", ..draft }
        .line("DG1|1||C25.9^DIAGNOSIS-7733")
        .line("OBX|1|ST|LIFE-SAVING||REASON-7734")
}

#[test]
fn nothing_of_a_patient_is_logged_or_counted() {
    let upstream = Upstream::accepting();
    let settings = ["max_frame_kib = 64", "frame_timeout_ms = 300"];
    let hospital = Hospital::new()
        .log("trace")
        .route("his", upstream.address, &settings)
        .route("watch", upstream.address, &["stance = \"observe\"", "max_frame_kib = 64"])
        .route("down", nobody(), &[]);
    let mut gate = hospital.start();
    for route in ["his", "watch"] {
        let connect = || crate::support::client::Client::connect(gate.route(route));
        let mut client = connect();
        for (n, draft) in
            [Draft::clean("P"), Draft::refused("P"), Draft::emergency("P")].into_iter().enumerate()
        {
            let draft = Draft { id: format!("P{route}{n}"), ..draft };
            client.ask(&marked(draft.clone()).bytes());
            client.ask(&marked(draft).bytes());
        }
        let unreadable =
            Draft { surgeon: "D1&D2", charset: "GBK", ..Draft::clean(format!("U{route}")) };
        client.ask(&gbk(&marked(unreadable).text()));
        client.ask(
            format!("SH|^~\\&|PATIENT-7731|MARKED\r{}", marked(Draft::clean("X")).text())
                .as_bytes(),
        );
        client.ask(
            &String::from_utf8_lossy(&admission("A"))
                .replace("P2699002", "PATIENT-7731")
                .into_bytes(),
        );
        client.send(b"log text of PATIENT-7731 MARKED\n");
        // Cut off by the end of the stream, too long, not ended.
        let mut cut = framed(&marked(Draft::refused(format!("C{route}"))).bytes());
        cut.truncate(cut.len() - 2);
        let mut client = connect();
        client.send(&cut);
        client.finish();
        client.rest();
        let long = marked(Draft::refused(format!("L{route}"))).line(&"MARKED".repeat(20_000));
        let mut client = connect();
        client.send(&long.frame());
        client.next_frame();
        if route == "his" {
            let mut client = connect();
            client.send(&cut);
            client.rest();
        }
    }
    let mut client = crate::support::client::Client::connect(gate.route("down"));
    client.try_send(&marked(Draft::clean("D")).frame());
    client.rest();
    let (_, metrics) = gate.page("/metrics");
    let (_, ready) = gate.page("/readyz");
    gate.stop();
    let log = gate.log();
    assert!(log.contains("message unreadable") && log.contains("judged"), "{log}");
    for mark in MARKS {
        for (place, content) in [("the log", &log), ("/metrics", &metrics), ("/readyz", &ready)] {
            assert!(!content.contains(mark), "{mark} in {place}:\n{content}");
        }
    }
    let bytes =
        std::fs::read(&crate::support::ledger::files(&hospital.data())[0]).expect("readable");
    assert!(
        text(&bytes).contains("PATIENT-7731"),
        "the ledger holds it, or this test proves nothing"
    );
}

#[test]
fn commands_that_meet_a_bad_message_do_not_print_it() {
    let (hospital, _gate, _upstream) = Gate::simple(&[]);
    let file =
        hospital.file("bad.hl7", marked(Draft { surgeon: "D1&D2", ..Draft::clean("B") }).bytes());
    let garbage = hospital.file("garbage.hl7", "PATIENT-7731 MARKED");
    for file in [file, garbage] {
        let out = hospital.run(&["explain", &file]);
        let said = text(&out.stdout) + &text(&out.stderr);
        assert!(MARKS.iter().all(|mark| !said.contains(mark)), "{said}");
    }
}
