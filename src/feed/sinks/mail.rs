//! E-mail: what came within the window as one message, plain text, handed over for each recipient by itself: a
//! mailbox that is gone keeps no mail from the others.

use std::time::Duration;

use lettre::address::Envelope;
use lettre::message::{Mailbox, SinglePart};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Tls, TlsParameters};
use lettre::{Address, AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor};

use crate::domain::order::Redacted;
use crate::feed::sink::{Delivery, Failure, Letter, Sink};
use crate::feed::sinks::digest::{Mark, digest};
use crate::telemetry::feed as events;

/// Alerts in one mail; the text shows what fits and counts the rest.
const LETTERS: usize = 500;
/// A page or two on a telephone.
const TEXT_BYTES: usize = 64_000;

/// How the connection is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protection {
    /// From the first byte (465).
    Tls,
    /// After STARTTLS, which must succeed (587).
    StartTls,
    /// Not at all: inside a protected net only.
    None,
}

/// How to reach the mail server, and whom.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Host name.
    pub host: String,
    /// Port.
    pub port: u16,
    /// How the connection is protected.
    pub protection: Protection,
    /// Account and password.
    pub account: Option<(String, Redacted)>,
    /// From whom.
    pub from: Mailbox,
    /// To whom.
    pub to: Vec<Mailbox>,
    /// How long the server may take.
    pub timeout: Duration,
}

/// A mail server.
pub struct Mail {
    feed: String,
    /// Who has had the mail that is being delivered, should the server fall silent before all have.
    had: (String, Vec<Address>),
    transport: AsyncSmtpTransport<Tokio1Executor>,
    settings: Settings,
}

impl Mail {
    /// Connects with the first alert.
    ///
    /// # Errors
    /// TLS cannot be set up.
    pub fn new(feed: String, settings: Settings) -> Result<Self, lettre::transport::smtp::Error> {
        let tls = match settings.protection {
            Protection::Tls => Tls::Wrapper(TlsParameters::new(settings.host.clone())?),
            Protection::StartTls => Tls::Required(TlsParameters::new(settings.host.clone())?),
            Protection::None => Tls::None,
        };
        let host = settings.host.as_str();
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(host)
            .port(settings.port)
            .tls(tls)
            .timeout(Some(settings.timeout));
        if let Some((user, password)) = &settings.account {
            let password = password.reveal().to_owned();
            builder = builder.credentials(Credentials::new(user.clone(), password));
        }
        let had = (String::new(), Vec::new());
        Ok(Self { feed, had, transport: builder.build(), settings })
    }

    fn message(&self, letters: &[Letter]) -> Option<Message> {
        let digest = digest(letters, TEXT_BYTES, Mark::Plain);
        let first = letters.first()?;
        let domain = self.settings.from.email.domain();
        let mut message = Message::builder()
            .from(self.settings.from.clone())
            .subject(&digest.title)
            // The same when it is sent again: mail programs show it once.
            .message_id(Some(format!("<{}.{}@{domain}>", first.id, letters.len())));
        for to in &self.settings.to {
            message = message.to(to.clone());
        }
        let text = format!("{}\r\n\r\n{}\r\n", digest.title, digest.lines.join("\r\n\r\n"));
        message.singlepart(SinglePart::plain(text)).ok()
    }
}

impl Mail {
    /// Sends to each who has not had it; fails only where nobody took it, or the server falls silent.
    async fn hand_out(&mut self, id: String, message: &[u8]) -> Result<(), Failure> {
        if self.had.0 != id {
            self.had = (id, Vec::new());
        }
        let (mut refusals, mut worst) = (0, None);
        for to in &self.settings.to {
            if self.had.1.contains(&to.email) {
                continue;
            }
            let from = self.settings.from.email.clone();
            let envelope = Envelope::new(Some(from), vec![to.email.clone()]);
            let envelope =
                envelope.map_err(|_| Failure::Refused("no mail can be made".to_owned()))?;
            let Err(error) = self.transport.send_raw(&envelope, message).await else {
                self.had.1.push(to.email.clone());
                continue;
            };
            let code = error.status().map(u16::from);
            let failure = failure(code, error.is_timeout());
            if code.is_none() {
                return Err(failure);
            }
            refusals += 1;
            // What may still be taken is tried again.
            if !matches!(worst, Some(Failure::Unavailable { .. })) {
                worst = Some(failure);
            }
        }
        match worst {
            Some(failure) if self.had.1.is_empty() => Err(failure),
            _ => {
                if refusals > 0 {
                    events::FeedRecipientsRefused { feed: &self.feed, refusals }.emit();
                }
                Ok(())
            }
        }
    }
}

fn failure(code: Option<u16>, timeout: bool) -> Failure {
    let why = match code {
        Some(code) => format!("the mail server answered {code}"),
        None if timeout => "the mail server did not answer in time".to_owned(),
        None => "the mail server cannot be reached".to_owned(),
    };
    match code {
        // 53x is about the account, not about the mail.
        Some(500..=529 | 540..=599) => Failure::Refused(why),
        _ => Failure::unavailable(why),
    }
}

impl Sink for Mail {
    fn deliver<'a>(&'a mut self, letters: &'a [Letter]) -> Delivery<'a> {
        Box::pin(async move {
            let message = self.message(letters);
            let message =
                message.ok_or_else(|| Failure::Refused("no mail can be made".to_owned()))?;
            let id = letters.first().map(|letter| letter.id.clone()).unwrap_or_default();
            self.hand_out(format!("{id}.{}", letters.len()), &message.formatted()).await
        })
    }

    fn letters_max(&self) -> usize {
        LETTERS
    }
}
