//! Requests that hide an order from the gate: every file of `tests/data/evasions/`, played as raw bytes against a real
//! gate before a server that records. Its README says how a file is written.

mod file;

use serde_json::{Value, json};

use crate::evasions::file::{File, Outcome};
use crate::support::gate::{Gate, Hospital};
use crate::support::http::{Client, Message};
use crate::support::ledger::{decision, decisions};
use crate::support::resource::clean;
use crate::support::server::Server;

/// Gate and server, and how much of the server's record is known.
struct Stage {
    gate: Gate,
    server: Server,
    seen: usize,
    _hospital: Hospital,
}

impl Stage {
    fn set() -> Self {
        let mut current = clean("held");
        current["id"] = json!("77");
        let server = Server::holding(vec![current]);
        let hospital = Hospital::new().fhir("fhir", server.address, &[]);
        let gate = hospital.start();
        Self { gate, server, seen: 0, _hospital: hospital }
    }

    /// The last answer, `None` when the connection was closed without one; and what came to the server.
    fn play(&mut self, file: &File, bytes: &[u8]) -> (Option<Message>, Vec<Message>) {
        let mut client = Client::connect(self.gate.address());
        client.send(bytes);
        let mut last = None;
        for _ in 0..file.responses() {
            last = response(&mut client);
        }
        client.close();
        let all = self.server.requests();
        let new = all[self.seen..].to_vec();
        self.seen = all.len();
        (last, new)
    }
}

fn response(client: &mut Client) -> Option<Message> {
    loop {
        let head = client.reader.head()?;
        let status = Message { head: head.clone(), body: Vec::new() }.status();
        if status >= 200 {
            let body = client.reader.body(&head, status == 204, true)?;
            return Some(Message { head, body });
        }
    }
}

/// Whether the answer is the verdict of a rule, of the whole or of the only entry.
fn is_verdict(answer: &Message) -> bool {
    let Ok(body) = serde_json::from_slice::<Value>(&answer.body) else { return false };
    let by_rule = |outcome: &Value| {
        outcome["issue"][0]["details"]["coding"][0]["system"] == "urn:orgate:rule"
            && outcome["issue"][0]["code"] == "business-rule"
    };
    let response = &body["entry"][0]["response"];
    match answer.status() {
        422 => by_rule(&body),
        200 => {
            response["status"].as_str().is_some_and(|status| status.starts_with("422"))
                && by_rule(&response["outcome"])
        }
        _ => false,
    }
}

/// What became of the order that must be refused.
fn fault(file: &File, answer: Option<&Message>, came: &[Message]) -> Option<String> {
    // The gate's own readings, and the reading before a hidden write.
    let own = |request: &&Message| !request.start().starts_with("GET ") || file.is_only_a_read();
    if let Some(through) = came.iter().find(own) {
        return Some(format!("came to the server: {}", through.start()));
    }
    let fits = |outcome: &Outcome| match (outcome, answer) {
        (Outcome::Judged, Some(answer)) => is_verdict(answer),
        (Outcome::Judged, None) => false,
        (Outcome::Refused(None), None) => true,
        (Outcome::Refused(None), Some(answer)) => (400..500).contains(&answer.status()),
        (Outcome::Refused(Some(status)), answer) => {
            answer.is_some_and(|answer| answer.status() == *status)
        }
    };
    let fits = file.outcomes().iter().any(fits);
    (!fits).then(|| answer.map_or("no answer".to_owned(), |answer| format!("{answer:?}")))
}

#[test]
fn no_evasion_brings_an_order_through_that_must_be_refused() {
    let mut stage = Stage::set();
    let mut faults = Vec::new();
    let (mut judged, files) = (0, File::all());
    for file in &files {
        let (answer, came) = stage.play(file, &file.bytes());
        if let Some(fault) = fault(file, answer.as_ref(), &came) {
            faults.push(format!("{}: {fault}", file.name));
        }
        judged += usize::from(answer.is_some_and(|answer| is_verdict(&answer)));
    }
    assert!(files.len() > 250, "{} files", files.len());
    assert!(faults.is_empty(), "\n{}\n", faults.join("\n"));
    let blocks = decisions(stage.gate.data());
    let blocks = blocks.iter().filter(|entry| decision(entry) == "block").count();
    assert!(blocks >= judged, "{judged} were refused by a rule, {blocks} are recorded");
}

#[test]
fn the_same_disguises_around_an_order_that_may_pass_are_let_through_byte_for_byte() {
    let mut stage = Stage::set();
    let mut faults = Vec::new();
    for file in File::all().iter().filter(|file| file.outcomes() == [Outcome::Judged]) {
        let harmless = file.harmless();
        let (answer, came) = stage.play(&harmless, &harmless.bytes());
        let passed = answer.as_ref().is_some_and(|answer| answer.status() < 300);
        let writes: Vec<&Message> =
            came.iter().filter(|request| !request.start().starts_with("GET ")).collect();
        let whole = match writes.as_slice() {
            [write] => harmless.responses() > 1 || write.body == harmless.body(),
            _ => false,
        };
        if !passed || !whole {
            faults.push(format!("{}: {} writes, {answer:?}", file.name, writes.len()));
        }
    }
    assert!(faults.is_empty(), "\n{}\n", faults.join("\n"));
}
