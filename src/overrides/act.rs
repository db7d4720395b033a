//! What is done to an override file, and how an `override` entry of the ledger says it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::domain::surgeon::fold_name;
use crate::overrides::file::FileId;

/// Longest reason that is kept, in characters; beyond, it is cut.
pub const REASON_MAX: usize = 2_000;

/// Who acts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// The account, where the console was used.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub account: Option<String>,
    /// The name.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub name: Option<String>,
    /// The staff number (工号), by which persons are told apart.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub staff: Option<String>,
}

impl Person {
    /// Somebody of whom a message says a number or a name, and not which of both.
    pub fn said(text: &str) -> Self {
        let text = text.trim().to_owned();
        Self { staff: Some(text.clone()), name: Some(text), account: None }
    }

    /// Whether both may be one human being: the same account or staff number, or the same name where either lacks
    /// a number.
    pub fn may_be(&self, other: &Self) -> bool {
        let same = |a: &Option<String>, b: &Option<String>| {
            let folded = |text: &Option<String>| text.as_deref().map(fold_name);
            folded(a).is_some_and(|own| !own.is_empty() && Some(own) == folded(b))
        };
        let said = |person: &Self| person.staff.is_none() || person.staff == person.name;
        same(&self.account, &other.account)
            || same(&self.staff, &other.staff)
            || ((said(self) || said(other)) && same(&self.name, &other.name))
    }

    /// For people: name and number.
    pub fn words(&self) -> String {
        match (self.name.as_deref(), self.staff.as_deref().or(self.account.as_deref())) {
            (Some(name), Some(number)) if name != number => format!("{name}（{number}）"),
            (Some(text), _) | (None, Some(text)) => text.to_owned(),
            (None, None) => "?".to_owned(),
        }
    }
}

/// How a review ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Conclusion {
    /// The emergency was one.
    Confirmed,
    /// It was not, or the surgeon should not have operated.
    Rejected,
}

impl Conclusion {
    /// `confirmed` or `rejected`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Confirmed => "confirmed",
            Self::Rejected => "rejected",
        }
    }
}

/// What a rejection suspends in the same act (SG 28).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Target {
    /// The surgeon's grants for the procedure.
    Grant,
    /// The surgeon.
    Surgeon,
}

/// A suspension that goes with a rejection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Suspension {
    /// Of what.
    pub of: Target,
}

/// One step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    /// A person says afterwards that a life was at stake, and why.
    Attested {
        /// Who.
        by: Person,
        /// Why.
        reason: String,
    },
    /// A second person has looked at it.
    Reviewed {
        /// Who.
        by: Person,
        /// How it ends.
        conclusion: Conclusion,
        /// Why.
        reason: String,
        /// What is suspended with it.
        suspend: Option<Suspension>,
    },
    /// A closed file is looked at again.
    Reopened {
        /// Who.
        by: Person,
        /// Why.
        reason: String,
    },
    /// The deadline has passed, and further people are told.
    Escalated {
        /// Which step of the ladder, from 1.
        level: u32,
        /// Whom.
        to: Vec<String>,
    },
}

/// An act as the ledger has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// Its own entry.
    pub entry: String,
    /// Its place in the ledger: acts take effect in this order.
    pub seq: u64,
    /// When.
    pub at: Timestamp,
    /// Which decision entry's file.
    pub of: String,
    /// Which case of it; all of them where absent.
    pub case: Option<u32>,
    /// What.
    pub act: Act,
}

#[derive(Serialize, Deserialize)]
struct Written {
    act: String,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    by: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    case: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    entry: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    level: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    outcome: Option<Conclusion>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    reason: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    suspend: Option<Suspension>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    to: Option<Vec<String>>,
}

impl Act {
    /// The word of the ledger.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Attested { .. } => "attested",
            Self::Reviewed { .. } => "reviewed",
            Self::Reopened { .. } => "reopened",
            Self::Escalated { .. } => "escalated",
        }
    }

    /// Who acts; nobody where the gate itself does.
    pub fn by(&self) -> Option<&Person> {
        match self {
            Self::Attested { by, .. } | Self::Reviewed { by, .. } | Self::Reopened { by, .. } => {
                Some(by)
            }
            Self::Escalated { .. } => None,
        }
    }

    /// Why.
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Attested { reason, .. }
            | Self::Reviewed { reason, .. }
            | Self::Reopened { reason, .. } => Some(reason),
            Self::Escalated { .. } => None,
        }
    }

    /// The body of its entry.
    pub fn body(&self, file: &FileId) -> Value {
        let by = self.by().and_then(|by| serde_json::to_value(by).ok());
        let reason = self.reason().map(|reason| {
            let cut: String = reason.trim().chars().take(REASON_MAX).collect();
            Value::String(cut)
        });
        let (mut level, mut outcome, mut suspend, mut to) = (None, None, None, None);
        match self {
            Self::Reviewed { conclusion, suspend: suspended, .. } => {
                outcome = Some(*conclusion);
                suspend.clone_from(suspended);
            }
            Self::Escalated { level: step, to: whom } => {
                level = Some(*step);
                to = Some(whom.clone());
            }
            Self::Attested { .. } | Self::Reopened { .. } => {}
        }
        let written = Written {
            act: self.name().to_owned(),
            by,
            case: Some(file.case),
            entry: Some(file.entry.clone()),
            level,
            outcome,
            reason,
            suspend,
            to,
        };
        serde_json::to_value(&written).unwrap_or_default()
    }
}

impl Recorded {
    /// Reads an `override` entry; `None` where it is of no file: an attestation given beforehand belongs to an
    /// inquiry and comes with the order that finds it, and what another version wrote is passed over.
    pub fn read(entry: &str, seq: u64, at: Timestamp, body: &str) -> Option<Self> {
        let written: Written = serde_json::from_str(body).ok()?;
        let by = || person(written.by.as_ref()?);
        let reason = || text(written.reason.as_ref()?);
        let act = match written.act.as_str() {
            "attested" => Act::Attested { by: by()?, reason: reason()? },
            "reviewed" => Act::Reviewed {
                by: by()?,
                conclusion: written.outcome?,
                reason: reason()?,
                suspend: written.suspend.clone(),
            },
            "reopened" => Act::Reopened { by: by()?, reason: reason()? },
            "escalated" => {
                Act::Escalated { level: written.level?, to: written.to.clone().unwrap_or_default() }
            }
            _ => return None,
        };
        Some(Self { entry: entry.to_owned(), seq, at, of: written.entry?, case: written.case, act })
    }
}

/// A person as an object, or as the one word that another system gave.
fn person(value: &Value) -> Option<Person> {
    match value {
        Value::String(text) => Some(Person::said(text)),
        value => serde_json::from_value(value.clone()).ok(),
    }
}

/// A reason as a text, or as the choice of a list with a remark.
fn text(value: &Value) -> Option<String> {
    if let Value::String(text) = value {
        return Some(text.clone());
    }
    let display = value.get("display").and_then(Value::as_str)?;
    match value.get("comment").and_then(Value::as_str) {
        Some(comment) => Some(format!("{display}：{comment}")),
        None => Some(display.to_owned()),
    }
}
