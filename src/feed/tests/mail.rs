//! Mail against a server that refuses some mailboxes.

use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

use crate::feed::sink::{Failure, Sink as _};
use crate::feed::sinks::mail::{Mail, Protection, Settings};
use crate::feed::tests::letter;

/// Serves one connection: mailboxes with `gone` are refused for good, those with `full` for now.
async fn serve(stream: TcpStream, taken: mpsc::UnboundedSender<String>) {
    let mut stream = BufReader::new(stream);
    let (mut text, mut to, mut line) = (false, Vec::new(), String::new());
    stream.write_all(b"220 mail\r\n").await.unwrap();
    while stream.read_line(&mut line).await.is_ok_and(|read| read > 0) {
        let word = line.trim_end().to_lowercase();
        line.clear();
        let answer = match word.as_str() {
            "." if text => {
                text = false;
                to.drain(..).for_each(|to| taken.send(to).unwrap());
                "250 kept"
            }
            _ if text => continue,
            "data" => {
                text = true;
                "354 go on"
            }
            "quit" => return,
            rcpt if rcpt.starts_with("rcpt") && rcpt.contains("gone") => "550 no such mailbox",
            rcpt if rcpt.starts_with("rcpt") && rcpt.contains("full") => "452 mailbox full",
            rcpt if rcpt.starts_with("rcpt") => {
                to.push(rcpt.to_owned());
                "250 yes"
            }
            _ => "250 yes",
        };
        stream.write_all(format!("{answer}\r\n").as_bytes()).await.unwrap();
    }
}

/// What becomes of a mail to these mailboxes, and which had it.
async fn mail_to(to: &[&str]) -> (Result<(), Failure>, Vec<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (taken, mut took) = mpsc::unbounded_channel();
    let serving = tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            tokio::spawn(serve(stream, taken.clone()));
        }
    });
    let settings = Settings {
        host: "127.0.0.1".to_owned(),
        port,
        protection: Protection::None,
        account: None,
        from: "gate@example.org".parse().unwrap(),
        to: to.iter().map(|to| to.parse().unwrap()).collect(),
        timeout: Duration::from_secs(30),
    };
    let mut mail = Mail::new("f".to_owned(), settings).unwrap();
    let outcome = mail.deliver(&[letter()]).await;
    serving.abort();
    let mut had = Vec::new();
    while let Ok(to) = took.try_recv() {
        had.push(to);
    }
    (outcome, had)
}

#[tokio::test]
async fn a_mailbox_that_is_gone_or_full_keeps_the_mail_from_nobody_else() {
    let to = ["gone@example.org", "a@example.org", "full@example.org", "b@example.org"];
    let (outcome, had) = mail_to(&to).await;
    assert!(outcome.is_ok(), "{outcome:?}");
    assert_eq!(had, ["rcpt to:<a@example.org>", "rcpt to:<b@example.org>"]);
}

#[tokio::test]
async fn a_mail_that_nobody_takes_is_refused_or_tried_again() {
    let (outcome, _) = mail_to(&["gone@example.org", "gone2@example.org"]).await;
    assert!(matches!(outcome, Err(Failure::Refused(_))), "{outcome:?}");
    let (outcome, _) = mail_to(&["full@example.org", "gone@example.org"]).await;
    assert!(matches!(outcome, Err(Failure::Unavailable { .. })), "{outcome:?}");
}
