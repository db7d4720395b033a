//! Faults of a FHIR server behind the gate.

use std::io::Write;
use std::net::{Shutdown, TcpStream};

use crate::faults::scene::{Scene, Site};
use crate::faults::standin::{Downstream, Pen, own_address};
use crate::faults::table::Fault;
use crate::faults::wire::Wire;
use crate::support::gate::Hospital;
use crate::support::http::{Message, response};
use crate::support::server::Server;

/// What is done with a request.
type Manner = fn(&Pen, &Message, &mut TcpStream);

struct FhirServer {
    server: Server,
    pen: Pen,
}

fn number(request: &Message) -> String {
    request.json()["identifier"][0]["value"].as_str().expect("an order's number").to_owned()
}

fn answer(pen: &Pen, request: &Message) -> Vec<u8> {
    let etag = format!("ETag: {}", pen.mark(&number(request)));
    let fields = ["Content-Type: application/fhir+json", &etag];
    response("201 Created", &fields, &request.body)
}

fn well(pen: &Pen, request: &Message, stream: &mut TcpStream) {
    let _ = stream.write_all(&answer(pen, request));
}

impl FhirServer {
    fn new() -> Self {
        let pen = Pen::default();
        let own = pen.clone();
        let well = Box::new(move |request: &Message, stream: &mut TcpStream| {
            well(&own, request, stream);
        });
        Self { server: Server::at(&own_address(), well), pen }
    }

    fn now(&self, manner: Manner) {
        let own = self.pen.clone();
        self.server.now(Box::new(move |request, stream| manner(&own, request, stream)));
    }
}

impl Downstream for FhirServer {
    const WIRE: Wire = Wire::Fhir;

    fn arrivals(&self) -> Vec<(String, Vec<u8>)> {
        let requests = self.server.requests().into_iter();
        requests.map(|request| (number(&request), request.body)).collect()
    }

    fn bytes(&self) -> Vec<u8> {
        let requests = self.server.requests().into_iter();
        requests.flat_map(|request| [request.head.into_bytes(), request.body].concat()).collect()
    }

    fn pen(&self) -> &Pen {
        &self.pen
    }
}

fn scene(fault: Fault) -> Scene<FhirServer> {
    let server = FhirServer::new();
    let timeout = "upstream_timeout_ms = 400";
    let hospital = Hospital::new().fhir("fhir", server.server.address, &[timeout]);
    Scene::of(fault, server, vec![Site::start(hospital)])
}

#[test]
fn it_refuses_connections() {
    scene(Fault::named("FHIR server refuses connections")).play(
        |scene| {
            scene.standin.server.refuse();
            // Connections that are open end with what comes next on them.
            scene.standin.now(|_, _, stream| {
                let _ = stream.shutdown(Shutdown::Both);
            });
        },
        |scene| {
            scene.standin.now(well);
            scene.standin.server.listen_again();
        },
    );
}

#[test]
fn it_accepts_requests_and_never_answers() {
    scene(Fault::named("FHIR server accepts and never answers"))
        .play(|scene| scene.standin.now(|_, _, _| {}), |scene| scene.standin.now(well));
}

#[test]
fn it_closes_in_the_middle_of_a_response() {
    let half: Manner = |pen, request, stream| {
        let whole = answer(pen, request);
        let _ = stream.write_all(&whole[..whole.len() / 3]);
        let _ = stream.shutdown(Shutdown::Both);
    };
    scene(Fault::named("FHIR server closes mid-response"))
        .play(|scene| scene.standin.now(half), |scene| scene.standin.now(well));
}
