//! Fetching key sets from a real socket: bounded, and no redirect is followed.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread;

use crate::inbound::cds_hooks::fetch::{Fetch, FetchError, Network};
use crate::net::client::ClientError;

/// A server that gives each caller the same answer.
fn server(answer: Vec<u8>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut asked = [0; 4096];
            let _ = stream.read(&mut asked);
            let _ = stream.write_all(&answer);
        }
    });
    format!("http://{address}/jwks")
}

fn answer(status: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let head = format!("HTTP/1.1 {status}\r\n{headers}Content-Length: {}\r\n\r\n", body.len());
    [head.as_bytes(), body].concat()
}

#[tokio::test]
async fn a_set_is_fetched_whole_or_not_at_all() {
    let good = server(answer("200 OK", "", b"{\"keys\":[]}"));
    assert_eq!(Network.fetch(&good).await.unwrap(), "{\"keys\":[]}");

    let elsewhere = answer("302 Found", &format!("Location: {good}\r\n"), b"");
    let moved = Network.fetch(&server(elsewhere)).await;
    assert!(matches!(moved, Err(FetchError::Status(302))), "{moved:?}");
    let long = Network.fetch(&server(answer("200 OK", "", &vec![b' '; 256 * 1024 + 1]))).await;
    assert!(matches!(long, Err(FetchError::Body)), "{long:?}");
    let cut =
        Network.fetch(&server(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{".to_vec())).await;
    assert!(matches!(cut, Err(FetchError::Body)), "{cut:?}");
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let nobody = Network.fetch(&format!("http://{nobody}/")).await;
    assert!(matches!(nobody, Err(FetchError::Client(ClientError::Connect))), "{nobody:?}");
    let nowhere = Network.fetch("no url at all").await;
    assert!(matches!(nowhere, Err(FetchError::Address)), "{nowhere:?}");
}
