//! Where privileges come from: the questions the register asks, whoever answers them.

use std::future::Future;
use std::pin::Pin;

use jiff::civil::Date;

use crate::domain::calendar::Calendar;
use crate::domain::catalogue::Catalogue;
use crate::domain::discussion::Discussion;
use crate::domain::order::Redacted;
use crate::domain::procedure::ProcedureCode;
use crate::domain::surgeon::{PersonKey, Surgeon, SurgeonId};
use crate::domain::technique::Lists;
use crate::register::error::RegisterError;
use crate::register::roster::Roster;

/// An answer that is on its way.
pub type Fetch<'a, T> = Pin<Box<dyn Future<Output = Result<T, RegisterError>> + Send + 'a>>;

/// Something to be told.
pub type Told<'a> = Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

/// An answer and the register version it was read at; both from one snapshot of the source.
#[derive(Clone, Debug)]
pub struct Reading<T> {
    /// The register version.
    pub version: i64,
    /// The answer.
    pub value: T,
}

/// Who bears a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Bearers {
    /// Nobody.
    Nobody,
    /// One surgeon.
    One(SurgeonId),
    /// More than one.
    Several,
}

/// Surgeons that are read page by page.
#[derive(Debug, Default)]
pub struct Page {
    /// With all their current grants.
    pub surgeons: Vec<Surgeon>,
    /// Those whose rows cannot be read, by name, and why.
    pub unread: Vec<(String, RegisterError)>,
    /// After whom the next page begins; none when there are no more.
    pub next: Option<String>,
}

/// The latest discussions.
#[derive(Debug, Default)]
pub struct Latest {
    /// The latest first.
    pub discussions: Vec<Discussion>,
    /// Whether these are all that there are.
    pub whole: bool,
    /// Why some cannot be read.
    pub unread: Option<RegisterError>,
}

/// Which surgeons a change touched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Touched {
    /// Perhaps all.
    Everybody,
    /// Only these ids and folded names.
    Only {
        /// Surgeons whose own row or grants changed.
        surgeons: Vec<SurgeonId>,
        /// Folded names that are borne by others than before.
        names: Vec<String>,
    },
}

/// What has changed since a version.
#[derive(Clone, Debug)]
pub struct Update {
    /// The version now.
    pub version: i64,
    /// The catalogue, if it changed.
    pub catalogue: Option<Catalogue>,
    /// The roster, if it changed.
    pub roster: Option<Roster>,
    /// Techniques and dossiers, if either changed.
    pub lists: Option<Lists>,
    /// The working-day calendar, if it changed.
    pub calendar: Option<Calendar>,
    /// Whether discussions changed.
    pub discussions: bool,
    /// Whether any current grant has right `order` (rules.md §3.2 `order-right-missing`).
    pub order_rights_in_use: bool,
    /// Whose answers are no longer good.
    pub touched: Touched,
}

/// Which discussions are asked for: every one that any of these names.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct About {
    /// Those of this patient.
    pub patient: Option<Redacted>,
    /// The one of this number.
    pub number: Option<Redacted>,
    /// Those held for this order.
    pub order_no: Option<Redacted>,
}

/// Whom a refusal may name instead: who holds a grant of one of these codes that looks good.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Sought {
    /// The item's code and aliases.
    pub codes: Vec<ProcedureCode>,
    /// Whose surgeons come first.
    pub department: Option<String>,
    /// Where the operation is to be.
    pub site: Option<String>,
    /// The operating day.
    pub day: Date,
    /// Only those whose grant records training (restricted techniques, MT 26).
    pub trained: bool,
}

/// What the register can be asked and keeps the answer of.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Question {
    /// Who somebody is and what they hold.
    Person(PersonKey),
    /// Which discussions were held.
    Discussions(About),
    /// Who else may.
    Colleagues(Sought),
}

/// A source of privileges. Implementations may be slow, fail or hang: the register bounds every call.
pub trait Source: Send + Sync + 'static {
    /// Whether an answer needs no network, so that an emergency may wait for it.
    fn is_local(&self) -> bool;

    /// Waits until the source tells that something has changed, or may have. Never returns where it tells nothing;
    /// the version is asked for all the same. Nothing told between two calls is lost.
    fn changed(&self) -> Told<'_> {
        Box::pin(std::future::pending())
    }

    /// The newest register version. Asked several times a second, so it must be cheap.
    fn version(&self) -> Fetch<'_, i64>;

    /// Everything that changed after `known`; without `known`, everything.
    fn since(&self, known: Option<i64>) -> Fetch<'_, Update>;

    /// A surgeon with all current grants.
    fn surgeon<'a>(&'a self, id: &'a SurgeonId) -> Fetch<'a, Reading<Option<Surgeon>>>;

    /// Up to `most` surgeons that stand after `after` in the source's own order. A row that cannot be read keeps none
    /// but its own surgeon out. Asked of sources over the network only.
    fn page<'a>(&'a self, after: Option<&'a str>, most: u32) -> Fetch<'a, Reading<Page>>;

    /// Up to `most` current discussions. Asked of sources over the network only.
    fn latest_discussions(&self, most: u32) -> Fetch<'_, Reading<Latest>>;

    /// Who bears a folded name.
    fn bearers<'a>(&'a self, folded: &'a str) -> Fetch<'a, Reading<Bearers>>;

    /// The discussions asked for, the latest first, at most [`MAX_DISCUSSIONS`].
    fn discussions<'a>(&'a self, about: &'a About) -> Fetch<'a, Reading<Vec<Discussion>>>;

    /// Ids and names of at most [`MAX_COLLEAGUES`] colleagues.
    fn colleagues<'a>(&'a self, sought: &'a Sought)
    -> Fetch<'a, Reading<Vec<(SurgeonId, String)>>>;
}

/// Discussions of one patient that are looked at. A patient is discussed a few times in a stay.
pub const MAX_DISCUSSIONS: usize = 100;

/// Colleagues that are named: enough to telephone, few enough to read.
pub const MAX_COLLEAGUES: usize = 3;
