//! What is none of the gate's business passes a FHIR route as if nobody stood there: bytes, fields, order, streams.

use std::io::Write;
use std::net::TcpListener;
use std::sync::mpsc;

use crate::support::gate::{Gate, Hospital};
use crate::support::http::{Client, Message, Reader, request, response};
use crate::support::ledger::decisions;
use crate::support::server::Server;

/// An enforcing gate before a server.
fn before(server: Server, settings: &[&str]) -> (Hospital, Gate, Server) {
    let hospital = Hospital::new().fhir("fhir", server.address, settings);
    let gate = hospital.start();
    (hospital, gate, server)
}

/// The fields that the server should see of a request: its own Host, and who asked.
fn with_hop(sent: &str, server: &Server) -> String {
    let mut lines: Vec<String> = vec![format!("Host: {}", server.address)];
    lines.extend(sent.lines().filter(|line| !line.starts_with("Host:")).map(str::to_owned));
    lines.push("forwarded: for=127.0.0.1;proto=http;host=\"gate.example:8443\"".to_owned());
    lines.join("\n")
}

const REPLY: &[&str] = &[
    "Content-Type: application/fhir+json; fhirVersion=4.0",
    "ETag: W/\"3\"",
    "Last-Modified: Mon, 02 Mar 2026 00:30:00 GMT",
    "X-Odd-CASE: a,  b",
    "Set-Cookie: a=1; Path=/",
    "Set-Cookie: b=2",
    "Location: http://server/fhir/Patient/1",
    "Date: Mon, 02 Mar 2026 00:30:00 GMT",
];

#[test]
fn readings_searches_and_operations_pass_with_every_byte_and_field() {
    let body = b"{ \"resourceType\" : \"Bundle\" }\r\n \xe4\xb8\xad".to_vec();
    let server = Server::answering(response("200 Fine", REPLY, &body));
    let (_hospital, gate, server) = before(server, &[]);
    let json = "Content-Type: application/fhir+json";
    let form = "Content-Type: application/x-www-form-urlencoded";
    let asked: [(&str, &str, &[&str], &[u8]); 10] = [
        ("GET", "/fhir/metadata", &["Accept: */*", "accept-ENCODING: gzip, br"], b""),
        (
            "GET",
            "/fhir/ServiceRequest/1?_format=json&_pretty=%74rue",
            &["If-None-Match: W/\"3\""],
            b"",
        ),
        (
            "GET",
            "/fhir/ServiceRequest?patient=Patient%2F1&_count=5",
            &["Authorization: Bearer x.y"],
            b"",
        ),
        (
            "GET",
            "/fhir/Patient/1/$everything",
            &["Cookie: a=1; b=2", "Prefer: handling=lenient"],
            b"",
        ),
        ("POST", "/fhir/ServiceRequest/_search", &[form], b"identifier=A1&_method=x"),
        ("POST", "/fhir/_search", &[form], b"_type=Patient"),
        ("POST", "/fhir/Patient/$match", &[json], b"{\"resourceType\":\"Parameters\" }"),
        (
            "PUT",
            "/fhir/Patient/1",
            &[json, "If-Match: W/\"2\""],
            b" {\"resourceType\":\"Patient\",\"id\":\"1\"}\n",
        ),
        (
            "POST",
            "/fhir/Binary",
            &["Content-Type: image/png", "X-Security-Context: Patient/1"],
            b"\x89PNG\r\n\x1a\n",
        ),
        ("DELETE", "/fhir/Patient/1", &["X-Request-Id: 7"], b""),
    ];
    let mut client = Client::connect(gate.address());
    for (at, (method, target, fields, body_sent)) in asked.iter().enumerate() {
        let mut head = format!("{method} {target} HTTP/1.1\r\nHost: gate.example:8443\r\n");
        fields.iter().for_each(|field| head.push_str(&format!("{field}\r\n")));
        if !body_sent.is_empty() {
            head.push_str(&format!("Content-Length: {}\r\n", body_sent.len()));
        }
        client.send(&[head.as_bytes(), b"\r\n", body_sent].concat());
        let answer = client.response();
        assert_eq!(answer.start(), "HTTP/1.1 200 Fine", "{target}");
        assert_eq!(answer.body, body);
        let expected: Vec<String> = REPLY.iter().map(|line| (*line).to_owned()).collect();
        assert_eq!(answer.fields()[..REPLY.len()], expected, "{target}");
        assert_eq!(answer.fields()[REPLY.len()..], [format!("Content-Length: {}", body.len())]);
        let came = &server.wait_for(at + 1)[at];
        assert_eq!(came.start(), format!("{method} {target} HTTP/1.1"));
        assert_eq!(&came.body, body_sent);
        let sent_fields = head.lines().skip(1).collect::<Vec<_>>().join("\n");
        assert_eq!(came.fields().join("\n"), with_hop(&sent_fields, &server), "{target}");
    }
    assert_eq!(server.connections(), 1, "connections to the server are kept");
    assert!(decisions(gate.data()).is_empty());
}

#[test]
fn fields_of_the_connection_itself_do_not_pass() {
    let fields = ["Connection: X-Hop, close", "X-Hop: 1", "Keep-Alive: timeout=9", "X-End: 2"];
    let server = Server::answering(response("200 OK", &fields, b"x"));
    let (_hospital, gate, server) = before(server, &[]);
    let sent = "GET /fhir/Patient/1 HTTP/1.1\r\nHost: gate\r\nConnection: keep-alive, X-Mine\r\n\
                X-Mine: 1\r\nKeep-Alive: 5\r\nTE: trailers\r\nUpgrade: websocket\r\nX-Other: 2\r\n\
                Forwarded: for=192.0.2.9\r\n\r\n";
    let answer = Client::connect(gate.address()).ask(sent.as_bytes());
    assert_eq!(answer.fields(), ["X-End: 2", "Content-Length: 1"]);
    let came = &server.requests()[0];
    for gone in ["connection", "keep-alive", "te", "upgrade", "x-mine", "transfer-encoding"] {
        assert_eq!(came.field(gone), None, "{gone}");
    }
    assert_eq!(came.field("x-other"), Some("2"));
    let hops = ["for=192.0.2.9", "for=127.0.0.1;proto=http;host=\"gate\""];
    assert_eq!(came.all("forwarded"), hops);
}

#[test]
fn answers_without_bodies_and_compressed_ones_are_left_as_they_are() {
    let gzip = b"\x1f\x8b\x08\x00not really gzip\x00\xff".to_vec();
    let packed = response("200 OK", &["Content-Encoding: gzip", "ETag: \"z\""], &gzip);
    let server = Server::doing(Box::new(move |request: &Message, stream| {
        let answer: &[u8] = match request.start().split(' ').nth(1).unwrap_or_default() {
            "/fhir/Patient/1" => b"HTTP/1.1 304 Not Modified\r\nETag: W/\"1\"\r\n\r\n",
            "/fhir/Patient/2" => b"HTTP/1.1 200 OK\r\nContent-Length: 512\r\nETag: W/\"2\"\r\n\r\n",
            "/fhir/Patient/3" => b"HTTP/1.1 204 No Content\r\nX-A: b\r\n\r\n",
            _ => &packed,
        };
        let _ = stream.write_all(answer);
    }));
    let (_hospital, gate, _server) = before(server, &[]);
    let mut client = Client::connect(gate.address());
    let unchanged = client.get("/fhir/Patient/1");
    assert_eq!((unchanged.status(), unchanged.fields()), (304, vec!["ETag: W/\"1\""]));
    client.send(b"HEAD /fhir/Patient/2 HTTP/1.1\r\nHost: gate\r\n\r\n");
    let head = client.reader.head().expect("a head");
    assert!(head.contains("Content-Length: 512\r\n") && head.contains("ETag: W/\"2\""), "{head}");
    let nothing = client.get("/fhir/Patient/3");
    assert_eq!((nothing.status(), nothing.fields()), (204, vec!["X-A: b"]));
    let answer = client.get("/fhir/Patient/4");
    assert_eq!(answer.body, gzip);
    assert_eq!(answer.field("content-encoding"), Some("gzip"));
}

#[test]
fn a_large_answer_streams_while_the_server_still_writes_it() {
    let (go, wait) = mpsc::channel::<()>();
    let chunk = vec![b'x'; 64 * 1024];
    let sent = chunk.clone();
    let server = Server::doing(Box::new(move |_, stream| {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
        // Each piece is written only after the client has the one before.
        while wait.recv().is_ok() {
            let _ = stream.write_all(format!("{:x}\r\n", sent.len()).as_bytes());
            let _ = stream.write_all(&sent);
            let _ = stream.write_all(b"\r\n");
        }
        let _ = stream.write_all(b"0\r\n\r\n");
    }));
    let (_hospital, gate, _server) = before(server, &[]);
    let mut client = Client::connect(gate.address());
    client.send(b"GET /fhir/Binary/1 HTTP/1.1\r\nHost: gate\r\n\r\n");
    client.reader.head().expect("the head comes before the body");
    for _ in 0..64 {
        go.send(()).expect("the stand-in waits");
        let mut came = 0;
        while came < chunk.len() {
            came += client.reader.chunk().expect("a chunk").len();
        }
    }
    drop(go);
    assert_eq!(client.reader.chunk(), Some(Vec::new()));
}

#[test]
fn a_large_upload_streams_while_the_client_still_sends_it() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("an address");
    let (came, seen) = mpsc::channel::<usize>();
    std::thread::spawn(move || {
        let (stream, _) = listener.accept().expect("the gate connects");
        let mut writer = stream.try_clone().expect("a socket");
        let mut reader = Reader::new(stream);
        reader.head().expect("a head");
        loop {
            let chunk = reader.chunk().expect("a chunk");
            let _ = came.send(chunk.len());
            if chunk.is_empty() {
                break;
            }
        }
        let _ = writer.write_all(&response("201 Created", &[], b""));
    });
    let hospital = Hospital::new().fhir("fhir", address, &["max_body_kib = 64"]);
    let gate = hospital.start();
    let mut client = Client::connect(gate.address());
    client.send(
        b"POST /fhir/Binary HTTP/1.1\r\nHost: gate\r\nContent-Type: application/dicom\r\n\
          Transfer-Encoding: chunked\r\n\r\n",
    );
    // Far more than the limit of what is judged, and each piece only after the server has the one before.
    let piece = vec![b'y'; 32 * 1024];
    for _ in 0..64 {
        client.send(format!("{:x}\r\n", piece.len()).as_bytes());
        client.send(&piece);
        client.send(b"\r\n");
        let mut there = 0;
        while there < piece.len() {
            there += seen.recv_timeout(crate::support::PATIENCE).expect("the piece streams on");
        }
    }
    client.send(b"0\r\n\r\n");
    assert_eq!(client.response().status(), 201);
}

#[test]
fn what_lies_outside_the_base_is_answered_404_unless_the_route_forwards_it() {
    let ok = || Server::answering(response("200 OK", &[], b"login"));
    let (_hospital, gate, server) = before(ok(), &[]);
    let answer = Client::connect(gate.address()).get("/login");
    assert_eq!(answer.status(), 404);
    assert_eq!(answer.json()["issue"][0]["code"], "not-found");
    assert_eq!(server.requests().len(), 0);
    let (_hospital, gate, server) = before(ok(), &["outside_base = \"forward\""]);
    let answer = Client::connect(gate.address()).get("/login?x=1");
    assert_eq!((answer.status(), answer.body.as_slice()), (200, b"login".as_slice()));
    assert_eq!(server.lines(), ["GET /login?x=1 HTTP/1.1"]);
}

#[test]
fn links_to_the_base_become_those_of_the_gate_where_the_route_says_so() {
    let server = Server::doing(Box::new(|request: &Message, stream| {
        let host = request.field("host").unwrap_or_default();
        let location = format!("Location: http://{host}/fhir/Patient/1/_history/1");
        let link = format!("Link: <http://{host}/fhir?page=2>; rel=\"next\"");
        let _ = stream.write_all(&response("201 Created", &[&location, &link], b"{}"));
    }));
    let (_hospital, gate, _server) = before(server, &["rewrite_base = \"on\""]);
    let body = b"{\"resourceType\":\"Patient\"}";
    let answer = Client::connect(gate.address()).ask(&request("POST", "/fhir/Patient", &[], body));
    assert_eq!(answer.field("location"), Some("http://gate/fhir/Patient/1/_history/1"));
    assert_eq!(answer.field("link"), Some("<http://gate/fhir?page=2>; rel=\"next\""));
}
