//! Who is on site, from when to when.

use jiff::Timestamp;

use crate::domain::surgeon::SurgeonId;

/// One surgeon's time on site.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shift {
    /// Who.
    pub surgeon: SurgeonId,
    /// From this instant.
    pub from: Timestamp,
    /// Until just before this instant.
    pub to: Timestamp,
    /// 院区; absent = any.
    pub site: Option<String>,
}

/// All shifts of one version of the register. Built once, then only read.
#[derive(Clone, Debug, Default)]
pub struct Roster {
    version: i64,
    shifts: Vec<Shift>,
}

impl Roster {
    /// Keeps `shifts` as read at `version`.
    pub fn new(version: i64, shifts: Vec<Shift>) -> Self {
        Self { version, shifts }
    }

    /// The register version the shifts were read at.
    pub fn version(&self) -> i64 {
        self.version
    }

    /// Who is on site at `at`; a question or a shift without site fits any site.
    pub fn on_site<'r>(
        &'r self,
        at: Timestamp,
        site: Option<&'r str>,
    ) -> impl Iterator<Item = &'r SurgeonId> {
        self.shifts
            .iter()
            .filter(move |shift| shift.from <= at && at < shift.to)
            .filter(move |shift| match (site, shift.site.as_deref()) {
                (Some(asked), Some(on)) => asked.trim().eq_ignore_ascii_case(on.trim()),
                _ => true,
            })
            .map(|shift| &shift.surgeon)
    }
}
