//! What an override file is: the fold of the entries that tell of it. Pure.

use std::fmt;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::domain::order::Redacted;
use crate::overrides::act::{Act, Conclusion, Person, Recorded, Suspension};
use crate::overrides::rules::{self, Refused};

/// Which file: a decision entry and one of its cases.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct FileId {
    /// The decision entry.
    pub entry: String,
    /// Which case of its verdict, from 0.
    pub case: u32,
}

impl FileId {
    /// Reads `ENTRY.CASE`.
    pub fn parse(text: &str) -> Option<Self> {
        let (entry, case) = text.split_once('.')?;
        let entry = entry.to_owned();
        (!entry.is_empty()).then_some(())?;
        Some(Self { entry, case: case.parse().ok()? })
    }
}

impl fmt::Display for FileId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.entry, self.case)
    }
}

/// What a decision entry opens.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Opening {
    /// The entry that this one corrects: its files never were.
    pub supersedes: Option<String>,
    /// The entry of the same message before: where that opened files, this one opens none.
    pub copy_of: Option<String>,
    /// Tells the same bytes on the same route, when another gate took them too.
    pub message: Option<String>,
    /// One for each case that passed as an emergency.
    pub files: Vec<Opened>,
}

/// A file as it was opened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Opened {
    /// Which.
    pub id: FileId,
    /// When.
    pub at: Timestamp,
    /// By which route the message came.
    pub route: String,
    /// `order` or `notice`.
    pub stage: String,
    /// Who operates.
    pub surgeon: Person,
    /// Every primary surgeon of the message: none of them may review.
    pub surgeons: Vec<Person>,
    /// The procedure's code.
    pub procedure: Option<String>,
    /// Its name.
    pub procedure_name: Option<String>,
    /// Its effective grade.
    pub grade: Option<u8>,
    /// The department as written.
    pub department: Option<String>,
    /// The order's number.
    #[serde(with = "redacted")]
    pub order_no: Option<Redacted>,
    /// The patient's number.
    #[serde(with = "redacted")]
    pub patient: Option<Redacted>,
    /// Who entered the order: they opened the file and may not review it.
    pub opened_by: Option<Person>,
    /// Who attested that a life was at stake, as the message or the inquiry before it says.
    pub attested: Option<Attested>,
    /// The rules whose findings the emergency lifted.
    pub lifted: Vec<String>,
    /// The rules of its further findings (`override-unattested`, `privileged-surgeon-on-site` and the like).
    pub flagged: Vec<String>,
    /// Hours until it must be reviewed.
    pub deadline_h: u32,
}

/// An attestation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attested {
    /// Who; `None` where only a reason was given.
    pub by: Option<Person>,
    /// Why; `None` where only a name was given.
    #[serde(with = "redacted")]
    pub reason: Option<Redacted>,
    /// When.
    pub at: Timestamp,
}

impl Attested {
    /// Who and why are both given (rules.md §7).
    pub fn whole(&self) -> bool {
        self.by.is_some() && self.reason.is_some()
    }
}

/// Where a file stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Waits for a review.
    Open,
    /// Closed: the emergency was one.
    Confirmed,
    /// Closed: it was not.
    Rejected,
}

impl State {
    /// `open`, `confirmed` or `rejected`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Confirmed => "confirmed",
            Self::Rejected => "rejected",
        }
    }
}

/// A step of the history; one that the rules do not allow stands there and changes nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The act.
    pub recorded: Recorded,
    /// Why it does not count.
    pub void: Option<Refused>,
}

/// An override file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OverrideFile {
    /// As it was opened.
    pub opened: Opened,
    /// Where it stands.
    pub state: State,
    /// Until when it must be reviewed; of the last opening.
    pub due: Timestamp,
    /// How far it was escalated since it was last opened.
    pub level: u32,
    /// Every attestation, the message's first.
    pub attested: Vec<Attested>,
    /// Who opened it, and who opened it again.
    pub openers: Vec<Person>,
    /// What the last rejection suspends.
    pub suspend: Option<Suspension>,
    /// When it was last closed.
    pub closed_at: Option<Timestamp>,
    /// Everything that was done, oldest first.
    pub history: Vec<Step>,
}

impl OverrideFile {
    /// As it was opened.
    pub fn new(opened: Opened) -> Self {
        Self {
            state: State::Open,
            due: after_hours(opened.at, opened.deadline_h),
            level: 0,
            attested: opened.attested.clone().into_iter().collect(),
            openers: opened.opened_by.clone().into_iter().collect(),
            suspend: None,
            closed_at: None,
            history: Vec::new(),
            opened,
        }
    }

    /// With everything that was done to it. The acts may come in any order, and more than once.
    pub fn fold(opened: Opened, mut acts: Vec<Recorded>) -> Self {
        acts.sort_by(|a, b| (a.seq, &a.entry).cmp(&(b.seq, &b.entry)));
        acts.dedup_by(|a, b| a.entry == b.entry);
        acts.retain(|recorded| recorded.concerns(&opened.id));
        let mut file = Self::new(opened);
        acts.into_iter().for_each(|recorded| file.apply(recorded));
        file
    }

    /// Whether `act` may be done at `at`.
    ///
    /// # Errors
    /// Why not.
    pub fn check(&self, act: &Act, at: Timestamp) -> Result<(), Refused> {
        rules::check(self, act, at)
    }

    /// Takes the next act.
    pub fn apply(&mut self, recorded: Recorded) {
        let void = self.check(&recorded.act, recorded.at).err();
        if void.is_none() {
            self.take(&recorded);
        }
        self.history.push(Step { recorded, void });
    }

    fn take(&mut self, recorded: &Recorded) {
        let at = recorded.at;
        match &recorded.act {
            Act::Attested { by, reason } => {
                let (by, reason) = (Some(by.clone()), Redacted::new(reason.as_str()));
                self.attested.push(Attested { by, reason, at });
            }
            Act::Reviewed { conclusion, suspend, .. } => {
                self.state = match conclusion {
                    Conclusion::Confirmed => State::Confirmed,
                    Conclusion::Rejected => State::Rejected,
                };
                self.suspend.clone_from(suspend);
                self.closed_at = Some(at);
            }
            Act::Reopened { by, .. } => {
                self.state = State::Open;
                self.due = after_hours(at, self.opened.deadline_h);
                self.level = 0;
                self.suspend = None;
                self.closed_at = None;
                self.openers.push(by.clone());
            }
            Act::Escalated { level, .. } => self.level = *level,
        }
    }

    /// Whether who and why are known.
    pub fn is_attested(&self) -> bool {
        self.attested.iter().any(Attested::whole)
    }

    /// Whether it should have been reviewed by now.
    pub fn overdue(&self, now: Timestamp) -> bool {
        self.state == State::Open && now >= self.due
    }
}

impl Recorded {
    /// Whether it is of this file.
    pub fn concerns(&self, file: &FileId) -> bool {
        self.of == file.entry && self.case.is_none_or(|case| case == file.case)
    }
}

pub(in crate::overrides) fn after_hours(at: Timestamp, hours: u32) -> Timestamp {
    let hours = SignedDuration::from_hours(i64::from(hours));
    at.saturating_add(hours).unwrap_or(Timestamp::MAX)
}

/// Text of a patient, written and read as it is.
mod redacted {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use crate::domain::order::Redacted;

    pub(super) fn serialize<S: Serializer>(
        text: &Option<Redacted>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        text.as_ref().map(Redacted::reveal).serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Redacted>, D::Error> {
        Ok(Option::<String>::deserialize(deserializer)?.and_then(Redacted::new))
    }
}
