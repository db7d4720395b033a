//! NATS JetStream: one message a CloudEvent, acknowledged by the stream; the alert's id is the message id, by which
//! the stream drops repetitions.

use std::path::PathBuf;
use std::time::Duration;

use async_nats::jetstream::Context;
use async_nats::jetstream::message::PublishMessage;
use async_nats::{Client, ConnectOptions};
use bytes::Bytes;
use tokio::time::timeout;

use crate::domain::order::Redacted;
use crate::feed::sink::{Delivery, Failure, Letter, Sink};

/// Published together, and then waited for.
const LETTERS: usize = 200;

/// How to reach the stream.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `nats://host:4222`, `tls://…`.
    pub url: String,
    /// The front of the subjects: `orgate.alerts` gives `orgate.alerts.order.blocked`.
    pub subject: String,
    /// The stream that must take it; `None` = whichever listens.
    pub stream: Option<String>,
    /// Who we are to the server.
    pub login: Option<Login>,
    /// The certificates by which the server is known, beyond the system's.
    pub ca: Option<PathBuf>,
    /// How long each step may take.
    pub timeout: Duration,
}

/// Who we are to the server.
#[derive(Clone, Debug)]
pub enum Login {
    /// A token.
    Token(Redacted),
    /// Account and password.
    Account(String, Redacted),
}

/// A stream.
pub struct Nats {
    settings: Settings,
    client: Option<Client>,
}

impl Nats {
    /// Connects with the first alert.
    pub fn new(settings: Settings) -> Self {
        Self { settings, client: None }
    }

    async fn connected(&mut self) -> Result<Client, Failure> {
        if let Some(client) = &self.client {
            return Ok(client.clone());
        }
        let Settings { url, login, ca, timeout: patience, .. } = &self.settings;
        let mut options = match login {
            None => ConnectOptions::new(),
            Some(Login::Token(token)) => ConnectOptions::with_token(token.reveal().to_owned()),
            Some(Login::Account(user, password)) => {
                let password = password.reveal().to_owned();
                ConnectOptions::with_user_and_password(user.clone(), password)
            }
        };
        if let Some(file) = ca {
            options = options.add_root_certificates(file.clone());
        }
        // Only the configured server: not those it names.
        let options = options
            .name("orgate")
            .ignore_discovered_servers()
            .connection_timeout(*patience)
            .request_timeout(Some(*patience));
        let connecting = timeout(*patience, options.connect(url.as_str())).await;
        let client = match connecting {
            Ok(Ok(client)) => client,
            Ok(Err(error)) => {
                let why = format!("the NATS server does not let us in: {}", error.kind());
                return Err(Failure::unavailable(why));
            }
            Err(_) => {
                return Err(Failure::unavailable("the NATS server cannot be reached in time"));
            }
        };
        self.client = Some(client.clone());
        Ok(client)
    }

    async fn publish(&mut self, letters: &[Letter]) -> Result<(), Failure> {
        let client = self.connected().await?;
        let mut context = async_nats::jetstream::new(client);
        context.set_timeout(self.settings.timeout);
        let patience = self.settings.timeout;
        let all = self.publish_all(&context, letters);
        // Each acknowledgement has its own limit; this one is for a connection that takes nothing.
        timeout(patience.saturating_mul(2), all)
            .await
            .unwrap_or_else(|_| Err(Failure::unavailable("the stream did not answer in time")))
    }

    async fn publish_all(&self, context: &Context, letters: &[Letter]) -> Result<(), Failure> {
        let mut waiting = Vec::with_capacity(letters.len());
        for letter in letters {
            let kind = letter.text("type");
            let kind = kind.strip_prefix("orgate.").unwrap_or(kind);
            let subject = format!("{}.{kind}", self.settings.subject);
            let mut publish = PublishMessage::build()
                .payload(Bytes::from(letter.event.to_string()))
                .message_id(&letter.id)
                .header("Content-Type", "application/cloudevents+json");
            if let Some(stream) = &self.settings.stream {
                publish = publish.expected_stream(stream);
            }
            let sent = context.send_publish(subject, publish).await;
            waiting.push(sent.map_err(|error| failed(error.kind()))?);
        }
        for acknowledged in waiting {
            acknowledged.await.map_err(|error| failed(error.kind()))?;
        }
        Ok(())
    }
}

fn failed(kind: impl std::fmt::Display) -> Failure {
    Failure::unavailable(format!("the stream has not taken it: {kind}"))
}

impl Sink for Nats {
    fn deliver<'a>(&'a mut self, letters: &'a [Letter]) -> Delivery<'a> {
        Box::pin(async move {
            let done = self.publish(letters).await;
            if done.is_err() {
                self.client = None;
            }
            done
        })
    }

    fn letters_max(&self) -> usize {
        LETTERS
    }
}
