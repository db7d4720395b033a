//! What a change of the register newly prohibits, stops or leaves uncovered (MT 25(一), SG 28; rules.md §8),
//! so that the open orders and notices that it hits can be told.

use std::fmt;

use jiff::civil::Date;

use crate::domain::procedure::{Grade, ProcedureCode, day_within};
use crate::domain::surgeon::SurgeonId;
use crate::domain::technique::ListCode;

/// What has become of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ConsequenceKind {
    /// A list newly prohibits a technique.
    TechniqueProhibited,
    /// A catalogue item was suspended.
    ProcedureSuspended,
    /// A catalogue item was stopped.
    ProcedureStopped,
    /// A catalogue item is no longer stated, or ends earlier.
    ProcedureEnded,
    /// The institution's work with a technique was suspended.
    DossierSuspended,
    /// It was stopped.
    DossierStopped,
    /// Its filing was cancelled.
    DossierCancelled,
    /// A grant is no longer stated, ends earlier, or has lost its document, and no other covers the same.
    GrantEnded,
    /// Likewise, a grant was suspended.
    GrantSuspended,
    /// Likewise, a grant was revoked.
    GrantRevoked,
    /// A surgeon was suspended, has left, or is licensed for less long.
    SurgeonNotLicensed,
}

impl ConsequenceKind {
    /// All kinds.
    pub const ALL: [Self; 11] = [
        Self::TechniqueProhibited,
        Self::ProcedureSuspended,
        Self::ProcedureStopped,
        Self::ProcedureEnded,
        Self::DossierSuspended,
        Self::DossierStopped,
        Self::DossierCancelled,
        Self::GrantEnded,
        Self::GrantSuspended,
        Self::GrantRevoked,
        Self::SurgeonNotLicensed,
    ];

    /// Its stable name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::TechniqueProhibited => "technique-prohibited",
            Self::ProcedureSuspended => "procedure-suspended",
            Self::ProcedureStopped => "procedure-stopped",
            Self::ProcedureEnded => "procedure-ended",
            Self::DossierSuspended => "dossier-suspended",
            Self::DossierStopped => "dossier-stopped",
            Self::DossierCancelled => "dossier-cancelled",
            Self::GrantEnded => "grant-ended",
            Self::GrantSuspended => "grant-suspended",
            Self::GrantRevoked => "grant-revoked",
            Self::SurgeonNotLicensed => "surgeon-not-licensed",
        }
    }

    /// The kind of a name.
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }

    /// In words.
    pub fn chinese(self) -> &'static str {
        match self {
            Self::TechniqueProhibited => "技术被禁止",
            Self::ProcedureSuspended => "项目暂停",
            Self::ProcedureStopped => "项目停止",
            Self::ProcedureEnded => "项目不再列入目录",
            Self::DossierSuspended => "技术暂停开展",
            Self::DossierStopped => "技术停止开展",
            Self::DossierCancelled => "技术备案取消",
            Self::GrantEnded => "授权终止",
            Self::GrantSuspended => "授权暂停",
            Self::GrantRevoked => "授权取消",
            Self::SurgeonNotLicensed => "术者不再执业",
        }
    }
}

/// One thing that is no longer allowed as it was before a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Consequence {
    /// What has become of it.
    pub kind: ConsequenceKind,
    /// What changed, as the register names it: a list's item, a catalogue code, a grant's code or grade.
    pub subject: String,
    /// The codes that are hit; empty = every procedure of the surgeon.
    pub codes: Vec<ListCode>,
    /// Hit are only procedures up to this grade (a grade-wide grant has ended).
    pub up_to_grade: Option<Grade>,
    /// Prohibited only with one of these ICD-10 prefixes; empty = always.
    pub diagnoses: Vec<String>,
    /// Only operations of this surgeon; absent = of anybody.
    pub surgeon: Option<SurgeonId>,
    /// First operating day that is hit.
    pub from: Option<Date>,
    /// Last operating day that is hit.
    pub to: Option<Date>,
}

impl Consequence {
    /// Whether an operation on `day` by `surgeons`, with these codes, is hit. `grade` is the effective
    /// one, absent where it is not known: then it counts as hit. Diagnoses are not looked at: who reads
    /// the list sees them.
    pub fn hits(
        &self,
        codes: &[ProcedureCode],
        surgeons: &[SurgeonId],
        grade: Option<Grade>,
        day: Date,
    ) -> bool {
        let named = |code: &ProcedureCode| self.codes.iter().any(|own| own.covers(code));
        day_within(day, self.from, self.to)
            && self.surgeon.as_ref().is_none_or(|own| surgeons.contains(own))
            && self.up_to_grade.zip(grade).is_none_or(|(own, grade)| grade <= own)
            && (self.codes.is_empty() || codes.iter().any(named))
    }
}

impl fmt::Display for Consequence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}", self.kind.chinese(), self.kind.as_str(), self.subject)?;
        if !self.diagnoses.is_empty() {
            write!(f, " [{}]", self.diagnoses.join(";"))?;
        }
        if let Some(surgeon) = &self.surgeon {
            write!(f, " · 术者 surgeon {surgeon}")?;
        }
        match (self.from, self.to) {
            (None, None) => Ok(()),
            (Some(from), None) => write!(f, " · {from} →"),
            (None, Some(to)) => write!(f, " · → {to}"),
            (Some(from), Some(to)) => write!(f, " · {from} → {to}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    fn code(text: &str) -> ProcedureCode {
        ProcedureCode::new(text).unwrap()
    }

    fn id(text: &str) -> SurgeonId {
        SurgeonId::new(text).unwrap()
    }

    fn ended() -> Consequence {
        Consequence {
            kind: ConsequenceKind::GrantEnded,
            subject: "52.7x00".to_owned(),
            codes: vec![ListCode::new("52.7x00").unwrap(), ListCode::new("SS0117").unwrap()],
            up_to_grade: None,
            diagnoses: Vec::new(),
            surgeon: Some(id("D1")),
            from: Some(date(2026, 3, 2)),
            to: Some(date(2026, 3, 31)),
        }
    }

    #[test]
    fn an_operation_is_hit_by_code_surgeon_and_day_together() {
        let (ended, day) = (ended(), date(2026, 3, 2));
        let hits = |codes: &[&str], who: &str, day| {
            let codes: Vec<_> = codes.iter().map(|text| code(text)).collect();
            ended.hits(&codes, &[id("D7"), id(who)], Some(Grade::Four), day)
        };
        assert!(hits(&["54.1100", "SS0117"], "D1", day));
        assert!(hits(&["52.7x00"], "D1", date(2026, 3, 31)));
        assert!(!hits(&["52.7x00"], "D2", day));
        assert!(!hits(&["52.7x01"], "D1", day));
        assert!(!hits(&["52.7x00"], "D1", date(2026, 3, 1)));
        assert!(!hits(&["52.7x00"], "D1", date(2026, 4, 1)));
        assert!(!hits(&[], "D1", day), "an operation without code is not known to be this one");
    }

    #[test]
    fn the_end_of_a_grade_wide_grant_hits_up_to_its_grade_and_where_none_is_known() {
        let wide = Consequence { codes: Vec::new(), up_to_grade: Some(Grade::Two), ..ended() };
        let hits = |grade| wide.hits(&[code("47.0901")], &[id("D1")], grade, date(2026, 3, 2));
        assert!(hits(Some(Grade::One)) && hits(Some(Grade::Two)) && hits(None));
        assert!(!hits(Some(Grade::Three)));
    }

    #[test]
    fn every_kind_has_a_name_of_its_own() {
        for kind in ConsequenceKind::ALL {
            assert_eq!(ConsequenceKind::of_name(kind.as_str()), Some(kind));
        }
    }
}
