//! The same clinical order as HL7 v2 and as FHIR gets the same verdict: the day at the sample hospital is played as HL7
//! through one gate; what its ledger says was read is written as FHIR and played through another; entry by entry the
//! verdicts are compared.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};

use serde_json::{Value, json};

use crate::support::client::Client;
use crate::support::gate::Hospital;
use crate::support::in_process::FixedGate;
use crate::support::ledger::decisions;
use crate::support::message::framed;
use crate::support::of_the_day;
use crate::support::upstream::Upstream;

const NOW: &str = "2026-03-02T08:00:00+08:00";
const STAFF: &str = "urn:oid:2.16.156.10011.1.4";

/// Orders that FHIR cannot say as HL7 v2 did, by MSH-10 of the message, and why.
const NOT_IN_FHIR: &[(&str, &str)] =
    &[("z2600005", "a ServiceRequest names no team, so nobody is there to supervise")];

#[test]
fn the_same_order_as_hl7_and_as_fhir_gets_the_same_verdict() {
    let as_hl7 = played_as_hl7();
    let mut server = FixedGate::start(Hospital::new().fhir("fhir", answering(), &[]), NOW);
    let at = server.route("fhir");
    let mut compared = 0;
    let mut differing = Vec::new();
    let mut seen = 0;
    for entry in &as_hl7 {
        let body = &entry["body"];
        let id = text(&body["control_id"]);
        if body["facts"].is_null() {
            continue; // what cannot be read as HL7 is not there to be written as FHIR
        }
        let (method, target, resource) = as_fhir(&body["facts"]["orders"][0]);
        let status = send(at, method, &target, &resource);
        let written = decisions(&server.data()).split_off(seen);
        seen += written.len();
        if let Some((_, why)) = NOT_IN_FHIR.iter().find(|(known, _)| *known == id) {
            assert!(!why.is_empty());
            continue;
        }
        compared += 1;
        let [found] = written.as_slice() else {
            differing.push(format!("{id}: {} entries, answered {status}", written.len()));
            continue;
        };
        let (hl7, fhir) = (essence(entry), essence(found));
        if hl7 != fhir {
            differing.push(format!("{id} {target}\n  HL7  {hl7}\n  FHIR {fhir}"));
        }
    }
    server.stop();
    assert!(differing.is_empty(), "{} of {compared}:\n{}", differing.len(), differing.join("\n"));
    assert!(compared > 45, "only {compared} orders were compared");
}

/// What both must say: the decision, and of each case who, what and what was found.
fn essence(entry: &Value) -> Value {
    let verdict = &entry["body"]["verdict"];
    let case = |case: &Value| {
        let finding = |f: &Value| format!("{}: {}", text(&f["rule"]), text(&f["effect"]));
        let findings = case["findings"].as_array().expect("findings");
        json!({
            "surgeon": case["surgeon"]["id"],
            "procedure": case["procedure"]["code"],
            "grade": case["procedure"]["grade"],
            "findings": findings.iter().map(finding).collect::<Vec<_>>(),
        })
    };
    let cases = verdict["cases"].as_array().expect("cases");
    json!({
        "decision": verdict["decision"],
        "stage": verdict["stage"],
        "action": if verdict["action"] == "change" { json!("new") } else { verdict["action"].clone() },
        "operating_time": verdict["operating_time"],
        "cases": cases.iter().map(case).collect::<Vec<_>>(),
        "gaps": verdict["gaps"],
    })
}

fn played_as_hl7() -> Vec<Value> {
    let upstream = Upstream::accepting();
    let to = upstream.address;
    let mapping = |name: &str| format!("mapping = \"mappings/hl7v2/{name}.toml\"");
    let hospital = Hospital::new()
        .route("his-orders", to, &[])
        .route("his-zop", to, &[&mapping("zop")])
        .route("aims", to, &[&mapping("srm-aims")]);
    let mut gate = FixedGate::start(hospital, NOW);
    let day = crate::support::bytes_of("config/sample/day/day.toml");
    let day: toml::Table = toml::from_str(&String::from_utf8_lossy(&day)).expect("day.toml");
    for message in day["message"].as_array().expect("messages") {
        let text = |key: &str| message[key].as_str().expect("a text");
        let mut client = Client::connect(gate.route(text("route")));
        client.send(&framed(&of_the_day(text("file"))));
        client.frame();
    }
    gate.stop();
    decisions(&gate.data())
}

// ------------------------------------------------------------------------- the order, written as FHIR

/// Method, target and body of the request that says the same.
fn as_fhir(order: &Value) -> (&'static str, String, Value) {
    let mut resources = Vec::new();
    for group in order["groups"].as_array().expect("groups") {
        match text(&order["stage"]) {
            "notice" => resources.push((group, appointment(order, group))),
            "record" => {
                resources.extend(lines(group).map(|line| (group, procedure(order, group, line))))
            }
            _ => resources
                .extend(lines(group).map(|line| (group, service_request(order, group, line)))),
        }
        if lines(group).next().is_none() && text(&order["stage"]) != "notice" {
            resources.push((group, service_request(order, group, &json!({"coded": []}))));
        }
    }
    if let [(group, resource)] = resources.as_slice() {
        let kind = text(&resource["resourceType"]);
        let order_no = group["order_no"].as_str().unwrap_or("none");
        let anew = group["action"] == "new";
        let target =
            if anew { format!("/fhir/{kind}") } else { format!("/fhir/{kind}/{order_no}") };
        let mut resource = resource.clone();
        if !anew {
            resource["id"] = json!(order_no);
        }
        return (if anew { "POST" } else { "PUT" }, target, resource);
    }
    let entry = |(_, resource): &(&Value, Value)| {
        json!({
            "resource": resource,
            "request": { "method": "POST", "url": resource["resourceType"] },
        })
    };
    let entries: Vec<Value> = resources.iter().map(entry).collect();
    let bundle = json!({ "resourceType": "Bundle", "type": "transaction", "entry": entries });
    ("POST", "/fhir".to_owned(), bundle)
}

fn service_request(order: &Value, group: &Value, line: &Value) -> Value {
    let mut resource = common("ServiceRequest", order, group);
    let withdrawn = group["action"] == "withdraw";
    resource["status"] = json!(if withdrawn { "revoked" } else { "active" });
    resource["intent"] = json!("order");
    resource["category"] =
        json!([{ "coding": [{ "system": "http://snomed.info/sct", "code": "387713003" }] }]);
    if let Some(number) = group["order_no"].as_str() {
        resource["identifier"] = json!([{ "value": number }]);
    }
    let priority = match group["urgency"].as_str() {
        Some("emergency") => "stat",
        Some("urgent") => "urgent",
        _ => "routine",
    };
    resource["priority"] = json!(priority);
    let mut codes = codes(line).into_iter();
    resource["code"] = codes.next().unwrap_or_else(|| named(line));
    let further: Vec<Value> = codes.collect();
    if !further.is_empty() {
        resource["orderDetail"] = json!(further);
    }
    if let Some(time) = line["times"][0].as_str() {
        resource["occurrenceDateTime"] = json!(time);
    }
    let people = surgeons(&mut resource, line);
    if !people.is_empty() {
        resource["performer"] = json!(people);
    }
    resource
}

fn appointment(order: &Value, group: &Value) -> Value {
    let mut resource = common("Appointment", order, group);
    let withdrawn = group["action"] == "withdraw";
    resource["status"] = json!(if withdrawn { "cancelled" } else { "booked" });
    let patient = json!({ "actor": resource["subject"].take(), "status": "accepted" });
    if let Some(resource) = resource.as_object_mut() {
        resource.remove("subject");
        resource.remove("encounter");
    }
    let kinds: Vec<Value> = lines(group).flat_map(codes).collect();
    if !kinds.is_empty() {
        resource["serviceType"] = json!(kinds);
    }
    let mut participants = vec![patient];
    if let Some(line) = lines(group).next() {
        if let Some(time) = line["times"][0].as_str() {
            resource["start"] = json!(time);
        }
        if let Some(minutes) = line["duration_min"].as_u64() {
            resource["minutesDuration"] = json!(minutes);
        }
        let role = |code: &str| json!([{ "coding": [{ "code": code }] }]);
        for person in surgeons(&mut resource, line) {
            participants
                .push(json!({ "type": role("PPRF"), "actor": person, "status": "accepted" }));
        }
        for person in team(&mut resource, line) {
            participants
                .push(json!({ "type": role("SPRF"), "actor": person, "status": "accepted" }));
        }
    }
    resource["participant"] = json!(participants);
    resource
}

fn procedure(order: &Value, group: &Value, line: &Value) -> Value {
    let mut resource = common("Procedure", order, group);
    resource["status"] = json!("completed");
    resource["code"] = codes(line).into_iter().next().unwrap_or_else(|| named(line));
    if let Some(time) = line["times"][0].as_str() {
        resource["performedDateTime"] = json!(time);
    }
    let function =
        json!({ "coding": [{ "system": "http://snomed.info/sct", "code": "304292004" }] });
    let mut performers = Vec::new();
    for person in surgeons(&mut resource, line) {
        performers.push(json!({ "function": function, "actor": person }));
    }
    let other = json!({ "coding": [{ "system": "http://snomed.info/sct", "code": "158965000" }] });
    for person in team(&mut resource, line) {
        performers.push(json!({ "function": other, "actor": person }));
    }
    resource["performer"] = json!(performers);
    resource
}

/// What the three have in common.
fn common(kind: &str, order: &Value, group: &Value) -> Value {
    let mut resource = json!({ "resourceType": kind });
    if let Some(patient) = order["patient"].as_str() {
        resource["subject"] = json!({ "type": "Patient", "identifier": { "value": patient } });
    }
    if let Some(encounter) = order["encounter"].as_str() {
        resource["encounter"] = json!({ "identifier": { "value": encounter } });
    }
    let diagnoses = order["diagnoses"].as_array().cloned().unwrap_or_default();
    if !diagnoses.is_empty() {
        let reason = |code: &Value| json!({ "coding": [{ "code": code }] });
        resource["reasonCode"] = diagnoses.iter().map(reason).collect();
    }
    if kind != "ServiceRequest"
        && let Some(number) = group["order_no"].as_str()
    {
        resource["basedOn"] =
            json!([{ "type": "ServiceRequest", "identifier": { "value": number } }]);
    }
    if let Some(site) = group["site"].as_str()
        && kind == "ServiceRequest"
    {
        resource["locationReference"] = json!([{ "identifier": { "value": site } }]);
    }
    if let Some(discussion) = group["discussion"].as_str() {
        resource["supportingInfo"] = json!([{ "identifier": { "value": discussion } }]);
    }
    let mut said = Vec::new();
    if let Some(reason) = group["attested_reason"].as_str() {
        said.push(json!({ "url": "reason", "valueString": reason }));
    }
    if let Some(by) = group["attested_by"].as_str() {
        said.push(json!({ "url": "by", "valueReference": { "identifier": { "system": STAFF, "value": by } } }));
    }
    if !said.is_empty() {
        resource["extension"] = json!([{ "url": "urn:orgate:life-saving", "extension": said }]);
    }
    if let Some(doctor) = group["ordering_doctor"]["id"].as_str()
        && kind == "ServiceRequest"
    {
        resource["requester"] = json!({ "identifier": { "system": STAFF, "value": doctor } });
    }
    resource
}

fn lines(group: &Value) -> impl Iterator<Item = &Value> {
    group["lines"].as_array().into_iter().flatten()
}

/// A CodeableConcept for each place that names codes.
fn codes(line: &Value) -> Vec<Value> {
    let places = line["coded"].as_array().into_iter().flatten();
    places.map(|codings| json!({ "coding": codings })).collect()
}

/// A procedure without a code.
fn named(line: &Value) -> Value {
    line["name"].as_str().map_or_else(|| json!({}), |name| json!({ "text": name }))
}

/// References to the primary surgeons; a group where none can be told.
fn surgeons(resource: &mut Value, line: &Value) -> Vec<Value> {
    match line["primary"].as_str() {
        Some("named") => people(resource, &line["surgeons"]),
        Some("unclear") => vec![json!({ "type": "CareTeam", "display": "手术组" })],
        _ => Vec::new(),
    }
}

fn team(resource: &mut Value, line: &Value) -> Vec<Value> {
    people(resource, &line["team"])
}

/// Contained Practitioners, so that their names are said too; who has no number is named by `display`.
fn people(resource: &mut Value, persons: &Value) -> Vec<Value> {
    let mut references = Vec::new();
    for person in persons.as_array().into_iter().flatten() {
        let name: Vec<&str> =
            person["name"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let Some(id) = person["id"].as_str() else {
            references.push(json!({ "display": name.concat() }));
            continue;
        };
        let contained = resource["contained"].as_array().map_or(0, Vec::len);
        let label = format!("p{contained}");
        let mut practitioner = json!({
            "resourceType": "Practitioner",
            "id": label,
            "identifier": [{ "system": STAFF, "value": id }],
        });
        if !name.is_empty() {
            practitioner["name"] = json!([{ "text": name.concat() }]);
        }
        match resource["contained"].as_array_mut() {
            Some(contained) => contained.push(practitioner),
            None => resource["contained"] = json!([practitioner]),
        }
        references.push(json!({ "reference": format!("#{label}") }));
    }
    references
}

fn text(value: &Value) -> &str {
    value.as_str().expect("a text")
}

// ----------------------------------------------------------------------------------- plain HTTP

/// Sends a request on a connection of its own; gives the status.
fn send(to: SocketAddr, method: &str, target: &str, body: &Value) -> u16 {
    let body = body.to_string();
    let mut stream = TcpStream::connect(to).expect("the gate listens");
    let head = format!(
        "{method} {target} HTTP/1.1\r\nhost: gate\r\nconnection: close\r\n\
         content-type: application/fhir+json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(&[head.as_bytes(), body.as_bytes()].concat()).expect("it reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("text");
    let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok());
    status.unwrap_or_else(|| panic!("no answer: {answer}"))
}

/// A server that has nothing and takes everything.
fn answering() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("a port");
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || serve(stream));
        }
    });
    address
}

fn serve(stream: TcpStream) {
    let mut writer = stream.try_clone().expect("a socket");
    let mut reader = BufReader::new(stream);
    loop {
        let (mut first, mut length) = (String::new(), 0);
        if reader.read_line(&mut first).unwrap_or(0) == 0 {
            return;
        }
        loop {
            let mut line = String::new();
            let read = reader.read_line(&mut line).unwrap_or(0);
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().expect("a length");
            }
            if read == 0 || line == "\r\n" {
                break;
            }
        }
        let mut body = vec![0; length];
        let status = if first.starts_with("GET") { "404 Not Found" } else { "201 Created" };
        let answer = format!(
            "HTTP/1.1 {status}\r\ncontent-type: application/fhir+json\r\ncontent-length: 2\r\n\r\n{{}}"
        );
        if reader.read_exact(&mut body).is_err() || writer.write_all(answer.as_bytes()).is_err() {
            return;
        }
    }
}
