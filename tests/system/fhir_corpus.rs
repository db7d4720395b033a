//! Resources of many makers through an observing gate: every byte and field arrives, every answer comes back.

use std::io::Write;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::support::gate::Hospital;
use crate::support::http::{Client, request, response};
use crate::support::ledger::decisions;
use crate::support::repository;
use crate::support::server::Server;

/// What became of the files of one folder.
#[derive(Debug, Default)]
struct Counts {
    files: usize,
    judged: usize,
    not_judged: usize,
    unreadable: usize,
    /// Why each unreadable one is.
    why: Vec<String>,
}

fn files_below(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display())) {
        let path = entry.expect("it can be listed").path();
        if path.is_dir() {
            files_below(&path, found);
        } else if path.extension().is_some_and(|end| end == "json") {
            found.push(path);
        }
    }
    found.sort();
}

/// Where a client would post it; what is no resource goes to where an order would.
fn target(body: &[u8]) -> String {
    let root: Value = serde_json::from_slice(body).unwrap_or_default();
    let kind = root["type"].as_str().unwrap_or_default();
    match root["resourceType"].as_str() {
        Some("Bundle") if ["transaction", "batch", "message"].contains(&kind) => "/fhir".to_owned(),
        Some(resource) => format!("/fhir/{resource}"),
        None => "/fhir/ServiceRequest".to_owned(),
    }
}

const REPLY: [&str; 4] =
    ["Content-Type: application/fhir+json", "ETag: W/\"1\"", "X-Seen: yes", "Location: somewhere"];

fn through_a_gate(folder: &Path) -> Counts {
    let mut paths = Vec::new();
    files_below(folder, &mut paths);
    assert!(!paths.is_empty(), "{} holds no .json file", folder.display());
    let server = Server::doing(Box::new(|request, stream| {
        if request.start().starts_with("GET ") {
            let _ = stream.write_all(&response("404 Not Found", &[], b""));
        } else {
            let _ = stream.write_all(&response("201 Created", &REPLY, &request.body));
        }
    }));
    let settings = ["stance = \"observe\"", "max_body_kib = 65536"];
    let hospital = Hospital::new().fhir("fhir", server.address, &settings);
    let gate = hospital.start();
    let mut client = Client::connect(gate.address());
    let mut counts = Counts::default();
    for path in &paths {
        let (before, seen) = (decisions(gate.data()).len(), server.writes().len());
        let body = std::fs::read(path).expect("readable");
        let fields =
            ["Content-Type: application/fhir+json", "Authorization: Bearer x", "X-File: a"];
        let asked = request("POST", &target(&body), &fields, &body);
        let answer = client.ask(&asked);
        let place = path.display();
        assert_eq!(answer.status(), 201, "{place}: {answer:?}");
        assert!(answer.body == body, "{place}: another answer came back");
        let own = answer.fields().into_iter().filter(|f| !f.starts_with("orgate-entry"));
        let length = format!("Content-Length: {}", body.len());
        let expected: Vec<&str> = REPLY.into_iter().chain([length.as_str()]).collect();
        assert_eq!(own.collect::<Vec<_>>(), expected, "{place}");
        let came = server.writes().split_off(seen);
        assert_eq!(came.len(), 1, "{place}");
        assert!(came[0].body == body, "{place}: other bytes came");
        let own: Vec<&str> = came[0].fields();
        assert_eq!(own[1..4], fields, "{place}");
        assert_eq!(own[4], length, "{place}");
        assert_eq!(own.len(), 6, "Host and Forwarded are all that is added: {own:?}");
        let decided = decisions(gate.data()).split_off(before);
        let why = decided.iter().find_map(|entry| entry["body"]["unreadable"].as_str());
        counts.files += 1;
        counts.unreadable += usize::from(why.is_some());
        counts.judged += usize::from(why.is_none() && !decided.is_empty());
        counts.not_judged += usize::from(decided.is_empty());
        counts.why.extend(why.map(|why| format!("{place}: {why}")));
    }
    counts
}

#[test]
fn the_own_bodies_pass_byte_for_byte() {
    let counts = through_a_gate(&repository("tests/data/fhir/bodies"));
    println!("tests/data/fhir/bodies: {counts:?}");
    assert_eq!((counts.judged, counts.not_judged, counts.unreadable), (10, 3, 2), "{counts:?}");
}

/// A corpus that cannot be part of the repository (`ORGATE_TEST_FHIR_SAMPLES` names its folder).
#[test]
fn bodies_from_elsewhere_pass_byte_for_byte() {
    let Ok(folder) = std::env::var("ORGATE_TEST_FHIR_SAMPLES") else {
        println!("ORGATE_TEST_FHIR_SAMPLES is not set; the own bodies are tested all the same");
        return;
    };
    let counts = through_a_gate(Path::new(&folder));
    let Counts { files, judged, not_judged, unreadable, why } = counts;
    println!(
        "{folder}: {files} files, {judged} judged, {not_judged} not judged, {unreadable} unreadable"
    );
    why.iter().for_each(|why| println!("  {why}"));
}
