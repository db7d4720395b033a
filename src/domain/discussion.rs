//! Multidisciplinary discussions before grade-4 surgery (术前多学科讨论, SG 22).

use jiff::Timestamp;

use crate::domain::order::Redacted;
use crate::domain::procedure::ProcedureCode;

/// The five contents that SG 22 demands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Content {
    /// 指征
    Indication,
    /// 方式
    Approach,
    /// 预期效果
    Expectation,
    /// 风险
    Risk,
    /// 处置预案
    Contingency,
}

impl Content {
    /// All five, in the order of the article.
    pub const ALL: [Self; 5] =
        [Self::Indication, Self::Approach, Self::Expectation, Self::Risk, Self::Contingency];

    /// 指征 …
    pub fn chinese(self) -> &'static str {
        match self {
            Self::Indication => "指征",
            Self::Approach => "方式",
            Self::Expectation => "预期效果",
            Self::Risk => "风险",
            Self::Contingency => "处置预案",
        }
    }
}

/// How a discussion ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Conclusion {
    /// In favour.
    Approved,
    /// Against.
    Rejected,
    /// Not concluded.
    #[default]
    Pending,
}

/// One discussion. Columns: contract §3 `discussions`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Discussion {
    /// Its number.
    pub id: String,
    /// Whose operation.
    pub patient: Redacted,
    /// When it was held; held on or before the operating day counts (rules.md §7).
    pub held_on: Timestamp,
    /// The order it was held for, if named.
    pub order_no: Option<Redacted>,
    /// The procedures it was held for; empty = not said.
    pub codes: Vec<ProcedureCode>,
    /// The disciplines that took part.
    pub disciplines: Vec<String>,
    /// What was discussed.
    pub contents: Vec<Content>,
    /// How it ended.
    pub conclusion: Conclusion,
}
