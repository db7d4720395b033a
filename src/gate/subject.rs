//! What is brought before the gate: orders, or what nobody can read.

use crate::domain::order::{Order, Stage};

/// What the codec and the mapping made of a message.
#[derive(Debug)]
pub enum Subject {
    /// Orders to be judged: one, or those of a batch, which is one unit.
    Orders(Vec<Order>),
    /// A message that cannot be read with certainty, and the stage if that much was readable.
    Unreadable {
        /// Why, of a bounded set.
        why: &'static str,
        /// The stage, where known.
        stage: Option<Stage>,
    },
}

impl Subject {
    /// The orders; none where nothing could be read.
    pub fn orders(&self) -> &[Order] {
        match self {
            Self::Orders(orders) => orders,
            Self::Unreadable { .. } => &[],
        }
    }
}
