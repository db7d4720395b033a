//! What the institution's settings have to say about register files.

use std::str::FromStr;

use jiff::tz::TimeZone;
use thiserror::Error;

/// 医院等级; decides whether a grade below the reference list may be argued for (SZ 9).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum InstitutionLevel {
    /// 一级
    Primary,
    /// 二级
    Secondary,
    /// 三级
    Tertiary,
}

/// A level that is none.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("`{0}` is no institution level; write primary, secondary or tertiary")]
pub struct UnknownLevel(String);

impl FromStr for InstitutionLevel {
    type Err = UnknownLevel;

    fn from_str(text: &str) -> Result<Self, UnknownLevel> {
        match text {
            "primary" => Ok(Self::Primary),
            "secondary" => Ok(Self::Secondary),
            "tertiary" => Ok(Self::Tertiary),
            other => Err(UnknownLevel(other.to_owned())),
        }
    }
}

/// The settings that reading a register file needs.
#[derive(Clone, Debug)]
pub struct Policy {
    /// 医院等级.
    pub institution_level: InstitutionLevel,
    /// The zone of times without offset.
    pub zone: TimeZone,
}
