//! Where privileges come from: the questions the register asks, whoever answers them.

use std::future::Future;
use std::pin::Pin;

use crate::domain::catalogue::Catalogue;
use crate::domain::surgeon::{Surgeon, SurgeonId};
use crate::register::error::RegisterError;
use crate::register::roster::Roster;

/// An answer that is on its way.
pub type Fetch<'a, T> = Pin<Box<dyn Future<Output = Result<T, RegisterError>> + Send + 'a>>;

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
    /// Whether any current grant has right `order` (rules.md §3.2 `order-right-missing`).
    pub order_rights_in_use: bool,
    /// Whose answers are no longer good.
    pub touched: Touched,
}

/// A source of privileges. Implementations may be slow, fail or hang: the register bounds every call.
pub trait Source: Send + Sync + 'static {
    /// Whether an answer needs no network, so that an emergency may wait for it.
    fn is_local(&self) -> bool;

    /// The newest register version. Asked several times a second, so it must be cheap.
    fn version(&self) -> Fetch<'_, i64>;

    /// Everything that changed after `known`; without `known`, everything.
    fn since(&self, known: Option<i64>) -> Fetch<'_, Update>;

    /// A surgeon with all current grants.
    fn surgeon<'a>(&'a self, id: &'a SurgeonId) -> Fetch<'a, Reading<Option<Surgeon>>>;

    /// Who bears a folded name.
    fn bearers<'a>(&'a self, folded: &'a str) -> Fetch<'a, Reading<Bearers>>;
}
