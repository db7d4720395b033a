//! What is kept: old files packed and given away, and everything copied and brought back.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::Value;

use crate::ledger_files::script_of_the_docs;
use crate::support::certificates::self_signed;
use crate::support::client::Client;
use crate::support::eventually;
use crate::support::gate::{Hospital, text};
use crate::support::in_process::FixedGate;
use crate::support::ledger::{decisions, of_kind};
use crate::support::message::Draft;
use crate::support::reply::code;
use crate::support::upstream::{Upstream, nobody};

/// A gate that has written on three days long ago.
fn three_days(settings: &str) -> (FixedGate, Upstream) {
    let upstream = Upstream::accepting();
    let hospital = Hospital::new().set(settings).route("his", upstream.address, &[]);
    let mut gate = FixedGate::start(hospital, "2020-03-02T08:00:00+08:00");
    for (id, next) in [("A1", "2020-03-03"), ("A2", "2020-03-04")] {
        Client::connect(gate.route("his")).ask(&Draft::clean(id).bytes());
        gate.restart(&format!("{next}T08:00:00+08:00"));
    }
    Client::connect(gate.route("his")).ask(&Draft::clean("A3").bytes());
    (gate, upstream)
}

/// Exit code and output of `orgate ledger verify`.
fn verified(hospital: &Hospital, more: &[&str]) -> (Option<i32>, String) {
    let out = hospital.run(&[&["ledger", "verify"], more].concat());
    (out.status.code(), format!("{}{}", text(&out.stdout), text(&out.stderr)))
}

fn sums_hold(folder: &Path, file: &str) -> bool {
    let out = Command::new("sha256sum").args(["-c", file]).current_dir(folder).output();
    out.expect("sha256sum runs").status.success()
}

#[test]
fn packed_files_stay_part_of_the_chain_for_the_gate_its_commands_and_a_few_lines_of_python() {
    let (mut gate, _upstream) = three_days("");
    let ledger = gate.data().join("ledger");
    let first = decisions(&gate.data()).remove(0);
    let packed = gate.hospital().run(&["ledger", "archive"]);
    let said = text(&packed.stdout);
    assert!(packed.status.success() && said.contains("packed: 2 files"), "{said}");
    for day in ["2020-03-02", "2020-03-03"] {
        assert!(!ledger.join(format!("{day}.jsonl")).exists());
        assert!(sums_hold(&ledger, &format!("{day}.jsonl.gz.sha256")));
    }
    assert!(ledger.join("2020-03-04.jsonl").exists(), "the newest is still written");
    let again = gate.hospital().run(&["ledger", "archive"]);
    assert!(text(&again.stdout).contains("packed: 0 files"));
    // The gate goes on, also from a new start.
    Client::connect(gate.route("his")).ask(&Draft::clean("A4").bytes());
    gate.restart("2020-03-05T08:00:00+08:00");
    Client::connect(gate.route("his")).ask(&Draft::clean("A5").bytes());
    gate.stop();
    let (status, said) = verified(gate.hospital(), &[]);
    assert_eq!(status, Some(0), "{said}");
    assert!(said.contains("files    4"), "{said}");
    let by_page = script_of_the_docs(&ledger);
    assert!(by_page.status.success(), "{}{}", text(&by_page.stdout), text(&by_page.stderr));
    assert!(text(&by_page.stdout).contains("good: 4 files"), "{}", text(&by_page.stdout));
    let id = first["id"].as_str().expect("an id");
    let shown = gate.hospital().run(&["ledger", "show", "--id", id]);
    assert!(text(&shown.stdout).contains("\"control_id\": \"A1\""), "{}", text(&shown.stderr));
    let rebuilt = gate.hospital().run(&["ledger", "reindex"]);
    assert!(rebuilt.status.success(), "{}", text(&rebuilt.stderr));
    // What was changed in a packed file shows like anywhere else.
    let path = ledger.join("2020-03-02.jsonl.gz");
    let whole = std::fs::read(&path).expect("a packed file");
    for at in [whole.len() / 2, whole.len() - 6] {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x10;
        std::fs::write(&path, &bytes).expect("written");
        let (status, said) = verified(gate.hospital(), &[]);
        assert_eq!(status, Some(1), "{said}");
        assert!(said.contains("2020-03-02.jsonl"), "{said}");
        assert!(!script_of_the_docs(&ledger).status.success());
    }
    std::fs::write(&path, &whole[..whole.len() - 9]).expect("written");
    assert_eq!(verified(gate.hospital(), &[]).0, Some(1), "cut short");
}

#[test]
fn a_broken_ledger_is_evidence_and_is_not_packed() {
    let (mut gate, _upstream) = three_days("");
    gate.stop();
    let path = gate.data().join("ledger/2020-03-02.jsonl");
    let broken = std::fs::read_to_string(&path).expect("a file").replace("A1", "B1");
    std::fs::write(&path, broken).expect("written");
    let out = gate.hospital().run(&["ledger", "archive"]);
    assert_eq!(out.status.code(), Some(1), "{}", text(&out.stderr));
    assert!(path.exists());
}

#[test]
fn nothing_is_given_away_before_its_time_and_that_it_is_stands_in_the_ledger() {
    let (mut gate, _upstream) = three_days("[ledger]\nretention_days = 30");
    let prune = |gate: &FixedGate| gate.hospital().run(&["ledger", "prune", "--by", "周样例"]);
    let head = verified(gate.hospital(), &[]).1;
    assert!(gate.hospital().run(&["ledger", "archive"]).status.success());
    gate.restart("2020-04-01T08:00:00+08:00");
    let out = prune(&gate);
    assert!(text(&out.stdout).contains("given away: 0 files"), "{}", text(&out.stderr));
    // The 31st day after the 2nd of March, and not yet after the 3rd.
    gate.restart("2020-04-02T08:00:00+08:00");
    let out = prune(&gate);
    let said = text(&out.stdout);
    assert!(said.contains("2020-03-02.jsonl") && said.contains("given away: 1 files"), "{said}");
    let left = |gate: &FixedGate| {
        let found = std::fs::read_dir(gate.data().join("ledger")).expect("a folder");
        let names = found.map(|one| one.expect("a file").file_name().into_string().expect("text"));
        let mut names: Vec<String> = names.filter(|name| name.starts_with("2020-03")).collect();
        names.sort();
        names
    };
    let younger = ["2020-03-03.jsonl.gz", "2020-03-03.jsonl.gz.sha256", "2020-03-04.jsonl"];
    assert_eq!(left(&gate), younger);
    let deleted = of_kind(&gate.data(), "access").pop().expect("an entry");
    let body = &deleted["body"];
    assert_eq!((&body["act"], &body["by"]), (&"ledger-deleted".into(), &"周样例".into()));
    assert_eq!(body["files"][0]["file"], "2020-03-02.jsonl");
    let noted = body["files"][0]["head"].as_str().expect("a head").to_owned();
    assert!(noted.contains(':') && !head.contains(&noted), "the last entry of that file");
    // All that is over, and never the file that is written.
    gate.restart("2021-01-01T08:00:00+08:00");
    assert!(prune(&gate).status.success());
    assert!(left(&gate).is_empty());
    assert_eq!(verified(gate.hospital(), &[]).0, Some(1), "older files are missing, it says");
    let (status, said) = verified(gate.hospital(), &["--pruned"]);
    assert_eq!(status, Some(0), "{said}");
    gate.restart("2021-01-02T08:00:00+08:00");
    Client::connect(gate.route("his")).ask(&Draft::clean("A9").bytes());
    gate.stop();
    assert_eq!(verified(gate.hospital(), &["--pruned"]).0, Some(0));
    assert_eq!(prune(&gate).status.code(), Some(2), "nobody would enter it");
}

/// A gate under load, and its backup.
fn backed_up(hospital: &Hospital) -> String {
    let folder = hospital.path("backup").display().to_string();
    let out = hospital.run(&["backup", &folder]);
    assert!(out.status.success(), "{}{}", text(&out.stdout), text(&out.stderr));
    folder
}

#[test]
fn no_private_key_is_in_a_backup() {
    let hospital = Hospital::new();
    let [cert, key] = hospital.pair("gate", &self_signed("gate"));
    let tls = format!("[mllp.tls]\ncert = {cert:?}\nkey = {key:?}");
    let hospital = hospital.route("his", nobody(), &[&tls]);
    let folder = backed_up(&hospital);
    let sums = std::fs::read_to_string(Path::new(&folder).join("SHA256SUMS")).expect("sums");
    assert!(sums.contains("config/orgate.toml") && sums.contains("hl7v2/standard.toml"), "{sums}");
    assert!(!sums.contains("gate.key") && !sums.contains("gate.pem"), "{sums}");
}

#[test]
fn a_backup_of_a_gate_under_load_is_restored_and_the_gate_goes_on_with_the_chain() {
    let upstream = Upstream::accepting();
    let hospital = Hospital::new().route("his", upstream.address, &[]);
    hospital.account("sun", "first-word-of-all-7", &["--role", "operator"]);
    let mut gate = hospital.start();
    let done = Arc::new(AtomicBool::new(false));
    let load = {
        let (done, address) = (Arc::clone(&done), gate.address());
        std::thread::spawn(move || {
            let mut client = Client::connect(address);
            let mut sent = 0;
            while !done.load(Ordering::Relaxed) {
                sent += 1;
                assert_eq!(code(&client.ask(&Draft::clean(format!("L{sent}")).bytes())), "AA");
            }
        })
    };
    eventually("some load", || (decisions(gate.data()).len() > 20).then_some(()));
    let folder = backed_up(&hospital);
    let folder = Path::new(&folder);
    done.store(true, Ordering::Relaxed);
    load.join().expect("every order was answered");
    assert!(sums_hold(folder, "SHA256SUMS"));
    for file in ["config/orgate.toml", "config/files/mappings/hl7v2/standard.toml"] {
        assert!(folder.join(file).is_file(), "{file}");
    }
    assert!(!folder.join("search.db").exists(), "what is derived is made again");
    gate.stop();
    let written = decisions(gate.data()).len();
    drop(gate);

    let other = Hospital::empty().route("his", upstream.address, &[]);
    let out = other.run(&["restore", &folder.display().to_string()]);
    let said = text(&out.stdout);
    assert!(out.status.success(), "{said}{}", text(&out.stderr));
    assert!(said.contains("restored") && said.contains("ledger verified"), "{said}");
    let brought = decisions(&other.data()).len();
    assert!(brought > 20 && brought <= written, "{brought} of {written}");
    let again = other.run(&["restore", &folder.display().to_string()]);
    assert_eq!(again.status.code(), Some(2), "not into a folder that holds anything");
    assert!(text(&again.stderr).contains("is not empty"), "{}", text(&again.stderr));
    let accounts = other.run(&["account", "list"]);
    assert!(text(&accounts.stdout).contains("sun"), "{}", text(&accounts.stderr));
    let mut gate = other.start();
    let mut client = gate.connect();
    assert_eq!(code(&client.ask(&Draft::clean("R1").bytes())), "AA");
    assert_eq!(code(&client.ask(&Draft::refused("R2").bytes())), "AE", "the register is there");
    let told = of_kind(gate.data(), "access");
    let told: Vec<&Value> =
        told.iter().filter(|entry| entry["body"]["act"] == "restored").collect();
    assert_eq!(told.len(), 1);
    assert!(!gate.data().join("restored.json").exists());
    gate.stop();
    let (status, said) = verified(&other, &[]);
    assert_eq!(status, Some(0), "{said}");
    assert_eq!(decisions(&other.data()).len(), brought + 2);
}

#[test]
fn a_backup_that_is_damaged_anywhere_is_refused_and_says_where() {
    let upstream = Upstream::accepting();
    let hospital = Hospital::new().route("his", upstream.address, &[]);
    let gate = hospital.start();
    gate.still_serves("D1");
    let folder = backed_up(&hospital);
    drop(gate);
    let folder = Path::new(&folder);
    let day = std::fs::read_dir(folder.join("ledger")).expect("a ledger").next();
    let day = day.expect("a file").expect("it is listed").file_name();
    let day = format!("ledger/{}", day.to_string_lossy());
    let target = hospital.path("restored");
    let refused = |says: &str| {
        let to = target.display().to_string();
        let out = hospital.run(&["restore", &folder.display().to_string(), "--to", &to]);
        let said = text(&out.stderr);
        assert_eq!(out.status.code(), Some(1), "{said}");
        assert!(said.contains(says), "{says}: {said}");
        assert!(!target.exists(), "nothing is left of it");
    };
    for name in
        ["register.db", "accounts.db", "cases.db", "config/orgate.toml", "manifest.json", &day]
    {
        let path = folder.join(name);
        let whole = std::fs::read(&path).expect("a file of the backup");
        let mut bytes = whole.clone();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        std::fs::write(&path, &bytes).expect("written");
        refused(&format!("`{name}` is damaged"));
        std::fs::remove_file(&path).expect("removed");
        if name != "manifest.json" {
            refused(&format!("`{name}` is missing"));
        }
        std::fs::write(&path, &whole).expect("written");
    }
    std::fs::write(folder.join("ledger/2020-01-01.jsonl"), b"{}\n").expect("written");
    refused("`ledger/2020-01-01.jsonl` does not belong");
    std::fs::remove_file(folder.join("ledger/2020-01-01.jsonl")).expect("removed");
    // Sums that were made to fit do not make a chain.
    let path = folder.join(&day);
    let forged = std::fs::read_to_string(&path).expect("a ledger file").replace("D1", "X1");
    std::fs::write(&path, forged).expect("written");
    let feed = folder.join("feeds/told");
    std::fs::create_dir_all(&feed).expect("made");
    std::fs::write(feed.join("cursor.json"), b"{}").expect("written");
    let summed = Command::new("sh")
        .args(["-c", "find . -type f ! -name SHA256SUMS ! -name S | sed 's:^./::' | sort | xargs sha256sum > S && mv S SHA256SUMS"])
        .current_dir(folder)
        .status();
    assert!(summed.expect("sh runs").success());
    refused("bad hash");
}

#[test]
fn a_backup_goes_into_an_empty_folder_only_and_a_restore_that_broke_off_does_not_start() {
    let hospital = Hospital::new();
    let folder = backed_up(&hospital);
    let again = hospital.run(&["backup", &folder]);
    assert_eq!(again.status.code(), Some(2));
    assert!(text(&again.stderr).contains("is not empty"), "{}", text(&again.stderr));
    let none = hospital.run(&["restore", &hospital.data().display().to_string()]);
    assert_eq!(none.status.code(), Some(2));
    assert!(text(&none.stderr).contains("is no backup"), "{}", text(&none.stderr));
    std::fs::write(hospital.data().join("restore-unfinished"), b"").expect("written");
    let run = hospital.run(&["run"]);
    assert_eq!(run.status.code(), Some(2));
    assert!(text(&run.stderr).contains("restore again"), "{}", text(&run.stderr));
}
