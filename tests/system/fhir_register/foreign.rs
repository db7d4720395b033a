//! Pulls from a server that others wrote (Medplum's router), filled by its own REST.

use serde_json::{Value, json};

use crate::fhir_register::ways::until;
use crate::foreign_fhir::Server;
use crate::support::gate::Hospital;
use crate::support::http::Client;
use crate::support::shelf::{practitioner, role};
use crate::support::upstream::Upstream;

/// Writes a resource there; gives it as it is kept.
fn write(client: &mut Client, method: &str, path: &str, resource: &Value) -> Value {
    let answer = client.write(method, path, &resource.to_string());
    assert!(matches!(answer.status(), 200 | 201), "{answer:?}");
    answer.json()
}

#[test]
fn a_server_that_others_wrote_is_pulled_from_and_its_deletions_are_seen() {
    let server = Server::start();
    let mut client = Client::connect(server.address);
    let mut own = practitioner("", "D1005");
    own.as_object_mut().expect("an object").remove("id");
    let person = write(&mut client, "POST", "/fhir/Practitioner", &own);
    let id = person["id"].as_str().expect("an id");
    let mut own = role("", id, "06.2x00");
    own.as_object_mut().expect("an object").remove("id");
    let kept = write(&mut client, "POST", "/fhir/PractitionerRole", &own);
    write(
        &mut client,
        "POST",
        "/fhir/PractitionerRole",
        &json!({"resourceType": "PractitionerRole"}),
    );

    let upstream = Upstream::accepting();
    let table = format!("[register.fhir]\nurl = \"http://{}/fhir\"\npoll_s = 1\n", server.address);
    let hospital = Hospital::new().set(&table).route("his", upstream.address, &[]);
    let gate = hospital.start();
    until(&gate, "granted", "AA");
    let path = format!("/fhir/PractitionerRole/{}", kept["id"].as_str().expect("an id"));
    let mut ended = kept.clone();
    ended["active"] = json!(false);
    write(&mut client, "PUT", &path, &ended);
    until(&gate, "inactive", "AE");
    ended["active"] = json!(true);
    write(&mut client, "PUT", &path, &ended);
    until(&gate, "active", "AA");
    let delete = format!("DELETE {path} HTTP/1.1\r\nHost: gate\r\n\r\n");
    assert_eq!(client.ask(delete.as_bytes()).status(), 200);
    until(&gate, "deleted", "AE");
}
