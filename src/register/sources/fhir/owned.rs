//! Which rows of the register a FHIR server states: no file ends them.

use std::collections::HashSet;

use sqlx::{AnyConnection, Row};

use crate::register::error::RegisterError;
use crate::register::import::reading::Statement;

/// The keys of pulled rows, of the tables that an import states.
#[derive(Debug, Default)]
pub struct Owned {
    surgeons: HashSet<String>,
    grants: HashSet<String>,
}

impl Owned {
    /// Reads them, as far as `statements` are about their tables.
    ///
    /// # Errors
    /// The source does not answer.
    pub async fn of(
        connection: &mut AnyConnection,
        statements: &[Statement],
    ) -> Result<Self, RegisterError> {
        let mut owned = Self::default();
        for (name, keys) in [("surgeons", &mut owned.surgeons), ("grants", &mut owned.grants)] {
            if statements.iter().all(|statement| statement.table.name != name) {
                continue;
            }
            let sql = "select key from fhir_rows where \"table\" = $1";
            for row in sqlx::query(sql).bind(name).fetch_all(&mut *connection).await? {
                keys.insert(row.try_get(0)?);
            }
        }
        Ok(owned)
    }

    /// The staff numbers.
    pub fn surgeons(&self) -> impl Iterator<Item = &str> {
        self.surgeons.iter().map(String::as_str)
    }

    /// Whether the server states a row.
    pub fn holds(&self, table: &str, key: &str) -> bool {
        match table {
            "surgeons" => self.surgeons.contains(key),
            "grants" => self.grants.contains(key),
            _ => false,
        }
    }
}
