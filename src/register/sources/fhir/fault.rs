//! What is wrong with a pulled resource: which one, where in it, and what to write instead. Ids only, never names.

use std::fmt;

use crate::register::import::fault::Wording;

/// One fault of a resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// `PractitionerRole/123`.
    pub resource: String,
    /// Where in it: an element or a register column; empty = the whole resource.
    pub place: String,
    /// What is wrong and what to write.
    pub wording: Wording,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.resource)?;
        if !self.place.is_empty() {
            write!(f, "{}: ", self.place)?;
        }
        self.wording.fmt(f)
    }
}

/// Gathers the faults of one resource.
#[derive(Debug)]
pub struct Finder {
    resource: String,
    faults: Vec<Fault>,
}

impl Finder {
    /// Of a resource.
    pub fn new(kind: &str, id: &str) -> Self {
        Self { resource: format!("{kind}/{id}"), faults: Vec::new() }
    }

    /// Keeps a fault.
    pub fn fault(&mut self, place: impl Into<String>, wording: Wording) {
        let (resource, place) = (self.resource.clone(), place.into());
        self.faults.push(Fault { resource, place, wording });
    }

    /// All of them.
    pub fn into_faults(self) -> Vec<Fault> {
        self.faults
    }
}
