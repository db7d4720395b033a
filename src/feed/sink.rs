//! What a receiver is to a feed: something that takes alerts, or says why not.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use serde_json::Value;

use crate::feed::alert::Alert;

/// An alert as a sink gets it: for people, and as an event rendered by the feed's settings.
#[derive(Clone, Debug)]
pub struct Letter {
    /// Id of the event.
    pub id: String,
    /// The CloudEvent, patient as the feed's settings say.
    pub event: Value,
}

impl Letter {
    /// A member of the event's data as text; empty where there is none.
    pub fn data_text(&self, key: &str) -> &str {
        self.event["data"][key].as_str().unwrap_or_default()
    }

    /// A member of the event as text.
    pub fn text(&self, key: &str) -> &str {
        self.event[key].as_str().unwrap_or_default()
    }

    /// The letter of an alert.
    pub fn of(alert: &Alert, rendering: &crate::feed::alert::Rendering) -> Self {
        Self { id: alert.id.clone(), event: alert.event(rendering) }
    }
}

/// Why alerts were not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// The receiver is away, or misconfigured, or wants less at a time: the same again later, for ever.
    #[error("{why}")]
    Unavailable {
        /// Why, without content of alerts and without secrets.
        why: String,
        /// The receiver's own wish.
        retry_after: Option<Duration>,
    },
    /// The receiver is there and does not take this: after some attempts it is laid aside.
    #[error("{0}")]
    Refused(String),
    /// The receiver wants nothing any more (410).
    #[error("{0}")]
    Gone(String),
}

impl Failure {
    /// The receiver is away.
    pub fn unavailable(why: impl Into<String>) -> Self {
        Self::Unavailable { why: why.into(), retry_after: None }
    }
}

/// A delivery on its way.
pub type Delivery<'a> = Pin<Box<dyn Future<Output = Result<(), Failure>> + Send + 'a>>;

/// A receiver. Each is tested against a real one, or a faithful stand-in.
pub trait Sink: Send {
    /// Delivers letters in their order: all, or an error. What was taken before an error may be delivered again.
    fn deliver<'a>(&'a mut self, letters: &'a [Letter]) -> Delivery<'a>;

    /// How many letters make sense in one delivery.
    fn letters_max(&self) -> usize;
}
