//! Surgeons (术者) as the register knows them: identity, licence, and what they have been granted.

use std::fmt;

use jiff::civil::Date;
use unicode_normalization::UnicodeNormalization;

use crate::domain::grant::Grant;

/// A surgeon's staff number, trimmed; compared exactly.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SurgeonId(Box<str>);

impl SurgeonId {
    /// `None` when `text` is blank.
    pub fn new(text: &str) -> Option<Self> {
        let text = text.trim();
        (!text.is_empty()).then(|| Self(text.into()))
    }

    /// The number as written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SurgeonId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for SurgeonId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whether a surgeon works here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum SurgeonStatus {
    /// 在岗
    #[default]
    Active,
    /// 暂停执业
    Suspended,
    /// 离院
    Left,
}

/// Where the surgeon's licence is registered first (SG 16¶3: visiting surgeons are judged alike).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Base {
    /// 主执业机构
    #[default]
    Primary,
    /// 多机构执业
    MultiSite,
}

/// A surgeon with all grants, as of one reading of the register.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Surgeon {
    /// Staff number.
    pub id: SurgeonId,
    /// Name.
    pub name: String,
    /// Department.
    pub department: Option<String>,
    /// Works here or not.
    pub status: SurgeonStatus,
    /// Last day of the licence, which counts in full; absent = not limited.
    pub licence_to: Option<Date>,
    /// Registered first here or elsewhere.
    pub base: Base,
    /// Every grant the register holds, in force or not.
    pub grants: Vec<Grant>,
}

impl Surgeon {
    /// Whether the surgeon may practise at all on `day` (MQ 16).
    pub fn licensed(&self, day: Date) -> bool {
        self.status == SurgeonStatus::Active && self.licence_to.is_none_or(|to| day <= to)
    }
}

/// What the register answered to the question "who is this person".
#[derive(Clone, Debug)]
pub enum Lookup {
    /// Exactly this surgeon.
    Found(std::sync::Arc<Surgeon>),
    /// Nobody bears this id or name.
    Nobody,
    /// Several bear this name (only for look-ups by name).
    Several,
    /// The register could not be asked and nothing usable is in memory (gap `privileges-unavailable`).
    Unavailable,
}

/// The question put to the register: a staff number, or, where the message gives none, a folded name.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum PersonKey {
    /// By staff number.
    Id(SurgeonId),
    /// By name, folded with [`fold_name`].
    Name(String),
}

impl PersonKey {
    /// A name as an order writes it; `None` when nothing is left to compare by.
    pub fn name(written: &str) -> Option<Self> {
        let folded = fold_name(written);
        (!folded.is_empty()).then_some(Self::Name(folded))
    }
}

/// A name in the one form in which names are compared: NFKC, no blanks or dots between parts, upper-case.
pub fn fold_name(name: &str) -> String {
    name.nfkc()
        .filter(|c| !c.is_whitespace() && !matches!(c, '·' | '.' | ',' | '\''))
        .flat_map(char::to_uppercase)
        .collect()
}
