//! E-mail: what came within the window as one message, plain text.

use std::time::Duration;

use lettre::message::{Mailbox, SinglePart};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Tls, TlsParameters};
use lettre::{AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor};

use crate::domain::order::Redacted;
use crate::feed::sink::{Delivery, Failure, Letter, Sink};
use crate::feed::sinks::digest::{Mark, digest};

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
    transport: AsyncSmtpTransport<Tokio1Executor>,
    settings: Settings,
}

impl Mail {
    /// Connects with the first alert.
    ///
    /// # Errors
    /// TLS cannot be set up.
    pub fn new(settings: Settings) -> Result<Self, lettre::transport::smtp::Error> {
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
        Ok(Self { transport: builder.build(), settings })
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

impl Sink for Mail {
    fn deliver<'a>(&'a mut self, letters: &'a [Letter]) -> Delivery<'a> {
        Box::pin(async move {
            let message = self.message(letters);
            let message =
                message.ok_or_else(|| Failure::Refused("no mail can be made".to_owned()))?;
            let error = match self.transport.send(message).await {
                Ok(_) => return Ok(()),
                Err(error) => error,
            };
            let code = error.status().map(u16::from);
            let why = match code {
                Some(code) => format!("the mail server answered {code}"),
                None if error.is_timeout() => "the mail server did not answer in time".to_owned(),
                None => "the mail server cannot be reached".to_owned(),
            };
            Err(match code {
                // 53x is about the account, not about the mail.
                Some(500..=529 | 540..=599) => Failure::Refused(why),
                _ => Failure::unavailable(why),
            })
        })
    }

    fn letters_max(&self) -> usize {
        LETTERS
    }
}
