//! What a route goes by now: its settings and the terms of the house, changed together while connections stay open.

use std::sync::Arc;

use arc_swap::ArcSwap;

use crate::gate::terms::Terms;

/// Settings and terms of one configuration. Whoever works by them holds on to them: a message is judged by one
/// configuration from its first byte read to its answer.
#[derive(Debug)]
pub struct InForce<C> {
    /// The settings.
    pub config: Arc<C>,
    /// The terms.
    pub terms: Arc<Terms>,
}

impl<C> Clone for InForce<C> {
    fn clone(&self) -> Self {
        Self { config: Arc::clone(&self.config), terms: Arc::clone(&self.terms) }
    }
}

/// Where they are found. Clones share it; looking takes no lock.
#[derive(Debug)]
pub struct Live<C>(Arc<ArcSwap<InForce<C>>>);

impl<C> Clone for Live<C> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<C> Live<C> {
    /// To begin with.
    pub fn new(config: Arc<C>, terms: Arc<Terms>) -> Self {
        Self(Arc::new(ArcSwap::from_pointee(InForce { config, terms })))
    }

    /// What is in force.
    pub fn now(&self) -> InForce<C> {
        (**self.0.load()).clone()
    }

    /// What is in force, if it is another than these. Costs next to nothing while nothing changes.
    pub fn other_than(&self, config: &Arc<C>, terms: &Arc<Terms>) -> Option<InForce<C>> {
        let now = self.0.load();
        let same = Arc::ptr_eq(&now.config, config) && Arc::ptr_eq(&now.terms, terms);
        (!same).then(|| (**now).clone())
    }

    /// From the next message on.
    pub fn set(&self, config: Arc<C>, terms: Arc<Terms>) {
        self.0.store(Arc::new(InForce { config, terms }));
    }
}
