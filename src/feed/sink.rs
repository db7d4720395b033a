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
        self.event.get("data").map_or("", |data| text_at(data, key))
    }

    /// A member of the event as text.
    pub fn text(&self, key: &str) -> &str {
        text_at(&self.event, key)
    }

    /// What stands at a JSON pointer into the event's data; null where nothing does.
    pub fn at(&self, pointer: &str) -> &Value {
        self.event.get("data").map_or(&NULL, |data| at(data, pointer))
    }

    /// The letter of an alert.
    pub fn of(alert: &Alert, rendering: &crate::feed::alert::Rendering) -> Self {
        Self { id: alert.id.clone(), event: alert.event(rendering) }
    }
}

static NULL: Value = Value::Null;

/// What stands at a JSON pointer; null where nothing does.
pub(in crate::feed) fn at<'v>(value: &'v Value, pointer: &str) -> &'v Value {
    value.pointer(pointer).unwrap_or(&NULL)
}

/// A member as text; empty where there is none.
pub(in crate::feed) fn text_at<'v>(value: &'v Value, key: &str) -> &'v str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
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
