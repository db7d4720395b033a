//! The institution's catalogue as one immutable, indexed whole: code or alias to item.

use std::collections::HashMap;
use std::sync::Arc;

use crate::domain::procedure::{Procedure, ProcedureCode};

/// All catalogue items of one version of the register. Built once, then only read.
#[derive(Debug, Default, Clone)]
pub struct Catalogue {
    version: i64,
    items: Vec<Arc<Procedure>>,
    by_code: HashMap<ProcedureCode, Arc<Procedure>>,
}

impl Catalogue {
    /// Indexes `items`. An item's own code wins over another item's alias.
    pub fn new(version: i64, items: Vec<Procedure>) -> Self {
        let items: Vec<Arc<Procedure>> = items.into_iter().map(Arc::new).collect();
        let mut by_code = HashMap::with_capacity(items.len() * 2);
        for item in &items {
            for alias in &item.aliases {
                by_code.insert(alias.clone(), Arc::clone(item));
            }
        }
        for item in &items {
            by_code.insert(item.code.clone(), Arc::clone(item));
        }
        Self { version, items, by_code }
    }

    /// The register version the items were read at.
    pub fn version(&self) -> i64 {
        self.version
    }

    /// The item that `code` names exactly, as code or alias; never by a stem (rules.md §2).
    pub fn resolve(&self, code: &ProcedureCode) -> Option<&Arc<Procedure>> {
        self.by_code.get(code)
    }

    /// All items, in the order of the register.
    pub fn items(&self) -> &[Arc<Procedure>] {
        &self.items
    }
}
