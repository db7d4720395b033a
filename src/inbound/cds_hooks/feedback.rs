//! The body of feedback: what became of which card.

use serde::Deserialize;

use crate::gate::attested::Reason;
use crate::inbound::cds_hooks::reasons;
use crate::inbound::cds_hooks::request::uuid_bits;
use crate::inbound::console::object::{from_slice, list, maybe};
use crate::ledger::EntryId;

/// A client may gather feedback, and sends it in one go.
const CARDS_MAX: usize = 100;
/// A reason is a sentence or two.
const COMMENT_CHARS_MAX: usize = 1000;

/// What became of one card.
#[derive(Debug)]
pub(super) struct Told {
    /// The entry of its inquiry.
    pub(super) inquiry: EntryId,
    /// Followed, or not.
    pub(super) outcome: Outcome,
    /// The attestation, where the reason is one of ours.
    pub(super) reason: Option<Reason>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Outcome {
    Accepted,
    Overridden,
}

impl Outcome {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Overridden => "overridden",
        }
    }
}

#[derive(Deserialize)]
struct Body {
    #[serde(deserialize_with = "list")]
    feedback: Vec<Card>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Card {
    card: String,
    outcome: Outcome,
    #[serde(default, deserialize_with = "maybe")]
    override_reason: Option<OverrideReason>,
    #[serde(rename = "outcomeTimestamp")]
    _outcome_timestamp: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct OverrideReason {
    #[serde(default, deserialize_with = "maybe")]
    reason: Option<Coding>,
    user_comment: Option<String>,
}

#[derive(Deserialize)]
struct Coding {
    code: String,
    system: Option<String>,
}

/// Reads feedback.
///
/// # Errors
/// What is wrong with it.
pub(super) fn read(body: &[u8]) -> Result<Vec<Told>, &'static str> {
    let body: Body = from_slice(body).map_err(|_| {
        "the body is no JSON object with a list `feedback` of cards, each with `card` and `outcome`"
    })?;
    if body.feedback.is_empty() || body.feedback.len() > CARDS_MAX {
        return Err("`feedback` holds no card, or more than 100");
    }
    body.feedback.into_iter().map(Card::told).collect()
}

impl Card {
    fn told(self) -> Result<Told, &'static str> {
        let bits = uuid_bits(&self.card).ok_or("`card` is no UUID")?;
        let given = self.override_reason.as_ref();
        let comment = given.and_then(|given| given.user_comment.as_deref());
        if comment.is_some_and(|comment| comment.chars().count() > COMMENT_CHARS_MAX) {
            return Err("`userComment` is longer than 1000 characters");
        }
        let given = given.filter(|_| self.outcome == Outcome::Overridden);
        let coding = given.and_then(|given| given.reason.as_ref());
        let own = coding.filter(|c| c.system.as_deref().is_none_or(|s| s == reasons::SYSTEM));
        let reason = own.and_then(|coding| reasons::attestation(&coding.code, comment));
        Ok(Told { inquiry: EntryId::from_bits(bits), outcome: self.outcome, reason })
    }
}
