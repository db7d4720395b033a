//! TLS between two who both run here: what is written leaves, ends are ends, files that cannot be used are told.

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use rcgen::{CertificateParams, CertifiedKey, KeyPair, date_time_ymd, generate_simple_self_signed};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::clock::Clock;
use crate::net::client::{self, Client, ClientError, Settings};
use crate::net::stream;
use crate::net::tls::client::{ClientFiles, complaint, server_name};
use crate::net::tls::facts::Facts;
use crate::net::tls::files::{Role, TlsError, certificates};
use crate::net::tls::kept::{Follows as _, Look};
use crate::net::tls::server::{Refused, ServerFiles};
use crate::net::tls::{ClientTls, HTTP1, MLLP, ServerTls};

/// Self-signed files for `localhost` in a folder.
struct Files {
    folder: TempDir,
}

impl Files {
    fn new() -> Self {
        let own = Self { folder: tempfile::tempdir().unwrap() };
        let (cert, key) = pair();
        own.write("cert", &cert);
        own.write("key", &key);
        own
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }

    fn server(&self) -> Result<ServerTls, TlsError> {
        let files = ServerFiles { cert: self.path("cert"), key: self.path("key"), client_ca: None };
        ServerTls::new(files, MLLP)
    }

    fn client(&self) -> ClientTls {
        let files = ClientFiles { ca: Some(self.path("cert")), identity: None };
        ClientTls::new(files, None, MLLP).unwrap()
    }
}

fn pair() -> (String, String) {
    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    (cert.pem(), signing_key.serialize_pem())
}

async fn sockets() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client = TcpStream::connect(listener.local_addr().unwrap());
    let (client, server) = tokio::join!(client, listener.accept());
    (client.unwrap(), server.unwrap().0)
}

#[tokio::test]
async fn what_is_said_to_be_written_has_left_without_a_flush() {
    let files = Files::new();
    let (server, client) = (files.server().unwrap(), files.client());
    let (near, far) = sockets().await;
    let (near, far) = tokio::join!(client.connect("localhost", near), server.accept(far));
    let ((_unread, mut writer), (mut reader, _unwritten)) =
        (stream::tls(near.unwrap()), stream::tls(far.unwrap()));
    let sent: Vec<u8> = (0..8_000_000_u32).map(|n| n.to_le_bytes()[0]).collect();
    let mut came = vec![0; sent.len()];
    let writing = async {
        let mut rest = sent.as_slice();
        while !rest.is_empty() {
            // As a connection does that waits for other things, too: asked now and then, and left again.
            tokio::select! {
                biased;
                count = writer.write(rest) => rest = &rest[count.unwrap()..],
                () = tokio::task::yield_now() => {}
            }
        }
    };
    let (_, all) = tokio::join!(writing, reader.read_exact(&mut came));
    all.unwrap();
    assert!(came == sent, "nothing is lost, doubled or changed");
}

#[tokio::test]
async fn an_end_with_or_without_a_farewell_is_an_end() {
    for farewell in [true, false] {
        let files = Files::new();
        let (server, client) = (files.server().unwrap(), files.client());
        let (near, far) = sockets().await;
        let (near, far) = tokio::join!(client.connect("localhost", near), server.accept(far));
        let (mut near, (mut reader, _writer)) = (near.unwrap(), stream::tls(far.unwrap()));
        near.write_all(b"all").await.unwrap();
        near.flush().await.unwrap();
        if farewell {
            near.shutdown().await.unwrap();
        } else {
            near.get_mut().0.shutdown().await.unwrap();
        }
        let mut came = Vec::new();
        reader.read_to_end(&mut came).await.unwrap();
        assert_eq!(came, b"all");
    }
}

#[tokio::test]
async fn who_says_nothing_and_goes_was_only_looking() {
    let files = Files::new();
    let server = files.server().unwrap();
    let (near, far) = sockets().await;
    drop(near);
    assert_eq!(server.accept(far).await.err(), Some(Refused::Unused));
    let (mut near, far) = sockets().await;
    near.write_all(b"\x0bMSH|").await.unwrap();
    drop(near);
    assert_eq!(server.accept(far).await.err(), Some(Refused::Plain));
}

#[test]
fn files_that_cannot_be_used_are_told_by_name_and_by_key() {
    let files = Files::new();
    let (cert, key) = pair();
    let told = |error: TlsError| (error.key(), error.to_string());
    let wrong = |files: &Files| told(files.server().unwrap_err());

    files.write("key", &key);
    let (at, text) = wrong(&files);
    assert_eq!(at, "key");
    assert!(text.contains("does not belong to the certificate"), "{text}");
    files.write("key", &cert);
    assert!(wrong(&files).1.contains("holds no private key"), "{}", wrong(&files).1);
    files.write("cert", "nothing of the kind");
    assert_eq!(wrong(&files).0, "cert");
    assert!(wrong(&files).1.contains("holds no certificate"), "{}", wrong(&files).1);
    files.write("cert", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
    assert!(wrong(&files).1.contains("cannot be read"), "{}", wrong(&files).1);
    std::fs::remove_file(files.path("cert")).unwrap();
    assert!(wrong(&files).1.contains("cannot be read"), "{}", wrong(&files).1);
    let nothing = ClientFiles { ca: Some(files.path("none")), identity: None };
    assert_eq!(told(ClientTls::new(nothing, None, MLLP).unwrap_err()).0, "ca");
}

#[test]
fn changed_files_are_used_once_they_have_settled_and_unusable_ones_never() {
    let files = Files::new();
    let tls = files.server().unwrap();
    let first = tls.own().unwrap();
    assert!(matches!(tls.look(), Look::Same));
    let (cert, key) = pair();
    files.write("cert", &cert);
    assert!(matches!(tls.look(), Look::Same), "it may still be written");
    assert!(matches!(tls.look(), Look::Unusable(TlsError::Mismatch { .. })));
    assert!(matches!(tls.look(), Look::Same), "it is told once");
    assert_eq!(tls.own().unwrap(), first);
    files.write("key", &key);
    assert!(matches!(tls.look(), Look::Same));
    assert!(matches!(tls.look(), Look::New));
    assert!(matches!(tls.look(), Look::Same));
    std::fs::remove_file(files.path("key")).unwrap();
    assert!(matches!(tls.look(), Look::Same));
    assert!(matches!(tls.look(), Look::Unusable(TlsError::Unread { role: Role::Key, .. })));
}

#[test]
fn a_chain_ends_with_the_first_of_its_certificates() {
    let files = Files::new();
    let until = |year| {
        let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        params.not_after = date_time_ymd(year, 3, 2);
        params.self_signed(&KeyPair::generate().unwrap()).unwrap().pem()
    };
    files.write("chain", &format!("{}{}", until(2040), until(2031)));
    let chain = certificates(Role::Cert, &files.path("chain")).unwrap();
    let facts = Facts::of(&chain).unwrap();
    assert_eq!(facts.not_after.to_string(), "2031-03-02T00:00:00Z");
    assert_eq!(facts.name, "rcgen self signed cert");
    assert_eq!(facts.expires_in_s("2031-03-01T23:59:59Z".parse().unwrap()), 1);
    assert_eq!(facts.expires_in_s("2031-03-02T00:00:01Z".parse().unwrap()), -1);
}

/// A server's pair that is its own authority and holds until then, and that authority.
fn until(end: Timestamp) -> (Files, PathBuf) {
    let files = Files { folder: tempfile::tempdir().unwrap() };
    let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    let since = Duration::from_secs(end.as_second().unsigned_abs());
    params.not_after = (SystemTime::UNIX_EPOCH + since).into();
    let key = KeyPair::generate().unwrap();
    files.write("cert", &params.self_signed(&key).unwrap().pem());
    files.write("key", &key.serialize_pem());
    let ca = files.path("cert");
    (files, ca)
}

#[tokio::test]
async fn an_http_session_does_not_go_on_with_a_certificate_that_has_expired_meanwhile() {
    // On a machine so busy that the first request comes too late, it is tried again with more time.
    for lasting in [2, 8, 32] {
        let end = Timestamp::from_second(Clock::System.now().as_second() + lasting).unwrap();
        let (files, ca) = until(end);
        let server = files.server().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let serving = tokio::spawn(async move {
            loop {
                let Ok(mut stream) = server.accept(listener.accept().await.unwrap().0).await else {
                    continue;
                };
                let mut head = [0; 4096];
                let _ = stream.read(&mut head).await;
                let answer = b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n";
                let _ = stream.write_all(answer).await;
                let _ = stream.shutdown().await;
            }
        });
        let settings =
            Settings { connect_timeout: Duration::from_secs(60), https: true, h2: false };
        let trusted = ClientFiles { ca: Some(ca), identity: None };
        let client = Client::following(settings, ClientTls::new(trusted, None, HTTP1).unwrap());
        let ask = || {
            let request = http::Request::get(format!("https://localhost:{port}/"));
            client.request(request.body(client::empty()).unwrap())
        };
        if ask().await.is_err() {
            serving.abort();
            continue;
        }
        let left = end.duration_since(Clock::System.now()).as_secs().max(0) + 2;
        tokio::time::sleep(Duration::from_secs(left.unsigned_abs())).await;
        let refused = ask().await;
        assert!(
            matches!(refused, Err(ClientError::Untrusted("certificate-expired"))),
            "{refused:?}"
        );
        serving.abort();
        return;
    }
    panic!("no request came through in half a minute");
}

#[tokio::test]
async fn what_tls_has_against_a_server_and_us_is_heard_though_nothing_is_asked() {
    let (files, others) = (Files::new(), Files::new());
    let listening = |server: Option<ServerTls>| async move {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            let (mut socket, _) = listener.accept().await.unwrap();
            match server {
                // It ends what it has taken, and says nothing.
                Some(server) => drop(server.accept(socket).await),
                None => socket.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap(),
            }
        });
        port
    };
    let wanting = ServerFiles {
        cert: files.path("cert"),
        key: files.path("key"),
        client_ca: Some(others.path("cert")),
    };
    let wanting = Some(ServerTls::new(wanting, MLLP).unwrap());
    let port = listening(wanting).await;
    let heard = complaint(files.client().config(), "localhost", port).await;
    assert_eq!(heard, Some("peer-wants-a-certificate"));
    let port = listening(Some(files.server().unwrap())).await;
    let heard = complaint(files.client().config(), "127.0.0.1", port).await;
    assert_eq!(heard, Some("certificate-wrong-name"));
    let port = listening(None).await;
    let heard = complaint(files.client().config(), "localhost", port).await;
    assert_eq!(heard, Some("no-tls"));
    let port = listening(Some(files.server().unwrap())).await;
    let heard = complaint(files.client().config(), "localhost", port).await;
    assert_eq!(heard, None, "nothing is wrong with a server that just ends");
    let heard = complaint(files.client().config(), "localhost", port).await;
    assert_eq!(heard, None, "nobody listens any more");
}

#[test]
fn a_name_is_a_host_or_an_address() {
    for good in ["lis", "lis.hospital.example", "10.0.0.20", "2001:db8::1", "[2001:db8::1]"] {
        assert!(server_name(good).is_ok(), "{good}");
    }
    for bad in ["", "手术室", "a b", "lis:6661", "lis/x"] {
        assert!(server_name(bad).is_err(), "{bad}");
    }
}
