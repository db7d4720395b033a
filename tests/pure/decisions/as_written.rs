//! What may stand in a decision table. Everything has a default, so that a case says only what
//! matters to it; `situation.rs` says which.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

/// One file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Table {
    /// The rule's id, which is the file's name.
    pub(super) rule: String,
    /// The articles it rests on, in the order of the rule.
    pub(super) article: Vec<Article>,
    pub(super) case: Vec<Case>,
}

/// An article with its words.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Article {
    pub(super) number: String,
    pub(super) words: String,
}

/// One case.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Case {
    /// In a sentence.
    pub(super) says: String,
    /// Checkpoints at which it is run; all must end alike.
    pub(super) stages: Option<Vec<String>>,
    /// The moment of judging, local.
    pub(super) now: Option<String>,
    pub(super) zone: Option<String>,
    /// The message's own time, local.
    pub(super) message_time: Option<String>,
    pub(super) catalogue: Option<Vec<Item>>,
    pub(super) surgeons: Option<Vec<Surgeon>>,
    /// Staff numbers and names for which the register gives no answer.
    #[serde(default)]
    pub(super) away: Vec<String>,
    /// The message, if it has one group.
    pub(super) order: Option<Group>,
    /// The message, if it has several.
    pub(super) groups: Option<Vec<Group>>,
    #[serde(default)]
    pub(super) policy: Policy,
    /// `everybody`, `nobody`, or the one department for which the route acts.
    pub(super) enforced: Option<String>,
    pub(super) then: Then,
}

/// What must come of it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Then {
    pub(super) decision: String,
    /// `rule effect`, of all cases together.
    #[serde(default)]
    pub(super) findings: BTreeSet<String>,
    /// The same for each case, where the message has several.
    pub(super) cases: Option<Vec<BTreeSet<String>>>,
    #[serde(default)]
    pub(super) gaps: BTreeSet<String>,
    /// Where it is not what the decision alone says.
    pub(super) refused: Option<bool>,
}

/// A catalogue item.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Item {
    pub(super) code: String,
    pub(super) grade: u8,
    #[serde(default)]
    pub(super) aliases: Vec<String>,
    pub(super) status: Option<String>,
    pub(super) from: Option<String>,
    pub(super) to: Option<String>,
}

/// A surgeon.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Surgeon {
    pub(super) id: String,
    pub(super) name: Option<String>,
    pub(super) status: Option<String>,
    pub(super) licence_to: Option<String>,
    pub(super) base: Option<String>,
    #[serde(default)]
    pub(super) grants: Vec<Grant>,
}

/// A grant: of `code`, or of `grade`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Grant {
    pub(super) code: Option<String>,
    pub(super) grade: Option<u8>,
    pub(super) right: Option<String>,
    #[serde(default)]
    pub(super) sites: Vec<String>,
    pub(super) from: Option<String>,
    pub(super) to: Option<String>,
    pub(super) status: Option<String>,
    /// Empty: none.
    pub(super) document: Option<String>,
    /// Empty: never.
    pub(super) evaluated: Option<String>,
    #[serde(default)]
    pub(super) supervised: bool,
}

/// A group of the message; where it has one line, the line's facts stand here.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Group {
    pub(super) action: Option<String>,
    pub(super) urgency: Option<String>,
    pub(super) department: Option<String>,
    pub(super) site: Option<String>,
    pub(super) attested_by: Option<String>,
    pub(super) attested_why: Option<String>,
    pub(super) time_unreadable: bool,
    pub(super) codes: Option<Vec<String>>,
    pub(super) further: Vec<Vec<String>>,
    pub(super) by: Option<Vec<String>>,
    pub(super) team: Vec<String>,
    pub(super) times: Vec<String>,
    pub(super) lines: Vec<Line>,
}

/// One procedure of a group.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Line {
    /// The codings of the first place.
    pub(super) codes: Option<Vec<String>>,
    /// Those of further places.
    pub(super) further: Vec<Vec<String>>,
    /// The primary surgeons: `D1`, `D1 name`, `= name`, or `?` for persons of whom none is told to be it.
    pub(super) by: Option<Vec<String>>,
    /// The rest of the team, written likewise.
    pub(super) team: Vec<String>,
    /// Stated operating times, local.
    pub(super) times: Vec<String>,
}

/// What the institution has set.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Policy {
    pub(super) effects: BTreeMap<String, [String; 3]>,
    pub(super) require_attestation: bool,
}
