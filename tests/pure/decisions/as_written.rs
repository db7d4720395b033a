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
    /// Words that the findings must hold, in Chinese or English.
    #[serde(default)]
    pub(super) told: Vec<String>,
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
    /// The patient; empty: none.
    pub(super) patient: Option<String>,
    /// ICD-10.
    #[serde(default)]
    pub(super) diagnoses: Vec<String>,
    #[serde(default)]
    pub(super) around: Around,
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
    pub(super) admission: Option<String>,
    pub(super) ethics: Option<String>,
    pub(super) specialty: Option<String>,
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
    pub(super) trained: Option<String>,
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
    pub(super) order_no: Option<String>,
    /// Written like a surgeon.
    pub(super) ordered_by: Option<String>,
    pub(super) discussion: Option<String>,
    pub(super) consent: Option<bool>,
    pub(super) stated_grade: Option<u8>,
    pub(super) minutes: Option<u32>,
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
    pub(super) stated_grade: Option<u8>,
    pub(super) minutes: Option<u32>,
}

/// What the institution has set.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Policy {
    pub(super) effects: BTreeMap<String, [String; 3]>,
    pub(super) require_attestation: bool,
    pub(super) specialties: Vec<String>,
    pub(super) alarm_count: Option<u32>,
}

/// What surrounds the message.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Around {
    pub(super) techniques: Vec<Technique>,
    pub(super) dossiers: Vec<Dossier>,
    /// Years of the calendar that are known, among 2025 and 2026; usually both.
    pub(super) calendar: Option<Vec<i16>>,
    pub(super) discussions: Option<Vec<Discussion>>,
    /// By group.
    pub(super) stories: Vec<Story>,
    pub(super) bookings: Vec<Booking>,
    /// Staff numbers.
    pub(super) on_site: Vec<String>,
    /// By staff number.
    pub(super) overrides: BTreeMap<String, u32>,
}

/// A technique of a list: `kind` usually `restricted`, `level` usually `national`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Technique {
    pub(super) item: String,
    pub(super) kind: Option<String>,
    pub(super) level: Option<String>,
    pub(super) codes: Vec<String>,
    #[serde(default)]
    pub(super) diagnoses: Vec<String>,
    pub(super) from: Option<String>,
    pub(super) to: Option<String>,
}

/// A dossier: assessed, approved and filed on 2025-01-01 unless said; empty: never.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Dossier {
    pub(super) item: String,
    pub(super) assessed: Option<String>,
    pub(super) ethics: Option<String>,
    pub(super) first_case: Option<String>,
    pub(super) filed: Option<String>,
    pub(super) state: Option<String>,
}

/// A discussion: complete, for the patient and all four procedures unless said.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Discussion {
    pub(super) id: Option<String>,
    pub(super) patient: Option<String>,
    pub(super) held: Option<String>,
    pub(super) order_no: Option<String>,
    pub(super) codes: Option<Vec<String>>,
    pub(super) disciplines: Option<Vec<String>>,
    pub(super) contents: Option<Vec<String>>,
    pub(super) conclusion: Option<String>,
}

/// What is known of a group's case.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Story {
    pub(super) known: Option<bool>,
    pub(super) order: Option<Chapter>,
    pub(super) notice: Option<Chapter>,
}

/// An earlier document.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Chapter {
    #[serde(default)]
    pub(super) refused: bool,
    pub(super) urgency: Option<String>,
    #[serde(default)]
    pub(super) by: Vec<String>,
    #[serde(default)]
    pub(super) codes: Vec<String>,
    pub(super) grade: Option<u8>,
}

/// A notice of another order.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Booking {
    pub(super) by: String,
    pub(super) from: String,
    pub(super) to: String,
}
