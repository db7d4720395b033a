//! HTTP/2: a client that speaks it to the gate, and a server that it is spoken to.

use std::convert::Infallible;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;

use crate::support::gate::Hospital;
use crate::support::http::Client;
use crate::support::resource::{clean, refused};
use crate::support::server::Server;

type Response = http::Response<Bytes>;

/// Sends requests on one HTTP/2 connection, all at a time.
async fn all_at_once(
    to: std::net::SocketAddr,
    requests: Vec<http::Request<Bytes>>,
) -> Vec<Response> {
    let stream = TcpStream::connect(to).await.expect("the gate accepts");
    let (sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
            .await
            .expect("a handshake");
    tokio::spawn(connection);
    let sending = requests.into_iter().map(|request| {
        let mut sender = sender.clone();
        tokio::spawn(async move {
            let answer = sender.send_request(request.map(Full::new)).await.expect("an answer");
            let (parts, body) = answer.into_parts();
            let body = body.collect().await.expect("the whole body").to_bytes();
            Response::from_parts(parts, body)
        })
    });
    let sending: Vec<_> = sending.collect();
    let mut answers = Vec::new();
    for one in sending {
        answers.push(one.await.expect("a task"));
    }
    answers
}

#[test]
fn a_client_may_speak_http2_and_ask_many_things_at_a_time() {
    let server = Server::storing();
    let hospital = Hospital::new().fhir("fhir", server.address, &[]);
    let gate = hospital.start();
    let address = gate.address();
    let post = |body: String| {
        http::Request::post(format!("http://{address}/fhir/ServiceRequest"))
            .header("content-type", "application/fhir+json")
            .body(Bytes::from(body))
            .expect("a request")
    };
    let mut requests = Vec::new();
    for number in 0..20 {
        requests.push(post(clean(&format!("C{number}")).to_string()));
        requests.push(post(refused(&format!("R{number}")).to_string()));
    }
    let answers = Runtime::new().expect("a runtime").block_on(all_at_once(address, requests));
    let statuses: Vec<u16> = answers.iter().map(|answer| answer.status().as_u16()).collect();
    assert_eq!(statuses, [201, 422].repeat(20));
    let came = server.writes();
    assert_eq!(came.len(), 20);
    let host = came[0].field("host").expect("a host").to_owned();
    assert_eq!(host, server.address.to_string());
    let hop = came[0].field("forwarded").expect("who asked").to_owned();
    assert_eq!(hop, format!("for=127.0.0.1;proto=http;host=\"{address}\""));
}

#[test]
fn a_server_may_be_spoken_to_in_http2() {
    let runtime = Runtime::new().expect("a runtime");
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).expect("a free port");
    let address = listener.local_addr().expect("an address");
    runtime.spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let service = service_fn(|request: http::Request<Incoming>| async move {
                let version = format!("{:?} {}", request.version(), request.uri().path());
                let body = request.into_body().collect().await.expect("a body").to_bytes();
                let mut answer = http::Response::new(Full::new(body));
                answer.headers_mut().insert("x-seen", version.parse().expect("a value"));
                Ok::<_, Infallible>(answer)
            });
            let server = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
            tokio::spawn(server.serve_connection(TokioIo::new(stream), service));
        }
    });
    let hospital = Hospital::new().fhir("fhir", address, &["upstream_h2 = true"]);
    let gate = hospital.start();
    let body = clean("A1").to_string();
    let answer = Client::connect(gate.address()).write("POST", "/fhir/ServiceRequest", &body);
    assert_eq!(answer.status(), 200, "{answer:?}");
    assert_eq!(answer.body, body.as_bytes());
    assert_eq!(answer.field("x-seen"), Some("HTTP/2.0 /fhir/ServiceRequest"));
}
