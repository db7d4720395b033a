//! Grants (授权): which procedures a surgeon may perform, from when to when, and under which conditions.

use jiff::civil::Date;

use crate::domain::procedure::{Grade, ProcedureCode, day_within};

/// What a grant covers (SG 9(三): grade and item).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Exactly this catalogue item.
    Item(ProcedureCode),
    /// Grades 1 and 2 up to this grade; never 3 or 4 (SG 16¶2).
    GradeWide(Grade),
}

/// Which right is granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Right {
    /// 主刀权
    #[default]
    Perform,
    /// 开单权
    Order,
}

/// The grant's own state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum GrantStatus {
    /// Usable.
    #[default]
    Active,
    /// 暂停
    Suspended,
    /// 取消
    Revoked,
}

/// Whether the holder may act alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Supervision {
    /// 独立
    #[default]
    None,
    /// 上级指导下
    Required,
}

/// One grant. Columns: contract §3 `grants`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// What it covers.
    pub scope: Scope,
    /// To perform or to order.
    pub right: Right,
    /// 院区 for which it holds; empty = all.
    pub sites: Vec<String>,
    /// First day.
    pub valid_from: Option<Date>,
    /// Last day, which counts in full.
    pub valid_to: Option<Date>,
    /// The grant's own state.
    pub status: GrantStatus,
    /// Number of the 正式文件 (SG 17¶2).
    pub document_no: Option<String>,
    /// Its date.
    pub document_on: Option<Date>,
    /// Last capability evaluation (SG 17¶3).
    pub evaluated_on: Option<Date>,
    /// Training for a restricted technique (MT 26).
    pub trained_on: Option<Date>,
    /// Alone or under supervision.
    pub supervision: Supervision,
}

impl Grant {
    /// Whether `day` lies within the grant's term.
    pub fn in_term(&self, day: Date) -> bool {
        day_within(day, self.valid_from, self.valid_to)
    }

    /// Whether the grant holds at `site`; a message without a site counts for any (rules.md §7).
    pub fn at_site(&self, site: Option<&str>) -> bool {
        match site {
            None => true,
            Some(_) if self.sites.is_empty() => true,
            Some(site) => self.sites.iter().any(|s| s.trim().eq_ignore_ascii_case(site.trim())),
        }
    }
}
