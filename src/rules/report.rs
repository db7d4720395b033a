//! Which cases must be reported one by one: restricted techniques of any list, and what the city
//! monitors (MT 37, HN 三, SZ 12; rules.md §8).

use crate::domain::order::Stage;
use crate::domain::technique::{ListKind, ListLevel};
use crate::rules::case::cases;
use crate::rules::judge::Facts;

/// Why a case must be reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ReportKind {
    /// 限制类技术, a list of any level.
    Restricted,
    /// 市重点质控技术.
    CityMonitored,
}

impl ReportKind {
    /// `restricted` or `city-monitored`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Restricted => "restricted",
            Self::CityMonitored => "city-monitored",
        }
    }
}

/// One case of one technique that must be reported, provided its message is forwarded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reportable {
    /// Which case of the verdict.
    pub case: usize,
    /// The technique's item.
    pub item: String,
    /// The technique's name.
    pub name: String,
    /// Why.
    pub kind: ReportKind,
}

/// How many cases the verdict of `facts` has.
pub fn count_cases(facts: &Facts<'_>) -> usize {
    cases(facts).len()
}

/// The reports that an order or a record calls for, in the order of the verdict's cases. A notice calls
/// for none: its order has.
pub fn reportable(facts: &Facts<'_>) -> Vec<Reportable> {
    if facts.order.stage == Stage::Notice {
        return Vec::new();
    }
    let mut out: Vec<Reportable> = Vec::new();
    for (at, case) in cases(facts).iter().enumerate() {
        let restricted = case.in_force(ListKind::Restricted).map(|t| (t, ReportKind::Restricted));
        let city = case.in_force(ListKind::Monitored).filter(|t| t.level == ListLevel::City);
        for (technique, kind) in restricted.chain(city.map(|t| (t, ReportKind::CityMonitored))) {
            let known = |r: &Reportable| r.case == at && r.kind == kind && r.item == technique.item;
            if !out.iter().rev().take_while(|r| r.case == at).any(known) {
                let (item, name) = (technique.item.clone(), technique.name.clone());
                out.push(Reportable { case: at, item, name, kind });
            }
        }
    }
    out
}
